"""The DuckDB side of SQL over the log: a locked connection with the view `logs`, and a SELECT run on it.

The events are collected into one temporary file of uniform lines. DuckDB reads it through a view, with the schema
that was found. The connection is locked before it gets the query: no other file, network, extension or setting.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.errors import QueryError, StoreError, nearest
from odibi_core.store.log_table import LONGEST_LINE, STANDARD_TYPES, LogTable
from odibi_core.store.segments import ReadErrors
from odibi_core.store.select_only import check_select, first_line

MEMORY_LIMIT: Final = "1 GB"
"""Of DuckDB's own buffers. It does not bound a single large value; a separate process does."""
TIMEOUT_S: Final = 60.0
THREADS: Final = 4
BATCH_ROWS: Final = 1_000

_WORDS: Final = re.compile(r'[A-Za-z_][A-Za-z0-9_]*|"(?:[^"]|"")*"')


class Answer(msgspec.Struct):
    """`columns` in their order, `rows` as dicts, and what could not be read of the log."""

    columns: list[str]
    rows: list[dict[str, Any]]
    read_errors: ReadErrors = msgspec.field(default_factory=ReadErrors)


class Cursor(msgspec.Struct):
    """An answer row by row: the names of its columns, and batches of rows in their order."""

    columns: list[str]
    batches: Iterator[list[tuple[Any, ...]]]
    read_errors: ReadErrors
    left_out: int = 0
    """Fields of the log that are no column, because there are too many."""

    def answer(self) -> Answer:
        """Return all rows as dicts."""
        rows = [dict(zip(self.columns, row, strict=True)) for batch in self.batches for row in batch]
        return Answer(self.columns, rows, self.read_errors)


class Interrupted(Exception):
    """Raised for a query that `interrupt()` stopped."""


@contextmanager
def opened(query: str, paths: Iterable[Path]) -> Iterator[tuple[Any, LogTable]]:
    """Open a locked connection that has the view `logs`, for a query that was checked to be one SELECT."""
    connection = _connect()
    try:
        check_select(connection, query)
        words = {_unquoted(word) for word in _WORDS.findall(query)}
        with ExitStack() as stack:
            try:
                # A file without a name: no pattern, no second process and no crash can leave or reach it.
                table = LogTable(stack.enter_context(tempfile.TemporaryFile()), words)
                table.add(paths)
            except OSError as error:
                raise StoreError(
                    f"the log could not be copied to a temporary file: {error.strerror or error}; "
                    "make room, or set TMPDIR"
                ) from None
            _create_view(connection, table, words)
            for setting in ("enable_external_access=false", "lock_configuration=true"):
                connection.execute(f"set {setting}")
            yield connection, table
    finally:
        connection.close()


def run_query(connection: Any, query: str, table: LogTable) -> Cursor:
    """Run the query.

    Raises:
        QueryError: DuckDB cannot answer it.
        Interrupted: It was stopped.
    """
    with _explained(table):
        cursor = _execute(connection, query)
        columns = _distinct([column[0] for column in cursor.description])
        return Cursor(columns, _batches(cursor, table), table.read_errors, table.left_out)


def too_slow(timeout_s: float) -> QueryError:
    """Return the error of a query that reached its timeout."""
    return QueryError(f"the query took longer than {timeout_s:g} s; ask for less, or for fewer runs")


def too_large(limit: str) -> QueryError:
    """Return the error of a query that reached its memory limit."""
    return QueryError(f"the query needs more memory than the {limit} it may have; ask for less, or for fewer runs")


def _connect() -> Any:
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY_LIMIT.replace(" ", ""),
            "temp_directory": "",  # else it is `.tmp` in the working directory of the program
            "threads": str(min(THREADS, os.cpu_count() or 1)),
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )


def _create_view(connection: Any, table: LogTable, words: set[str]) -> None:
    """Make the view `logs`: a column for each field, by the name that the query uses, else the one it was logged by.

    Raises:
        StoreError: DuckDB does not read as many events as were written.
    """
    import duckdb

    source = f"read_json('{_path_of(table)}', {_schema(table)})"
    columns = []
    for name, column in table.columns.items():
        value = _standard(name, column.type) if name in STANDARD_TYPES else _quoted(column.name)
        others = {word for word in words if table.find(word) is column and word.lower() != column.name.lower()}
        columns += [f"{value} as {_quoted(shown)}" for shown in (column.name, *sorted(others))]
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set allowed_paths = ['{_path_of(table)}']")
        found = connection.execute(f"select count(*) from {source}").fetchone()[0]
        connection.execute(f"create view logs as select {', '.join(columns)} from {source}")
    except duckdb.Error as error:
        raise StoreError(f"the log could not be read as a table: {first_line(error)}") from None
    if found != table.rows:
        raise StoreError(
            f"the log could not be read as a table: of {table.rows:,} events {found:,} came back; "
            "this is a fault of odibi-core"
        )


def _path_of(table: LogTable) -> str:
    return f"/dev/fd/{table.file.fileno()}"


def _schema(table: LogTable) -> str:
    """Return the arguments of `read_json`: every column with its type, so that nothing is inferred."""
    types = {
        column.name: "VARCHAR" if STANDARD_TYPES.get(name) == "VARCHAR" else column.type
        for name, column in table.columns.items()
    }
    columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in types.items())
    return (
        f"format='newline_delimited', compression='uncompressed', maximum_object_size={LONGEST_LINE}, "
        f"columns={{{columns}}}"
    )


def _standard(name: str, read_as: str) -> str:
    """Return a standard column in its own type: null if a value does not fit, but metadata is kept as JSON text."""
    column, kind = _quoted(name), STANDARD_TYPES[name]
    if kind in ("VARCHAR", read_as):
        return column
    if kind == "TIMESTAMP":
        return f"try_cast({column} as timestamptz)::timestamp"
    if kind == "JSON":
        return f"case when json_valid({column}::varchar) then {column}::json else to_json({column}) end"
    return f"try_cast({column} as {kind})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


def _execute(connection: Any, query: str) -> Any:
    cursor = connection.execute(query)
    zoned = [str(column[1]) == "TIMESTAMP WITH TIME ZONE" for column in cursor.description]
    if not any(zoned):
        return cursor
    # DuckDB needs another library to return these to Python, so they are returned as every time of the record is: UTC.
    names = [f"c{place}" for place in range(len(zoned))]
    shown = [
        f"{name}::timestamp as {_quoted(column[0])}" if is_zoned else f"{name} as {_quoted(column[0])}"
        for name, column, is_zoned in zip(names, cursor.description, zoned, strict=True)
    ]
    inner = query.strip().rstrip(";")
    return connection.execute(f"select {', '.join(shown)} from (\n{inner}\n) as answer({', '.join(names)})")


def _batches(cursor: Any, table: LogTable) -> Iterator[list[tuple[Any, ...]]]:
    with _explained(table):
        while batch := cursor.fetchmany(BATCH_ROWS):
            yield batch


@contextmanager
def _explained(table: LogTable) -> Iterator[None]:
    """Turn DuckDB's errors into one sentence, with the nearest column if one was not found."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise Interrupted from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise too_large(MEMORY_LIMIT) from None
    except duckdb.Error as error:
        raise QueryError(_explain(first_line(error), table)) from None
    except (OverflowError, ValueError) as error:
        raise QueryError(
            f"a value of the answer does not fit Python ({first_line(error)}); cast it to text: value::varchar"
        ) from None


def _explain(message: str, table: LogTable) -> str:
    if "'pytz'" in message:
        return "a time with a zone cannot be returned inside a list or struct; cast it, such as now()::timestamp"
    missing = re.search(r'column "([^"]+)" not found|does not have a column named "([^"]+)"', message)
    if missing is None:
        return message
    name = missing[1] or missing[2]
    if table.find(name) is not None:
        return message  # the log has it, but not where the query asks for it
    known = [column.name for column in table.columns.values()]
    return f"the log has no field {name!r}{nearest(name, known)}"


def _distinct(names: list[str]) -> list[str]:
    """Return column names without duplicates, as keys of a dict must be."""
    return [name if name not in names[:place] else f"{name}_{place + 1}" for place, name in enumerate(names)]
