"""Columns that advance: days, batch numbers, ids, months. Each run has other values, so no share or mean is usual.

They are recognised from the earlier runs: the ends of their values move forward, or new values are the rule. Such a
column is unusual if it stops, goes back, or takes a step that is many times as large as all before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from operator import lt
from typing import Final, NamedTuple

from odibi_core.history.noticing.families import LEARNING, RANGE
from odibi_core.history.noticing.series import typical

_MOSTLY: Final = 0.8
"""The part of the steps between earlier runs that lead forward, if the column advances."""
_SURE_STEPS: Final = 9
"""Steps forward without one back, after which a maximum that stays is unusual: by chance they are one in millions."""
_TURNING: Final = 0.5
"""The part of the earlier runs that brought new values, if new values are the rule."""
_FRESH: Final = 0.1
"""The share of the rows in new values from which on a run brought some."""
_WHOLE: Final = 0.999
_EPOCH: Final = date(1970, 1, 1).toordinal()
_YEARS: Final = range(1900, 2101)
_CYCLES: Final = frozenset({4, 6, 7, 11, 12, 23, 28, 29, 30, 31, 52, 53, 365, 366})
"""The last numbers of quarters, weekdays, months, hours, days and weeks, after which 0 or 1 follows."""
_NAMES: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_CALENDAR: Final = frozenset(_NAMES) | {each[:3] for each in _NAMES}
_DIGITS: Final = re.compile(r"\d+")

Top = dict[str, float]
"""The listed values of a column in one run, with their shares."""


class Ends(NamedTuple):
    """The smallest and the largest value of a column in one run, as numbers: of dates, days since 1970."""

    low: float
    high: float


class Step(NamedTuple):
    """An end of a column that is not where its steps lead: its value, the expected one, and how far it is off."""

    metric: str
    value: float
    expected: float
    score: float
    past: list[float]


def as_days(ends: Sequence[Ends]) -> list[Ends] | None:
    """Return ends that are written as 20261106 or 202611 in days since 1970; None if one of them is not."""
    for parse in (_of_day, _of_month):
        found: list[Ends] = []
        for low, high in reversed(ends):
            days = Ends(parse(low), parse(high))
            if math.isnan(days.low) or math.isnan(days.high):
                break  # nearly always the first
            found.append(days)
        if len(found) == len(ends):
            return found[::-1]
    return None


def rises(highs: Sequence[float | None]) -> bool:
    """Return true if the largest value grew from nearly every run to the next: the others do not advance."""
    known = [high for high in highs if high is not None]
    return bool(sum(map(lt, known, known[1:])) >= _MOSTLY * (len(known) - 1))


def _of_day(number: float) -> float:
    year, rest = divmod(number, 10_000)
    return _days(year, rest // 100, rest % 100)


def _of_month(number: float) -> float:
    return _days(number // 100, number % 100, 1)


def _days(year: float, month: float, day: float) -> float:
    if not (_YEARS[0] <= year <= _YEARS[-1] and year == int(year) and month == int(month) and day == int(day)):
        return math.nan
    try:
        return float(date(int(year), int(month), int(day)).toordinal() - _EPOCH)
    except ValueError:
        return math.nan


def advances(past: Sequence[Ends], *, is_dated: bool) -> bool:
    """Return true if nearly every run went on from the run before."""
    back, most = 0, (1 - _MOSTLY) * (len(past) - 1)
    for before, after in pairwise(past):
        back += not _is_forward(before, after, is_dated)
        if back > most:
            return False
    return len(past) >= LEARNING


def _is_forward(before: Ends, after: Ends, is_dated: bool) -> bool:
    """Return true if a run went on from the run before.

    The values of the later run lie beyond those of the earlier one. Those of dates, and of whole numbers, may overlap,
    as in the last seven days: then both ends move, of dates the later one, because rows may come late.
    """
    if after.high <= before.high:
        return False
    return is_dated or after.low >= before.high or (after.low > before.low and _are_whole(before, after))


def _are_whole(before: Ends, after: Ends) -> bool:
    return all(float(value).is_integer() for value in (*before, *after))


def step(now: Ends, past: Sequence[Ends], *, is_dated: bool, pause: float) -> Step | None:
    """Return the end of a column that advances which is off; None if the step is usual.

    Args:
        now: The ends of the current run.
        past: Those of the earlier runs, the oldest first.
        is_dated: The ends are days.
        pause: The time since the last run, over the usual one: after a pause, a column may advance by as much more.
    """
    last = past[-1]
    if not is_dated and begins_again(now.low, last.high):
        return None
    ways = [after.high - before.high for before, after in pairwise(past)]
    backs = [before.low - after.low for before, after in pairwise(past)]
    usual = max(*map(abs, ways), *map(abs, backs), *(each.high - each.low for each in past), 1e-9)
    usual *= max(1.0, pause)
    if is_dated:
        usual = max(usual, _LONG_UNIT if all(_is_month(each.high) for each in (*past, now)) else 1.0)
    expected = last.high + typical(ways)
    highs, lows = [each.high for each in past], [each.low for each in past]
    if (ahead := (now.high - last.high) / usual / RANGE.threshold) >= 1.0:
        return Step("max", now.high, expected, ahead, highs)
    if (behind := (last.low - now.low) / usual / RANGE.threshold) >= 1.0:
        return Step("min", now.low, last.low, behind, lows)
    apart = all(after.low >= before.high for before, after in pairwise(past))
    if (
        now.high <= last.high
        and all(_is_forward(*each, is_dated) for each in pairwise(past))
        and (apart or len(ways) >= _SURE_STEPS)
    ):
        return Step("stale", now.high, expected, STAY_SCORE, highs)
    return None


def begins_again(low: float, last: float) -> bool:
    """Return true for numbers that begin again near 1, as days do after the last one of a month."""
    return 4.0 <= last <= _LONGEST and 0.0 <= low <= max(1.0, last // 4)


_LONGEST: Final = 366
"""The last day of a year, the longest cycle."""


def _is_month(days: float) -> bool:
    """Return true for the first day of a month."""
    return days.is_integer() and date.fromordinal(int(days) + _EPOCH).day == 1


_LONG_UNIT: Final = 46.0
"""Days that count as one step of a column of months: eight of them are a year."""


STAY_SCORE: Final = 2.0
"""The score of a column or a value that stays where each run had a new one: its distance has no meaning."""


def is_turning(tops: Sequence[Top]) -> bool:
    """Return true if new values are the rule: at least every second run brought some."""
    known = set(tops[0]) if tops else set()
    fresh = 0
    for top in tops[1:]:
        fresh += sum(share for name, share in top.items() if name not in known) >= _FRESH
        known.update(top)
    return len(tops) >= LEARNING and fresh >= _TURNING * (len(tops) - 1)


def is_stuck(now: Top, tops: Sequence[Top]) -> bool:
    """Return true if every earlier run had one value that no other one had, and this run has that of the last one."""
    if len(now) != 1 or sum(now.values()) < _WHOLE or not tops or not now.keys() & tops[-1]:
        return False
    names = [next(iter(top)) for top in tops if len(top) == 1 and sum(top.values()) >= _WHOLE]
    return len(names) == len(tops) == len(set(names)) >= LEARNING


def is_calendar(names: set[str]) -> bool:
    """Return true if all values are names of months or of weekdays: their shares follow the calendar."""
    return all(name.lower().rstrip(".") in _CALENDAR for name in names)


def is_succession(tops: Sequence[Top]) -> bool:
    """Return true for values that follow one another, such as months, in a window that moves or has one value.

    The numbers in them count up by one, or begin again after the last one of a cycle. The first value of more is not
    mistaken for a succession: before it all runs had one value, or the window moved.
    """
    windows = [[_key(name) for name in top] for top in tops]
    if not windows or any(key is None for window in windows for key in window):
        return False
    seen = set(windows[0])
    is_moving = len(seen) == 1
    for before, after in pairwise(windows):
        fresh = [key for key in after if key not in before]
        is_moving = is_moving or any(key not in after for key in before)
        if any(key in seen or not is_moving or not _is_next_of(key, (*before, *fresh)) for key in fresh):
            return False
        seen.update(fresh)
    return True


_Key = tuple[str, tuple[int, ...]]


def _key(name: str) -> _Key | None:
    """Return the text around the numbers of a value, and the numbers; None for a value without one."""
    numbers = tuple(map(int, _DIGITS.findall(name)))
    return (shape(name), numbers) if numbers else None


def _is_next_of(key: _Key | None, others: Sequence[_Key | None]) -> bool:
    return any(_is_next(key, old) for old in others)


def _is_next(key: _Key | None, old: _Key | None) -> bool:
    if key is None or old is None or key[0] != old[0] or key == old or len(key[1]) != len(old[1]):
        return False
    now, was = next((now, was) for now, was in zip(key[1], old[1], strict=True) if now != was)
    return (was >= 1 and now == was + 1) or (was in _CYCLES and now in (0, 1))


def shapes(tops: Sequence[Top]) -> set[str] | None:
    """Return the shapes of the values, their numbers apart; None if they are many, as those of ids are."""
    found = {shape(name) for top in tops for name in top}
    return found if len(found) <= _FEW_SHAPES and all("#" in each for each in found) else None


def shape(name: str) -> str:
    """Return a value with `#` for each of its numbers."""
    return _DIGITS.sub("#", name)


_FEW_SHAPES: Final = 3
