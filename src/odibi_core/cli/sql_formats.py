"""The answer of `odibi sql` for programs: exact and complete, row by row."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TextIO

import msgspec

from odibi_core.cli import output
from odibi_core.errors import ConfigurationError

if TYPE_CHECKING:
    from odibi_core.store.sql_duckdb import Cursor

_FORMULA: Final = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER: Final = re.compile(r"[+-]?\d[\d .,]*(?:[eE][+-]?\d+)?%?")

Row = Sequence[Any]


class SqlFormat(StrEnum):
    """The form of the answer."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    arrow = "arrow"


def write(cursor: Cursor, form: SqlFormat, to: Path | None) -> None:
    """Write an answer to a file, or to stdout.

    Raises:
        ConfigurationError: Parquet and Arrow are not written to a terminal.
        MissingExtraError: They need pyarrow, which is not installed.
    """
    if form in _BINARY:
        from odibi_core.history import arrow

        schema = arrow.schema_of(cursor.columns, cursor.types)
        write_rows = arrow.write_parquet if form is SqlFormat.parquet else arrow.write_stream
        with _binary(to, form) as file:
            write_rows(schema, cursor.batches, file)
        return
    with _text(to) as text:
        _TEXT[form](cursor, text)


def check_target(form: SqlFormat, to: Path | None) -> None:
    """Raise `ConfigurationError` if the form cannot be written there."""
    if form in _BINARY and to is None and sys.stdout.isatty():
        raise ConfigurationError(f"--format {form.value} is not written to a terminal; name a file with -o")
    if form is SqlFormat.table and to is not None:
        raise ConfigurationError("-o needs --format json, jsonl, csv, parquet or arrow")


@contextmanager
def _binary(to: Path | None, form: SqlFormat) -> Iterator[IO[bytes]]:
    if to is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with to.open("wb") as file:
        yield file


@contextmanager
def _text(to: Path | None) -> Iterator[TextIO]:
    if to is None:
        yield sys.stdout
        return
    with to.open("w", encoding="utf-8", newline="") as file:
        yield file


def _shown(text: str, to: TextIO) -> str:
    return output.for_stdout(text) if to is sys.stdout else text


def _rows(cursor: Cursor) -> Iterator[Row]:
    return (row for batch in cursor.batches for row in batch)


def _aware(value: Any) -> Any:
    """Return a timestamp of DuckDB, which has no zone, as UTC; any other value unchanged."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _document(cursor: Cursor, row: Row) -> bytes:
    return output.as_json(dict(zip(cursor.columns, map(_aware, row), strict=True)))


def _json(cursor: Cursor, to: TextIO) -> None:
    """Write one array, row by row."""
    before = "[\n"
    for row in _rows(cursor):
        text = msgspec.json.format(_document(cursor, row)).decode()
        to.write(_shown(before + "  " + text.replace("\n", "\n  "), to))
        before = ",\n"
    to.write("[]\n" if before == "[\n" else "\n]\n")


def _json_lines(cursor: Cursor, to: TextIO) -> None:
    for row in _rows(cursor):
        to.write(_shown(_document(cursor, row).decode() + "\n", to))


def _csv(cursor: Cursor, to: TextIO) -> None:
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow([_cell(name, to) for name in cursor.columns])
    for row in _rows(cursor):
        writer.writerow([_cell(value, to) for value in row])


def _cell(value: Any, to: TextIO) -> Any:
    """Return a value for a spreadsheet; a text that would be a formula gets a quote before it."""
    if isinstance(value, dict | list | tuple):
        value = output.as_json(value).decode()
    value = _aware(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = _shown(value, to)
    return f"'{text}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else text


_BINARY: Final = frozenset({SqlFormat.parquet, SqlFormat.arrow})
_TEXT: Final[dict[SqlFormat, Callable[[Cursor, TextIO], None]]] = {
    SqlFormat.json: _json,
    SqlFormat.jsonl: _json_lines,
    SqlFormat.csv: _csv,
}
