"""Statistics of one column from its values as Python objects: the reference for every other way to compute them.

`nulls` counts what the library of the frame calls missing. A NaN that is a value of its own is counted as `nan`, is one
distinct value, and is left out of everything else. Infinite results, and what a type does not have, are absent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from operator import mul
from typing import Any, Final, NamedTuple

from odibi_core.errors import STOPS

TOP: Final = 5
MOST_CODES: Final = 50
"""Distinct numbers up to which they are codes, of which the most frequent mean something, and no measurements."""
QUANTILES: Final = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
MOST_CHARS: Final = 1 << 20
"""Characters of the texts of one column, beyond which they are measured and not compared."""
_DIGITS: Final = 10

Values = tuple[Sequence[Any] | None, int]
"""The values of a column that are not null, None if they are not looked at; and the number of nulls."""


class Counted(NamedTuple):
    """The distinct texts or times of a column with their counts, as its library counts them."""

    counts: Mapping[Any, int]
    nulls: int
    as_value: Callable[[Any], Any] | None = None
    """Returns a value of the column for what stands for it in `counts`, in the same order."""


_UNORDERED: Final = (list, dict, tuple, set, frozenset, complex)
_COMPARED: Final = frozenset({"builtins", "datetime", "decimal", "fractions", "uuid", "numpy", "pandas"})
"""Modules of the types that may be hashed and compared: a class of the program may have side effects."""


def value_stats(values: Sequence[Any], nulls: int) -> dict[str, Any]:
    """Return the statistics of the values that are not null."""
    found: dict[str, Any] = {"nulls": nulls}
    kinds = set(map(type, values))
    if any(issubclass(kind, float) for kind in kinds):
        there = [value for value in values if value == value]
        if nan := len(values) - len(there):
            found["nan"] = nan
        values = there
    if not all(map(_is_compared, kinds)):
        return found
    if kinds and all(issubclass(kind, str | bytes) for kind in kinds):
        return found | _text_stats(values, kinds)
    numbers = bool(kinds) and all(map(_is_number, kinds))
    found |= _comparisons(values, found.get("nan", 0), numbers=numbers)
    return found | number_stats(values) if numbers else found


def _is_compared(kind: type) -> bool:
    known = kind.__module__.partition(".")[0] in _COMPARED and kind is not object
    return known and not issubclass(kind, _UNORDERED)


def _is_number(kind: type) -> bool:
    return issubclass(kind, Real | Decimal) and not issubclass(kind, bool)


def counted_stats(column: Counted) -> dict[str, Any]:
    """Return the statistics of values that are counted already: those of `value_stats`."""
    counts = column.counts
    found: dict[str, Any] = {"nulls": column.nulls}
    found |= _of_counts(counts)
    if column.as_value is None:
        return found | _lengths(counts) if counts else found
    for name in ("min", "max"):
        if name in found:
            found[name] = column.as_value(found[name])
    if "top" in found:
        found["top"] = [[column.as_value(value), count] for value, count in found["top"]]
    return found


def _text_stats(values: Sequence[Any], kinds: set[type]) -> dict[str, Any]:
    if bytes in kinds or sum(map(len, values)) > MOST_CHARS:
        lengths = list(map(len, values))
        mean = rounded(sum(lengths) / len(lengths))
        return {"length_min": min(lengths), "length_mean": mean, "length_max": max(lengths)}
    counts = Counter(values)
    return _of_counts(counts) | _lengths(counts)


def _lengths(counts: Mapping[Any, int]) -> dict[str, Any]:
    lengths = list(map(len, counts))
    chars = sum(map(mul, lengths, counts.values()))
    mean = rounded(chars / sum(counts.values()))
    return {"length_min": min(lengths), "length_mean": mean, "length_max": max(lengths)}


def _of_counts(counts: Mapping[Any, int]) -> dict[str, Any]:
    """Return the distinct count, the extremes and the most frequent of some counted texts or times."""
    found: dict[str, Any] = {"distinct": len(counts), **_extremes(counts)}
    if is_worth_counting(len(counts), sum(counts.values()), numbers=False):
        found["top"] = top_values(counts)
    return found


def _comparisons(values: Sequence[Any], nan: int = 0, *, numbers: bool = False) -> dict[str, Any]:
    """Return the distinct count, the extremes and the most frequent values, as far as the values have them."""
    found: dict[str, Any] = {}
    distinct = _of(set, values)
    if distinct is None:
        return found
    found["distinct"] = len(distinct) + bool(nan)
    found |= _extremes(distinct)
    whole = all(value.is_integer() for value in distinct if isinstance(value, float))
    if is_worth_counting(len(distinct), len(values), numbers=numbers, whole=whole):
        found["top"] = top_values(Counter(values))
    return found


def _extremes(distinct: Collection[Any]) -> dict[str, Any]:
    """Return the least and the greatest value; nothing of values without an order."""
    low, high = _of(min, distinct), _of(max, distinct)
    return {} if low is None or high is None else {"min": low, "max": high}


def _of(ask: Callable[[Any], Any], values: Any) -> Any:
    """Return an answer about values; None if they have none: no hash, no common order, or not one value."""
    try:
        return ask(values)
    except STOPS:
        raise
    except BaseException:
        return None


def is_worth_counting(distinct: int, count: int, *, numbers: bool, whole: bool = True) -> bool:
    """Return true if the most frequent values mean something: values repeat, and numbers are few, whole and several.

    One number alone is its own minimum: the day in each row of a daily load.
    """
    return 0 < distinct <= count // 2 and (not numbers or (whole and 1 < distinct <= MOST_CODES))


def top_values(counts: Mapping[Any, int]) -> list[list[Any]]:
    """Return the most frequent values with their counts; of equal counts the smallest values."""
    least = sorted(counts.values())[-TOP:][0]
    often = [[value, count] for value, count in counts.items() if count >= least]
    try:
        often.sort(key=lambda pair: (-pair[1], pair[0]))
    except TypeError:
        often.sort(key=lambda pair: (-pair[1], str(pair[0])))
    return often[:TOP]


def number_stats(values: Sequence[Any]) -> dict[str, Any]:
    """Return mean, deviation and quantiles of numbers without NaN; those that are infinite are absent."""
    try:
        numbers = sorted(map(float, values))
    except (OverflowError, ValueError):  # an int or a Decimal that no float can hold, a Decimal NaN
        return {}
    if not numbers:
        return {}
    found = {name: _quantile(numbers, share) for name, share in QUANTILES.items()}
    if math.isfinite(numbers[0]) and math.isfinite(numbers[-1]):
        found |= _moments(numbers)
    return {name: rounded(value) for name, value in found.items() if math.isfinite(value)}


def _moments(numbers: Sequence[float]) -> dict[str, float]:
    count = len(numbers)
    try:
        mean = math.fsum(numbers) / count
    except OverflowError:
        return {}
    if count == 1:
        return {"mean": mean}
    offsets = [number - mean for number in numbers]
    return {"mean": mean, "deviation": math.sqrt(sum(map(mul, offsets, offsets)) / (count - 1))}


def _quantile(numbers: Sequence[float], share: float) -> float:
    """Return a quantile of sorted numbers, interpolated between its neighbours."""
    place = (len(numbers) - 1) * share
    below = int(place)
    rest = place - below
    return numbers[below] + (numbers[below + 1] - numbers[below]) * rest if rest else numbers[below]


def rounded(value: float) -> float:
    """Return a number with ten digits: the last ones of a double depend on the order of a sum."""
    return float(f"{value:.{_DIGITS}g}")
