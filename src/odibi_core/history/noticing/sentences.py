"""The sentences and values of findings: what came, what was expected, from which runs."""

from __future__ import annotations

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing.baseline import Deviation
from odibi_core.history.noticing.causes import Candidate
from odibi_core.history.noticing.consequences import Moved
from odibi_core.history.noticing.exact import Exact
from odibi_core.history.noticing.families import DISTINCT_SHARE
from odibi_core.history.noticing.finding import Finding, alert_id
from odibi_core.history.noticing.series import Series
from odibi_core.views.wording import duration, size

_BASIS = {
    "level": "the median of {runs} runs",
    "last run": "the last run, as the value moves from run to run; {runs} runs",
    "weekday": "the same weekday; {runs} runs",
    "month end": "earlier ends of a month; {runs} runs",
}


def of_exact(current: RunFigures, step: str, found: Exact) -> Candidate:
    """Return the candidate of an exact rule."""
    name = _name(current, step, found.dataset, found.column, found.metric)
    finding = Finding(
        alert_id=alert_id(current.run_id, name, found.family), node_name=step, family=found.family, series=name,
        column=found.column, actual=found.actual, expected=found.expected, likelihood=found.likelihood,
        compared_runs=found.runs, message=f"{step}: {found.message} ({found.runs} earlier runs)",
    )  # fmt: skip
    return Candidate(finding, 0.99 if found.is_hint else 10.0)


def of_deviation(current: RunFigures, step: str | None, one: Series, found: Deviation, likelihood: float) -> Candidate:
    """Return the candidate of a series that is off."""
    unscale = one.family.unscale
    actual, expected = (_value(one, unscale(value)) for value in (one.value, found.expected))
    low, high = unscale(found.expected - found.reach), unscale(found.expected + found.reach)
    metric = "share" if one.category is not None else one.metric
    name = _name(current, step, one.dataset, one.column, metric)
    name += f"[{one.category}]" if one.category is not None else ""
    subject = ".".join(part for part in (step or current.pipeline_name, one.column) if part)
    about = f"share of {one.category!r}" if one.category is not None else _METRICS.get(one.metric, one.metric)
    basis = _BASIS[found.basis].format(runs=found.runs)
    if found.runs < len(one.past):
        basis += " since the level shifted"
    again = "; so it was in the run before: if it stays, it becomes the usual level" if _is_again(one, found) else ""
    two = "for the second run in a row " if one.is_twice else ""
    finding = Finding(
        alert_id=alert_id(current.run_id, name, one.family.name), node_name=step, family=one.family.name, series=name,
        column=one.column, actual=actual, expected=expected, low=low, high=high, likelihood=likelihood,
        compared_runs=found.runs,
        message=f"{subject}: {about} is {two}{actual}, expected {expected} "
        f"({_value(one, low)} to {_value(one, high)}; {basis}){again}",
    )  # fmt: skip
    moved = Moved(metric, unscale(one.value), unscale(found.expected), one.spread, one.dataset)
    return Candidate(finding, found.score, moved)


def _is_again(one: Series, found: Deviation) -> bool:
    """Return true if the run before was off as far, to the same side."""
    now, before = one.value - found.expected, one.past[-1] - found.expected
    return not one.family.twice and now * before > 0 and abs(before) >= _AGAIN * abs(now)


_AGAIN = 0.7
_METRICS = {
    "nulls": "share of nulls", "distinct": "number of distinct values", "deviation": "spread",
    "duration_ms": "duration",
    "memory_mb": "memory", "length": "mean length", "match_rate": "match rate of the join", "fan_out": "fan-out",
    "cost_usd": "cost", "bytes": "size of the file", "age_s": "age of the file", "min": "minimum", "max": "maximum",
}  # fmt: skip
_SHARES = frozenset({"nulls", "share", "match_rate", "selectivity"})


def _value(one: Series, value: float) -> str:
    """Return a value of a series with its unit."""
    if one.metric in _SHARES or one.family == DISTINCT_SHARE:
        return f"{100 * value:.3g} %"
    match one.metric:
        case "duration_ms":
            return duration(value)
        case "age_s":
            return duration(1000 * value)
        case "bytes":
            return size(int(value))
        case "memory_mb":
            return f"{value:,.0f} MB"
        case "cost_usd":
            return f"${value:,.4g}"
        case "deviation":
            return f"{value:.3g} times the usual"
        case "rows" | "distinct":
            return f"{value:,.0f}"
        case _:
            return f"{value:,.4g}"


def _name(current: RunFigures, step: str | None, dataset: str | None, column: str | None, metric: str) -> str:
    """Return the name of a series: `step.metric` or `step.column.metric`, with the dataset if a step makes several."""
    frames = current.figures["steps"].get(step, {}).get("frames", {}) if step else {}
    shown = dataset if dataset and len(frames) > 1 and dataset in frames else None
    return ".".join(part for part in (step, shown, column, metric) if part) if step else f"run.{metric}"


def with_message(finding: Finding, more: str) -> Finding:
    """Return the finding with more in its message."""
    return msgspec.structs.replace(finding, message=f"{finding.message}; {more}")
