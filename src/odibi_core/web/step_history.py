"""The history of one step: its figures in runs, each with the range that the earlier runs make usual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import RunNotFoundError, nearest
from odibi_core.events import kinds
from odibi_core.events.clock import utc_now
from odibi_core.history.grid import state_of
from odibi_core.history.noticing.baseline import deviation
from odibi_core.history.noticing.families import DURATION, NULLS, ROWS, SELECTIVITY, Family
from odibi_core.history.noticing.series import share_noise
from odibi_core.history.rows import as_dicts
from odibi_core.web.answers import Document, Series, StepHistory, StepPoints
from odibi_core.web.fleet import check_pipeline
from odibi_core.web.requests import OfHistory, OfPoints

if TYPE_CHECKING:
    from odibi_core.history.figures import RunFigures
    from odibi_core.history.index import Index
    from odibi_core.web.source import Source

_EARLIER: Final = 60
"""Runs before the first one that is shown, from which its range is learned."""
_MOST_COLUMNS: Final = 60
_MOST_JUDGED: Final = 40
"""Runs whose findings are read."""
_NOISE: Final = 0.02
"""The smallest residual of rows and durations, as a logarithm."""
_POINT: Final = (
    "run_id", "status", "run_started", "duration_ms", "rows_in", "rows_out", "checks_passed", "checks_failed",
    "checks_not_checked", "error", "attempts", "cache_hit",
)  # fmt: skip

_FIGURES: Final[tuple[tuple[str, str, Family], ...]] = (
    ("rows out", "rows_out", ROWS), ("rows in", "rows_in", ROWS), ("selectivity", "selectivity", SELECTIVITY),
    ("duration", "duration_ms", DURATION),
)  # fmt: skip
"""The figures of a step: their titles, columns and families."""
_MONTH: Final = timedelta(days=30)

Values = list[float | None]


def step_history(source: Source, asked: OfHistory, pipeline: str, step: str) -> StepHistory:
    """Return the last runs of a step, the oldest first, with series of figures and the findings in them."""
    with source.index() as index:
        nodes = _nodes(index, pipeline, step, asked.before, asked.last)
        figures = {each.run_id: each for each in index.figures(pipeline, asked.before, asked.last + _EARLIER)}
        shown = nodes[-asked.last :]
        findings = _findings(index, [row["run_id"] for row in shown], pipeline, step)
    hidden = len(nodes) - len(shown)
    return StepHistory(
        pipeline=pipeline,
        step=step,
        layer=shown[-1]["layer"] if shown else None,
        runs=[_point(row) for row in shown],
        series=_series(nodes, hidden),
        columns=_columns(nodes, figures, step, hidden),
        findings=findings,
    )


def points(source: Source, asked: OfPoints, pipeline: str, step: str) -> StepPoints:
    """Return the runs of a step in a time, the oldest first: in each row its figures and the ends of their ranges."""
    since = asked.since or utc_now() - _MONTH
    with source.index() as index:
        nodes = _nodes(index, pipeline, step, asked.until, asked.limit + 1)
    left_out = max(sum(row["run_started"] < since for row in nodes), len(nodes) - asked.limit)
    rows = [_point(row) for row in nodes[left_out:]]
    for _, name, family in _FIGURES:
        values = _values(nodes, name)
        ends = zip(values[left_out:], *_band(values, left_out, family, _NOISE), strict=True)
        for row, (value, low, high) in zip(rows, ends, strict=True):
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    more = left_out > 0 and nodes[left_out - 1]["run_started"] >= since
    return StepPoints(pipeline=pipeline, step=step, points=rows, more=more)


def _nodes(index: Index, pipeline: str, step: str, before: datetime | None, last: int) -> list[dict[str, Any]]:
    """Return the last runs of a step, the oldest first, behind those from which their ranges are learned.

    Raises:
        RunNotFoundError: There is no such pipeline or step.
    """
    check_pipeline(index, pipeline)
    nodes = index.nodes(pipeline, step, before, last + _EARLIER)[::-1]
    known = set() if nodes else {row["node_name"] for row in index.nodes(pipeline, last=1)}
    if nodes or step in known:
        return nodes
    raise RunNotFoundError(f"pipeline {pipeline!r} has no step {step!r}{nearest(step, known)}")


def _point(row: dict[str, Any]) -> Document:
    return {**{name: row[name] for name in _POINT}, "state": state_of(row)}


def _values(nodes: list[dict[str, Any]], name: str) -> Values:
    """Return a figure of each run; null for one that did not succeed."""
    return [row[name] if row["status"] == "success" else None for row in nodes]


def _series(nodes: list[dict[str, Any]], hidden: int) -> list[Series]:
    found = []
    for title, name, family in _FIGURES:
        values = _values(nodes, name)
        if any(value is not None for value in values[hidden:]):
            unit = {"duration_ms": "ms", "selectivity": "share"}.get(name, "rows")
            low, high = _band(values, hidden, family, _NOISE)
            found.append(Series(name=title, unit=unit, values=values[hidden:], low=low, high=high))
    return found


def _columns(nodes: list[dict[str, Any]], figures: dict[str, RunFigures], step: str, hidden: int) -> list[Series]:
    """Return the null rates of the columns that ever had one, those with the largest change first."""
    frames = [_frames(figures.get(row["run_id"]), step) for row in nodes]
    names = dict.fromkeys((dataset, column) for each in frames for dataset in each for column in each[dataset])
    found: list[tuple[float, Series]] = []
    for dataset, column in names:
        values: Values = [each.get(dataset, {}).get(column) for each in frames]
        known = [value for value in values[hidden:] if value is not None]
        if known and max(known) > 0:
            rows = max((row["rows_out"] or 0 for row in nodes), default=0)
            low, high = _band(values, hidden, NULLS, share_noise(rows or None))
            series = Series(name=column, dataset=dataset, unit="share", values=values[hidden:], low=low, high=high)
            found.append((max(known) - min(known), series))
    found.sort(key=lambda each: -each[0])
    return [series for _, series in found[:_MOST_COLUMNS]]


def _frames(figures: RunFigures | None, step: str) -> dict[str, dict[str, float | None]]:
    """Return the null shares by dataset and column of a step in a run."""
    frames = {} if figures is None else figures.figures.get("steps", {}).get(step, {}).get("frames", {})
    return {
        dataset: {column: values[0] for column, values in frame.get("columns", {}).items() if values}
        for dataset, frame in frames.items()
    }


def _band(values: Values, hidden: int, family: Family, noise: float) -> tuple[Values, Values]:
    """Return the ends of the range that the values before each one make usual; null while learning."""
    low: Values = []
    high: Values = []
    for place in range(hidden, len(values)):
        seen = [family.scale(value) for value in values[max(0, place - _EARLIER) : place] if value is not None]
        ends = _range(values[place], seen, family, noise)
        low.append(None if ends is None else ends[0])
        high.append(None if ends is None else ends[1])
    return low, high


def _range(value: float | None, seen: Sequence[float], family: Family, noise: float) -> tuple[float, float] | None:
    if len(seen) < 2:
        return None
    found = deviation(seen[-1] if value is None else family.scale(value), seen, noise, family)
    if found is None:
        return None
    return family.unscale(found.expected - found.reach), family.unscale(found.expected + found.reach)


def _findings(index: Index, run_ids: list[str], pipeline: str, step: str) -> list[Document]:
    """Return the findings about a step in runs; of many unusual runs those in the last ones."""
    from odibi_core.history.index.filters import RunFilter

    wanted = set(run_ids)
    unusual = [row["run_id"] for row in index.runs(RunFilter(pipeline_name=pipeline, unusual=True), len(run_ids))]
    found = []
    for run_id in [each for each in unusual if each in wanted][:_MOST_JUDGED]:
        for row in as_dicts("alerts", index.tables(run_id)["alerts"]):
            if row["kind"] == kinds.ANOMALY and row["node_name"] == step:
                names = ("run_id", "alert_id", "family", "series", "column_name", "actual", "expected", "message")
                found.append({name: row[name] for name in names})
    return found
