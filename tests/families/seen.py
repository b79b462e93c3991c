"""Engines whose frames are lazy or Arrow tables, as the tests of this folder look at them: polars frames.

Arrow has no whole numbers of more than 64 bits. A decimal without a fraction stands for them, and is seen as Int128.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from odibi_core.engines import BUILTIN
from odibi_core.plugins import load

IN_ORDER = sorted(BUILTIN.keys() - {"spark"})
"""The engines of these tests: they write files, keep the order of rows, and have DuckDB's SQL.

Spark writes folders, has no order, and has its own SQL: `tests/engines/test_spark_engine.py` has the same promises.
"""


def loaded(name: str) -> Any:
    """Return an engine, or one that returns polars frames in place of its own."""
    engine = load("engines", name)()
    return engine if name in ("pandas", "polars") else Seen(engine)


class Seen:
    """An engine whose frames are collected and shown as polars frames."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def _seen(self, frame: Any) -> pl.DataFrame:
        return seen(self._engine.arrow(frame) if self.name == "duckdb" else frame)

    def frame(self, value: Any) -> Any:
        return self._seen(self._engine.frame(value))

    def read(self, *args: Any, **options: Any) -> Any:
        return self._seen(self._engine.read(*args, **options))

    def sql(self, *args: Any, **options: Any) -> Any:
        return self._seen(self._engine.sql(*args, **options))


def seen(frame: Any) -> pl.DataFrame:
    """Return a frame of one of these engines as a polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    return pl.DataFrame([_series(name, frame.column(name)) for name in frame.column_names])


def rows_of(frame: Any, by: str) -> list[dict[str, Any]]:
    """Return a frame as rows in the order of a column; missing values of pandas are None."""
    found: list[dict[Any, Any]]
    if isinstance(frame, pd.DataFrame):
        found = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")]
    else:
        found = frame.rows(named=True)
    return sorted(found, key=lambda row: row[by])


def _series(name: str, column: Any) -> pl.Series:
    if pa.types.is_decimal(column.type) and column.type.scale == 0:
        values = [None if value is None else int(value) for value in column.to_pylist()]
        return pl.Series(name, values, pl.Int128)
    return pl.Series(name, pl.from_arrow(column))
