"""DuckDB's answers as polars frames, each value exact."""

from __future__ import annotations

from typing import Any

import polars as pl

from odibi_core.engines import sql_types
from odibi_core.errors import EngineError


def frame(relation: Any) -> Any:
    """Return the rows of a relation, which is run once.

    HUGEINT is Int64 where it fits, else Int128; INTERVAL is Duration; an ENUM keeps its categories.
    """
    fetched, asked = sql_types.project(relation, sql_types.ARROW, sql_types.ARROW_CHANGES)
    table = fetched.pl()
    return pl.DataFrame([_column(each, table) for each in asked])


def _column(asked: sql_types.Projected, table: Any) -> Any:
    values, *more = (table.to_series(asked.place + i).alias(asked.name) for i in range(asked.width))
    if asked.id in sql_types.HUGE:
        return _large(values, *more)
    if more and more[0].any():
        raise sql_types.refuse_months(asked.name)
    if asked.id == "interval":
        return values.cast(pl.Duration("us"))
    if asked.id == "enum":
        return values.cast(pl.Enum(dict(asked.type.children)["values"]))
    return values


def _large(values: Any, texts: Any) -> Any:
    """Numbers of up to 128 bits: `texts` are those of more than 64, where `values` has null."""
    if texts.null_count() == len(texts):
        return values
    every = texts.fill_null(values.cast(pl.String))
    for dtype in (pl.UInt64, pl.Int128):
        made = every.cast(dtype, strict=False)
        if made.null_count() == every.null_count():
            return made
    raise EngineError(f"column {texts.name!r} of the answer holds numbers of more than 128 bits; cast it in the SQL")
