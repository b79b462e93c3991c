"""The constant of a threshold between the last value that passes and the first that does not.

Each number of this gap selects the same rows of a sample. One that the source names comes first, else the roundest.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import floor, log10
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.predicates.constants import SECONDS, CannotEvaluate, as_constant, as_number
from odibi_core.insight.predicates.features import Values

if TYPE_CHECKING:
    from odibi_core.insight.rules.source import Hints

_UNITS: Final = ("Y", "M", "D", "h", "m", "s", "ms", "us")


def threshold(passed: Any, failed: Any, values: Values, hints: Hints) -> tuple[Any, bool, bool]:
    """Return the constant of a test that `passed` passes and `failed` does not.

    Args:
        passed: The last number that passes.
        failed: The first number that fails.
        values: The numbers of the feature, for their kind and unit.
        hints: Names and constants of the source.

    Returns:
        The constant as plain JSON; if the constant itself passes; if the source names it.
    """
    low, high = (passed, failed) if passed < failed else (failed, passed)
    for number, constant, written in _named(values, hints):
        if low <= number <= high:
            inside = low < number < high and _goes_below(written, values, hints) == (passed < failed)
            return constant, bool(number == passed or inside), True
    number = _round(low, high, values)
    constant = as_constant(number, values)
    if not low <= as_number(constant, values) <= high:
        return as_constant(passed, values), True, False
    inside = low < number < high and (not values.unit) == (passed < failed)
    return constant, bool(number == passed or inside), False


def _goes_below(written: Any, values: Values, hints: Hints) -> bool:
    """Return whether a constant goes with the values below it, as in `> 1000`; unnamed moments go with later ones."""
    if written in hints.below or written in hints.above:
        return written in hints.below
    return not values.unit


def _named(values: Values, hints: Hints) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the constants of the source that are of the feature's kind: as number, as plain JSON, as written."""
    if values.kind == "duration":
        for number, length in product(hints.numbers, SECONDS.values()):
            yield number * length, as_constant(number * length, values), number
        return
    if not values.unit:
        for number in hints.numbers:
            yield number, int(number) if number.is_integer() else number, number
        return
    for text in hints.texts():
        try:
            number = as_number(text, values)
        except CannotEvaluate:
            continue
        yield number, as_constant(number, values), text


def _round(low: Any, high: Any, values: Values) -> Any:
    if values.kind == "duration":
        lengths = [length for length in SECONDS.values() if floor(high / length) * length >= low]
        length = lengths[0] if lengths else 1.0
        return _round_number(low / length, high / length) * length
    return _round_moment(low, high, values) if values.unit else _round_number(low, high)


def _round_number(low: Any, high: Any) -> Any:
    """Return the number from low to high with the fewest digits; an end itself if it is as short."""
    low, high = float(low), float(high)
    if low <= 0 <= high:
        return 0
    if low == high or not high - low < float("inf"):
        return high
    step = 10.0 ** floor(log10(high - low))
    for unit in (10 * step, 5 * step, step, step / 2):
        number = floor(high / unit) * unit
        number = round(number, max(0, -floor(log10(unit)) + 1))
        if low <= number <= high:
            return number
    return high


def _round_moment(low: Any, high: Any, values: Values) -> Any:
    """Return the moment from low to high that starts the longest unit: a year, a month, a day, …"""
    import numpy as np

    moment = np.array(int(high), f"datetime64[{values.unit}]")
    for unit in _UNITS:
        start = int(moment.astype(f"datetime64[{unit}]").astype(f"datetime64[{values.unit}]").astype(np.int64))
        if low <= start <= high:
            return start
    return high
