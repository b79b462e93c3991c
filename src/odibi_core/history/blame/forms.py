"""Changes in the form of a column, by its statistics: another unit, another zone, texts that are written otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import product
from statistics import median
from typing import Any, Final

from msgspec import Struct

from odibi_core.events.clock import read_iso
from odibi_core.history.blame.signals import Effect
from odibi_core.history.comparison.run_data import list_of

Column = Mapping[str, Any]

_SCALED: Final = ("mean", "q05", "q25", "median", "q75", "q95", "deviation")
_ALIKE: Final = 0.01
_FAR: Final = math.log(3.0)
"""The logarithm of a factor from which on it may vary, because other rows came in: by a part of itself."""
_VARIES: Final = 0.15
_LONGEST_SHIFT_S: Final = 14 * 3600
_DAY_S: Final = 86_400
_QUARTER_S: Final = 900
_MOST_RUNS: Final = 2 / 3
"""The share of the earlier runs that begin and end at one time of day."""
_LENGTH: Final = 0.1
"""Characters by which the mean length of texts varies."""


class Form(Struct, frozen=True):
    """A change in the form of a column, in words, with the factor of a unit."""

    effect: Effect
    text: str
    factor: float | None = None


def change_of_form(was: Column, now: Column) -> Form | None:
    """Return the change from one run to the next; None if there is none of these."""
    if (factor := _factor(was, now)) is not None:
        return Form("unit", f"every quantile is {factor:.4g} times what it was", factor)
    if (shift := _shift(was, now)) is not None:
        return Form("zone", f"the first and the last time are {_hours(shift)} than before")
    if (found := _rewritten(was, now)) is not None:
        old, new, how = found
        return Form("encoding", f"{new!r:.40} stands for {old!r:.40}, {how}")
    if (longer := _longer(was, now)) is not None:
        more = f"{abs(longer)} character{'s' if abs(longer) > 1 else ''} {'longer' if longer > 0 else 'shorter'}"
        return Form("encoding", f"every text is {more} than before")
    return None


def moved_clock(was: Column, now: Column, first: Sequence[float], last: Sequence[float]) -> Form | None:
    """Return the shift of a column whose first and last times come at other times of day than in earlier runs.

    Args:
        was: The column in the last good run.
        now: The column in the run in question.
        first: The first times of the earlier runs, in days.
        last: The last times of the earlier runs, in days.
    """
    ends = [_time(now[name]) for name in ("min", "max")]
    usual = [_usual_clock(days) for days in (first, last)]
    if _time(was["min"]) is None or None in ends or None in usual:
        return None
    moved = {_moved(_seconds_of_day(end), clock or 0) for end, clock in zip(ends, usual, strict=True) if end}
    if len(moved) != 1:
        return None
    seconds = moved.pop()
    is_zone = seconds % _QUARTER_S == 0 and 0 < abs(seconds) <= _LONGEST_SHIFT_S
    return Form("zone", f"the first and the last time of day are {_hours(seconds)} than before") if is_zone else None


def _usual_clock(days: Sequence[float]) -> int | None:
    """Return the time of day of most of these times, in seconds; None if they have several."""
    if not days:
        return None
    clock, runs = Counter(round(each % 1.0 * _DAY_S) for each in days).most_common(1)[0]
    return clock if runs >= _MOST_RUNS * len(days) else None


def _seconds_of_day(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _moved(now: int, usual: int) -> int:
    """Return the shift of a time of day by the shorter way."""
    return (now - usual + _DAY_S // 2) % _DAY_S - _DAY_S // 2


def _factor(was: Column, now: Column) -> float | None:
    """Return the factor by which all quantiles of a column were multiplied; None if there is no single one.

    The largest number of a column that counts the rows is another one if there are fewer of them.
    """
    if not math.isclose(was["rows_sampled"], now["rows_sampled"], rel_tol=_ALIKE):
        return None
    if was["type"] != now["type"] and not {was["type"], now["type"]} <= {"Int64", "Float64", "Float32", "Int32"}:
        return None
    pairs = [(was[name], now[name]) for name in _SCALED]
    if any(a is None or b is None for a, b in pairs):
        return None
    ratios = [b / a for a, b in pairs if a]
    if len(ratios) < 4 or any(bool(a) != bool(b) for a, b in pairs) or min(ratios) <= 0.0:
        return None
    logs = [math.log(ratio) for ratio in ratios]
    usual = median(logs)
    reach = max(math.log1p(_ALIKE), _VARIES * abs(usual) if abs(usual) >= _FAR else 0.0)
    factor = ratios[0] if reach == math.log1p(_ALIKE) else math.exp(usual)
    return factor if all(abs(log - usual) <= reach for log in logs) and not 0.95 < factor < 1.05 else None


def _shift(was: Column, now: Column) -> float | None:
    """Return the seconds by which the first and the last time of a column were moved, as another zone moves them."""
    ends = [[_time(row[name]) for name in ("min", "max")] for row in (was, now)]
    if any(end is None for pair in ends for end in pair):
        return None
    low, high = ((b - a).total_seconds() for a, b in zip(*ends, strict=True) if a is not None and b is not None)
    is_zone = low == high and low % _QUARTER_S == 0 and 0 < abs(low) <= _LONGEST_SHIFT_S
    return low if is_zone else None


def _time(value: Any) -> datetime | None:
    """Return a time of day on a date; None for a date alone, and for a number."""
    is_time = isinstance(value, str) and len(value) >= len("2026-01-01T00") and "-" in value[1:]
    return read_iso(value) if is_time else None


def _hours(seconds: float) -> str:
    return f"{abs(seconds) / 3600:g} h {'later' if seconds > 0 else 'earlier'}"


_CODECS: Final = (("latin-1", "utf-8"), ("cp1252", "utf-8"), ("utf-8", "latin-1"), ("utf-8", "cp1252"))
"""Pairs: a text is read in the first encoding, and was written in the second one."""
_UNREADABLE: Final = "\ufffd"
_PLAIN: Final[tuple[tuple[Callable[[str], str], str], ...]] = (
    (str.strip, "with other spaces"),
    (str.casefold, "in other letters"),
    (lambda text: text.strip().lstrip("0"), "with other zeros before it"),
)
"""Forms in which two texts are the same, and how one differs from the other then."""


def _rewritten(was: Column, now: Column) -> tuple[str, str, str] | None:
    """Return a text of before, the one that stands for it now, and how it is written; None if there is no such pair."""
    old, new = (_texts(row) for row in (was, now))
    for text, value in product(sorted(old - new), sorted(new - old)):
        if not text.isascii() and (_UNREADABLE in value or any(_read_as(text, *codecs) == value for codecs in _CODECS)):
            return text, value, "in another encoding"
        for plain, how in _PLAIN:
            if plain(text) and plain(text) == plain(value):
                return text, value, how
    return None


def _read_as(text: str, reader: str, writer: str) -> str | None:
    try:
        return text.encode(writer).decode(reader)
    except UnicodeError:
        return None


def _texts(row: Column) -> set[str]:
    pairs = [pair for pair in list_of(row["top"]) if isinstance(pair, list) and pair]
    return {value for value, *_ in pairs if isinstance(value, str)} | {
        value for name in ("min", "max") if isinstance(value := row[name], str) and _is_text(row)
    }


def _is_text(row: Column) -> bool:
    return row["length_min"] is not None


def _longer(was: Column, now: Column) -> int | None:
    """Return the characters by which every text of a column is longer than before; None if there is no one number."""
    pairs = [(was[name], now[name]) for name in ("length_min", "length_max", "length_mean")]
    if any(a is None or b is None for a, b in pairs):
        return None
    least, most, mean = (b - a for a, b in pairs)
    return int(least) if least and least == most and abs(mean - least) <= _LENGTH else None
