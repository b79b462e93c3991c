"""Keeping: events become the same events, later. The journal is the truth; everything else is made from it."""
