"""Checks on the values of a column. A missing value (null or NaN) fails `not_null` alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial, reduce
from operator import or_
from typing import Any

from odibi_core.checks.base import EXAMPLES, Check, Finding, column_of, missing_in
from odibi_core.errors import CheckError

LOOKED_AT = 1_000  # failing values looked through for different examples


def not_null(column: str, *, severity: str = "error", on: str | None = None, collect: bool = False) -> Check:
    """Every row has a value. The examples are the numbers of rows that have none, from 0."""
    judge = partial(_judge_not_null, column)
    return Check(name="not_null", column=column, judge=judge, severity=severity, on=on, collect=collect)


def unique(*columns: str, severity: str = "error", on: str | None = None, collect: bool = False) -> Check:
    """No two rows share a value, or with several columns a combination. Rows with a missing part are free."""
    if not columns:
        raise CheckError("unique() needs the name of a column, or of several that are unique together")
    judge = partial(_judge_unique, columns)
    column = ", ".join(map(str, columns))
    return Check(name="unique", column=column, judge=judge, severity=severity, on=on, collect=collect)


def between(
    column: str,
    low: Any = None,
    high: Any = None,
    *,
    severity: str = "error",
    on: str | None = None,
    collect: bool = False,
) -> Check:
    """Values from `low` to `high`, both included; None leaves an end open."""
    if low is None and high is None:
        raise CheckError(f"between({column!r}) needs a low end, a high end or both")
    if low is not None and high is not None and not low <= high:
        raise CheckError(f"between({column!r}, {low!r}, {high!r}) can never hold: the low end is the higher")
    judge = partial(_judge_between, column, low, high)
    return Check(name="between", column=column, judge=judge, severity=severity, on=on, collect=collect)


def accepted_values(
    column: str,
    values: Iterable[Any],
    *,
    severity: str = "error",
    on: str | None = None,
    collect: bool = False,
) -> Check:
    """Only these values."""
    if isinstance(values, str | bytes):
        raise CheckError(f"accepted_values({column!r}) needs a list of values, not one text: [{values!r}]")
    accepted = tuple(values)
    if not accepted:
        raise CheckError(f"accepted_values({column!r}) needs at least one value")
    judge = partial(_judge_accepted, column, accepted)
    return Check(
        name="accepted_values", column=column, judge=judge, severity=severity, on=on, collect=collect
    )


def matches(
    column: str, pattern: str, *, severity: str = "error", on: str | None = None, collect: bool = False
) -> Check:
    """The whole text matches the regular expression, as Python's `re.fullmatch` has it."""
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise CheckError(f"matches({column!r}, {pattern!r}) is no regular expression: {error}") from error
    judge = partial(_judge_matches, column, pattern)
    return Check(name="matches", column=column, judge=judge, severity=severity, on=on, collect=collect)


def _judge_not_null(name: str, frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = column_of(frame, name)
    missing = missing_in(column)
    failed = int(missing.sum())
    rows = missing.arg_true().head(EXAMPLES).to_list() if failed else []
    return Finding(not failed, failed, len(frame), told(f"{name} is missing", failed, len(frame)), rows)


def _judge_unique(names: tuple[str, ...], frame: Any, frames: Mapping[str, Any]) -> Finding:
    missing = reduce(or_, (missing_in(column_of(frame, name)) for name in names))
    keys = frame.select(*names)
    repeated = (keys[names[0]] if len(names) == 1 else keys).is_duplicated() & ~missing
    failed = int(repeated.sum())
    shown = keys.filter(repeated).head(LOOKED_AT).rows() if failed else []
    examples = different(row[0] if len(names) == 1 else list(row) for row in shown)
    message = told(f"{', '.join(names)} is shared with another row", failed, len(frame))
    return Finding(not failed, failed, len(frame), message, examples)


def _judge_between(name: str, low: Any, high: Any, frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = column_of(frame, name)
    _refuse_text_beside_numbers(column, name, low, high)
    outside = [column < low] if low is not None else []
    outside += [column > high] if high is not None else []
    ends = f"{'…' if low is None else low} to {'…' if high is None else high}"
    return failing(column, reduce(or_, outside), f"{name} is outside {ends}")


def _refuse_text_beside_numbers(column: Any, name: str, *ends: Any) -> None:
    # polars would compare the digits as text, and say that all is well.
    import narwhals

    given = [end for end in ends if end is not None]
    if column.dtype == narwhals.String and not all(isinstance(end, str) for end in given):
        shown = " and ".join(map(repr, given))
        raise CheckError(f"column {name!r} is text, which cannot be compared with {shown}")


def _judge_accepted(name: str, values: tuple[Any, ...], frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = textual(column_of(frame, name))
    return failing(column, ~one_of(column, values), f"{name} is not accepted")


def _judge_matches(name: str, pattern: str, frame: Any, frames: Mapping[str, Any]) -> Finding:
    import narwhals

    column = textual(column_of(frame, name))
    if column.dtype != narwhals.String:
        raise CheckError(f"column {name!r} is {column.dtype}, and only text can match a pattern")
    # By Python on the different values: libraries disagree on regular expressions, down to what `$` means.
    whole = re.compile(pattern).fullmatch
    wrong = [value for value in column.drop_nulls().unique().to_list() if not whole(value)]
    return failing(column, one_of(column, wrong), f"{name} does not match {pattern!r}")


def textual(column: Any) -> Any:
    """A categorical column as the text that it stands for: libraries differ in what they compare it with."""
    import narwhals

    if column.dtype in (narwhals.Categorical, narwhals.Enum):
        return column.cast(narwhals.String)
    return column


def one_of(column: Any, values: Sequence[Any]) -> Any:
    """A mask of the rows whose value is among these. pyarrow cannot be asked about none."""
    return column.is_in(values) if len(values) else column.is_null() & ~column.is_null()


def failing(column: Any, wrong: Any, what: str) -> Finding:
    """The finding for `wrong`, a mask over `column`; missing values are not counted."""
    wrong = wrong.fill_null(False) & ~missing_in(column)
    failed = int(wrong.sum())
    shown = column.filter(wrong).head(LOOKED_AT).to_list() if failed else []
    return Finding(not failed, failed, len(column), told(what, failed, len(column)), different(shown))


def told(what: str, failed: int, total: int) -> str:
    """A message: `tailnum is missing in 3 of 1,000 rows`."""
    return f"{what} in {f'{failed:,}' if failed else 'none'} of {total:,} {'row' if total == 1 else 'rows'}"


def different(values: Iterable[Any]) -> list[Any]:
    """The first few that differ. They may be unhashable."""
    found: list[Any] = []
    for value in values:
        if len(found) == EXAMPLES:
            break
        if value not in found:
            found.append(value)
    return found
