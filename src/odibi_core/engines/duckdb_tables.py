"""`Tables`: the datasets of a run as tables of one DuckDB connection without files, network and settings."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from odibi_core.engines import duckdb_sql
from odibi_core.engines.sql_inputs import quoted
from odibi_core.errors import EngineError, QueryError, first_line
from odibi_core.select_only import check_select

_NESTED: Final = ("STRUCT", "MAP", "UNION", "BLOB", "[]", "[")
_NUMBERS: Final = ("INT", "FLOAT", "DOUBLE", "DECIMAL")


class Tables:
    """Tables by name, with the types of their columns.

    Names are those of DuckDB, for which capitals make no difference: a frame with two such columns is refused.
    """

    def __init__(self) -> None:
        self._cursor = duckdb_sql.base(locked=True).cursor()
        self._types: dict[str, dict[str, str]] = {}
        self._rows: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cursor.close()

    def add(self, name: str, frame: Any) -> None:
        """Make a frame a table.

        Raises:
            EngineError: It cannot be one.
        """
        refused = duckdb_sql.register(self._cursor, {name: frame})
        if refused:
            raise EngineError(f"it cannot be a table: {next(iter(refused.values()))}")
        self._note(name)

    def keep(self, name: str, query: str) -> int:
        """Make the rows of a SELECT a table in place of one of this name; return their number."""
        self.run(f"create or replace temp table {quoted(name)} as {query}")
        self._note(name)
        return self.rows(name)

    def chosen(self, name: str, source: str, where: str) -> int:
        """Make the rows of a table for which a condition of the user is true a table; return their number.

        Raises:
            QueryError: The condition is none, or it reads anything but the table.
        """
        query = f"select * from {quoted(source)} where ({where}\n)"
        try:
            check_select(self._cursor, query, [source.lower()], source="the dataset")
            return self.keep(name, query)
        except (EngineError, QueryError) as error:
            raise QueryError(f"--where must be a condition on the columns of {source}: {error}") from None

    def types(self, name: str) -> dict[str, str]:
        """Return the types of the columns of a table."""
        return self._types[name]

    def rows(self, name: str) -> int:
        """Return the number of rows of a table."""
        if name not in self._rows:
            self._rows[name] = self.number(f"select count(*) from {quoted(name)}")
        return self._rows[name]

    def comparable(self, left: str, right: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the pairs of columns of two tables whose values can be compared."""
        ours, theirs = self._types[left], self._types[right]
        return [(a, b) for a, b in pairs if a in ours and b in theirs and _is_comparable(ours[a], theirs[b])]

    def number(self, query: str) -> int:
        """Return the one number of a SELECT."""
        return int(self.run(query)[0][0] or 0)

    def examples(self, name: str, most: int) -> list[dict[str, Any]]:
        """Return the first rows of a table as dicts."""
        rows = self.run(f"select * from {quoted(name)} limit {most}")
        return [dict(zip(self._types[name], row, strict=True)) for row in rows]

    def keep_row(self, name: str, source: str, number: int) -> int:
        """Make one row of a table, by its number from 0, a table; return 1, or 0 if there is none."""
        return self.keep(name, f"select * from {quoted(source)} limit 1 offset {number:d}")

    def run(self, query: str) -> list[tuple[Any, ...]]:
        """Run a statement of this package; return its rows.

        Raises:
            EngineError: It failed.
        """
        import duckdb

        try:
            rows: list[tuple[Any, ...]] = self._cursor.execute(query).fetchall()
            return rows
        except duckdb.Error as error:
            raise EngineError(first_line(error)) from None

    def _note(self, name: str) -> None:
        found = self.run(f"describe select * from {quoted(name)}")
        self._types[name] = {row[0]: row[1] for row in found}
        self._rows.pop(name, None)


def _is_comparable(left: str, right: str) -> bool:
    if any(mark in left for mark in _NESTED):
        return False
    return left == right or all(any(mark in each for mark in _NUMBERS) for each in (left, right))
