"""`Database`, the contract of a database that the tables of a history are exported to.

- One export calls one database, in one thread, and closes it.
- `transaction` is the only way to change anything. It waits until no other exporter changes this database, on any host,
  so that two exporters never write one run at once. If its block raises or the process dies, nothing of it is there.
- `execute` and `insert` take plain SQL with the mark `mark` for each value. Names are quoted, because some are words
  of SQL.
- Errors of a driver become `StoreError` by `failing`, without the password of the URL.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Final

from odibi_core.errors import StoreError, first_line
from odibi_core.history.schema import Table, Type
from odibi_core.store.sql_text import quoted

Row = Sequence[Any]
HIDDEN: Final = "***"


class Database(ABC):
    """A database, open for one export.

    Args:
        shown: The URL without credentials, for messages.
        schema: The schema of the tables; empty if the database has none, or for its usual one.
        secrets: Texts that no message may have.
    """

    types: ClassVar[Mapping[Type, str]]
    """The type of a column for each type of `history.schema`."""
    mark: ClassVar[str] = "?"
    has_indexes: ClassVar[bool] = True
    """False if the database scans columns, and an index would only slow down the export."""

    errors: tuple[type[BaseException], ...] = ()
    """The errors of the driver, which is imported by the constructor."""

    def __init__(self, shown: str, schema: str, secrets: Iterable[str] = ()) -> None:
        self.shown = shown
        self.schema = schema
        self._secrets = [each for each in secrets if each]

    @abstractmethod
    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, and return its rows."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Return a block whose changes are made together or not at all, by one exporter at a time."""

    @abstractmethod
    def insert(self, table: Table, rows: Iterable[Row]) -> int:
        """Insert rows, in the order of the table's columns; return their number."""

    @abstractmethod
    def _columns(self, table: str) -> list[str]: ...

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table; none if there is no such table."""
        with self.failing("cannot be read"):
            return self._columns(table)

    @abstractmethod
    def create_schema(self) -> None:
        """Create the schema unless it is there."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def named(self, table: str) -> str:
        """Return the name of a table, as SQL has it."""
        return f"{quoted(self.schema)}.{quoted(table)}" if self.schema else quoted(table)

    def marks(self, values: Sequence[Any]) -> str:
        """Return a mark for each value, as a list of SQL."""
        return ", ".join([self.mark] * len(values))

    @contextmanager
    def _ending(self, connection: Any) -> Iterator[None]:
        """Commit the transaction of a connection after the block, or roll it back if the block raises."""
        try:
            yield
        except BaseException:
            connection.rollback()
            raise
        with self.failing("cannot be written"):
            connection.commit()

    @contextmanager
    def failing(self, what: str) -> Iterator[None]:
        """Raise `StoreError` in place of an error of the driver."""
        try:
            yield
        except self.errors as error:
            text = first_line(error)
            for secret in self._secrets:
                text = text.replace(secret, HIDDEN)
            raise StoreError(f"{self.shown} {what}: {text}") from None  # a cause may have the URL
