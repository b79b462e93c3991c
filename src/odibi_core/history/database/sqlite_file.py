"""The tables of a history in a file of SQLite."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, ClassVar, Final

from odibi_core import private_files
from odibi_core.errors import ConfigurationError
from odibi_core.history.database.base import Database, Row
from odibi_core.history.schema import Table, Type
from odibi_core.store.sql_text import quoted

_BUSY_S: Final = 60.0
"""Seconds to wait for another exporter."""


class SqliteFile(Database):
    """A file of SQLite. Times are texts in UTC, truths are 1 and 0."""

    types: ClassVar[Mapping[Type, str]] = {
        "text": "text", "bigint": "integer", "double": "real", "boolean": "boolean", "timestamp": "timestamp",
        "json": "text",
    }  # fmt: skip
    errors = (sqlite3.Error,)

    def __init__(self, shown: str, schema: str, file: str) -> None:
        if schema:
            raise ConfigurationError(f"--schema has no effect on SQLite, got {schema!r}; leave it out")
        super().__init__(shown, "")
        with suppress(FileExistsError):
            os.close(private_files.create(file, os.O_RDWR))
        with self.failing("cannot be opened"):
            self._connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, and return its rows."""
        return self._connection.execute(statement, [_cell(value) for value in values]).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the lock to write at once, so that no statement fails later."""
        with self.failing("cannot be written"):
            self._connection.execute("begin immediate")
        with self._ending(self._connection):
            yield

    def insert(self, table: Table, rows: Iterable[Row]) -> int:
        """Insert rows; return their number."""
        statement = f"insert into {self.named(table.name)} ({', '.join(map(quoted, table.names))})"
        cells = ([_cell(value) for value in row] for row in rows)
        done = self._connection.executemany(f"{statement} values ({self.marks(table.names)})", cells)
        return max(0, done.rowcount)

    def _columns(self, table: str) -> list[str]:
        return [name for (name,) in self.execute("select name from pragma_table_info(?)", [table])]

    def create_schema(self) -> None:
        """Do nothing: a file is one schema."""

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _cell(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
