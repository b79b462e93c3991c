"""Checks in SQL: a condition on each row, and a query whose rows are the failures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Unpack

from odibi_core.checks.base import EXAMPLES, Check, Finding, Options, Row, RowOptions, Wrong, frame_check, row_check
from odibi_core.checks.labels import named_check
from odibi_core.checks.masks import wrong_rows
from odibi_core.checks.planned import PlannedFrame
from odibi_core.checks.sql_frames import mask_where, select, valid_predicate, valid_query
from odibi_core.errors import NotCheckedError


def sql(predicate: str, name: str | None = None, **options: Unpack[RowOptions]) -> Check:
    """Check that a SQL condition holds for each row: `sql("fare > 0 AND departure < arrival")`.

    A row for which it is NULL passes, as in a CHECK constraint. The condition may read other frames of the step in a
    subquery. DuckDB runs it, with the frames of the step and nothing else.

    Args:
        predicate: The condition.
        name: The name in the record; "sql" by default.
    """
    valid_predicate("sql(): the condition", predicate)
    return row_check(named_check("sql", name), partial(_judge_sql, predicate), options)


def query(text: str, name: str | None = None, **options: Unpack[Options]) -> Check:
    """Check that a query returns no row: each row is a failure, and the first ones are the examples.

    Its tables are the frames of the step by name, and `frame`, the one that is checked.

    Args:
        text: One SELECT.
        name: The name in the record; "query" by default.
    """
    valid_query("query(): the text", text)
    return frame_check(named_check("query", name), partial(_judge_query, text), options)


def _judge_sql(predicate: str, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    if isinstance(frame, PlannedFrame):
        raise NotCheckedError("SQL cannot be counted while a lazy frame is executed; collect=True runs it")
    mask = mask_where(frame, f"NOT ({predicate}\n)", frames)
    return wrong_rows(frame, mask, f"row for which {predicate} is false", frame.columns)


def _judge_query(text: str, frame: Any, frames: Mapping[str, Any]) -> Finding:
    columns, rows = select(text, frame, frames)
    failed, total = len(rows), len(frame)
    shown = [Row(zip(columns, row, strict=True)) for row in rows[:EXAMPLES]]
    found = f"{failed:,} row{'' if failed == 1 else 's'}"
    return Finding(not failed, failed, total, f"the query returns {found}, expected none", shown)
