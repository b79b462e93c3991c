"""The DuckDB side of SQL over the record: a locked connection, and a SELECT run on it.

Views read the files of the record, with schemas that are known beforehand. The connection is locked before it gets the
query: no other file, network, extension or setting.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.errors import QueryError, first_line
from odibi_core.select_only import LOGS, Asked, check_select
from odibi_core.store.lines import ReadErrors
from odibi_core.store.sql_logs import LogColumns, Part, create_view, hot_parts
from odibi_core.store.sql_misnamed import explain_missing
from odibi_core.store.sql_text import literal, quoted

MEMORY_LIMIT: Final = "1 GB"
"""Of DuckDB's own buffers. It does not bound a single large value; a separate process does."""
TIMEOUT_S: Final = 60.0
THREADS: Final = 4
BATCH_ROWS: Final = 1_000


class Answer(msgspec.Struct):
    """`columns` in their order, `rows` as dicts, what could not be read of the log, and notices for a reader.

    `types` has the DuckDB type of each column.
    """

    columns: list[str]
    rows: list[dict[str, Any]]
    read_errors: ReadErrors = msgspec.field(default_factory=ReadErrors)
    notices: list[str] = msgspec.field(default_factory=list)
    types: list[str] = msgspec.field(default_factory=list)


class Cursor(msgspec.Struct):
    """An answer row by row: the names and DuckDB types of its columns, and batches of rows in their order."""

    columns: list[str]
    types: list[str]
    batches: Iterator[list[tuple[Any, ...]]]
    read_errors: ReadErrors
    notices: list[str] = msgspec.field(default_factory=list)

    def answer(self) -> Answer:
        """Return all rows as dicts."""
        rows = [dict(zip(self.columns, row, strict=True)) for batch in self.batches for row in batch]
        return Answer(self.columns, rows, self.read_errors, self.notices, self.types)


class Interrupted(Exception):
    """Raised for a query that `interrupt()` stopped."""


class Opened(msgspec.Struct):
    """A locked connection, the columns of its tables by table, and what a reader of the answer must know.

    `elsewhere` has the columns of tables that the query does not name, for errors.
    """

    connection: Any
    tables: dict[str, list[str]]
    read_errors: ReadErrors = msgspec.field(default_factory=ReadErrors)
    notices: list[str] = msgspec.field(default_factory=list)
    elsewhere: dict[str, list[str]] = msgspec.field(default_factory=dict)


@contextmanager
def opened(query: str, paths: list[Path]) -> Iterator[Opened]:
    """Open a locked connection that has the view `logs`, for a query that was checked to be one SELECT."""
    with connected() as connection, ExitStack() as stack:
        asked = check_select(connection, query)
        log = open_logs(connection, query, paths, [], asked, stack)
        lock(connection, log.files)
        yield Opened(connection, {LOGS: log.names}, log.read_errors, log.notices)


def open_logs(
    connection: Any, query: str, paths: list[Path], cold: list[Part], asked: Asked, stack: ExitStack
) -> LogColumns:
    """Make the view `logs` over segments and over other parts of the log.

    Raises:
        StoreError: The segments could not be read.
    """
    hot = hot_parts(connection, paths, asked, stack)
    log = create_view(connection, [*cold, *hot], asked)
    if not all(part.has_every_field for part in hot) and not _binds(connection, query):
        connection.execute(f"drop view {LOGS}")
        log = create_view(connection, [*cold, *hot_parts(connection, paths, asked, stack, fast=False)], asked)
    if log.left_out:
        log.notices.append(f"{log.left_out:,} more fields are not in *; name the fields in the query")
    return log


def _binds(connection: Any, query: str) -> bool:
    """Return false if the query names a column that the tables lack. Nothing is computed."""
    import duckdb

    try:
        connection.execute(f"describe {query}")
    except duckdb.BinderException:
        return False
    except duckdb.Error:
        return True
    return True


def lock(connection: Any, files: list[str]) -> None:
    """Allow the connection to read these files, and nothing else."""
    connection.execute(f"set allowed_paths = [{', '.join(map(literal, files))}]")
    for setting in ("enable_external_access=false", "lock_configuration=true"):
        connection.execute(f"set {setting}")


def run_query(opened: Opened, query: str) -> Cursor:
    """Run the query.

    Raises:
        QueryError: DuckDB cannot answer it.
        Interrupted: It was stopped.
    """
    with _explained(opened):
        cursor = _execute(opened.connection, query)
        columns = _distinct([column[0] for column in cursor.description])
        types = [str(column[1]) for column in cursor.description]
        return Cursor(columns, types, _batches(cursor, opened), opened.read_errors, opened.notices)


def too_slow(timeout_s: float) -> QueryError:
    """Return the error of a query that reached its timeout."""
    return QueryError(f"the query took longer than {timeout_s:g} s; ask for less, or for fewer runs")


def too_large(limit: str) -> QueryError:
    """Return the error of a query that reached its memory limit."""
    return QueryError(f"the query needs more memory than the {limit} it may have; ask for less, or for fewer runs")


@contextmanager
def connected() -> Iterator[Any]:
    """Open a connection in memory; times are in UTC."""
    import duckdb

    connection = duckdb.connect(
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
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set parquet_metadata_cache = true")  # a batch never changes (benchmark: questions)
        yield connection
    finally:
        connection.close()


def _execute(connection: Any, query: str) -> Any:
    cursor = connection.execute(query)
    zoned = [str(column[1]) == "TIMESTAMP WITH TIME ZONE" for column in cursor.description]
    if not any(zoned):
        return cursor
    # DuckDB needs another library to return these to Python, so they are returned as every time of the record is: UTC.
    names = [f"c{place}" for place in range(len(zoned))]
    shown = [
        f"{name}::timestamp as {quoted(column[0])}" if is_zoned else f"{name} as {quoted(column[0])}"
        for name, column, is_zoned in zip(names, cursor.description, zoned, strict=True)
    ]
    inner = query.strip().rstrip(";")
    return connection.execute(f"select {', '.join(shown)} from (\n{inner}\n) as answer({', '.join(names)})")


def _batches(cursor: Any, opened: Opened) -> Iterator[list[tuple[Any, ...]]]:
    with _explained(opened):
        while batch := cursor.fetchmany(BATCH_ROWS):
            yield batch


@contextmanager
def _explained(opened: Opened) -> Iterator[None]:
    """Turn DuckDB's errors into one sentence, with the nearest column if one was not found."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise Interrupted from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise too_large(MEMORY_LIMIT) from None
    except duckdb.Error as error:
        raise QueryError(_explain(first_line(error), opened)) from None
    except (OverflowError, ValueError) as error:
        raise QueryError(
            f"a value of the answer does not fit Python ({first_line(error)}); cast it to text: value::varchar"
        ) from None


def _explain(message: str, opened: Opened) -> str:
    if "'pytz'" in message:
        return "a time with a zone cannot be returned inside a list or struct; cast it, such as now()::timestamp"
    missing = re.search(r'column "([^"]+)" not found|does not have a column named "([^"]+)"', message)
    if missing is None or not opened.tables:
        return message
    return explain_missing(missing[1] or missing[2], opened.tables, opened.elsewhere) or message


def _distinct(names: list[str]) -> list[str]:
    """Return column names without duplicates, as keys of a dict must be."""
    return [name if name not in names[:place] else f"{name}_{place + 1}" for place, name in enumerate(names)]
