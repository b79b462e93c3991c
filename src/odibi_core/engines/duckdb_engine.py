"""The DuckDB engine: relations that build on each other, on one connection for each engine object."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import finalize

import duckdb
import pyarrow as pa
from pyarrow import parquet

from odibi_core.engines import (
    arrow_columns,
    duckdb_profile,
    duckdb_sql,
    files,
    formats,
    partitions,
    refusals,
    sql_inputs,
)
from odibi_core.engines.duckdb_turn import TURN, is_relation
from odibi_core.engines.pyarrow_engine import PyarrowEngine
from odibi_core.errors import STOPS, OdibiError

_databases = itertools.count()
_READS = frozenset({"columns", "hive_partitioning", "storage_options"})
_ALIKE = frozenset(["boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"]) | {
    "ubigint",
    "float",
    "double",
    "varchar",
    "date",
    "timestamp",
    "blob",
    "decimal",
}
"""Types that DuckDB's own Parquet writer keeps."""


class _Arrow(PyarrowEngine):
    """The part of the engine that reads and writes Arrow tables."""

    name = "duckdb"


class DuckdbEngine:
    """Relations, which DuckDB runs where their rows are needed. A relation that is run is an Arrow table.

    Threads take turns, because DuckDB runs one query of a connection at a time.
    """

    name = "duckdb"

    def __init__(self) -> None:
        self._lock = TURN
        self._arrow = _Arrow()
        self._numbers = itertools.count()
        self._connection: Any = None
        self._database = f"engine_{next(_databases)}"
        self._views: dict[int, str] = {}
        """The view of each relation that is in use, by the id of the relation."""

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        return [] if operation == "sql" else self._arrow.problems(operation, path, options)

    def frame(self, value: Any) -> Any:
        with self._lock:
            if is_relation(value):
                return value if self._view_of(value) else self._relation_of(arrow_columns.of_relation(value))
            return self._relation_of(self._arrow.frame(value))

    def turn(self) -> AbstractContextManager[Any]:
        """Return the turn of a function, which may run the relations that it gets."""
        return self._lock

    def is_plan(self, frame: Any) -> bool:
        """Return whether a frame is a relation, whose rows are not there yet."""
        return is_relation(frame)

    def collected(self, frames: Sequence[Any]) -> list[Any]:
        """Return the rows of relations as Arrow tables; each relation is run once."""
        with self._lock, duckdb_profile.profiled(self._opened()):
            return [arrow_columns.of_relation(frame) if is_relation(frame) else frame for frame in frames]

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        refusals.refuse("read", path, format, options, self._arrow._known_options)
        sources = self._scannable(path, format, options)
        if sources is None:
            return self.frame(self._arrow.read(path, format=format, **options))
        listed = ", ".join(map(sql_inputs.literal, sources))
        columns = ", ".join(map(sql_inputs.quoted, options.get("columns") or ())) or "*"
        return self._of_text(f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false)", {})

    def _scannable(self, path: str, format: str | None, options: Mapping[str, Any]) -> list[str] | None:
        """Return the files if DuckDB's own reader gives their values exactly: Parquet of one schema and plain types."""
        if files.is_remote(path) or formats.table_named(path, format) or options.keys() - _READS:
            return None
        found = files.sources(path, format)
        if any(files.target(each, format).format != "parquet" for each in found):
            return None
        if partitions.columns(path, found, options):
            return None
        try:
            schemas = [parquet.read_schema(each).remove_metadata() for each in found]
        except (pa.ArrowException, OSError):
            return None  # the other way of reading names the damaged file
        alike = all(schema == schemas[0] for schema in schemas)
        known = set(options.get("columns") or ()) <= set(schemas[0].names)
        return found if alike and known and all(_is_plain(field.type) for field in schemas[0]) else None

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> int | None:
        """Write a frame; return the rows that a relation had, which only its execution shows."""
        refusals.refuse("write", path, format, options, self._arrow._known_options)
        with self._lock:
            if not is_relation(frame):
                self._arrow.write(frame, path, format=format, **options)
                return None
            if not options and files.is_local_parquet(path, format) and _is_alike(frame):
                return self._copy(frame, path)
            table = arrow_columns.of_relation(frame)
            self._arrow.write(table, path, format=format, **options)
            return int(table.num_rows)

    def _copy(self, relation: Any, path: str) -> int:
        with files.explained(path, "parquet", {}), files.replacing(path) as beside:
            view = self._view_of(self.frame(relation))
            (rows,) = self._opened().execute(f"COPY {view} TO {sql_inputs.literal(beside)} (FORMAT parquet)").fetchone()
        return int(rows)

    def arrow(self, frame: Any) -> Any:
        """Return a frame as an Arrow table; a relation is run."""
        return self.collected([frame])[0]

    def of_arrow(self, table: Any) -> Any:
        """Return the relation of an Arrow table, which is not copied."""
        return self.frame(table)

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        duckdb_sql.refuse_twins(frames)
        try:
            with self._lock:
                statements = self._opened().extract_statements(query)
        except duckdb.Error as error:
            raise duckdb_sql.explained(error, query, frames, {}) from error
        is_one = len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT
        if is_one and not parameters:
            return self._of_text(statements[0].query, frames)
        with self._lock:
            tables = {name: self.arrow(self._given(frame)) for name, frame in frames.items()}
            return self.frame(duckdb_sql.query(query, tables, parameters, arrow_columns.of_relation))

    def select(self, query: str, frames: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        return self._arrow.select(query, {name: self.arrow(frame) for name, frame in frames.items()})

    def _given(self, frame: Any) -> Any:
        return self._arrow.frame(frame) if isinstance(frame, list | dict) else frame

    def _of_text(self, text: str, frames: Mapping[str, Any]) -> Any:
        """Return the relation of one SELECT over frames. Its names are bound here and now, whatever comes later."""
        with self._lock:
            connection, schema = self._opened(), f"{self._database}.step_{next(self._numbers)}"
            connection.execute(f"CREATE SCHEMA {schema}")
            refused: dict[str, str] = {}
            for name, frame in frames.items():
                try:
                    source = self._source(self._given(frame))
                    connection.execute(f"CREATE VIEW {schema}.{sql_inputs.quoted(name)} AS {source}")
                except STOPS:
                    raise
                except BaseException as error:
                    refused[name.casefold()] = duckdb_sql.refusal(error)
            try:
                connection.execute(f"USE {schema}")
                connection.execute(f'CREATE VIEW {schema}."the answer of the step" AS {text}')
                return self._seen(f'{schema}."the answer of the step"')
            except (OdibiError, *STOPS):
                raise
            except BaseException as error:
                raise duckdb_sql.explained(error, text, frames, refused) from error
            finally:
                connection.execute("USE memory.main")

    def _source(self, frame: Any) -> str:
        """Return the SELECT that reads a frame of any library."""
        view = self._view_of(frame) if is_relation(frame) else None
        if view is None:
            view = self._registered(arrow_columns.of_relation(frame) if is_relation(frame) else frame)
        return f"SELECT * FROM {view}"

    def _registered(self, frame: Any) -> str:
        name = f"frame_{next(self._numbers)}"
        duckdb_sql.make_table(self._opened(), name, frame)
        return name

    def _relation_of(self, table: Any) -> Any:
        """Return the relation of an Arrow table; one without columns, which no relation has, stays what it is."""
        for field in table.schema:
            zone = getattr(field.type, "tz", None)
            if zone not in (None, "UTC"):
                files.warn_changed(field.name, f"is in the time zone {zone}; DuckDB keeps its moments in UTC")
        return self._seen(self._registered(table)) if table.num_columns else table

    def _seen(self, view: str) -> Any:
        relation = self._opened().sql(f"SELECT * FROM {view}")
        self._know(relation, view)
        return relation

    def _know(self, relation: Any, view: str) -> None:
        """Keep the name of the view of a relation, and this engine as long as the relation needs its database."""
        self._views[id(relation)] = view
        finalize(relation, self._forget, id(relation))

    def _forget(self, key: int) -> None:
        self._views.pop(key, None)

    def _view_of(self, relation: Any) -> str | None:
        """Return the name of the view of a relation; None if it belongs to another connection."""
        known = self._views.get(id(relation))
        if known is not None:
            return known
        name = f"derived_{next(self._numbers)}"
        try:
            relation.create_view(name)
            self._opened().execute(f"DESCRIBE {name}")
        except duckdb.Error:
            return None
        self._know(relation, name)
        return name

    def _opened(self) -> Any:
        if self._connection is None:
            self._connection = duckdb_sql.base().cursor()
            self._connection.execute(f"ATTACH ':memory:' AS {self._database}")
            finalize(self, _close, self._connection, self._database)
        return self._connection


def _close(connection: Any, database: str) -> None:
    """Remove the database of an engine that nothing needs any more."""
    try:
        connection.execute(f"DETACH {database}")
        connection.close()
    except duckdb.Error:
        pass  # the process ends, or a fork left it without its threads


def _is_alike(relation: Any) -> bool:
    return all(each.id in _ALIKE for each in relation.types) and len(set(relation.columns)) == len(relation.columns)


def _is_plain(kind: Any) -> bool:
    """Return whether DuckDB reads this type of a Parquet file as pyarrow does."""
    if pa.types.is_timestamp(kind):
        return kind.unit == "us" and kind.tz in (None, "UTC")
    checks = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_date32, pa.types.is_decimal128)
    return kind in (pa.float32(), pa.float64()) or any(check(kind) for check in checks)
