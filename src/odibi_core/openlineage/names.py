"""The names of datasets by OpenLineage's rules: a namespace for the system, and a name that is unique inside it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MEMORY: Final = "inmemory://"
"""The namespace of frames that steps hand on."""
_URI: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/]*)(?P<path>.*)", re.DOTALL)
_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)
_SCHEMES: Final = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "postgresql": "postgres",
    "adbc_driver_postgresql": "postgres",
}
_PORTS: Final = {"postgres": 5432, "mysql": 3306, "mssql": 1433, "oracle": 1521, "trino": 8080}
_SCHEMAS: Final = {"postgres": "public", "mssql": "dbo"}
"""The schema of a table that is named without one."""
_OF_ACCOUNT: Final = frozenset({"abfs", "abfss", "wasb", "wasbs"})
"""Schemes with `container@account` in front, which is no login."""
_OF_FILE: Final = frozenset({"sqlite", "duckdb"})


class DatasetName(NamedTuple):
    """A namespace and a name."""

    namespace: str
    name: str


def memory_name(*parts: str) -> DatasetName:
    """Return the name of a frame: the pipeline, the step that made it, and its key."""
    return DatasetName(MEMORY, ".".join(parts))


def file_name(uri: str, table: str | None = None) -> DatasetName:
    """Return the name of a file or of a table of a database, without credentials and query.

    Args:
        uri: An absolute path, the URI of an object, or the URL of a database.
        table: The table, if the URI is that of a database.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        return DatasetName("file", uri)
    scheme = found["scheme"].lower().partition("+")[0]
    scheme, path = _SCHEMES.get(scheme, scheme), _QUERY.sub("", found["path"])
    if scheme == "file":
        return DatasetName("file", path or "/")
    if scheme == "iceberg":  # a name in a catalog
        return DatasetName("iceberg", found["host"] + path)
    if scheme == "bigquery":
        return DatasetName("bigquery", ".".join(filter(None, [found["host"], *path.split("/"), table])))
    if scheme in _OF_FILE:  # sqlite:////absolute/path
        return DatasetName(f"{scheme}://{path}", table or "main")
    host = _QUERY.sub("", found["host"])
    if scheme not in _OF_ACCOUNT:
        host = host.rpartition("@")[2]
    if scheme in _PORTS:
        return _of_database(scheme, host, path.strip("/"), table)
    return DatasetName(f"{scheme}://{host}", path.lstrip("/") or table or "/")


def _of_database(scheme: str, host: str, database: str, table: str | None) -> DatasetName:
    if ":" not in host:
        host = f"{host}:{_PORTS[scheme]}"
    schema = _SCHEMAS.get(scheme)
    if table and schema and "." not in table:
        table = f"{schema}.{table}"
    return DatasetName(f"{scheme}://{host}", ".".join(filter(None, [database, table])) or "/")
