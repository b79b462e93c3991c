"""Segments as a part of the log, each line decoded: exact for any line, and for a query of all columns."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import StoreError, first_line
from odibi_core.select_only import Asked
from odibi_core.store.hot_lines import unnamed_file
from odibi_core.store.log_table import LONGEST_LINE, STANDARD_TYPES, LogTable
from odibi_core.store.sql_logs import Part, Piece
from odibi_core.store.sql_text import TEXT, literal, quoted

FEW: Final = 1 << 20
"""Bytes of lines that are decoded at once, which is exact and takes milliseconds."""
NO_ROOM: Final = "make room, or set TMPDIR"


def decoded_part(connection: Any, paths: list[Path], asked: Asked, stack: ExitStack) -> Part:
    """Return the part of segments: one temporary file of uniform lines.

    Raises:
        StoreError: The file could not be written, or not every event was read from it.
    """
    import duckdb

    try:
        table = LogTable(unnamed_file(stack), asked.columns)
        table.add(paths)
    except OSError as error:
        raise not_copied(error) from None
    path = f"/dev/fd/{table.file.fileno()}"
    relation = f"read_json({literal(path)}, {_schema(table)})"
    try:
        found = connection.execute(f"select count(*) from {relation}").fetchone()[0]
    except duckdb.Error as error:
        raise StoreError(f"the log could not be read as a table: {first_line(error)}") from None
    if found != table.rows:
        raise StoreError(
            f"the log could not be read as a table: of {table.rows:,} events {found:,} came back; "
            "this is a fault of odibi-core"
        )
    pieces = {name: _piece(name, column.name, column.type) for name, column in table.columns.items()}
    part = Part(relation, pieces, table.read_errors, table.left_out, [path])
    return _in_memory(connection, part) if table.file.tell() <= FEW else part


def _in_memory(connection: Any, part: Part) -> Part:
    """Return the part as a table in memory: a view would parse the lines again for each use in the query."""
    names = {name: f"c{place}" for place, name in enumerate(part.columns)}
    values = ", ".join(f"{piece.sql} as {names[name]}" for name, piece in part.columns.items())
    connection.execute(f"create or replace temp table decoded_lines as select {values} from {part.relation}")
    columns = {name: Piece(piece.shown, piece.type, names[name]) for name, piece in part.columns.items()}
    return Part("decoded_lines", columns, part.read_errors, part.left_out)


def not_copied(error: OSError) -> StoreError:
    """Return the error of a temporary file that could not be written."""
    return StoreError(f"the log could not be copied to a temporary file: {error.strerror or error}; {NO_ROOM}")


def _piece(name: str, shown: str, kind: str) -> Piece:
    if name in STANDARD_TYPES:
        return Piece(shown, STANDARD_TYPES[name], standard(name, quoted(name), kind))
    return Piece(shown, kind, quoted(shown))


def _schema(table: LogTable) -> str:
    """Return the arguments of `read_json`: every column with its type, so that nothing is inferred."""
    types = {
        column.name: TEXT if STANDARD_TYPES.get(name) == TEXT else column.type for name, column in table.columns.items()
    }
    columns = ", ".join(f"{quoted(name)}: '{kind}'" for name, kind in types.items())
    return (
        f"format='newline_delimited', compression='uncompressed', maximum_object_size={LONGEST_LINE}, "
        f"columns={{{columns}}}"
    )


def standard(name: str, sql: str, read_as: str) -> str:
    """Return a standard column in its own type: null if a value does not fit, but metadata is kept as JSON text."""
    kind = STANDARD_TYPES[name]
    if kind in (TEXT, read_as):
        return sql
    if kind == "TIMESTAMP":
        return f"try_cast({sql} as timestamptz)::timestamp"
    if kind == "JSON":
        return f"case when json_valid({sql}::varchar) then {sql}::json else to_json({sql}) end"
    return f"try_cast({sql} as {kind})"
