"""Benchmark of insight: operations, faults and random losses with the truth about their rows, and a scorer."""
