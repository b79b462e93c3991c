"""Slow drift: a level against that of 30 runs ago, reported in the run in which it first leaves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing.baseline import middle
from odibi_core.history.noticing.causes import Candidate
from odibi_core.history.noticing.families import ROWS
from odibi_core.history.noticing.finding import Finding, alert_id

_BACK: Final = 30
_LEVEL: Final = 7
"""Runs of which the median is a level, now and 30 runs ago: a week of daily runs."""
_THRESHOLD: Final = 4.0
_JUMP: Final = 0.5
"""The part of the way that one step from week to week may be."""
_TREND: Final = 0.12
"""The part of the way that the week before may be: a table that always grows is no drift."""
_LEAST: Final = 0.15
"""The smallest change of a level, in its scale, that is a drift."""


class _Way(msgspec.Struct, frozen=True):
    """The way of a level: the change against 30 runs ago, over the smallest that counts."""

    score: float
    before: float
    now: float


def drifts(current: RunFigures, past: Sequence[RunFigures], wider: float) -> list[Candidate]:
    """Return the levels that drifted away from 30 runs ago, and had not yet in the run before."""
    found: list[Candidate] = []
    for name, step in current.figures["steps"].items():
        steps = [kept for run in past[-_BACK - 3 * _LEVEL :] if (kept := run.figures["steps"].get(name))]
        rows = [each["rows"] for each in (*steps, step) if each.get("rows") is not None]
        if len(rows) == len(steps) + 1 >= _BACK + 2 * _LEVEL and min(rows) < max(rows):
            found += _of_rows(current, name, [ROWS.scale(each) for each in rows], wider)
    return found


def _of_rows(current: RunFigures, step: str, values: Sequence[float], wider: float) -> list[Candidate]:
    noise = 3.0 / math.sqrt(1.0 + ROWS.unscale(min(values)))
    way = _drift(values, noise, wider)
    if way is None or any(_drift(values[:-back], noise, wider) for back in range(1, _LEVEL)):
        return []  # none, or reported before
    name = f"{step}.{ROWS.name}"
    was, now = (ROWS.unscale(value) for value in (way.before, way.now))
    finding = Finding(
        alert_id=alert_id(current.run_id, name, "drift"), node_name=step, family=ROWS.name, series=name,
        actual=f"{now:,.4g}", expected=f"{was:,.4g}", likelihood=0.01, compared_runs=len(values) - 1,
        message=f"{step}: the number of rows drifted from {was:,.4g} ({_BACK} runs ago) to {now:,.4g}, run by run",
        is_drift=True,
    )  # fmt: skip
    return [Candidate(finding, way.score)]


def _drift(values: Sequence[float], noise: float, wider: float) -> _Way | None:
    way = _way(values, noise)
    return way if way is not None and way.score >= wider and _is_steady(values) else None


def _is_steady(values: Sequence[float]) -> bool:
    """Return true if the way begins 30 runs ago and has no jump: a jump is noticed in its own run, a trend is usual."""
    levels = [middle(values[end - _LEVEL : end]) for end in range(len(values), len(values) - _BACK - 1, -_LEVEL)]
    whole = abs(levels[0] - levels[-1])
    before = middle(values[-_BACK - 2 * _LEVEL : -_BACK - _LEVEL])
    if abs(middle(values[-_BACK - _LEVEL : -_BACK]) - before) > _TREND * whole:
        return False
    return max(abs(after - before) for before, after in pairwise(levels)) <= _JUMP * whole


def _way(values: Sequence[float], noise: float) -> _Way | None:
    """Return how far the level of the last runs is from that of 30 runs ago; None if no steady way leads there."""
    then, now = values[-_BACK - _LEVEL : -_BACK], values[-_LEVEL:]
    if len(then) < _LEVEL:
        return None
    before, after = middle(then), middle(now)
    ways = ((then, before), (now, after))
    spread = 1.4826 * max(middle([abs(value - level) for value in part]) for part, level in ways)
    return _Way(abs(after - before) / max(_THRESHOLD * spread, _LEAST, noise), before, after)
