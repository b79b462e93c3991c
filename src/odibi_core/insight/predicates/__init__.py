"""Predicates: the tests of a rule, the numbers that they compare, the rows that pass them, and their texts."""
