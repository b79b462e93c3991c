"""Tables and queries of PostgreSQL by its ADBC driver: Arrow from end to end, rows by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal, InvalidOperation
from typing import Any

from odibi_core.engines.formats.sql_duckdb import named
from odibi_core.engines.sql_inputs import literal, quoted
from odibi_core.errors import EngineError, SourceNotFoundError, UnreadableSourceError
from odibi_core.events import clock


def read(path: str, query: str | None, name: str | None) -> Any:
    """Return the rows of a query or of a table as an Arrow table; numerics are decimals, UUIDs and JSON are text.

    Raises:
        SourceNotFoundError: There is no such table.
    """
    from adbc_driver_postgresql import dbapi

    with closing(dbapi.connect(_plain(path))) as connection, closing(connection.cursor()) as cursor:
        if query is None and not _is_there(cursor, str(name)):
            raise SourceNotFoundError(f"there is no table {name!r}; check its name, and that of its schema")
        cursor.execute(query if query is not None else f"SELECT * FROM {named(str(name))}")
        table = cursor.fetch_arrow_table()
    return _exact(table)


def _is_there(cursor: Any, name: str) -> bool:
    cursor.execute(f"SELECT to_regclass({literal(named(name))}) IS NOT NULL")
    return bool(cursor.fetchone()[0])


def _plain(path: str) -> str:
    """Return the URL as the client library of PostgreSQL takes it, without the name of another driver."""
    return "postgresql://" + path.partition("://")[2]


def _exact(table: Any) -> Any:
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        kind, column = field.type, table.column(place)
        if isinstance(kind, pa.BaseExtensionType):
            named = str(getattr(kind, "type_name", kind))
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
            column = _decimals(field.name, column) if named == "numeric" else _text(field.name, named, column)
        elif str(kind) == "month_day_nano_interval":
            column = _spans(field.name, column)
        table = table.set_column(place, field.name, column)
    return table.replace_schema_metadata(None)


def _decimals(name: str, column: Any) -> Any:
    import pyarrow as pa

    try:
        values = [None if text is None else Decimal(text) for text in column.to_pylist()]
        return (
            pa.array(values)
            if any(value is not None for value in values)
            else pa.nulls(len(values), pa.decimal128(38, 9))
        )
    except (InvalidOperation, pa.ArrowException) as error:
        raise UnreadableSourceError(f"column {name!r} holds a numeric that no decimal holds: {error}") from None


def _text(name: str, kind: str, column: Any) -> Any:
    import uuid

    import pyarrow as pa

    if "uuid" in kind:
        return pa.array(
            [None if each is None else str(uuid.UUID(bytes=each)) for each in column.to_pylist()], pa.string()
        )
    if "json" in kind:
        return column.cast(pa.string())
    raise UnreadableSourceError(f"column {name!r} is {kind}, which Arrow has no type for; cast it in the query")


def _spans(name: str, column: Any) -> Any:
    import pyarrow as pa

    spans = column.to_pylist()
    if any(span is not None and span.months for span in spans):
        raise UnreadableSourceError(f"column {name!r} holds months, which have no length; cast it in the query")
    micros = [None if span is None else span.days * 86_400_000_000 + span.nanoseconds // 1000 for span in spans]
    return pa.array(micros, pa.int64()).cast(pa.duration("us"))


def write(table: Any, path: str, name: str, mode: str, keys: Sequence[str]) -> None:
    """Write an Arrow table in one transaction; the rows first go to a table of this connection, which casts them."""
    from adbc_driver_postgresql import dbapi

    with closing(dbapi.connect(_plain(path))) as connection, closing(connection.cursor()) as cursor:
        _change(cursor, table, name, mode, keys)
        connection.commit()


def _change(cursor: Any, table: Any, name: str, mode: str, keys: Sequence[str]) -> None:
    import pyarrow as pa

    target, aside = named(name), f"odibi_{clock.new_id()}"
    empty = [field.name for field in table.schema if pa.types.is_null(field.type)]
    cursor.adbc_ingest(aside, table.drop_columns(empty), mode="create", temporary=True)
    if not _is_there(cursor, name):
        if empty:
            raise EngineError(f"column {empty[0]!r} has no value, and a new table needs its type; cast it to one")
        cursor.execute(f"CREATE TABLE {target} (LIKE {quoted(aside)})")
        if keys:
            cursor.execute(f"ALTER TABLE {target} ADD PRIMARY KEY ({', '.join(map(quoted, keys))})")
    if mode == "replace":
        cursor.execute(f"DELETE FROM {target}")
    columns = ", ".join(map(quoted, table.column_names))
    taken = ", ".join("NULL" if each in empty else quoted(each) for each in table.column_names)
    statement = f"INSERT INTO {target} ({columns}) SELECT {taken} FROM {quoted(aside)}"
    cursor.execute(statement + (_on_conflict(table.column_names, keys) if mode == "upsert" else ""))


def _on_conflict(columns: Sequence[str], keys: Sequence[str]) -> str:
    found = f" ON CONFLICT ({', '.join(map(quoted, keys))}) DO "
    others = [each for each in columns if each not in keys]
    changes = ", ".join(f"{quoted(each)} = excluded.{quoted(each)}" for each in others)
    return found + (f"UPDATE SET {changes}" if others else "NOTHING")
