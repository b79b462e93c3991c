"""The benchmark of noticing."""
