"""`odibi sql`: SQL over the events of all runs."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from odibi_core.cli import options, output, record
from odibi_core.cli.fit import Column, fit
from odibi_core.errors import QueryError

if TYPE_CHECKING:
    from rich.console import Console

    from odibi_core.store.sql_duckdb import Cursor

_MOST_ROWS: Final = 1_000
"""Rows of a table on a terminal."""
_MOST_PIPED_ROWS: Final = 10_000
"""Rows of a table in a pipe. The table is held whole, because a column is as wide as its widest cell."""
_MOST_COUNTED: Final = 1_000_000
_MOST_NAMES: Final = 12
_FORMULA: Final = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER: Final = re.compile(r"[+-]?\d[\d .,]*(?:[eE][+-]?\d+)?%?")

Row = Sequence[Any]


class SqlFormat(StrEnum):
    """The form of the answer."""

    table = "table"
    json = "json"
    csv = "csv"


def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", show_default=False, help="One SELECT over the table `logs`.")
    ],
    run: options.OnlyRun = None,
    format: Annotated[
        SqlFormat, typer.Option("--format", metavar="FORMAT", help="Output: table, json or csv.")
    ] = SqlFormat.table,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, help="Time limit in seconds.")] = 60.0,
    store: options.Store = None,
) -> None:
    """Query the events of all runs with one SELECT.

    The table is `logs`. Every logged field is a column, in snake_case or
    camelCase:
    odibi sql "select node_name, avg(duration_ms) from logs group by all"

    The formats json and csv are exact and complete; csv has no formulas. The
    query runs in its own process, with at most 2 GB of memory.
    """
    from odibi_core.store.sql_process import LARGEST_ANSWER, isolated

    kept = record.open_store(store)
    chosen = [record.find(kept, run)] if run else kept.ids()
    write = {SqlFormat.json: _write_json, SqlFormat.csv: _write_csv, SqlFormat.table: _show}[format]
    with output.waiting("querying") as waited, record.as_files(kept, chosen) as paths:
        largest = LARGEST_ANSWER if format is SqlFormat.table else None
        with isolated(query, paths, timeout_s=timeout, largest=largest) as cursor:
            waited()
            write(cursor)
            record.report(cursor.read_errors, "the log")
    for notice in cursor.notices:
        output.notice(notice)


def _aware(value: Any) -> Any:
    """Return a timestamp of DuckDB, which has no zone, as UTC; any other value unchanged."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _rows(cursor: Cursor) -> Iterator[Row]:
    return (row for batch in cursor.batches for row in batch)


def _write_json(cursor: Cursor) -> None:
    """Write one array, row by row."""
    before = "[\n"
    for row in _rows(cursor):
        document = output.as_json(dict(zip(cursor.columns, map(_aware, row), strict=True)))
        text = msgspec.json.format(document).decode()
        sys.stdout.write(output.for_stdout(before + "  " + text.replace("\n", "\n  ")))
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def _write_csv(cursor: Cursor) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(_cell, cursor.columns))
    for row in _rows(cursor):
        writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    """Return a value for a spreadsheet; a text that would be a formula gets a quote before it."""
    if isinstance(value, dict | list | tuple):
        value = output.as_json(value).decode()
    value = _aware(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = output.for_stdout(value)
    return f"'{text}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else text


def _show(cursor: Cursor) -> None:
    on = output.console()
    most = _MOST_ROWS if on.file.isatty() else _MOST_PIPED_ROWS
    source = _rows(cursor)
    rows = list(islice(source, most))
    hidden = _table(on, cursor.columns, rows)
    if hidden:
        more = f" and {len(hidden) - _MOST_NAMES} more" if len(hidden) > _MOST_NAMES else ""
        output.notice(
            f"{output.count(len(hidden), 'columns')} hidden ({', '.join(map(output.shown, hidden[:_MOST_NAMES]))}"
            f"{more}); select fewer, widen the terminal, or use --format json"
        )
    if len(rows) == most and (more := _count(source)):
        output.notice(f"{more} more; --format csv and --format json write all rows")
    elif not rows:
        output.notice("no rows")


def _count(rows: Iterator[Row]) -> str:
    """Return the number of rows left; `at least …` beyond a million or the time limit."""
    number = 0
    with suppress(QueryError):
        for _ in islice(rows, _MOST_COUNTED):
            number += 1
        if number < _MOST_COUNTED:
            return output.count(number, "rows")
    return f"at least {output.count(number, 'rows')}"


def _table(on: Console, names: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Write the columns that fit, and return the names of the others."""
    from rich.cells import cell_len

    columns = [[row[place] for row in rows] for place in range(len(names))]
    texts = [[output.shown(_text(value)) for value in column] for column in columns]
    widths = fit(
        [
            Column(
                widest=max(map(cell_len, text), default=0),
                header=cell_len(output.shown(name)),
                is_text=all(isinstance(value, str | dict | list | bytes | None) for value in column),
                is_empty=all(value is None for value in column) and bool(rows),
            )
            for name, column, text in zip(names, columns, texts, strict=True)
        ],
        on.width,
    )
    shown = output.table(*(names[place] for place in widths))
    for column, (place, width) in zip(shown.columns, widths.items(), strict=True):
        column.justify = "right" if _is_numeric(columns[place]) else "left"
        column.min_width = column.max_width = width
    for number in range(len(rows)):
        shown.add_row(
            *(output.cell(texts[place][number], "dim" if columns[place][number] is None else "") for place in widths)
        )
    output.write(on, shown)
    return [name for place, name in enumerate(names) if place not in widths]


def _is_numeric(column: Sequence[Any]) -> bool:
    values = [value for value in column if value is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case float():
            return f"{value:.6g}" if abs(value) < 1e-3 else f"{value:.4f}".rstrip("0").rstrip(".")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        case dict() | list() | tuple():
            return output.as_json(value).decode()
        case _:
            return str(value)
