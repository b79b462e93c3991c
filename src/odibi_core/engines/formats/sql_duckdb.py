"""Tables of DuckDB database files: exact types without a driver, and one transaction for each write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from odibi_core.engines.sql_inputs import quoted
from odibi_core.errors import EngineError, SourceNotFoundError

_SCHEME: Final = "duckdb:///"
_WIDE: Final = ("HUGEINT", "UHUGEINT", "BIGNUM")


def is_duckdb(path: str) -> bool:
    """Return whether a URL is one of a DuckDB database."""
    return path.lower().startswith("duckdb:")


@contextmanager
def _connected(path: str, *, read_only: bool) -> Iterator[Any]:
    import duckdb

    file = path[len(_SCHEME) :].partition("?")[0]
    if not path.lower().startswith(_SCHEME) or not file:
        raise EngineError(f"the URL of a DuckDB database must be {_SCHEME}file, got {path.partition('?')[0]!r}")
    if read_only and not os.path.exists(file):
        raise SourceNotFoundError(f"there is no DuckDB database {file!r}; check the path")
    with duckdb.connect(file, read_only=read_only) as connection:
        yield connection


def read(path: str, query: str | None, name: str | None, params: Mapping[str, Any] | None) -> Any:
    """Return the rows of a query or of a table as an Arrow table; HUGEINT is DECIMAL(38, 0)."""
    import duckdb

    with _connected(path, read_only=True) as connection:
        text = query if query is not None else f"SELECT * FROM {named(str(name))}"
        try:
            relation = connection.sql(text, params=dict(params) if params else None)
        except duckdb.CatalogException as error:
            raise SourceNotFoundError(f"{str(error)[:300]}") from None
        if relation is None:
            raise EngineError("query= must be a SELECT, which returns rows")
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        casts = [f"{cast} AS {quoted(name)}" for name, kind in types.items() if (cast := _cast(name, kind))]
        table = (relation.project(f"* REPLACE ({', '.join(casts)})") if casts else relation).to_arrow_table()
        return _in_utc(table, {name for name, kind in types.items() if kind == "INTERVAL"})


def _cast(name: str, kind: str) -> str | None:
    """Return the expression for a column that Arrow would get as a float, or as a span of months."""
    column = quoted(name)
    if kind in _WIDE:
        return f"{column}::DECIMAL(38, 0)"
    if kind != "INTERVAL":
        return None
    months = f"datepart('month', {column}) <> 0 OR datepart('year', {column}) <> 0"
    refusal = "error('an INTERVAL holds months, which have no length; cast it in the query')"
    return f"CASE WHEN {months} THEN {refusal} ELSE epoch_us({column}) END"


def _in_utc(table: Any, spans: set[str]) -> Any:
    """Return a table whose moments are in UTC, not in the zone of the session, and whose spans are durations."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        is_moment = pa.types.is_timestamp(field.type) and field.type.tz is not None
        kind = pa.duration("us") if field.name in spans else pa.timestamp(field.type.unit, "UTC") if is_moment else None
        if kind is not None:
            table = table.set_column(place, field.name, table.column(place).cast(kind))
    return table


def write(table: Any, path: str, name: str, mode: str, keys: Sequence[str]) -> None:
    """Write an Arrow table in one transaction; a table that is not there is created."""
    with _connected(path, read_only=False) as connection:
        connection.begin()
        try:
            _change(connection, table, name, mode, keys)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def _change(connection: Any, table: Any, name: str, mode: str, keys: Sequence[str]) -> None:
    frame, target = "the frame of odibi-core", named(name)
    connection.register(frame, table)
    source = quoted(frame)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {target} AS SELECT * FROM {source} LIMIT 0")
    if mode == "replace":
        connection.execute(f"DELETE FROM {target}")
    if mode == "upsert":
        on = " AND ".join(f"t.{quoted(key)} = s.{quoted(key)}" for key in keys)
        others = [each for each in table.column_names if each not in keys]
        update = ", ".join(f"{quoted(each)} = s.{quoted(each)}" for each in others)
        matched = f"WHEN MATCHED THEN UPDATE SET {update} " if others else ""
        columns = ", ".join(map(quoted, table.column_names))
        taken = ", ".join(f"s.{quoted(each)}" for each in table.column_names)
        connection.execute(
            f"MERGE INTO {target} AS t USING {source} AS s ON {on} {matched}"
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({taken})"
        )
    else:
        connection.execute(f"INSERT INTO {target} BY NAME SELECT * FROM {source}")
    connection.unregister(frame)


def named(name: str) -> str:
    """Return the name of a table, with its schema if a dot is in it, as SQL has it."""
    return ".".join(map(quoted, name.split(".")))
