"""Views of every table over compacted and hot runs, in a connection that can read nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.errors import StoreError, first_line
from odibi_core.history.schema import DUCKDB_TYPES, TABLES, Table
from odibi_core.history.sql.macros import MACROS, with_callees
from odibi_core.history.sql.source import HistorySource
from odibi_core.select_only import LOGS, Asked, check_select
from odibi_core.store.hot_lines import unnamed_file
from odibi_core.store.sql_duckdb import Opened, connected, lock, open_logs
from odibi_core.store.sql_logs import cold_parts, parquet
from odibi_core.store.sql_text import literal, quoted

_PATTERN: Final = frozenset("*?[]{}")
"""Characters of a path that DuckDB takes for a pattern."""


@contextmanager
def opened(query: str, source: HistorySource) -> Iterator[Opened]:
    """Open a locked connection that has the tables which a query names, for a query that was checked to be one SELECT.

    Raises:
        QueryError: It is not one SELECT over the tables of the history.
        StoreError: A part of the record could not be read.
    """
    with connected() as connection, ExitStack() as stack:
        asked = check_select(connection, query, TABLES, MACROS)
        macros = with_callees(asked.functions & MACROS.keys())
        wanted = set(TABLES) if asked.shows_tables else asked.tables.union(*(macro.words for macro in macros))
        names = [name for name in TABLES if name in wanted]
        every = {each.name: list(each.names) for each in TABLES.values()}
        record = Opened(connection, {}, notices=list(source.notices), elsewhere=every)
        files: list[str] = []
        for name in names:
            if name != LOGS:
                files += _create_view(connection, TABLES[name], source, stack)
                record.tables[name] = list(TABLES[name].names)
        for macro in macros:
            connection.execute(macro.statement)
        if LOGS in names:
            files += _open_logs(record, query, source, asked, stack)
        lock(connection, files)
        yield record


def open_encoded(query: str, source: Any) -> Any:
    """Open the source of a request: plain data, from another process."""
    return opened(query, msgspec.convert(source, HistorySource))


def _open_logs(record: Opened, query: str, source: HistorySource, asked: Asked, stack: ExitStack) -> list[str]:
    for file in source.logs:
        file.path = _exact(file.path, stack)
    cold = cold_parts(source.logs, asked, source.log_filter)
    segments = [Path(os.fsdecode(path)) for path in source.segments]
    log = open_logs(record.connection, query, segments, cold, asked, stack)
    record.tables[LOGS] = log.names
    record.read_errors = log.read_errors
    record.notices += log.notices
    return log.files


def _create_view(connection: Any, table: Table, source: HistorySource, stack: ExitStack) -> list[str]:
    """Make the view of a table; return the files that it reads."""
    own = source.tables[table.name]
    files = [_exact(path, stack) for path in own.files]
    types = {column.name: DUCKDB_TYPES[column.type] for column in table.columns}
    # A file of an older version lacks the columns that were added later: they are null.
    parts = [f"select {', '.join(f'null::{kind} as {quoted(name)}' for name, kind in types.items())} where false"]
    if files:
        parts.append(f"select * from {parquet(files)}")
    if own.rows:
        file = unnamed_file(stack)
        file.write(own.rows)
        file.flush()
        path = f"/dev/fd/{file.fileno()}"
        columns = ", ".join(f"{quoted(name)}: '{_read_as(kind)}'" for name, kind in types.items())
        parts.append(f"select * from read_json({literal(path)}, format='newline_delimited', columns={{{columns}}})")
        files.append(path)
    values = {name: f"{quoted(name)}::{kind}" for name, kind in types.items()}
    if table.name == "alerts":
        values["acknowledged"] = f"coalesce(acknowledged, {_time_of(source.acknowledged)})::timestamp"
        values["resolved"] = f"coalesce(resolved, {_time_of(source.resolved)})::timestamp"
        values["muted"] = f"coalesce(muted, false) or {source.muted}"
    columns = ", ".join(f"{value} as {quoted(name)}" for name, value in values.items())
    only = "" if source.run_id is None else f" where run_id = {literal(source.run_id)}"
    view = f"create view {table.name} as select {columns} from ({' union all by name '.join(parts)}){only}"
    with _readable():
        connection.execute(view)
    return files


@contextmanager
def _readable() -> Iterator[None]:
    """Raise `StoreError` in place of an error of DuckDB: the statement is sound, so a file is not."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise StoreError(f"a file of the store cannot be read: {first_line(error)}") from error


def _time_of(times: dict[str, str]) -> str:
    """Return the time of an alert by its id, which a note has that is newer than the record of the run."""
    if not times:
        return "null"
    entries = ", ".join(f"{literal(alert)}: {literal(time)}" for alert, time in times.items())
    return f"(map {{{entries}}}[alert_id])::timestamptz"


def _read_as(kind: str) -> str:
    return "VARCHAR" if kind == "JSON" else kind


def _exact(path: str, stack: ExitStack) -> str:
    """Return a path that means one file, whatever characters its name has."""
    if not _PATTERN & set(path):
        return path
    return f"/dev/fd/{stack.enter_context(Path(path).open('rb')).fileno()}"
