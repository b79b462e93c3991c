"""The tables of a history in a file of DuckDB."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import IO, Any, ClassVar, Final

import msgspec

from odibi_core import private_files
from odibi_core.history.database.base import Database, Row
from odibi_core.history.schema import DUCKDB_TYPES, Table, Type
from odibi_core.store.hot_lines import unnamed_file
from odibi_core.store.sql_text import literal, quoted

_encode: Final = msgspec.json.Encoder().encode


class DuckdbFile(Database):
    """A file of DuckDB, which one process at a time can have open. Times are UTC, without a zone."""

    types: ClassVar[Mapping[Type, str]] = DUCKDB_TYPES
    has_indexes = False

    def __init__(self, shown: str, schema: str, file: str) -> None:
        import duckdb

        self.errors = (duckdb.Error,)
        super().__init__(shown, schema)
        with self.failing("cannot be opened; one process at a time can have the file open"):
            is_new = not os.path.exists(file)
            self._connection = duckdb.connect(file)
        if is_new:  # DuckDB takes no empty file that was created before
            os.chmod(file, private_files.file_mode())

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, and return its rows."""
        return self._connection.execute(statement, [_naive(value) for value in values]).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin a transaction; no other process has the file open."""
        self._connection.begin()
        with self._ending(self._connection):
            yield

    def insert(self, table: Table, rows: Iterable[Row]) -> int:
        """Insert rows by a file of JSON lines, a hundred times as fast as one statement for each row."""
        with ExitStack() as stack:
            file = unnamed_file(stack)
            number = _write(file, table.names, rows)
            if number:
                kinds = ", ".join(f"{quoted(each.name)}: '{_read_as(each.type)}'" for each in table.columns)
                path = literal(f"/dev/fd/{file.fileno()}")
                source = f"read_json({path}, format='newline_delimited', columns={{{kinds}}})"
                self._connection.execute(f"insert into {self.named(table.name)} by name select * from {source}")
        return number

    def _columns(self, table: str) -> list[str]:
        query = "select column_name from information_schema.columns where table_catalog = current_database()"
        schema = self.schema or "main"
        return [name for (name,) in self.execute(f"{query} and table_schema = ? and table_name = ?", [schema, table])]

    def create_schema(self) -> None:
        """Create the schema unless it is there."""
        if self.schema:
            self._connection.execute(f"create schema if not exists {quoted(self.schema)}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _write(file: IO[bytes], names: Sequence[str], rows: Iterable[Row]) -> int:
    number = 0
    for row in rows:
        file.write(_encode(dict(zip(names, map(_naive, row), strict=True))) + b"\n")
        number += 1
    file.flush()
    return number


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _read_as(kind: Type) -> str:
    return "VARCHAR" if kind == "json" else DUCKDB_TYPES[kind]
