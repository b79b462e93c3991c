"""Checks of the values of a column. A missing value (null or NaN) fails only `not_null`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial, reduce
from operator import or_
from typing import Any

from odibi_core.checks.base import EXAMPLES, Check, Finding, missing_in
from odibi_core.checks.comparison import no_rows, not_among, outside, python_value
from odibi_core.checks.labels import column_label, column_of
from odibi_core.errors import CheckError

LOOKED_AT = 1_000  # failing values from which different examples are taken
_LIMITS = (int, float, Decimal, str, date, time, timedelta)


def not_null(column: Hashable, *, severity: str = "error", on: str | None = None, collect: bool = False) -> Check:
    """Check that every row has a value. The examples are the numbers of the rows without one, from 0."""
    column = column_label(column, "not_null")
    judge = partial(_judge_not_null, column)
    return Check(name="not_null", column=str(column), judge=judge, severity=severity, on=on, collect=collect)


def unique(*columns: Hashable, severity: str = "error", on: str | None = None, collect: bool = False) -> Check:
    """Check that no value, or combination of values, occurs in two rows. Rows with a missing value pass."""
    if not columns:
        raise CheckError("unique() needs the name of a column, or of several that are unique together")
    columns = tuple(column_label(column, "unique") for column in columns)
    if len(set(columns)) < len(columns):
        raise CheckError(f"unique(): each column must be named once, got {columns!r}")
    judge = partial(_judge_unique, columns)
    column = ", ".join(map(str, columns))
    return Check(name="unique", column=column, judge=judge, severity=severity, on=on, collect=collect)


def between(
    column: Hashable,
    low: Any = None,
    high: Any = None,
    *,
    severity: str = "error",
    on: str | None = None,
    collect: bool = False,
) -> Check:
    """Check that values are from `low` to `high`, both included; None leaves an end open.

    Numbers compare exactly in every type of column. Limits of a column of dates or times may also be dates or ISO
    texts; a date is its midnight. A column with a time zone needs limits with a time zone, or dates.
    """
    column = column_label(column, "between")
    if low is None and high is None:
        raise CheckError(f"between({column!r}) needs a low end, a high end or both")
    low, high = (_limit(column, end) for end in (low, high))
    try:
        ordered = low is None or high is None or low <= high
    except TypeError:
        raise CheckError(f"between({column!r}): {low!r} and {high!r} have no common order") from None
    if not ordered:
        raise CheckError(f"between({column!r}, {low!r}, {high!r}) always fails: low must be at most high")
    judge = partial(_judge_between, column, low, high)
    return Check(name="between", column=str(column), judge=judge, severity=severity, on=on, collect=collect)


def _limit(column: Hashable, end: Any) -> Any:
    end = python_value(end)
    if end is not None and (not isinstance(end, _LIMITS) or end != end):
        raise CheckError(f"between({column!r}): a limit must be a number, a text, a date or a time, got {end!r}")
    return end


def accepted_values(
    column: Hashable, values: Iterable[Any], *, severity: str = "error", on: str | None = None, collect: bool = False
) -> Check:
    """Check that only these values occur. They compare as in Python: 1, 1.0 and Decimal(1) are one value."""
    column = column_label(column, "accepted_values")
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise CheckError(f"accepted_values({column!r}): values must be a list, got {values!r}; write [{values!r}]")
    accepted = tuple(values)
    if not accepted:
        raise CheckError(f"accepted_values({column!r}) needs at least one value")
    judge = partial(_judge_accepted, column, accepted)
    return Check(name="accepted_values", column=str(column), judge=judge, severity=severity, on=on, collect=collect)


def matches(
    column: Hashable, pattern: str, *, severity: str = "error", on: str | None = None, collect: bool = False
) -> Check:
    """Check that each whole text matches a regular expression (`re.fullmatch`)."""
    column = column_label(column, "matches")
    try:
        re.compile(pattern).fullmatch("")
    except (re.error, TypeError) as error:
        raise CheckError(f"matches({column!r}, {pattern!r}) is no regular expression: {error}") from error
    judge = partial(_judge_matches, column, pattern)
    return Check(name="matches", column=str(column), judge=judge, severity=severity, on=on, collect=collect)


def _judge_not_null(label: Hashable, frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = column_of(frame, label)
    missing = missing_in(column)
    failed = int(missing.sum())
    rows = missing.arg_true().head(EXAMPLES).to_list() if failed else []
    return Finding(not failed, failed, len(frame), _counted(failed, f"missing value of {label}", len(frame)), rows)


def _judge_unique(labels: tuple[Hashable, ...], frame: Any, frames: Mapping[str, Any]) -> Finding:
    columns = [column_of(frame, label) for label in labels]
    missing = reduce(or_, map(missing_in, columns))
    keys = frame.select(*(column.name for column in columns))
    repeated = _repeated(keys) & ~missing
    failed = int(repeated.sum())
    shown = keys.filter(repeated).head(LOOKED_AT).rows() if failed else []
    examples = different(row[0] if len(labels) == 1 else list(row) for row in shown)
    message = _counted(failed, f"duplicate of {', '.join(map(str, labels))}", len(frame))
    return Finding(not failed, failed, len(frame), message, examples)


def _repeated(keys: Any) -> Any:
    """Return the mask of the rows that occur more than once."""
    if not any(_is_unhashable(keys[name]) for name in keys.columns):
        return (keys[keys.columns[0]] if len(keys.columns) == 1 else keys).is_duplicated()
    rows = [_frozen(row) for row in keys.rows()]
    times = Counter(rows)
    return _mask(keys[keys.columns[0]], [times[row] > 1 for row in rows])


def _frozen(value: Any) -> Any:
    """Return a nested value as one that can be a key."""
    if isinstance(value, dict):
        return tuple((key, _frozen(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value.tobytes() if hasattr(value, "tobytes") else value


def _judge_between(label: Hashable, low: Any, high: Any, frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = textual(column_of(frame, label))
    ends = f"{'…' if low is None else low} to {'…' if high is None else high}"
    return failing(column, outside(column, low, high), f"value of {label} outside {ends}")


def _judge_accepted(label: Hashable, values: tuple[Any, ...], frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = textual(column_of(frame, label))
    return failing(column, not_among(column, values), f"value of {label} not accepted")


def _judge_matches(label: Hashable, pattern: str, frame: Any, frames: Mapping[str, Any]) -> Finding:
    import narwhals

    column = textual(column_of(frame, label))
    if column.dtype != narwhals.String:
        raise CheckError(f"column {label!r} is {column.dtype}, but only text can match a pattern")
    # By Python on the different values: libraries disagree on regular expressions, down to what `$` means.
    whole = re.compile(pattern).fullmatch
    return failing(column, lambda value: not whole(value), f"value of {label} without a match of {pattern!r}")


def textual(column: Any) -> Any:
    """Return a categorical column as text, because libraries compare categories with different things."""
    import narwhals

    if column.dtype in (narwhals.Categorical, narwhals.Enum):
        return column.cast(narwhals.String)
    return column


def failing(column: Any, wrong: Any, what: str) -> Finding:
    """Return the finding for the wrong values of a column; missing ones are not counted.

    Args:
        column: A narwhals Series.
        wrong: A mask over it, or a function that decides one value.
        what: Names one wrong value in the message: "value of x outside 1 to 5".
    """
    if callable(wrong):
        wrong = _judged_by_python(column, wrong)
    wrong = wrong.fill_null(False) & ~missing_in(column)
    failed = int(wrong.sum())
    shown = column.filter(wrong).head(LOOKED_AT).to_list() if failed else []
    return Finding(not failed, failed, len(column), _counted(failed, what, len(column)), different(shown))


def _judged_by_python(column: Any, wrong: Callable[[Any], bool]) -> Any:
    """Return the mask of the wrong rows. `wrong` is called once for each different text or whole number."""
    import narwhals

    try:
        if column.dtype == narwhals.String or column.dtype.is_integer():
            found = [value for value in column.drop_nulls().unique().to_list() if wrong(value)]
            return column.is_in(found) if found else no_rows(column)
        missing = missing_in(column).to_list()
        values = zip(column.to_list(), missing, strict=True)
        return _mask(column, [not lacks and value == value and wrong(value) for value, lacks in values])
    except TypeError as error:
        raise CheckError(f"column {column.name!r} is {column.dtype}, which cannot be compared: {error}") from None


def _is_unhashable(column: Any) -> bool:
    """Return true if libraries cannot find the column's different values: lists, structs, objects of any type."""
    import narwhals

    return bool(column.dtype.is_nested()) or column.dtype in (narwhals.Object, narwhals.Unknown)


def _mask(column: Any, flags: list[bool]) -> Any:
    """Return flags as a column of the same library."""
    import narwhals

    mask = narwhals.new_series("wrong", flags, narwhals.Boolean, backend=column.implementation)
    index = narwhals.maybe_get_index(column)  # pandas puts rows beside each other by their index
    return mask if index is None else narwhals.maybe_set_index(mask, index=index)


def _counted(failed: int, what: str, total: int) -> str:
    """Return a message such as `3 missing values of tailnum in 1,000 rows`."""
    noun, _, rest = what.partition(" of ")
    return f"{failed:,} {noun}{'' if failed == 1 else 's'} of {rest} in {total:,} row{'' if total == 1 else 's'}"


def different(values: Iterable[Any]) -> list[Any]:
    """Return the first few different values, which may be unhashable."""
    found: list[Any] = []
    for value in values:
        if len(found) == EXAMPLES:
            break
        if value not in found:
            found.append(value)
    return found
