"""`open_database`: the database of a URL."""

from __future__ import annotations

import os
from typing import Final

from odibi_core.engines.file_remote import without_database_login
from odibi_core.errors import ConfigurationError
from odibi_core.events.paths import absolute_path
from odibi_core.history.database.base import Database

WANTED: Final = "postgresql://user@host:port/name, sqlite:///file or duckdb:///file"
_FILES: Final = {"sqlite": "sqlite:///", "duckdb": "duckdb:///"}


def open_database(url: str, schema: str = "", *, creates: bool = True) -> Database | None:
    """Open the database of a URL.

    Args:
        url: `postgresql://…`, `sqlite:///file` or `duckdb:///file`. The variables of PostgreSQL, such as `PGPASSWORD`,
            its password file and its service file have what the URL lacks.
        schema: The schema of the tables.
        creates: Create a file that is not there; else the result is None without one.

    Raises:
        ConfigurationError: The URL is of no such database.
        MissingExtraError: Its driver is not installed.
        StoreError: It cannot be reached.
    """
    shown = without_database_login(url)
    kind = url.partition(":")[0].lower().partition("+")[0]
    if kind in _FILES:
        file = url[len(_FILES[kind]) :].partition("?")[0]
        if not url.lower().startswith(_FILES[kind]) or file in ("", ":memory:"):
            raise ConfigurationError(f"--to must be {_FILES[kind]}file, got {shown!r}")
        path = str(absolute_path(file))
        if not creates and not os.path.exists(path):
            return None
        if kind == "sqlite":
            from odibi_core.history.database.sqlite_file import SqliteFile

            return SqliteFile(shown, schema, path)
        from odibi_core.history.database.duckdb_file import DuckdbFile

        return DuckdbFile(shown, schema, path)
    if kind not in ("postgresql", "postgres") or "://" not in url:
        raise ConfigurationError(f"--to must be {WANTED}, got {shown!r}")
    from odibi_core.history.database.postgresql import PostgreSql

    return PostgreSql(shown, schema, f"postgresql://{url.partition('://')[2]}")
