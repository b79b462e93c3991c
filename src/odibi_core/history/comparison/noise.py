"""`Noise`: the usual values of a pipeline's figures, from its earlier runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, Final

ENOUGH: Final = 5
"""Earlier runs from which on their range counts; with fewer, fixed limits are used."""


class Noise:
    """Values by step and figure of earlier successful runs.

    Args:
        nodes: Rows of `nodes` of earlier runs.
        files: For each earlier run, the bytes and the version of its files by step and dataset.
    """

    def __init__(
        self, nodes: Iterable[Mapping[str, Any]] = (), files: Iterable[Mapping[tuple[str, str], tuple[Any, Any]]] = ()
    ) -> None:
        self._values: dict[tuple[str, str], list[float]] = {}
        runs = set()
        for row in nodes:
            if row.get("status") == "success":
                runs.add(row.get("run_id"))
                for name in ("rows_out", "duration_ms", "selectivity"):
                    if isinstance(value := row.get(name), int | float):
                        self._values.setdefault((str(row["node_name"]), name), []).append(float(value))
        self.runs = len(runs)
        self._files: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
        for found in files:
            for key, facts in found.items():
                self._files.setdefault(key, []).append(facts)

    def values(self, node: str, figure: str) -> list[float]:
        """Return the earlier values; empty if there are too few."""
        found = self._values.get((node, figure), [])
        return found if len(found) >= ENOUGH else []

    def is_usual(self, node: str, figure: str, value: float, margin: float) -> bool | None:
        """Return whether a value is in the range of the earlier ones, widened by a share of it; None if unknown."""
        found = self.values(node, figure)
        if not found:
            return None
        low, high = min(found), max(found)
        room = margin * max(abs(median(found)), high - low)
        return low - room <= value <= high + room

    def file_is_usual(self, node: str, dataset: str, size: Any) -> bool:
        """Return whether the file of a dataset changes from run to run, and has one of its usual sizes."""
        known = self._files.get((node, dataset), [])
        versions = {version for _, version in known}
        sizes = [float(each) for each, _ in known if isinstance(each, int | float)]
        if len(known) < ENOUGH or len(versions) < len(known) / 2 or len(sizes) < ENOUGH or size is None:
            return False
        low, high = min(sizes), max(sizes)
        room = max(0.02 * high, 0.25 * (high - low))
        return low - room <= float(size) <= high + room
