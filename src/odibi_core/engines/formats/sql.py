"""Tables and queries of databases, by SQLAlchemy; those of DuckDB by DuckDB itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from odibi_core.engines import files
from odibi_core.engines.access_facts import Facts
from odibi_core.engines.formats import sql_adbc, sql_duckdb, sql_values, values
from odibi_core.engines.formats.arrow_fit import Types, fitted
from odibi_core.engines.formats.base import Operation, Options, TableFormat
from odibi_core.engines.formats.sql_values import DIALECTS_WITH_UPSERT
from odibi_core.errors import STOPS, EngineError, SourceNotFoundError, nearest
from odibi_core.plugins import missing_extra, missing_library

MODES: Final = ("append", "replace", "upsert")
_TYPES: Final = Types("SQL", nested=False, nulls=True, durations=True)
_TYPES_OF_DUCKDB: Final = Types("DuckDB", durations=True)
_BATCH: Final = 5_000


def _problems(operation: Operation, path: str, options: Options) -> list[str]:
    if options.get("driver", "adbc") != "adbc":
        return [f"driver must be 'adbc' or left out, got {options['driver']!r:.80}"]
    found = _of_options(operation, options)
    return found or (_of_adbc(path, options) if options.get("driver") else _of_url(path))


def _of_adbc(path: str, options: Options) -> list[str]:
    if not path.lower().startswith("postgresql"):
        return [f"driver='adbc' is for postgresql://, got {files.shown(path)!r}"]
    if options.get("params") is not None:
        return ["params does not fit driver='adbc'; leave the driver out, or write the values into query="]
    found = missing_library("adbc_driver_postgresql", "driver='adbc'")
    return found or missing_library("adbc_driver_manager", "driver='adbc'")


def _of_options(operation: Operation, options: Options) -> list[str]:
    table, query = options.get("table"), options.get("query")
    if operation == "write":
        if not (isinstance(table, str) and table):
            return [f"table must be the name of the table to write, got {table!r:.80}"]
        if "mode" not in options:
            return [f"mode must be one of {', '.join(MODES)}, got none; a database has no usual one"]
        return values.unfit_mode(options, MODES, "upsert")
    if (table is None) == (query is None):
        return ["one of table= and query= must be set: the table to read, or a SELECT"]
    found = [f"{name} must be a text, got {options[name]!r:.80}" for name in ("table", "query") if name in options]
    found = [] if isinstance(query if table is None else table, str) else found
    if options.get("params") is not None and (query is None or not isinstance(options["params"], dict)):
        found.append(f"params must be a dict with the parameters of query=, got {options['params']!r:.80}")
    return found


def _of_url(path: str) -> list[str]:
    """Return a sentence if no database can be reached by a URL: its form, its dialect, or its driver."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    if sql_duckdb.is_duckdb(path):
        return []
    try:
        _url(path).get_dialect().import_dbapi()
    except ImportError as error:
        if error.name == "psycopg":
            return [str(missing_extra("psycopg", f"the database {files.shown(path)!r}"))]
        return [
            f"the database {files.shown(path)!r} needs {error.name}, which is not installed: pip install {error.name}"
        ]
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        wanted = "dialect+driver://host/name"
        return [f"the URL of a database must be {wanted}, got {files.shown(path)!r}: {type(error).__name__}"]
    return []


def _url(path: str) -> Any:
    from sqlalchemy import make_url

    url = make_url(path)
    is_plain = url.drivername in ("postgresql", "postgres")
    return url.set(drivername="postgresql+psycopg") if is_plain else url


@contextmanager
def _connected(path: str) -> Iterator[Any]:
    """Yield a connection in one transaction, which is rolled back by any error."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    # Values of rows are data, and stay out of the messages.
    engine = create_engine(_url(path), poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        begin(connection)
        yield connection


def begin(connection: Any) -> None:
    """Begin the transaction of SQLite: its driver begins none for CREATE TABLE, and a killed process would leave it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")


def _read(path: str, options: Options) -> tuple[Any, Facts]:
    query, name = options.get("query"), options.get("table")
    facts = Facts(files.shown(path), "sql", "query" if query is not None else "read", dataset=name)
    if sql_duckdb.is_duckdb(path):
        return sql_duckdb.read(path, query, name, options.get("params")), facts
    if options.get("driver"):
        return sql_adbc.read(path, query, name), facts
    from sqlalchemy import select, text

    file = _url(path).database if _url(path).get_backend_name() == "sqlite" else None
    if file and not os.path.exists(file):
        raise SourceNotFoundError(f"there is no database {files.shown(path)!r}; check the path")
    with _connected(path) as connection:
        if query is not None:
            return sql_values.of_query(connection.execute(text(query), dict(options.get("params") or {}))), facts
        table = _table(connection, str(name), {})
        if table is None:
            raise SourceNotFoundError(
                f"there is no table {name!r} in {files.shown(path)!r}{_near(connection, str(name))}"
            )
        return sql_values.of_table(connection.execute(select(table)), table), facts


def _near(connection: Any, name: str) -> str:
    from sqlalchemy import inspect

    return nearest(name, inspect(connection).get_table_names()[:1000])


def _table(connection: Any, name: str, keys: dict[str, str]) -> Any:
    """Return a table with the keys `c0`, `c1` … of its columns, which fit every driver; None if it is not there.

    Args:
        connection: The connection.
        name: Its name, with that of its schema and a dot before it, if it has one.
        keys: Is filled with the key of each column.
    """
    from sqlalchemy import Column, MetaData, Table, inspect

    schema, _, short = name.rpartition(".")
    inspector = inspect(connection)
    if not inspector.has_table(short, schema or None) and short not in inspector.get_view_names(schema or None):
        return None
    found = inspector.get_columns(short, schema or None)
    keys.update({column["name"]: f"c{place}" for place, column in enumerate(found)})
    columns = [Column(column["name"], column["type"], key=keys[column["name"]]) for column in found]
    return Table(short, MetaData(), *columns, schema=schema or None)


def _write(table: Any, path: str, options: Options) -> Facts:
    mode, name, keys = options["mode"], str(options["table"]), values.names_of(options.get("keys"))
    if mode == "upsert":
        values.refuse_keys(table, keys)
    is_duckdb = sql_duckdb.is_duckdb(path)
    fit = fitted(table, _TYPES_OF_DUCKDB if is_duckdb else _TYPES)
    try:
        if is_duckdb:
            sql_duckdb.write(fit, path, name, mode, keys)
        elif options.get("driver"):
            sql_adbc.write(fit, path, name, mode, keys)
        else:
            with _connected(path) as connection:
                _change(connection, fit, name, mode, keys)
    except (EngineError, *STOPS):
        raise
    except BaseException as error:
        raise EngineError(
            f"{files.shown(path)!r}: table {name!r} was not written and is as it was: {type(error).__name__}: "
            f"{str(getattr(error, 'orig', None) or error)[:500]}"
        ) from None  # the URL, and with it the password, is an attribute of some causes
    return Facts(files.shown(path), "sql", mode, dataset=name, row_count=fit.num_rows)


def _change(connection: Any, frame: Any, name: str, mode: str, keys: list[str]) -> None:
    from sqlalchemy import delete

    dialect = connection.dialect.name
    if mode == "upsert" and dialect not in DIALECTS_WITH_UPSERT:
        raise EngineError(f"mode='upsert' is known for {', '.join(DIALECTS_WITH_UPSERT)}, not for {dialect}")
    ready = sql_values.fit_dialect(frame, dialect)
    by_name: dict[str, str] = {}
    target = _table(connection, name, by_name)
    if target is None:
        target = sql_values.new_table(ready, name, keys, by_name)
        target.create(connection)
    else:
        _refuse_unknown(ready.column_names, by_name, name)
        if mode == "upsert":
            _refuse_without_constraint(connection, name, keys)
    if mode == "replace":
        connection.execute(delete(target))
    statement = sql_values.insertion(
        target, [by_name[each] for each in ready.column_names], dialect, mode, keys, by_name
    )
    renamed = ready.rename_columns([by_name[each] for each in ready.column_names])
    for batch in renamed.to_batches(_BATCH):
        if batch.num_rows:
            connection.execute(statement, batch.to_pylist())


def _refuse_unknown(columns: list[str], known: dict[str, str], name: str) -> None:
    for column in columns:
        if column not in known:
            raise EngineError(
                f"table {name!r} has no column {column!r}{nearest(column, known)}; its columns are {', '.join(known)}"
            )


def _refuse_without_constraint(connection: Any, name: str, keys: list[str]) -> None:
    """Raise EngineError if nothing in the database makes the keys of an upsert unique."""
    from sqlalchemy import inspect

    schema, _, short = name.rpartition(".")
    inspector = inspect(connection)
    unique = [inspector.get_pk_constraint(short, schema or None).get("constrained_columns") or []]
    unique += [each["column_names"] for each in inspector.get_unique_constraints(short, schema or None)]
    unique += [each["column_names"] for each in inspector.get_indexes(short, schema or None) if each.get("unique")]
    if not any(set(each) == set(keys) for each in unique):
        raise EngineError(
            f"table {name!r} has no primary key and no unique constraint of {', '.join(keys)}, by which mode='upsert' "
            "finds the row of a key; create one"
        )


SQL: Final = TableFormat(
    frozenset({"query", "table", "params", "driver"}),
    frozenset({"table", "mode", "keys", "driver"}),
    _read,
    _write,
    _problems,
    files.shown,
)
