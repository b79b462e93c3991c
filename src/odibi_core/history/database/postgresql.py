"""The tables of a history in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from odibi_core.errors import ConfigurationError
from odibi_core.history.database.base import Database, Row
from odibi_core.history.schema import Table, Type
from odibi_core.plugins import missing_extra
from odibi_core.store.sql_text import quoted

SCHEMA: Final = "odibi"
"""The schema unless another one is named: `public` has tables of other programs."""
_CONNECT_WITHIN_S: Final = 10
_ONE_WRITER: Final = 7_020_210_437
"""The number of the advisory lock of exporters, which ends with the transaction or the connection."""
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_REPLACED: Final = "�"


class PostgreSql(Database):
    """A database of PostgreSQL. Times are `timestamptz`, JSON is `jsonb`."""

    types: ClassVar[Mapping[Type, str]] = {
        "text": "text", "bigint": "bigint", "double": "double precision", "boolean": "boolean",
        "timestamp": "timestamptz", "json": "jsonb",
    }  # fmt: skip
    mark = "%s"

    def __init__(self, shown: str, schema: str, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise missing_extra("psycopg", "an export to PostgreSQL") from None
        self.errors = (psycopg.Error,)
        try:
            given = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error:  # its message may have the password
            raise ConfigurationError(
                f"the URL of a database must be postgresql://user@host:port/name, got {shown!r}"
            ) from None
        super().__init__(shown, schema or SCHEMA, [str(given.get("password") or ""), url])
        with self.failing("cannot be reached"):
            options: dict[str, Any] = {"application_name": "odibi", "connect_timeout": _CONNECT_WITHIN_S} | given
            self._connection = psycopg.connect(**options, autocommit=True)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, and return its rows."""
        cursor = self._connection.execute(statement, list(values))
        return cursor.fetchall() if cursor.description else []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin a transaction, and take the lock of exporters."""
        with self.failing("cannot be written"), self._connection.transaction():
            self._connection.execute("select pg_advisory_xact_lock(%s)", [_ONE_WRITER])
            yield

    def insert(self, table: Table, rows: Iterable[Row]) -> int:
        """Insert rows by COPY."""
        json = {place for place, column in enumerate(table.columns) if column.type == "json"}
        names = ", ".join(map(quoted, table.names))
        number = 0
        with self._connection.cursor().copy(f"copy {self.named(table.name)} ({names}) from stdin") as copy:
            for row in rows:
                copy.write_row([_cell(value, place in json) for place, value in enumerate(row)])
                number += 1
        return number

    def _columns(self, table: str) -> list[str]:
        query = "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
        return [name for (name,) in self.execute(query, [self.schema, table])]

    def create_schema(self) -> None:
        """Create the schema unless it is there: a role may use a schema without the right to create one."""
        if not self.execute("select 1 from pg_namespace where nspname = %s", [self.schema]):
            self.execute(f"create schema {quoted(self.schema)}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _cell(value: Any, is_json: bool) -> Any:
    """Return a cell without the character that PostgreSQL has no place for."""
    if not isinstance(value, str):
        return value
    if is_json:
        return _NUL.sub(rf"\1{_REPLACED}", value) if r"\u0000" in value else value
    return value.replace("\0", _REPLACED)
