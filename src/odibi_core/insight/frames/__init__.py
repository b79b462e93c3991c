"""Frames of any library by their columns: values as numpy arrays, numbers for values, and the match of equal rows."""
