"""`Noise`: the usual values of a pipeline, from the figures of its earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Final

from odibi_core.history.figures import STATS

ENOUGH: Final = 5
"""Earlier runs from which on their range counts; with fewer, fixed limits are used."""
_STEP: Final = 1.5
_VARYING: Final = 0.6
"""The share of earlier runs with values of their own, above which a parameter is that of the run."""
Figures = Mapping[str, Any]


class Noise:
    """The figures of earlier runs, the oldest first.

    Args:
        runs: For each run its figures, as `odibi_core.history.figures` computes them.
        params: The parameters of these runs.
    """

    def __init__(self, runs: Sequence[Figures] = (), params: Sequence[Mapping[str, Any]] = ()) -> None:
        self._runs = runs
        self._params = params

    @property
    def runs(self) -> int:
        """The number of earlier runs."""
        return len(self._runs)

    def values(self, node: str, figure: str) -> list[float]:
        """Return the earlier values of a figure of a successful step; empty if there are too few."""
        return self._enough(
            lambda run: step.get(figure) if (step := _step(run, node)).get("status") == "success" else None
        )

    def durations(self) -> list[float]:
        """Return the durations of the earlier runs; empty if there are too few."""
        return self._enough(lambda run: run.get("run", {}).get("duration_ms"))

    def is_usual(self, node: str, figure: str, value: float, margin: float) -> bool | None:
        """Return whether a figure is in the range of the earlier ones, widened by a share of it; None if unknown."""
        return in_range(self.values(node, figure), value, margin)

    def join_is_usual(self, node: str, dataset: str, kind: str, value: float) -> bool | None:
        """Return whether a match rate or a fan-out is in the range of the earlier ones; None if unknown."""
        place = 0 if kind == "match_rate" else 1
        found = self._enough(lambda run: _step(run, node).get("joins", {}).get(dataset, (None, None))[place])
        return in_range(found, value, 0.05)

    def statistic_is_usual(self, column: tuple[str, str, str], name: str, was: float, now: float) -> bool | None:
        """Return whether a statistic of a column is usual; None if unknown.

        It is in the range of the earlier ones, or no farther from the earlier run than these were from each other:
        a date grows with each run.
        """
        found = self.statistics(column, name)
        if not found:
            return None
        steps = [abs(b - a) for a, b in pairwise(found)]
        return bool(in_range(found, now, 0.1)) or abs(now - was) <= _STEP * max(steps)

    def statistics(self, column: tuple[str, str, str], name: str) -> list[float]:
        """Return the earlier values of a statistic of a column; empty if there are too few."""
        place = STATS.index(name)

        def value(run: Figures) -> Any:
            stats = _frame(run, column[0], column[1]).get("columns", {}).get(column[2])
            return stats[place] if stats else None

        return self._enough(value)

    def looks_like(self, column: tuple[str, str, str], row: Mapping[str, Any]) -> bool:
        """Return whether a row has the statistics of a column in the earlier runs; at least two must be known."""
        node, dataset, name = column
        frames = [_frame(run, node, dataset).get("columns", {}).get(name) for run in self._runs]
        known = [stats for stats in frames if stats]
        found: list[bool | None] = []
        for place, figure in enumerate(STATS):
            now = row.get(figure)
            if isinstance(now, int | float):
                seen = [float(stats[place]) for stats in known if stats[place] is not None]
                found.append(in_range(seen, float(now), 0.1) if len(seen) >= ENOUGH else None)
        return False not in found and found.count(True) > 1

    def usual_categories(self, column: tuple[str, str, str]) -> set[str] | None:
        """Return every category of the earlier runs; None if each run has others, or if they are unknown."""
        node, dataset, column_name = column
        found = [set(top) for run in self._runs if (top := _frame(run, node, dataset).get("top", {}).get(column_name))]
        others = sum(len(a & b) < len(a | b) / 2 for a, b in pairwise(found))
        if len(found) < ENOUGH or others > len(found) / 2:
            return None
        return set().union(*found)

    def share_is_usual(self, column: tuple[str, str, str], category: str, share: float) -> bool | None:
        """Return whether a category has a share in the range of the earlier ones; None if unknown."""
        found = self._enough(lambda run: _frame(run, *column[:2]).get("top", {}).get(column[2], {}).get(category))
        return in_range(found, share, 0.1)

    def varies(self, column: tuple[str, str, str]) -> bool:
        """Return whether the categories of a column are others in most of the earlier runs."""
        known = [run for run in self._runs if column[2] in _frame(run, *column[:2]).get("top", {})]
        return len(known) >= ENOUGH and self.usual_categories(column) is None

    def contents(self, node: str, dataset: str) -> list[str]:
        """Return the hashes of the earlier contents of a frame, those that are known."""
        found = (_frame(run, node, dataset).get("content") for run in self._runs)
        return [str(content) for content in found if content]

    def types(self, node: str, dataset: str, column: str) -> set[str]:
        """Return the types that a column had in the earlier runs."""
        frames = [_frame(run, node, dataset).get("schema", ()) for run in self._runs]
        return {str(type) for schema in frames for name, type in schema if name == column}

    def param_varies(self, name: str) -> bool:
        """Return whether a parameter has another value in most of the earlier runs."""
        found = [str(params[name]) for params in self._params if name in params]
        return len(found) >= ENOUGH and len(set(found)) > _VARYING * len(found)

    def file_moves(self, node: str, dataset: str) -> bool:
        """Return whether the file of a dataset is elsewhere in most of the earlier runs."""
        known = self._files(node, dataset)
        return len(known) >= 3 and len({file.get("uri") for file in known}) > len(known) / 2

    def file_is_usual(self, node: str, dataset: str, size: Any) -> bool:
        """Return whether the file of a dataset changes from run to run, and has one of its usual sizes."""
        known = self._files(node, dataset)
        sizes = [float(file["bytes"]) for file in known if isinstance(file.get("bytes"), int | float)]
        versions = {(file.get("uri"), file.get("version")) for file in known}
        if len(versions) <= len(known) / 2 or len(sizes) < ENOUGH or size is None:
            return False
        low, high = min(sizes), max(sizes)
        room = max(0.02 * high, 0.25 * (high - low))
        return low - room <= float(size) <= high + room

    def _files(self, node: str, dataset: str) -> list[Mapping[str, Any]]:
        return [file for run in self._runs if (file := _step(run, node).get("files", {}).get(dataset))]

    def _enough(self, value: Callable[[Figures], Any]) -> list[float]:
        found = [float(each) for run in self._runs if isinstance(each := value(run), int | float)]
        return found if len(found) >= ENOUGH else []


def in_range(found: Sequence[float], value: float, margin: float) -> bool | None:
    """Return whether a value is in a range, widened by a share of it; None for an empty one."""
    if not found:
        return None
    low, high = min(found), max(found)
    room = margin * max(abs(median(found)), high - low)
    return low - room <= value <= high + room


def _step(run: Figures, node: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = run.get("steps", {}).get(node, {})
    return found


def _frame(run: Figures, node: str, dataset: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _step(run, node).get("frames", {}).get(dataset, {})
    return found
