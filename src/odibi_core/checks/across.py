"""Checks across the columns of a row."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, Unpack

from odibi_core.checks.base import Check, RowOptions, Wrong, row_check
from odibi_core.checks.frames import missing_in
from odibi_core.checks.labels import column_label, column_of, named_check
from odibi_core.checks.masks import ordered_mask, textual, wrong_rows
from odibi_core.checks.planned import PlannedFrame
from odibi_core.errors import CheckError

OPERATORS = ("<", "<=", "==", "!=", ">=", ">")


def compare(column: Hashable, operator: str, other: Hashable, **options: Unpack[RowOptions]) -> Check:
    """Check that one column stands to another as an operator has it: `compare("departure", "<=", "arrival")`.

    A row passes if one of both values is missing. Numbers, texts, and dates or times compare with their like.
    """
    column, other = (column_label(each, "compare") for each in (column, other))
    if operator not in OPERATORS:
        raise CheckError(f"compare(): operator must be one of {' '.join(OPERATORS)}, got {operator!r}")
    judge = partial(_judge_compare, column, operator, other)
    return row_check("compare", judge, options, column=f"{column}, {other}")


def expression(expression: Any, name: str | None = None, **options: Unpack[RowOptions]) -> Check:
    """Check that a narwhals expression is true for each row: `expression(nw.col("low") <= nw.col("high"))`.

    A row for which it is null passes. Comparisons are those of the library that has the frame.
    """
    import narwhals

    if not isinstance(expression, narwhals.Expr):
        kind = f"{type(expression).__module__}.{type(expression).__name__}"
        raise CheckError(
            f'expression() takes a narwhals expression, got a {kind}; write narwhals.col("a") <= narwhals.col("b"),'
            " or use checks.sql() for a text"
        )
    return row_check(named_check("expression", name), partial(_judge_expression, expression), options)


def _judge_compare(left: Hashable, operator: str, right: Hashable, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    first, second = (textual(column_of(frame, label)) for label in (left, right))
    mask = ordered_mask(first, operator, second)
    wrong = mask.fill_null(False) & ~missing_in(first) & ~missing_in(second)
    return wrong_rows(frame, wrong, f"row for which {left} {operator} {right} is false", (first.name, second.name))


def _judge_expression(expression: Any, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    import narwhals

    what = "row for which the expression is false"
    if isinstance(frame, PlannedFrame):
        return Wrong((~expression).fill_null(False), what, tuple(frame.columns))
    found = frame.select(passes=expression)["passes"]
    if found.dtype != narwhals.Boolean:
        raise CheckError(f"the expression must be true or false for each row, but it is {found.dtype}")
    return wrong_rows(frame, ~found.fill_null(True), what, tuple(frame.columns))
