"""Checks of figures of a whole column: its sum, mean, median, least, greatest, spread, number of different values."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from statistics import median, pstdev
from typing import Any, Final, Unpack

from odibi_core.checks.base import Check, Finding, Options, frame_check
from odibi_core.checks.comparison import fitted, in_order, python_value
from odibi_core.checks.frames import missing_in
from odibi_core.checks.labels import column_label, column_of
from odibi_core.errors import CheckError, NotCheckedError, nearest

_OF_NUMBERS: Final = ("mean", "median", "std", "sum")
STATISTICS: Final = ("distinct", "max", "mean", "median", "min", "std", "sum")


def aggregate(
    column: Hashable, statistic: str, at_least: Any = None, at_most: Any = None, **options: Unpack[Options]
) -> Check:
    """Check a figure of a column: `aggregate("fare", "mean", 5, 50)`. Missing values are left out.

    A column without a value has the sum 0 and 0 different values; its other figures are not checked.

    Args:
        column: The column.
        statistic: One of sum, mean, median, std (of the whole population), min, max, distinct.
        at_least: The least value that passes.
        at_most: The greatest value that passes.
    """
    column = column_label(column, "aggregate")
    if statistic not in STATISTICS:
        raise CheckError(
            f"aggregate({column!r}): statistic must be one of {', '.join(STATISTICS)}, got {statistic!r}"
            f"{nearest(statistic, STATISTICS)}"
        )
    low, high = (_bound(column, python_value(end)) for end in (at_least, at_most))
    if low is None and high is None:
        raise CheckError(f"aggregate({column!r}) needs at_least, at_most or both")
    if not in_order(f"aggregate({column!r})", low, high):
        raise CheckError(f"aggregate({column!r}, {statistic!r}, {low!r}, {high!r}) always fails: swap the two bounds")
    judge = partial(_judge, column, statistic, low, high)
    return frame_check(statistic, judge, options, column=str(column))


def _bound(column: Hashable, end: Any) -> Any:
    if end is not None and (isinstance(end, bool) or not isinstance(end, int | float | Decimal | date) or end != end):
        raise CheckError(f"aggregate({column!r}): a bound must be a number, a date or a time, got {end!r}")
    return end


def _judge(label: Hashable, statistic: str, low: Any, high: Any, frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = column_of(frame, label)
    values = column.filter(~missing_in(column))
    if statistic in _OF_NUMBERS and not _is_numeric(column):
        raise CheckError(f"column {label!r} is {column.dtype}, which has no {statistic}")
    if not len(values) and statistic not in ("sum", "distinct"):
        raise NotCheckedError(f"{label} has no value in {len(frame):,} rows, so it has no {statistic}")
    found = figure(values, statistic)
    if isinstance(found, float) and math.isnan(found):
        raise CheckError(f"the {statistic} of {label} is no number, because values are infinite in both directions")
    passed = _fits(values, found, low, high)
    bounds = " and ".join(f"{word} {end}" for word, end in (("at least", low), ("at most", high)) if end is not None)
    name = f"number of different values of {label}" if statistic == "distinct" else f"{statistic} of {label}"
    message = f"the {name} is {found}, expected {bounds}"
    return Finding(passed, None, len(frame), message)


def _is_numeric(column: Any) -> bool:
    import narwhals

    if column.dtype == narwhals.Object:
        return all(isinstance(value, Decimal | int | float) for value in column.drop_nulls().head(1).to_list())
    return bool(column.dtype.is_numeric())


def figure(values: Any, statistic: str) -> Any:
    """Return a figure of a column without missing values. Decimals and sums of whole numbers are exact."""
    import narwhals

    if statistic == "distinct":
        return _distinct(values)
    if values.dtype in (narwhals.Object, narwhals.Decimal) or (statistic == "sum" and values.dtype.is_integer()):
        try:
            return _EXACTLY[statistic](values.to_list())
        except TypeError as error:
            raise CheckError(f"column {values.name!r} has no {statistic}: {error}") from None
    return python_value(values.std(ddof=0) if statistic == "std" else getattr(values, statistic)())


_EXACTLY: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "sum": sum,
    "mean": lambda values: sum(values) / len(values),
    "median": median,
    "std": pstdev,
    "min": min,
    "max": max,
}


def _distinct(values: Any) -> int:
    try:
        return (
            int(values.n_unique()) if not values.dtype.is_nested() else len({repr(each) for each in values.to_list()})
        )
    except TypeError:  # objects that have no hash
        return len({repr(each) for each in values.to_list()})


def _fits(values: Any, found: Any, low: Any, high: Any) -> bool:
    if isinstance(found, Decimal):  # a float is the decimal that it is written as
        low, high = (Decimal(repr(end)) if isinstance(end, float) else end for end in (low, high))
    elif isinstance(found, date):
        low, high = (None if end is None else fitted(values, end) for end in (low, high))
    try:
        return bool((low is None or found >= low) and (high is None or found <= high))
    except TypeError:
        raise CheckError(f"the figure {found!r} cannot be compared with {low!r} and {high!r}") from None
