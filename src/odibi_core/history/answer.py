"""The answer of a query over the history, as rows or as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import astuple

from odibi_core.plugins import missing_extra
from odibi_core.store.sql_duckdb import Answer

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class HistoryAnswer(Answer):
    """`columns` in their order, `rows` as dicts, what could not be read, and notices; also as a frame.

    A frame of an answer without rows has its columns too.
    """

    @classmethod
    def of(cls, answer: Answer) -> HistoryAnswer:
        """Return an answer of this type with the same fields."""
        return cls(*astuple(answer))

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
