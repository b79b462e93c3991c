"""The sentences and values of findings: what came, what was expected, from which runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing.baseline import Deviation
from odibi_core.history.noticing.causes import STAYS, Candidate
from odibi_core.history.noticing.consequences import Moved
from odibi_core.history.noticing.exact import Exact
from odibi_core.history.noticing.families import DISTINCT_SHARE
from odibi_core.history.noticing.finding import Finding, alert_id
from odibi_core.history.noticing.series import Series
from odibi_core.views.wording import duration, plural, size

_BASIS = {
    "level": "the median of {runs} runs",
    "last run": "the last run, as the value moves from run to run; {runs} runs",
    "weekday": "the same weekday; {runs} runs",
    "month end": "earlier ends of a month; {runs} runs",
    "steps": "by the steps of {runs} runs",
}


def of_exact(current: RunFigures, step: str, found: Exact) -> Candidate:
    """Return the candidate of an exact rule."""
    name = _name(current, step, found.dataset, found.column, found.metric)
    runs = plural(found.runs, "earlier run")
    finding = Finding(
        alert_id=alert_id(current.run_id, name, found.family), node_name=step, family=found.family, series=name,
        column=found.column, actual=found.actual, expected=found.expected, likelihood=found.likelihood,
        compared_runs=found.runs, message=f"{step}: {found.message} (compared with {runs})",
    )  # fmt: skip
    return Candidate(finding, 0.99 if found.is_hint else 10.0)


def of_deviation(current: RunFigures, step: str | None, one: Series, found: Deviation, likelihood: float) -> Candidate:
    """Return the candidate of a series that is off."""
    unscale = one.family.unscale
    now, usual = unscale(one.value), unscale(found.expected)
    low, high = unscale(found.expected - found.reach), unscale(max(one.limit, found.expected + found.reach))
    metric = one.metric if one.category is None or one.metric in STAYS else "share"
    name = _name(current, step, one.dataset, one.column, metric)
    name += f"[{one.category}]" if one.category is not None else ""
    subject = ".".join(part for part in (step or current.pipeline_name, one.column) if part)
    is_number = metric not in STAYS and not one.is_dated
    finding = Finding(
        alert_id=alert_id(current.run_id, name, one.family.name), node_name=step, family=one.family.name, series=name,
        column=one.column, actual=_value(one, now), expected="a new value" if metric == "stuck" else _value(one, usual),
        low=low if is_number else None, high=high if is_number else None, likelihood=likelihood,
        compared_runs=found.runs, message=f"{subject}: {_sentence(one, found, low, high)}",
    )  # fmt: skip
    return Candidate(finding, found.score, Moved(metric, now, usual, one.spread, one.dataset))


def _sentence(one: Series, found: Deviation, low: float, high: float) -> str:
    """Return what came and what was expected, with the usual range and the runs that it comes from."""
    runs = plural(found.runs, "earlier run")
    if one.metric == "stuck":
        return f"the value is still {one.category!r}; each of {runs} had another one"
    unscale = one.family.unscale
    expected = _value(one, unscale(found.expected))
    if one.metric == "stale":
        moved = "is still" if one.value == one.past[-1] else "went back to"
        return f"the largest value {moved} {_value(one, one.value)}, expected {expected}; it grew in each of {runs}"
    basis = _BASIS[found.basis].format(runs=found.runs)
    if found.runs < len(one.past):
        basis += " since the level shifted"
    again = "; so it was in the run before: if it stays, it becomes the usual level" if _is_again(one, found) else ""
    two = " for the second run in a row" if one.is_twice else ""
    above = f"up to {_value(one, high)}"  # only a value above it is a finding
    usual = above if one.family.twice else f"{_value(one, low)} to {_value(one, high)}"
    about = basis if one.is_dated else f"{usual}; {basis}"
    return f"{_happened(one, unscale(one.value))}{two}, expected {expected} ({about}){again}"


def _happened(one: Series, value: float) -> str:
    """Return what came, as the part of a sentence."""
    shown = _value(one, value)
    if one.category is not None:
        return f"{shown} of the values are {one.category!r}"
    match one.metric:
        case "rows":
            return plural(round(value), "row")
        case "distinct":
            is_share = one.family == DISTINCT_SHARE
            return f"{shown} of the values are distinct" if is_share else plural(round(value), "distinct value")
        case _:
            return _HAPPENED.get(one.metric, one.metric + " is {}").format(
                shown, of=f" {one.dataset}" * bool(one.dataset)
            )


_HAPPENED = {
    "selectivity": "{} of the rows are kept",
    "duration_ms": "it took {}",
    "memory_mb": "it used {} of memory",
    "cost_usd": "it cost {}",
    "bytes": "the file{of} has {}",
    "age_s": "the file{of} is {} old",
    "match_rate": "{} of the rows of{of} found a match in the join",
    "fan_out": "each matched row of{of} found {} rows in the join",
    "nulls": "{} of the values are null",
    "mean": "the mean is {}",
    "length": "the mean length is {} characters",
    "deviation": "the spread is {}",
    "min": "the minimum is {}",
    "max": "the maximum is {}",
}


def _is_again(one: Series, found: Deviation) -> bool:
    """Return true if the run before was off as far, to the same side."""
    now, before = one.value - found.expected, one.past[-1] - found.expected
    return not one.family.twice and now * before > 0 and abs(before) >= _AGAIN * abs(now)


_AGAIN = 0.7
_SHARES = frozenset({"nulls", "share", "match_rate", "selectivity"})


def _value(one: Series, value: float) -> str:
    """Return a value of a series with its unit."""
    if one.metric == "stuck":
        return str(one.category)
    if one.is_dated:
        return _date(value)
    if one.metric in _SHARES or one.family == DISTINCT_SHARE:
        return f"{100 * value:.3g} %"
    match one.metric:
        case "duration_ms":
            return duration(value) if value >= 1.0 else "less than 1 ms"
        case "age_s":
            return duration(1000 * value) if value >= 1.0 else "less than 1 s"
        case "bytes":
            return size(int(value))
        case "memory_mb":
            return f"{value:,.0f} MB" if value >= 1.0 else "less than 1 MB"
        case "cost_usd":
            return f"${value:,.4g}"
        case "deviation":
            return f"{value:.3g} times the usual"
        case "rows" | "distinct":
            return f"{value:,.0f}"
        case _:
            return f"{value:,.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:,.4g}"


def _date(days: float) -> str:
    """Return days since 1970 as a date, with the time of the day if there is one."""
    try:
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
    except OverflowError:
        return f"{days:,.0f} days after 1970"
    shown = found.strftime("%Y-%m-%d %H:%M:%S")
    return shown.removesuffix(" 00:00:00")


def _name(current: RunFigures, step: str | None, dataset: str | None, column: str | None, metric: str) -> str:
    """Return the name of a series: `step.metric` or `step.column.metric`, with the dataset if a step makes several."""
    frames = current.figures["steps"].get(step, {}).get("frames", {}) if step else {}
    shown = dataset if dataset and len(frames) > 1 and dataset in frames else None
    return ".".join(part for part in (step, shown, column, metric) if part) if step else f"run.{metric}"


def with_message(finding: Finding, more: str) -> Finding:
    """Return the finding with more in its message."""
    return msgspec.structs.replace(finding, message=f"{finding.message}; {more}")
