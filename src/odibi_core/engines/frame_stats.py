"""Nulls, extremes and approximate distinct counts of columns: the one description that reads every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from odibi_core.errors import STOPS


def narwhals_stats(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statistics of the columns of an eager narwhals frame."""
    native = frame.to_native()
    if type(native).__module__.partition(".")[0] == "polars":
        return polars_stats(native, names)
    columns = [frame[name] for name in names]
    return [_without_null(_of_column(column, column.null_count(), column.n_unique)) for column in columns]


def _of_column(column: Any, nulls: int, distinct: Callable[[], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"nulls": int(nulls)}
    for key, ask in (("min", column.min), ("max", column.max), ("distinct", distinct)):
        try:
            found[key] = ask()
        except STOPS:
            raise
        except BaseException:  # nested and object columns have no order
            continue
    return found


def polars_stats(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statistics in one select, in which polars computes all columns in parallel."""
    import polars as pl

    asked = []
    for i, name in enumerate(names):
        column = pl.col(name)
        asked.append(column.null_count().alias(f"{i}.nulls"))
        if not (frame.schema[name].is_nested() or frame.schema[name] in (pl.Object, pl.Null)):
            asked += [column.min().alias(f"{i}.min"), column.max().alias(f"{i}.max")]
            asked.append(column.approx_n_unique().alias(f"{i}.distinct"))
    found = frame.select(asked).row(0, named=True) if asked else {}
    ends = ("nulls", "min", "max", "distinct")
    return [_without_null({end: found.get(f"{i}.{end}") for end in ends}) for i in range(len(names))]


def _without_null(stats: dict[str, Any]) -> dict[str, Any]:
    """Subtract null from the distinct values: polars and narwhals count it, SQL and pandas do not."""
    if stats["nulls"] and stats.get("distinct"):
        stats["distinct"] -= 1
    return stats


def pandas_stats(frame: Any, types: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statistics by DuckDB, which reads pandas' memory without a copy, far quicker than `nunique`.

    Columns go by position, because names may repeat. Columns that DuckDB does not take are computed by pandas.
    """
    columns = {str(i): frame.iloc[:, i] for i in range(len(types))}
    # Of other objects DuckDB makes something else: a struct of a dict, a text of mixed values.
    easy = {
        key: kind
        for (key, column), kind in zip(columns.items(), types, strict=True)
        if str(column.dtype) != "object" or kind == "String"
    }
    found = _by_duckdb(columns, easy)
    if found is None:  # one column fails the query for all: one query a column
        found = {}
        for key, kind in easy.items():
            found |= _by_duckdb(columns, {key: kind}) or {}
    return [
        found.get(key) or _of_column(column, column.isna().sum(), column.nunique) for key, column in columns.items()
    ]


def _by_duckdb(columns: dict[str, Any], kinds: dict[str, str]) -> dict[str, dict[str, Any]] | None:
    import pandas as pd

    from odibi_core.engines import duckdb_sql
    from odibi_core.errors import EngineError

    if not kinds:
        return {}
    asked = []
    for key, kind in kinds.items():
        # The extremes are those of the texts, not of the order of the categories.
        value = f'"{key}"::VARCHAR' if kind == "Categorical" else f'"{key}"'
        asked.append(f'count("{key}"), min({value}), max({value}), approx_count_distinct("{key}")')
    table = pd.DataFrame({key: columns[key] for key in kinds}, copy=False)
    try:
        query = f"SELECT {', '.join(asked)} FROM t"
        answer = duckdb_sql.query(query, {"t": table}, None, lambda relation: relation.fetchall()[0])
    except EngineError:
        return None
    found = {}
    for at, key in enumerate(kinds):
        there, low, high, distinct = answer[4 * at : 4 * at + 4]
        found[key] = {"nulls": len(table) - there, "min": low, "max": high, "distinct": distinct}
    return found
