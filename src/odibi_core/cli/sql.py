"""`odibi sql`: questions in SQL about the log."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import output, record
from odibi_core.cli.options import Store

if TYPE_CHECKING:
    from odibi_core.store.sql import Answer

_MOST_ROWS: Final = 1000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class SqlFormat(StrEnum):
    """How the answer is written."""

    table = "table"
    json = "json"
    csv = "csv"


def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", show_default=False, help="One SELECT over the table `logs`.")
    ],
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Only this run. (default: all runs)")
    ] = None,
    format: Annotated[
        SqlFormat, typer.Option("--format", help="For people, programs, or spreadsheets.")
    ] = SqlFormat.table,
    store: Store = None,
) -> None:
    """Answer a question in SQL over the events of all runs, or of one.

    The table is `logs`; every field that was ever logged is a column, in snake_case or camelCase.
    Such as: odibi sql "select node_name, avg(duration_ms) from logs where event = 'node_complete' group by all"
    """
    from odibi_core.store.sql import query_files

    kept = record.open_store(store)
    chosen = [record.find(kept, run)] if run else kept.ids()
    with output.waiting("asking"):
        answer = query_files(query, [path for each in chosen for path in kept.segments(each)])
    match format:
        case SqlFormat.json:
            output.write_json([{name: _aware(value) for name, value in row.items()} for row in answer.rows])
        case SqlFormat.csv:
            _write_csv(answer)
        case _:
            _show(answer)


def _aware(value: Any) -> Any:
    """Timestamps of the record are UTC; DuckDB's do not say so."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _write_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(_cell, answer.columns))
    for row in answer.rows:
        writer.writerow([_cell(row[name]) for name in answer.columns])


def _cell(value: Any) -> Any:
    """A value that a spreadsheet takes for a value: a text that it would take for a formula gets a quote before it."""
    if isinstance(value, (dict, list)):
        return output.as_json(value).decode()
    value = _aware(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _show(answer: Answer) -> None:
    on = output.console()
    numbers = [name for name in answer.columns if _is_numeric(answer, name)]
    shown = output.table(*answer.columns, right=numbers)
    rows = answer.rows[:_MOST_ROWS] if on.file.isatty() else answer.rows
    for row in rows:
        shown.add_row(
            *(output.cell(_text(row[name]), "dim" if row[name] is None else "") for name in answer.columns)
        )
    output.write(on, shown)
    if len(rows) < len(answer.rows):
        output.notice(
            f"{len(answer.rows) - len(rows):,} rows more: --format csv has them all, and so has a pipe"
        )
    elif not rows:
        output.notice("no rows")


def _is_numeric(answer: Answer, name: str) -> bool:
    values = [row[name] for row in answer.rows[:_MOST_ROWS] if row[name] is not None]
    return bool(values) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case float():
            return f"{value:.6g}" if abs(value) < 1e-3 else f"{value:.4f}".rstrip("0").rstrip(".")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        case dict() | list():
            return output.as_json(value).decode()
        case _:
            return str(value)
