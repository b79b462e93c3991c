"""The answer of a query over the history, as rows or as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import astuple

from odibi_core.plugins import missing_extra
from odibi_core.store.sql_duckdb import Answer
from odibi_core.views.cards import Card, Carded, Section, Table
from odibi_core.views.values import number
from odibi_core.views.wording import and_more, plural

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


_MOST_ROWS: Final = 20
_MOST_COLUMNS: Final = 20
_LONGEST: Final = 200


class HistoryAnswer(Carded, Answer):
    """`columns` in their order, `rows` as dicts, what could not be read, and notices; also as a frame.

    A frame of an answer without rows has its columns too.
    """

    @classmethod
    def of(cls, answer: Answer) -> HistoryAnswer:
        """Return an answer of this type with the same fields."""
        return cls(*astuple(answer))

    def _card(self) -> Card:
        names = self.columns[:_MOST_COLUMNS]
        first = self.rows[:_MOST_ROWS]
        rows = [[_cell(row.get(name)) for name in names] for row in first]
        numbers = [name for name in names if any(number(row.get(name)) is not None for row in first)]
        more, columns = and_more(len(self.rows) - len(rows), "row"), len(self.columns) - len(names)
        table = Table(names, rows, right=numbers, more=more, more_columns=columns)
        not_read = self.read_errors.torn + self.read_errors.unreadable
        return Card(
            title=f"{plural(len(self.rows), 'row')}, {plural(len(self.columns), 'column')}",
            tone="warn" if not_read else "plain",
            facts=[f"{plural(not_read, 'line')} of the record could not be read"] if not_read else [],
            lead=self.notices[:5],
            sections=[Section(table=table)] if rows else [],
        )

    def df(self) -> pandas.DataFrame:
        """Return a frame of pandas.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise missing_extra("pandas", "HistoryAnswer.df") from None
        return pandas.DataFrame(self.rows, columns=pandas.Index(self.columns))

    def polars(self) -> polars.DataFrame:
        """Return a frame of polars.

        Raises:
            MissingExtraError: polars is not installed.
        """
        try:
            import polars
        except ImportError:
            raise missing_extra("polars", "HistoryAnswer.polars") from None
        return polars.DataFrame({name: [row[name] for row in self.rows] for name in self.columns}, strict=False)

    def arrow(self) -> pyarrow.Table:
        """Return a table of Arrow.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        from odibi_core.history.arrow import schema_of, table_of

        return table_of(schema_of(self.columns, self.types), [tuple(row.values()) for row in self.rows])


def _cell(value: Any) -> str:
    """Return a value as a text; a null is empty, and a long value is cut."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if value == value else "NaN"
    return str(value)[:_LONGEST]
