"""Accesses of tables and databases by calls of other libraries: the version of a table, the URL of a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from odibi_core.engines import file_remote
from odibi_core.engines.access_facts import Facts
from odibi_core.engines.file_access import FileAccess, accesses, of_facts
from odibi_core.engines.file_readers import Opener
from odibi_core.engines.frame import row_count

_CONNECTIONS: Final = ("con", "connection", "uri")
_TEXTS: Final = ("sql", "query", "table_name", "name")
_MODES: Final = ("if_exists", "if_table_exists")


def of_database(opener: Opener, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> list[FileAccess]:
    """Return the access of a database by a call; the rows are unknown if it failed."""
    text = _argument(args, kwargs, opener.path_at, _TEXTS)
    uri = _database(_argument(args, kwargs, opener.path_at + 1, _CONNECTIONS))
    is_query = isinstance(text, str) and len(text.split()) > 1
    table = text if isinstance(text, str) and not is_query else None
    if opener.access == "read":
        facts = Facts(uri, "sql", "query" if table is None else "read", dataset=table)
        return [of_facts("read", facts, row_count(result))]
    mode = next((str(kwargs[name]) for name in _MODES if name in kwargs), "fail")
    operation = mode if mode in ("append", "replace") else "append"
    return [
        of_facts("write", Facts(uri, "sql", operation, dataset=table), None if result is None else row_count(args[0]))
    ]


def _argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], place: int, names: tuple[str, ...]) -> Any:
    return args[place] if len(args) > place else next((kwargs[name] for name in names if name in kwargs), None)


def _database(connection: Any) -> str:
    """Return the URL of a connection without user, password and options; that of its library if it has none."""
    if isinstance(connection, str):
        return file_remote.without_database_login(connection)
    engine = getattr(connection, "engine", None)
    url = getattr(engine, "url", None)
    if url is not None and hasattr(url, "render_as_string"):
        return file_remote.without_database_login(url.render_as_string(hide_password=True))
    info: Any = getattr(connection, "info", None)  # a connection of psycopg
    if isinstance(getattr(info, "dbname", None), str) and isinstance(getattr(info, "host", None), str):
        return f"postgresql://{info.host}:{info.port}/{info.dbname}"
    return f"{type(connection).__module__.partition('.')[0]}://"


def of_table(
    opener: Opener, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: Any, result: Any
) -> list[FileAccess]:
    """Return the access of a Delta or Iceberg table by a call, with the version as far as the call shows it."""
    table = args[0] if args and opener.name.partition(".")[0] in ("DeltaTable", "DataScan", "Table") else given
    version, operation = _version(table, kwargs), "read"
    if opener.access == "write":
        method = opener.name.rpartition(".")[2]
        usual = {"append": "append", "overwrite": "overwrite", "upsert": "merge"}.get(method, "write")
        operation = str(kwargs.get("mode", usual))
    rows = _rows(opener, args, given, result)
    found = accesses(opener.access, _place(table), rows=rows, format=opener.format)
    return [each._replace(version=version, table_operation=operation) for each in found]


def _rows(opener: Opener, args: tuple[Any, ...], given: Any, result: Any) -> int | None:
    if opener.access == "read":
        return None if opener.name.endswith("__init__") else row_count(result)
    is_frame = opener.name.startswith("DataFrame.")
    frame = args[0] if is_frame else args[1] if len(args) > 1 else given
    return row_count(frame)


def _place(table: Any) -> Any:
    """Return the path or the URI of a table."""
    metadata = getattr(table, "table_metadata", table)
    for name in ("table_uri", "location"):
        value = getattr(metadata, name, None)
        value = value() if callable(value) else value
        if isinstance(value, str):
            return value.removeprefix("file://")
    if isinstance(table, str) and "/" not in table and "." in table:
        return f"iceberg://{table}"  # the name in a catalog
    return table


def _version(table: Any, kwargs: Mapping[str, Any]) -> str | None:
    given = next((kwargs[name] for name in ("version", "snapshot_id") if kwargs.get(name) is not None), None)
    if given is not None:
        return str(given)
    if hasattr(table, "table_uri"):
        return str(table.version())
    if getattr(table, "snapshot_id", None) is not None:
        return str(table.snapshot_id)
    current = getattr(table, "current_snapshot", None)
    if current is None:
        current = getattr(getattr(table, "table_metadata", None), "current_snapshot", None)
    snapshot = current() if callable(current) else None
    return None if snapshot is None else str(snapshot.snapshot_id)
