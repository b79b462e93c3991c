"""The formats of files and tables: one line each in `TABLE`, and one file each in this package.

The readers and writers of a format are made once for all engines: they exchange Arrow tables. CSV, TSV, JSON, JSON
Lines and Parquet have no file here, because each engine reads them by its own library.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from odibi_core.engines.formats.base import FileFormat, TableFormat


class Row(NamedTuple):
    """A format as the table has it; its file is loaded when the format is used."""

    suffixes: tuple[str, ...] = ()
    target: str = ""
    """`module:attribute` of a `FileFormat` or a `TableFormat`; empty if each engine has its own readers and writers."""
    libraries: tuple[str, ...] = ()
    """Libraries that reading and writing needs, besides the library of the engine."""
    is_text: bool = False
    """It may be packed: `.gz` or `.zip` after the suffix."""
    is_table: bool = False
    """Its path names a table and no file."""


TABLE: Final[dict[str, Row]] = {
    "csv": Row((".csv",), is_text=True),
    "tsv": Row((".tsv", ".tab"), is_text=True),
    "parquet": Row((".parquet", ".pq")),
    "jsonl": Row((".jsonl", ".ndjson"), is_text=True),
    "json": Row((".json",), is_text=True),
    "ipc": Row((".arrow", ".feather", ".ipc"), "odibi_core.engines.formats.ipc:FILE", ("pyarrow",)),
    "ipc_stream": Row((".arrows",), "odibi_core.engines.formats.ipc:STREAM", ("pyarrow",)),
    "avro": Row((".avro",), "odibi_core.engines.formats.avro:AVRO", ("fastavro", "pyarrow")),
    "excel": Row((".xlsx",), "odibi_core.engines.formats.excel:EXCEL", ("openpyxl", "pyarrow")),
    "delta": Row((), "odibi_core.engines.formats.delta:DELTA", ("deltalake", "pyarrow"), is_table=True),
    "iceberg": Row((), "odibi_core.engines.formats.iceberg:ICEBERG", ("pyiceberg", "pyarrow"), is_table=True),
    "sql": Row((), "odibi_core.engines.formats.sql:SQL", ("sqlalchemy", "pyarrow"), is_table=True),
}
"""By name, as `format=` has it."""

SUFFIXES: Final = {suffix: name for name, row in TABLE.items() for suffix in row.suffixes}
DATABASES: Final = frozenset(
    "postgresql postgres mysql mariadb sqlite oracle mssql duckdb snowflake redshift cockroachdb trino".split()  # noqa: SIM905
)
"""The schemes of database URLs, each with or without a driver: `postgresql+psycopg://`."""
_SCHEME: Final = re.compile(r"(?i)([a-z]\w*)(?:\+\w+)?://")


def table_named(path: str, format: str | None = None) -> str | None:
    """Return the format of a path that names a table and no file: by `format`, its scheme, or its folder."""
    if format is not None:
        return format.lower() if (row := TABLE.get(format.lower())) and row.is_table else None
    if is_database(path):
        return "sql"
    return "delta" if os.path.isdir(os.path.join(path, "_delta_log")) else None


def is_database(path: str) -> bool:
    """Return whether a path is the URL of a database."""
    found = _SCHEME.match(path)
    return found is not None and found[1].lower() in DATABASES


@cache
def file_format(name: str) -> FileFormat | None:
    """Return the format of files of this name; None for one that each engine reads by its own library."""
    row = TABLE[name]
    return _loaded(row.target) if row.target and not row.is_table else None  # type: ignore[return-value]


@cache
def table_format(name: str) -> TableFormat:
    """Return the format of tables of this name."""
    return _loaded(TABLE[name].target)  # type: ignore[return-value]


def _loaded(target: str) -> object:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def options(operation: str, name: str) -> frozenset[str] | None:
    """Return the names of the options of a format; None if they are those of the engine's library."""
    row = TABLE[name]
    if not row.target:
        return None
    found = table_format(name) if row.is_table else file_format(name)
    assert found is not None
    return found.reads if operation == "read" else found.writes
