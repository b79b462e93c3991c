"""The judgement of a run: its figures against those of earlier comparable runs, as a pure function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import columns, exact, series
from odibi_core.history.noticing.baseline import Calendar, Deviation, deviation, middle
from odibi_core.history.noticing.causes import Candidate, with_causes
from odibi_core.history.noticing.drift import drifts
from odibi_core.history.noticing.families import ALPHA, COLUMNS, LEARNING, STEPS, TAIL
from odibi_core.history.noticing.finding import Finding
from odibi_core.history.noticing.sentences import of_deviation, of_exact, with_message
from odibi_core.history.noticing.series import Series, typical

MOST_RUNS: Final = 60
"""Earlier runs that a run is compared with, the latest ones."""
_UNLIKELY: Final = 1e-9
_USUAL_RUNS: Final = 20


class Judgement(msgspec.Struct, frozen=True):
    """The findings of a run, and from what they were computed."""

    findings: list[Finding]
    compared_runs: int
    """Comparable earlier runs: same pipeline, same parameter names and types, success."""
    series: int
    """Figures that the judged steps and columns may have, four a step and six a column; 0 while learning."""

    @property
    def is_learning(self) -> bool:
        """True below five comparable runs: nothing was judged."""
        return self.compared_runs < LEARNING


def judge(current: RunFigures, history: Sequence[RunFigures]) -> Judgement:
    """Judge a run by its earlier comparable runs.

    Args:
        current: The run.
        history: Earlier runs of the pipeline, in any order. Runs that are later, of another parameter shape, or without
            success are not compared.

    Returns:
        The findings, those without a cause first. Each depends on the figures alone: no clock, no file.
    """
    past = comparable(current, history)
    if len(past) < LEARNING:
        return Judgement([], len(past), 0)
    candidates, count = _candidates(current, past)
    changed = _changed_sources(current, past[-1])
    findings = [
        with_message(each, "the source of the step changed in this run") if each.node_name in changed else each
        for each in with_causes(current, candidates, _usual_rows(current, past) if candidates else None)
    ]
    return Judgement(findings, len(past), count)


def _infers_types(*runs: RunFigures) -> bool:
    """Return true if the types of numbers follow from their values in one of the runs: in pandas, in files of text.

    A table that was pandas and is polars now has other types of numbers by that alone, as one that was a CSV file.
    """
    for step in (step for run in runs for step in run.figures["steps"].values()):
        if any(str(frame.get("frame")).startswith("pandas.") for frame in step.get("frames", {}).values()):
            return True
        if any(str(file.get("format")) in _TEXT_FORMATS for file in step.get("files", {}).values()):
            return True
    return False


_TEXT_FORMATS: Final = frozenset({"csv", "tsv", "json", "jsonl", "ndjson", "excel", "xlsx"})


def _usual_rows(current: RunFigures, past: Sequence[RunFigures]) -> dict[str, float]:
    """Return the median of the rows of each step in the latest earlier runs."""
    found: dict[str, float] = {}
    for name in current.figures["steps"]:
        steps = (run.figures["steps"].get(name, {}) for run in past[-_USUAL_RUNS:])
        if rows := [float(step["rows"]) for step in steps if step.get("rows") is not None]:
            found[name] = middle(rows)
    return found


def _changed_sources(current: RunFigures, last: RunFigures) -> set[str]:
    """Return the steps whose source is another one than in the last run."""
    hashes = {name: step.get("source_hash") for name, step in last.figures["steps"].items()}
    return {
        name
        for name, step in current.figures["steps"].items()
        if hashes.get(name) and step.get("source_hash") not in (None, hashes[name])
    }


def comparable(current: RunFigures, history: Sequence[RunFigures]) -> list[RunFigures]:
    """Return the latest earlier runs of every step and of equal parameter shape that succeeded, the oldest first."""
    shape, version = current.figures["shape"], current.figures.get("version")
    kept = [
        run
        for run in history
        if run.run_id != current.run_id
        and run.started <= current.started
        and run.status == "success"
        and not run.figures.get("is_partial")
        and run.figures.get("version") == version
        and run.figures["shape"] == shape
    ]
    kept.sort(key=lambda run: (run.started, run.run_id))
    return kept[-MOST_RUNS:]


def _candidates(current: RunFigures, past: Sequence[RunFigures]) -> tuple[list[Candidate], int]:
    """Return the findings and the hints of all steps before causes are known, and the number of figures."""
    days = [_day(run) for run in (*past, current)]
    found: list[Candidate] = []
    scored: list[tuple[str | None, Series, Deviation]] = []
    of_steps = of_columns = 0
    targets = {target for _, target in current.figures["edges"]}
    is_inferred = _infers_types(current, *past)
    for name, step, places in judged(current, past):
        steps = [past[place].figures["steps"][name] for place in places]
        of_steps += 1
        of_columns += columns_of(step)
        for each in exact.of_step(step, steps, is_source=name not in targets, is_inferred=is_inferred):
            found.append(of_exact(current, name, each))
        pause = _pause([past[place].started for place in places], current.started)
        for one in (*series.of_step(step, steps), *columns.of_step(step, steps, pause)):
            if (scoring := _score(one, [days[place] for place in places], days[-1])) is not None:
                scored.append((name, one, scoring))
    for one in series.of_run(current.figures["run"], [run.figures["run"] for run in past]):
        if (scoring := _score(one, days[:-1], days[-1])) is not None:
            scored.append((None, one, scoring))
    factors = wider(of_steps, STEPS), wider(of_columns, COLUMNS)
    for step_name, one, scoring in scored:
        factor = 1.0 if one.extreme else factors[one.column is not None]
        score = scoring.score / factor
        scoring = msgspec.structs.replace(scoring, score=score, reach=scoring.reach * factor)
        likelihood = min(1.0, max(_UNLIKELY, ALPHA * score**-TAIL))
        found.append(of_deviation(current, step_name, one, scoring, likelihood))
    found += drifts(current, past, factors[0])
    return found, len(_METRICS_OF_STEPS) * of_steps + len(_METRICS_OF_COLUMNS) * of_columns


def judged(current: RunFigures, past: Sequence[RunFigures]) -> Iterator[tuple[str, dict[str, Any], list[int]]]:
    """Yield the steps that are judged, each with its figures and the places of the earlier runs that have it."""
    for name, step in current.figures["steps"].items():
        places = [place for place, run in enumerate(past) if name in run.figures["steps"]]
        if len(places) >= LEARNING and step.get("status") in ("success", None):
            yield name, step, places


def columns_of(step: dict[str, Any]) -> int:
    """Return the number of columns of all frames of a step."""
    return sum(len(frame["schema"]) for frame in step.get("frames", {}).values())


def _pause(starts: Sequence[datetime], now: datetime) -> float:
    """Return the time since the last run over the usual time between runs."""
    usual = middle([(after - before).total_seconds() for before, after in pairwise(starts)])
    return (now - starts[-1]).total_seconds() / usual if usual > 0.0 else 1.0


_METRICS_OF_STEPS: Final = ("rows", "selectivity", "duration_ms", "memory_mb")
_METRICS_OF_COLUMNS: Final = ("nulls", "distinct", "mean", "deviation", "min", "max")


def wider(count: int, usual: int) -> float:
    """Return the factor of thresholds for so many steps or columns: the more are judged, the wider."""
    return float((max(count, usual / 4) / usual) ** (1 / TAIL))


def _score(one: Series, past_days: Sequence[date], day: date) -> Deviation | None:
    """Return how far a series is off; None if it is usual, or not known well enough."""
    if one.extreme:
        return _of_extreme(one)
    calendar = None
    if one.is_seasonal:
        days = [past_days[place] for place in one.runs or range(len(one.past))] + [day]
        calendar = Calendar(tuple(each.weekday() for each in days), tuple(_is_month_end(each) for each in days))
    found = deviation(one.value, one.past, one.noise, one.family, calendar)
    if found is None or found.score < _NEAR or (one.family.twice and one.value < found.expected):
        return None
    return found


_NEAR: Final = 0.5
"""Scores below this are usual, however few series the run has."""


def _of_extreme(one: Series) -> Deviation | None:
    if one.extreme < 1.0:
        return None
    expected, basis = (typical(one.past), "level") if one.expected is None else (one.expected, "steps")
    return Deviation(one.extreme, expected, abs(one.value - expected) / one.extreme, len(one.past), basis)


def _day(run: RunFigures) -> date:
    """Return the logical day of a run: that of its partition if it is a date, else the day of its start in UTC."""
    partition = run.figures["run"].get("partition")
    if isinstance(partition, str):
        try:
            return datetime.fromisoformat(partition).date()
        except ValueError:
            pass  # a partition need not be a date
    return run.started.date()


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1
