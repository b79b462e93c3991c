"""DuckDB's answers as pandas frames, each value exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

from odibi_core.engines import sql_types
from odibi_core.engines.pandas_columns import whole
from odibi_core.errors import EngineError

_WANTED = {
    # Whole numbers beside missing ones would be floats, so that what is missing is asked for beside them.
    **dict.fromkeys(sql_types.WHOLE - {"boolean"}, ("coalesce({0}, 0)", "{0} IS NULL")),
    "boolean": ("coalesce({0}, false)", "{0} IS NULL"),
    **dict.fromkeys(sql_types.HUGE, (f"coalesce({sql_types.LARGE[0]}, 0)", "{0} IS NULL", sql_types.LARGE[1])),
    "decimal": ("{0}::VARCHAR",),
    "interval": sql_types.INTERVAL,
    "time_ns": ("{0}", "coalesce({0} <> ({0}::TIME)::TIME_NS, false)"),
}
_LOSSY = frozenset(["HUGEINT", "DECIMAL", "BIGNUM", "INTERVAL", "_NS"])


def frame(relation: Any) -> Any:
    """Return the rows of a relation, which is run once.

    HUGEINT is int64 where it fits, else Python's own numbers; DECIMAL is `decimal.Decimal`; whole numbers and booleans
    of which some are missing are nullable.
    """
    fetched, asked = sql_types.project(relation, _WANTED, _LOSSY)
    table = fetched.df()
    columns = [_column(each, table) for each in asked]
    made = pd.concat(columns, axis=1) if columns else table
    made.columns = pd.Index([each.name for each in asked])
    return made


def _column(asked: sql_types.Projected, table: Any) -> Any:
    values, *more = (table.iloc[:, asked.place + i] for i in range(asked.width))
    if asked.id in sql_types.HUGE:
        return _large(values, *more)
    if asked.id in sql_types.WHOLE:
        return _nullable(values, more[0].astype(bool))
    if asked.id == "decimal":
        texts = [Decimal(text) if isinstance(text, str) else None for text in values]
        return pd.Series(texts, dtype="object")
    if more and more[0].any():
        raise _inexact(asked)
    if asked.id == "interval":
        return pd.to_timedelta(values.astype("Int64"), unit="us").astype("timedelta64[us]")
    if asked.id == "blob":
        return values.map(lambda value: bytes(value) if isinstance(value, bytearray) else value)
    if asked.id == "timestamptz_ns" and values.dt.tz is None:
        return values.dt.tz_localize("UTC")
    return values


def _large(values: Any, missing: Any, texts: Any) -> Any:
    """Numbers of up to 128 bits: `texts` are those of more than 64, where `values` has zero."""
    if texts.isna().all():
        return _nullable(values, missing.astype(bool))
    rows = zip(values.tolist(), missing.tolist(), texts.tolist(), strict=True)
    return whole([None if no else int(text) if isinstance(text, str) else value for value, no, text in rows])


def _nullable(values: Any, missing: Any) -> Any:
    if not missing.any():
        return values
    name = "boolean" if values.dtype == "bool" else values.dtype.name.replace("int", "Int").replace("u", "U")
    return values.astype(name).mask(missing)


def _inexact(asked: sql_types.Projected) -> EngineError:
    if asked.id == "interval":
        return sql_types.refuse_months(asked.name)
    return EngineError(
        f"column {asked.name!r} of the answer has nanoseconds, which a time of pandas has not; cast it to TIME"
    )
