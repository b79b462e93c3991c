"""The answer of `odibi sql` as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
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

Row = Sequence[Any]


def show(cursor: Cursor) -> None:
    """Write the answer as a table; rows and columns that do not fit are reported."""
    on = output.console()
    most = _MOST_ROWS if on.file.isatty() else _MOST_PIPED_ROWS
    source = (row for batch in cursor.batches for row in batch)
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
