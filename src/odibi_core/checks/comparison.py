"""Exact comparison of a column's values with Python values, with the same result in every library.

Libraries disagree on limits outside the range of the column's type, on 1 and 1.0, on decimals and on time zones.
Therefore a limit or an accepted value is first converted to the column's own type. Pairs that no library compares
exactly are compared by Python, once for each different value.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from odibi_core.checks.planned import is_planned, refuse_python
from odibi_core.errors import CheckError

Wrong = Callable[[Any], bool]
"""Decides in Python whether one value, never a missing one, is wrong."""

_EXACT: Final = {"String": str, "Date": date, "Datetime": datetime, "Duration": timedelta, "Time": time}

_OBJECTS: Final = {Decimal: "Decimal", date: "Date", time: "Time"}
"""Types that pandas holds as objects, by the type of a column's first value."""


def outside(column: Any, low: Any, high: Any) -> Any:
    """Return which rows are below `low` or above `high`: a mask, or a function that decides one value.

    Raises:
        CheckError: the column's type has no order together with a limit.
    """
    low, high = (None if end is None else fitted(column, end) for end in (low, high))
    if column.dtype.is_integer():
        return _outside_integers(column, low, high)
    if _kind(column) == "Date":
        low = low.date() + timedelta(days=1) if isinstance(low, datetime) else low
        high = high.date() if isinstance(high, datetime) else high
    if all(end is None or _is_exact(column, end) for end in (low, high)):
        return _beyond(column, low, high)
    return lambda value: (
        (low is not None and value < _alike(low, value)) or (high is not None and value > _alike(high, value))
    )


def _outside_integers(column: Any, low: Any, high: Any) -> Any:
    """Return the mask with limits that the column's type can hold: a library refuses, wraps or rounds others."""
    lowest, highest = _range_of(column)
    if (low is not None and low > highest) or (high is not None and high < lowest):
        return ~no_rows(column)
    low = None if low is None or low <= lowest else math.ceil(low)
    high = None if high is None or high >= highest else math.floor(high)
    return _beyond(column, low, high)


def _beyond(column: Any, low: Any, high: Any) -> Any:
    if low is None:
        return no_rows(column) if high is None else column > high
    return column < low if high is None else (column < low) | (column > high)


def in_order(what: str, low: Any, high: Any) -> bool:
    """Return whether the low end of a range is at most the high one; None leaves an end open.

    Raises:
        CheckError: The two have no common order; `what` names the check in the message.
    """
    try:
        return low is None or high is None or bool(low <= high)
    except TypeError:
        raise CheckError(f"{what}: {low!r} and {high!r} have no common order") from None


def no_rows(column: Any) -> Any:
    """Return the mask of no row."""
    return column.is_null() & ~column.is_null()


def _alike(end: Any, value: Any) -> Any:
    """Return a float as the decimal that it is written as, if it stands beside a decimal."""
    return Decimal(repr(end)) if isinstance(end, float) and isinstance(value, Decimal) else end


def not_among(column: Any, values: Iterable[Any]) -> Wrong:
    """Return a function that decides whether a value of the column equals none of `values`, as Python compares them.

    Raises:
        CheckError: the column's type can equal none of them.
    """
    kind = _own_type(column)
    given = [value for value in values if value is not None]
    accepted = [value for value in given if type(value) is kind]
    others = [value for value in given if type(value) is not kind] if len(accepted) < len(given) else []
    comparable = [value for value in others if _is_comparable(column, value)]
    if given and not comparable and not accepted:
        raise _no_comparison(column, given[0])
    accepted += [fitted(column, value) for value in comparable]
    try:
        known: Any = frozenset(accepted)
    except TypeError:  # lists and dicts
        known = accepted
    return lambda value: value not in known


def _own_type(column: Any) -> type | None:
    """Return the type of which every value compares with the column's as it is; None if that is not known.

    Asking pandas for the type of a column costs as much as comparing a hundred values, and a set of them may be large.
    """
    if column.dtype.is_integer():
        return int
    return str if type(column.dtype).__name__ == "String" else None


def among(column: Any, values: Iterable[Any]) -> Any:
    """Return which values equal none of `values`: a function for one, or an expression if the column is planned.

    Raises:
        CheckError: the column's type can equal none of them.
        NotCheckedError: The column is planned, and the libraries do not compare it as Python does.
    """
    decide = not_among(column, values)
    if not is_planned(column):
        return decide
    kind = type(column.dtype).__name__
    given = [fitted(column, value) for value in values if value is not None and _is_comparable(column, value)]
    if column.dtype.is_integer():
        given = [int(value) for value in given if value == value and abs(value) != math.inf and value == int(value)]
        given = [value for value in given if not _beyond_type(column, value)]
    elif kind not in _EXACT and not column.dtype.is_float():
        refuse_python(column, f"Python compares the values of {column.name} ({column.dtype})")
    return ~column.is_in(given) if given else ~column.is_null()


def _beyond_type(column: Any, value: int) -> bool:
    lowest, highest = _range_of(column)
    return not lowest <= value <= highest


def _range_of(column: Any) -> tuple[int, int]:
    """Return the least and the greatest whole number of the column's type."""
    kind = type(column.dtype).__name__
    bits = int(kind.removeprefix("U").removeprefix("Int"))
    return (0, 2**bits - 1) if kind.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def python_value(value: Any) -> Any:
    """Return a scalar of numpy as the Python value that it stands for; any other value as it is."""
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value


def fitted(column: Any, value: Any) -> Any:
    """Return a value given in Python as one that compares with the column's values.

    Raises:
        CheckError: the two have no common order, as text and numbers.
    """
    value = python_value(value)
    if not _is_comparable(column, value):
        raise _no_comparison(column, value)
    kind = _kind(column)
    if kind == "Datetime":
        return _moment(column, value)
    if kind == "Date":
        return _day(column, value)
    if kind == "Decimal":
        return Decimal(repr(value)) if isinstance(value, float) else value
    if kind in ("Float32", "Float64"):
        return _float(value, kind)
    return value


def _is_comparable(column: Any, value: Any) -> bool:
    """Return true if a value may stand beside the column's: text beside text, a number or a date beside its like."""
    kind = _kind(column)
    if kind in ("Object", "Unknown") or column.dtype.is_nested():
        return True
    if kind in ("Date", "Datetime"):
        return isinstance(value, str | date)
    if column.dtype.is_numeric() or kind in ("Boolean", "Decimal"):
        return isinstance(value, int | float | Decimal) or hasattr(value, "__float__")
    return isinstance(value, _EXACT.get(kind, object))


def _no_comparison(column: Any, value: Any) -> CheckError:
    kind = "text" if type(column.dtype).__name__ == "String" else str(column.dtype)
    return CheckError(f"column {column.name!r} is {kind}, which cannot be compared with {value!r}")


def _kind(column: Any) -> str:
    """Return the name of the column's type; of a pandas column of objects, that of its first value's type."""
    name = type(column.dtype).__name__
    first = column.drop_nulls().head(1).to_list() if name == "Object" and not is_planned(column) else None
    return _OBJECTS.get(type(first[0]), name) if first else name


def _is_exact(column: Any, value: Any) -> bool:
    """Return true if the library compares the column with the fitted value as Python would."""
    if column.dtype.is_float():
        return True
    return isinstance(value, _EXACT.get(type(column.dtype).__name__, ()))


def _float(value: Any, kind: str) -> float:
    try:
        made = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    if kind == "Float32" and math.isfinite(made):
        try:
            made = struct.unpack("f", struct.pack("f", made))[0]
        except OverflowError:
            return math.inf if made > 0 else -math.inf
    return made


def _moment(column: Any, value: str | date) -> datetime:
    """Return a date, a time or its ISO text in the column's time zone; a date is its midnight."""
    found = _parsed(column, value) if isinstance(value, str) else value
    name = column.dtype.time_zone
    zone = None if name is None else _zone(name)
    if not isinstance(found, datetime):
        found = datetime.combine(found, time.min, zone)
    if (zone is None) is not (found.tzinfo is None):
        lacks = "has a" if zone is None else "has no"
        raise CheckError(
            f"column {column.name!r}: {found.isoformat()} {lacks} time zone, and the column has {name or 'none'}"
        )
    return found.astimezone(zone) if zone else found


def _zone(name: str) -> tzinfo | None:
    """Return the zone of a name (`Europe/Oslo`) or of an offset (`+02:00`)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.fromisoformat(f"2000-01-01T00:00:00{name.removeprefix('UTC')}").tzinfo


def _day(column: Any, value: str | date) -> date:
    """Return a date or its ISO text; a datetime only if it is not a midnight."""
    found = _parsed(column, value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        return found
    if found.tzinfo is not None:
        raise CheckError(f"column {column.name!r} holds dates, and {found.isoformat()} has a time zone")
    return found.date() if found.time() == time.min else found


def _parsed(column: Any, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise CheckError(
            f"column {column.name!r} is {column.dtype}, and {text!r} is no date; write it as 2026-11-29"
        ) from None
