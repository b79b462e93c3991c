"""The baseline of one series: the expected value, the usual residual, and how far off a value is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import msgspec

from odibi_core.history.noticing.families import LEARNING, YOUNG, Family

_WINDOW: Final = 20
"""Runs of which the median is the expected level."""
_SAME_DAYS: Final = 4
"""Runs of the same weekday of which the median is the expected value."""
_WEEKDAY_GAIN: Final = 0.7
"""The weekday is used if its residuals on the past are below this part of those of the level."""
_SHIFT_RUNS: Final = 3
"""Runs in a row on a new level after which it is the level."""
_SHIFT_GAP: Final = 3.0
_HOLIDAY: Final = 0.45
"""The smallest distance that is unusual for a series that follows the weekday, as a logarithm: it follows holidays too,
which no weekday predicts, and which cost up to a third of the rows."""
_STAYS: Final = 0.5
"""The part of a residual by which those of the last three runs may differ from it, so that it is the level."""


class Calendar(msgspec.Struct, frozen=True):
    """The weekdays and month ends of the earlier runs and of the current one, which is last."""

    weekdays: tuple[int, ...]
    month_ends: tuple[bool, ...]


class Deviation(msgspec.Struct, frozen=True):
    """A value against its baseline, in the scale of its family; it is unusual if `score` is 1 or more."""

    score: float
    expected: float
    reach: float
    """The distance from `expected` at which a value becomes unusual."""
    runs: int
    """The number of runs of the baseline, those since the last shift of the level."""
    basis: str
    """The runs that the expectation comes from, in words: `level`, `last run` or `weekday`."""


def deviation(
    value: float, past: Sequence[float], noise: float, family: Family, calendar: Calendar | None = None
) -> Deviation | None:
    """Return how far a value is off; None while the baseline has fewer than `LEARNING` runs.

    Args:
        value: The value of the current run, scaled.
        past: The values of the earlier runs, the oldest first, scaled.
        noise: The smallest residual to expect, from the number of rows.
        family: The thresholds.
        calendar: The days of `past` and of the value, for a series that may follow the weekday.
    """
    begin = last_shift(past, noise)
    past = past[begin:]
    if len(past) < LEARNING:
        return None
    expected, residuals, basis = _expectation(past, calendar, begin)
    if _is_new_level(value - expected, residuals):
        expected += middle(residuals[-_SHIFT_RUNS:])
    sizes = sorted(map(abs, residuals))
    spread = max(1.4826 * sizes[len(sizes) // 2], 0.5 * sizes[int(0.95 * (len(sizes) - 1) + 0.5)], noise)
    threshold = family.threshold * (1.0 + YOUNG / len(past))
    reach = max(threshold * spread, family.beyond * sizes[-1], _HOLIDAY if basis == "weekday" else 0.0)
    return Deviation(abs(value - expected) / reach if reach else 0.0, expected, reach, len(past), basis)


def _is_new_level(away: float, residuals: Sequence[float]) -> bool:
    """Return true if the last three runs were off as well, about as far: they were noticed, and the value stays."""
    return all(abs(each - away) <= _STAYS * abs(away) for each in residuals[-_SHIFT_RUNS:])


def middle(values: Sequence[float]) -> float:
    """Return the median, the mean of both if there are two: `statistics.median` takes three times as long."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def last_shift(past: Sequence[float], noise: float) -> int:
    """Return the place where the current level begins: 0, or that of the last shift that at least three runs confirm.

    A shift separates the values: all before it, back to the shift before, are above or below all after it, by more
    than the usual steps between runs.
    """
    count = len(past)
    if count < _SHIFT_RUNS + LEARNING:
        return 0
    steps = sorted(abs(after - before) for before, after in itertools.pairwise(past))
    gap = max(_SHIFT_GAP * steps[len(steps) // 2], 2 * noise)
    low = high = past[-1]
    for place in range(count - 2, LEARNING - 1, -1):
        low, high = min(low, past[place]), max(high, past[place])
        if count - place < _SHIFT_RUNS or abs(past[place] - past[place - 1]) <= gap:
            continue  # the second: a shift is a step of that size
        before = past[max(0, place - _WINDOW) : place]
        if min(before) - high > gap or low - max(before) > gap:
            return place
    return 0


def _expectation(past: Sequence[float], calendar: Calendar | None, begin: int) -> tuple[float, list[float], str]:
    """Return the expected value, the residuals of the past by the same rule, and the rule that was best there."""
    count = len(past)
    levels = [middle(past[max(0, place - _WINDOW) : place]) for place in range(1, count + 1)]
    by_level = [past[place] - levels[place - 1] for place in range(1, count)]
    by_last = [past[place] - past[place - 1] for place in range(1, count)]
    expected, residuals, basis = levels[-1], by_level, "level"
    if _size(by_last) < 0.8 * _size(by_level):
        expected, residuals, basis = past[-1], by_last, "last run"
    if calendar is not None:
        days = calendar.weekdays[begin:]
        found = _by_weekday(past, days)
        if found is not None and _size(found[1]) < _WEEKDAY_GAIN * _size(residuals[-len(found[1]) :]):
            return found[0], found[1], "weekday"
        if calendar.month_ends[-1]:
            ends = [place for place, is_end in enumerate(calendar.month_ends[begin:-1]) if is_end and place >= 1]
            own = [past[place] for place in ends]
            usual = [abs(past[place] - levels[place - 1]) for place in ends]
            if len(own) >= 2 and max(own) - min(own) < 0.5 * min(usual):
                return middle(own), residuals, "month end"
    return expected, residuals, basis


def _by_weekday(past: Sequence[float], days: Sequence[int]) -> tuple[float, list[float]] | None:
    """Return the expected value and the residuals of a median of the same weekday; None without two full weeks."""
    seen: dict[int, list[float]] = {}
    residuals: list[float] = []
    for value, day in zip(past, days, strict=False):
        same = seen.setdefault(day, [])
        if len(same) >= 2:
            residuals.append(value - middle(same[-_SAME_DAYS:]))
        same.append(value)
    same = seen.get(days[-1], [])
    if len(seen) < 2 or len(same) < 3 or len(residuals) < 2 * LEARNING:
        return None
    return middle(same[-_SAME_DAYS:]), residuals


def _size(residuals: Sequence[float]) -> float:
    """Return the mean size of residuals."""
    return sum(map(abs, residuals)) / len(residuals) if residuals else 0.0
