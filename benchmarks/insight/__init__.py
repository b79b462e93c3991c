"""Benchmark of insight: operations, faults and random losses with the truth about their rows, and a scorer."""

from __future__ import annotations

from benchmarks.harness import Work


def works(quick: bool) -> list[Work]:
    """Return the works of the area; their module loads the libraries of all baselines."""
    from benchmarks.insight import area

    return area.works(quick)
