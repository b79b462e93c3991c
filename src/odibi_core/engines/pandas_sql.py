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
    **dict.fromkeys(sql_types.WHOLE - {"boolean"}, ("coalesce({}, 0)", "{} IS NULL")),
    "boolean": ("coalesce({}, false)", "{} IS NULL"),
    **dict.fromkeys(sql_types.HUGE | {"decimal"}, ("{}::VARCHAR",)),
    "interval": sql_types.INTERVAL,
    "time_ns": ("{}", "coalesce({0} <> ({0}::TIME)::TIME_NS, false)"),
}
_LOSSY = frozenset(["HUGEINT", "DECIMAL", "BIGNUM", "INTERVAL", "_NS"])


def frame(relation: Any) -> Any:
    """Return the rows of a relation, which is run once.

    HUGEINT is int64 where it fits, else Python's own numbers; DECIMAL is `decimal.Decimal`; whole numbers and booleans
    of which some are missing are nullable.
    """
    fetched, asked = sql_types.ask(relation, _WANTED, _LOSSY)
    table = fetched.df()
    columns = [_column(each, table) for each in asked]
    made = pd.concat(columns, axis=1) if columns else table
    made.columns = pd.Index([each.name for each in asked])
    return made


def _column(asked: sql_types.Asked, table: Any) -> Any:
    values = table.iloc[:, asked.values]
    flag = None if asked.flag is None else table.iloc[:, asked.flag]
    if asked.id in sql_types.WHOLE and flag is not None:
        return _nullable(values, flag.astype(bool))
    if asked.id in sql_types.HUGE:
        return whole([int(text) if isinstance(text, str) else None for text in values])
    if asked.id == "decimal":
        texts = [Decimal(text) if isinstance(text, str) else None for text in values]
        return pd.Series(texts, dtype="object")
    if flag is not None and flag.any():
        raise _inexact(asked)
    if asked.id == "interval":
        return pd.to_timedelta(values.astype("Int64"), unit="us").astype("timedelta64[us]")
    if asked.id == "blob":
        return values.map(lambda value: bytes(value) if isinstance(value, bytearray) else value)
    if asked.id == "timestamptz_ns" and values.dt.tz is None:
        return values.dt.tz_localize("UTC")
    return values


def _nullable(values: Any, missing: Any) -> Any:
    if not missing.any():
        return values
    name = "boolean" if values.dtype == "bool" else values.dtype.name.replace("int", "Int").replace("u", "U")
    return values.astype(name).mask(missing)


def _inexact(asked: sql_types.Asked) -> EngineError:
    if asked.id == "interval":
        return sql_types.refuse_months(asked.name)
    return EngineError(
        f"column {asked.name!r} of the answer has nanoseconds, which a time of pandas has not; cast it to TIME"
    )
