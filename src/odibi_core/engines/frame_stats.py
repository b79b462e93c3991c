"""Nulls, extremes and approximate distinct counts of columns: the one description that reads every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from odibi_core.errors import STOPS


def narwhals_stats(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Of a narwhals frame that is not lazy."""
    native = frame.to_native()
    if type(native).__module__.partition(".")[0] == "polars":
        return polars_stats(native, names)
    return [_narwhals_column(frame, name) for name in names]


def _narwhals_column(frame: Any, name: str) -> dict[str, Any]:
    column = frame[name]
    told: dict[str, Any] = {"nulls": int(column.null_count())}
    for key, ask in (("min", column.min), ("max", column.max), ("distinct", column.n_unique)):
        try:
            told[key] = ask()
        except STOPS:
            raise
        except BaseException:  # nested and object columns have no order; what can be told is
            continue
    return _without_null(told)


def polars_stats(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """In one select, so that polars does all columns side by side."""
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


def _without_null(told: dict[str, Any]) -> dict[str, Any]:
    """polars and narwhals count null as one of the distinct values; SQL and pandas do not, and nor do we."""
    if told["nulls"] and told.get("distinct"):
        told["distinct"] -= 1
    return told


def pandas_stats(frame: Any, types: Sequence[str]) -> list[dict[str, Any]]:
    """By DuckDB, which reads pandas' memory where it lies and is far quicker than `nunique`.

    Columns go by position, since names may repeat. What DuckDB cannot take is asked of pandas, alone.
    """
    columns = {str(i): frame.iloc[:, i] for i in range(len(types))}
    easy = {key: types[int(key)] for key, column in columns.items() if _is_easy(column, types[int(key)])}
    told = _by_duckdb(columns, easy)
    if told is None:  # one column spoils the query for all: each for itself, then
        told = {}
        for key, kind in easy.items():
            told |= _by_duckdb(columns, {key: kind}) or {}
    return [told.get(key) or _pandas_column(column) for key, column in columns.items()]


def _is_easy(column: Any, kind: str) -> bool:
    # Of other objects DuckDB makes its own thing: a struct of a dict, a text of what is mixed.
    return str(column.dtype) != "object" or kind == "String"


def _by_duckdb(columns: dict[str, Any], kinds: dict[str, str]) -> dict[str, dict[str, Any]] | None:
    import pandas as pd

    from odibi_core.engines import duckdb_sql
    from odibi_core.errors import EngineError

    if not kinds:
        return {}
    asked = []
    for key, kind in kinds.items():
        # Categories have an order of their own, which is seldom meant.
        value = f'"{key}"::VARCHAR' if kind == "Categorical" else f'"{key}"'
        asked.append(f'count("{key}"), min({value}), max({value}), approx_count_distinct("{key}")')
    table = pd.DataFrame({key: columns[key] for key in kinds}, copy=False)
    try:
        answer = duckdb_sql.query(f"SELECT {', '.join(asked)} FROM t", {"t": table}, None, _first_row)
    except EngineError:
        return None
    told = {}
    for at, key in enumerate(kinds):
        there, low, high, distinct = answer[4 * at : 4 * at + 4]
        told[key] = {"nulls": len(table) - there, "min": low, "max": high, "distinct": distinct}
    return told


def _first_row(relation: Any) -> Any:
    return relation.fetchall()[0]


def _pandas_column(column: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"nulls": int(column.isna().sum())}
    for key, ask in (("min", column.min), ("max", column.max), ("distinct", column.nunique)):
        try:
            told[key] = ask()
        except STOPS:
            raise
        except BaseException:  # mixed and nested objects have no order; what can be told is
            continue
    return told
