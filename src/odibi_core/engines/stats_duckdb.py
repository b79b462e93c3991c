"""Statistics of pandas frames and pyarrow tables over all rows, by DuckDB, which reads their memory without a copy.

Columns go by position, because names may repeat. Columns that DuckDB does not take are computed from their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from odibi_core.engines.stats_exact import finished
from odibi_core.engines.stats_numbers import Numbers
from odibi_core.engines.stats_values import QUANTILES, TOP, Values, value_stats

_TEXTS: Final = ("String", "Categorical", "Enum")
_NUMBERS: Final = ("Int", "UInt", "Float", "Decimal")
_OTHERS: Final = ("Boolean", "Date", "Datetime", "Duration", "Time")


def pandas_stats(frame: Any, types: Sequence[str], values: Iterator[Values | Numbers]) -> list[dict[str, Any]]:
    """Return the statistics of the columns of a pandas frame, one for each type."""
    import pandas as pd

    columns = {str(i): frame.iloc[:, i] for i in range(len(types))}
    easy = {
        key: kind
        for (key, column), kind in zip(columns.items(), types, strict=True)
        if str(column.dtype) != "object" or kind == "String"
    }
    # An object column may hold texts at its start and something else later, of which DuckDB makes texts.
    return _stats(pd.DataFrame({key: columns[key] for key in easy}, copy=False), easy, values)


def arrow_stats(table: Any, types: Sequence[str], values: Iterator[Values | Numbers]) -> list[dict[str, Any]]:
    """Return the statistics of the columns of a pyarrow table, one for each type."""
    easy = {str(i): kind for i, kind in enumerate(types)}
    return _stats(table.select(range(len(types))).rename_columns(list(easy)), easy, values)


def _stats(table: Any, kinds: dict[str, str], values: Iterator[Values | Numbers]) -> list[dict[str, Any]]:
    kinds = {key: kind for key, kind in kinds.items() if kind.startswith((*_TEXTS, *_NUMBERS, *_OTHERS))}
    found = _ask(table, kinds)
    if found is None:  # one column fails the query for all: one query a column
        found = {}
        for key, kind in kinds.items():
            found |= _ask(table, {key: kind}) or {}
    return [found[str(i)] if str(i) in found else _from(each) for i, each in enumerate(values)]


def _from(column: Values | Numbers) -> dict[str, Any]:
    if isinstance(column, Numbers):
        return value_stats(column.exact() if column.exact else column.array.tolist(), column.nulls or 0)
    values, nulls = column
    return {"nulls": nulls} if values is None else value_stats(values, nulls)


def _ask(table: Any, kinds: dict[str, str]) -> dict[str, dict[str, Any]] | None:
    """Return the statistics of columns by their keys; None if DuckDB refuses one of them."""
    asked = {key: _asked(f'"{key}"', kind) for key, kind in kinds.items()}
    selected = [f'{term} AS "{key}.{name}"' for key, terms in asked.items() for name, term in terms.items()]
    if not selected:
        return {}
    rows = _query(f"SELECT count(*) AS height, {', '.join(selected)} FROM t", table)
    if rows is None:
        return None
    height, *answers = rows[0]
    found = {}
    for key, terms in asked.items():
        each = dict(zip(terms, answers[: len(terms)], strict=True))
        answers = answers[len(terms) :]
        found[key] = finished({**each, "nulls": height - each["there"]})
        if found[key].pop("countable", False):
            found[key]["top"] = _top(table, key, kinds[key])
    return found


def _asked(column: str, kind: str) -> dict[str, str]:
    """Return the terms of a column by their names."""
    asked = {"there": f"count({column})", "distinct": f"approx_count_distinct({column})"}
    value = f"{column}::VARCHAR" if kind in _TEXTS else column  # not the order of the categories
    if kind.startswith("Float"):
        value = f"CASE WHEN NOT isnan({column}) THEN {column}::DOUBLE END"
        asked["nan"] = f"count(*) FILTER (isnan({column}))"
        asked["infinite"] = f"count(*) FILTER (isinf({column}))"
        asked["whole"] = f"bool_and({column} = floor({column})) FILTER (NOT isnan({column}))"
    asked |= {"min": f"min({value})", "max": f"max({value})"}
    if kind.startswith(_TEXTS):
        asked |= {f"length_{name}": f"{call}(length({value}))" for name, call in _LENGTHS.items()}
    elif kind.startswith(_NUMBERS):
        number = f"({value})::DOUBLE"
        finite = f"FILTER (isfinite({number}))" if kind.startswith("Float") else ""
        asked |= {"mean": f"avg({value}) {finite}", "deviation": f"stddev_samp({number}) {finite}"}
        asked["quantiles"] = f"quantile_cont({number}, {list(QUANTILES.values())})"
    return asked


_LENGTHS: Final = {"min": "min", "mean": "avg", "max": "max"}


def _top(table: Any, key: str, kind: str) -> list[list[Any]]:
    value = f'"{key}"::VARCHAR' if kind in _TEXTS else f'"{key}"'
    there = f"NOT isnan({value})" if kind.startswith("Float") else f"{value} IS NOT NULL"
    rows = _query(f"SELECT {value}, count(*) FROM t WHERE {there} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {TOP}", table)
    return [list(row) for row in rows or ()]


def _query(text: str, table: Any) -> list[tuple[Any, ...]] | None:
    from odibi_core.engines import duckdb_sql
    from odibi_core.errors import EngineError

    try:
        rows: list[tuple[Any, ...]] = duckdb_sql.query(text, {"t": table}, None, lambda relation: relation.fetchall())
    except EngineError:
        return None
    return rows
