"""The facts that rules read: those of one run with its earlier runs, and those of a store at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

OK = "success"
NULL_SHARE = 0
"""The place of the share of nulls in the statistics of a column, as `history.figures` has them."""


class EarlierRun(Protocol):
    """A run with its figures, as the index of a store has it."""

    @property
    def run_id(self) -> str: ...
    @property
    def started(self) -> datetime: ...
    @property
    def status(self) -> str: ...
    @property
    def figures(self) -> dict[str, Any]: ...


class CheckFact(msgspec.Struct, frozen=True):
    """The last result of one check of a step; `passed` is None if it was not checked."""

    node_name: str
    name: str
    passed: bool | None
    message: str


class RunFacts(msgspec.Struct, kw_only=True):
    """The facts of a run that ends, in the order of its events, and its earlier runs, the oldest first.

    `figures` has the form of `history.figures`; it is empty if the run was too large for it, and `without_figures` has
    the reason.
    """

    run_id: str
    pipeline_name: str
    at: datetime
    status: str
    duration_ms: float | None = None
    error: str | None = None
    tags: Mapping[str, str] = {}
    partition: str | None = None
    steps: Mapping[str, str] = {}
    """The status of each step that ended."""
    failed: Mapping[str, str] = {}
    """The error of each failed step, in one line."""
    checks: Sequence[CheckFact] = ()
    costs: Mapping[str, float] = {}
    """US dollars by operation, of the known costs."""
    circuits: Mapping[str, str] = {}
    """The last state of each circuit breaker."""
    health: Mapping[str, tuple[str, str]] = {}
    """The last status and message of each health check."""
    anomalies: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, Any] = {}
    without_figures: str | None = None
    earlier: Sequence[EarlierRun] = ()
    month_cost_usd: float | None = None
    """The costs of the pipeline in this calendar month (UTC), this run included; None if unknown."""
    _usual: dict[tuple[str | None, str, int], tuple[float, int] | None] = {}
    _nulls: dict[tuple[str, str, str, int], float | None] = {}
    """Medians that were computed already, for the next rule."""

    @property
    def cost_usd(self) -> float | None:
        """The sum of the known costs; None without any."""
        return sum(self.costs.values()) if self.costs else None

    def step(self, name: str) -> Mapping[str, Any]:
        """Return the figures of a step; none if it has none."""
        found: Mapping[str, Any] = self.figures.get("steps", {}).get(name, {})
        return found

    def last(self, number: int) -> Sequence[EarlierRun]:
        """Return so many of the latest earlier runs, the oldest first."""
        return self.earlier[-number:] if number > 0 else ()

    def usual(self, step: str | None, figure: str, window: int) -> tuple[float, int] | None:
        """Return the median of a figure in the last successful runs and their number; None below three runs.

        Args:
            step: The step; None for the run as a whole.
            figure: The name of the figure, such as `rows` or `duration_ms`.
            window: The number of runs that have it.
        """
        key = step, figure, window
        if key not in self._usual:
            values = values_of(self.earlier, step, figure)[-window:]
            self._usual[key] = (median(values), len(values)) if len(values) >= FEWEST else None
        return self._usual[key]

    def usual_nulls(self, step: str, dataset: str, column: str, window: int) -> float | None:
        """Return the median of the share of nulls of a column in the last successful runs; None below three runs."""
        key = step, dataset, column, window
        if key not in self._nulls:
            shares: list[float] = []
            for run in self.earlier:
                frame = run.figures.get("steps", {}).get(step, {}).get("frames", {}).get(dataset, {})
                stats = frame.get("columns", {}).get(column)
                if run.status == OK and stats and stats[NULL_SHARE] is not None:
                    shares.append(stats[NULL_SHARE])
            shares = shares[-window:]
            self._nulls[key] = float(median(shares)) if len(shares) >= FEWEST else None
        return self._nulls[key]


FEWEST = 3
"""Successful earlier runs below which nothing is called usual."""


def median(values: Sequence[float]) -> float:
    """Return the median of some numbers; `statistics` has one too, which takes 20 ms to import."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def values_of(runs: Sequence[EarlierRun], step: str | None, figure: str) -> list[float]:
    """Return a figure in each successful run that has it, the oldest first."""
    found = []
    for run in runs:
        if run.status == OK and not (step is None and run.figures.get("is_partial")):
            figures = run.figures.get("run", {}) if step is None else run.figures.get("steps", {}).get(step, {})
            value = figures.get(figure)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append(float(value))
    return found


class PipelineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a pipeline at one moment, for rules about runs that are not there."""

    pipeline_name: str
    tags: Mapping[str, str] = {}
    last_run_id: str | None = None
    last_started: datetime | None = None
    last_status: str | None = None
    last_error: str | None = None
    last_success: datetime | None = None
    """The end of the last successful run; None if it never succeeded."""
    ends: Sequence[datetime] = ()
    """The ends of the latest successful runs."""
    cadence: str = ""
    overdue: Sequence[tuple[datetime, bool]] = ()
    """The runs that were due by the cadence and did not come; true for one that may still come."""
    month_cost_usd: float | None = None


class StoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a store at one moment.

    `select` answers a query over the history. `health` has the status and the message of each health check that ran.
    """

    now: datetime
    pipelines: Mapping[str, PipelineFacts] = {}
    health: Mapping[str, tuple[str, str]] = {}
    select: Any = None
