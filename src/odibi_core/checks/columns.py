"""Checks of the values of a column. A missing value (null or NaN) fails only `not_null`."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial, reduce
from operator import or_
from typing import Any, Unpack

import msgspec

from odibi_core.checks.base import Check, RowOptions, Wrong, row_check
from odibi_core.checks.comparison import among, in_order, outside, python_value
from odibi_core.checks.frames import missing_in
from odibi_core.checks.labels import column_label, column_of
from odibi_core.checks.masks import different, failing, repeated, textual
from odibi_core.checks.patterns import pattern_mask
from odibi_core.checks.rows import LOOKED_AT
from odibi_core.errors import CheckError

_LIMITS = (int, float, Decimal, str, date, time, timedelta)


def not_null(column: Hashable, **options: Unpack[RowOptions]) -> Check:
    """Check that every row has a value. Without a key, the examples are the numbers of the rows without one, from 0."""
    column = column_label(column, "not_null")
    judge = partial(_judge_not_null, column)
    return row_check("not_null", judge, options, column=str(column))


def unique(*columns: Hashable, **options: Unpack[RowOptions]) -> Check:
    """Check that no value, or combination of values, occurs in two rows. Rows with a missing value pass."""
    if not columns:
        raise CheckError("unique() needs the name of a column, or of several that are unique together")
    columns = tuple(column_label(column, "unique") for column in columns)
    if len(set(columns)) < len(columns):
        raise CheckError(f"unique(): each column must be named once, got {columns!r}")
    judge = partial(_judge_unique, columns)
    column = ", ".join(map(str, columns))
    return row_check("unique", judge, options, column=column)


def no_duplicates(columns: str | Iterable[Hashable], **options: Unpack[RowOptions]) -> Check:
    """Check that no two rows have the same values in all columns of a list. Rows with a missing value pass."""
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        columns = [columns]
    check = unique(*columns, **options)
    return msgspec.structs.replace(check, name="no_duplicates")


def between(column: Hashable, low: Any = None, high: Any = None, **options: Unpack[RowOptions]) -> Check:
    """Check that values are from `low` to `high`, both included; None leaves an end open.

    Numbers compare exactly in every type of column. Limits of a column of dates or times may also be dates or ISO
    texts; a date is its midnight. A column with a time zone needs limits with a time zone, or dates.
    """
    column = column_label(column, "between")
    if low is None and high is None:
        raise CheckError(f"between({column!r}) needs a low end, a high end or both")
    low, high = (_limit(column, end) for end in (low, high))
    if not in_order(f"between({column!r})", low, high):
        raise CheckError(f"between({column!r}, {low!r}, {high!r}) always fails: low must be at most high")
    judge = partial(_judge_between, column, low, high)
    return row_check("between", judge, options, column=str(column))


def _limit(column: Hashable, end: Any) -> Any:
    end = python_value(end)
    if end is not None and (not isinstance(end, _LIMITS) or end != end):
        raise CheckError(f"between({column!r}): a limit must be a number, a text, a date or a time, got {end!r}")
    return end


def accepted_values(column: Hashable, values: Iterable[Any], **options: Unpack[RowOptions]) -> Check:
    """Check that only these values occur. They compare as in Python: 1, 1.0 and Decimal(1) are one value."""
    column = column_label(column, "accepted_values")
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise CheckError(f"accepted_values({column!r}): values must be a list, got {values!r}; write [{values!r}]")
    accepted = tuple(values)
    if not accepted:
        raise CheckError(f"accepted_values({column!r}) needs at least one value")
    judge = partial(_judge_accepted, column, accepted)
    return row_check("accepted_values", judge, options, column=str(column))


def matches(column: Hashable, pattern: str, **options: Unpack[RowOptions]) -> Check:
    """Check that each whole text matches a regular expression (`re.fullmatch`)."""
    column = column_label(column, "matches")
    try:
        re.compile(pattern).fullmatch("")
    except (re.error, TypeError) as error:
        raise CheckError(f"matches({column!r}, {pattern!r}) is no regular expression: {error}") from error
    judge = partial(_judge_matches, column, pattern)
    return row_check("matches", judge, options, column=str(column))


def _judge_not_null(label: Hashable, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    column = column_of(frame, label)
    return Wrong(missing_in(column), f"missing value of {label}", (column.name,))


def _judge_unique(labels: tuple[Hashable, ...], frame: Any, frames: Mapping[str, Any]) -> Wrong:
    columns = [column_of(frame, label) for label in labels]
    names = tuple(column.name for column in columns)
    mask = repeated(frame, names) & ~reduce(or_, map(missing_in, columns))

    def examples() -> list[Any]:
        shown = frame.select(*names).filter(mask).head(LOOKED_AT).rows()
        return different(row[0] if len(labels) == 1 else list(row) for row in shown)

    return Wrong(mask, f"duplicate of {', '.join(map(str, labels))}", names, examples)


def _judge_between(label: Hashable, low: Any, high: Any, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    column = textual(column_of(frame, label))
    ends = f"{'…' if low is None else low} to {'…' if high is None else high}"
    return failing(column, outside(column, low, high), f"value of {label} outside {ends}")


def _judge_accepted(label: Hashable, values: tuple[Any, ...], frame: Any, frames: Mapping[str, Any]) -> Wrong:
    column = textual(column_of(frame, label))
    return failing(column, among(column, values), f"value of {label} not accepted")


def _judge_matches(label: Hashable, pattern: str, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    import narwhals

    column = textual(column_of(frame, label))
    if column.dtype != narwhals.String:
        raise CheckError(f"column {label!r} is {column.dtype}, but only text can match a pattern")
    return failing(column, pattern_mask(column, pattern), f"value of {label} without a match of {pattern!r}")
