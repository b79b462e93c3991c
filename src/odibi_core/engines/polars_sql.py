"""DuckDB's answers as polars frames, each value exact."""

from __future__ import annotations

from typing import Any

import polars as pl

from odibi_core.engines import sql_types
from odibi_core.errors import EngineError

_WANTED = {**dict.fromkeys(sql_types.HUGE, ("{}::VARCHAR",)), "interval": sql_types.INTERVAL}
_LOSSY = frozenset(["INTERVAL", "HUGEINT", "BIGNUM"])


def frame(relation: Any) -> Any:
    """Return the rows of a relation, which is run once.

    HUGEINT is Int64 where it fits, else Int128; INTERVAL is Duration; an ENUM keeps its categories.
    """
    fetched, asked = sql_types.ask(relation, _WANTED, _LOSSY)
    table = fetched.pl()
    return pl.DataFrame([_column(each, table) for each in asked])


def _column(asked: sql_types.Asked, table: Any) -> Any:
    values = table.to_series(asked.values).alias(asked.name)
    if asked.flag is not None and table.to_series(asked.flag).any():
        raise sql_types.refuse_months(asked.name)
    if asked.id in sql_types.HUGE:
        return _whole(values)
    if asked.id == "interval":
        return values.cast(pl.Duration("us"))
    if asked.id == "enum":
        return values.cast(pl.Enum(dict(asked.type.children)["values"]))
    return values


def _whole(texts: Any) -> Any:
    for dtype in (pl.Int64, pl.UInt64, pl.Int128):
        made = texts.cast(dtype, strict=False)
        if made.null_count() == texts.null_count():
            return made
    raise EngineError(
        f"column {texts.name!r} of the answer holds numbers of more than 128 bits; cast it in the SQL"
    )
