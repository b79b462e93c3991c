"""Statistics of pandas frames and pyarrow tables over all rows, by DuckDB, which reads their memory without a copy.

Columns go by position, because names may repeat. A column that DuckDB does not take is computed from its values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from odibi_core.engines import stats_pandas, stats_series
from odibi_core.engines.stats_exact import finished
from odibi_core.engines.stats_numbers import Numbers, column_stats
from odibi_core.engines.stats_values import QUANTILES, TOP, Counted, Values

_TEXTS: Final = ("String", "Categorical", "Enum")
_NUMBERS: Final = ("Int", "UInt", "Float", "Decimal")
_OTHERS: Final = ("Boolean", "Date", "Datetime", "Duration", "Time")


def pandas_stats(frame: Any, types: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statistics of the columns of a pandas frame, one for each type."""
    import pandas as pd

    columns = {str(i): frame.iloc[:, i] for i in range(len(types))}
    easy = {
        key: kind
        for (key, column), kind in zip(columns.items(), types, strict=True)
        if str(column.dtype) != "object" or kind == "String"
    }
    # An object column may hold texts at its start and something else later, of which DuckDB makes texts.
    found = _found(lambda keys: pd.DataFrame({key: columns[key] for key in keys}, copy=False), easy)
    return _all(found, columns, stats_pandas.column_values)


def arrow_stats(frame: Any, types: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statistics of the columns of a narwhals frame of a pyarrow table, one for each type."""
    easy = {str(i): kind for i, kind in enumerate(types)}
    found = _found(frame.to_native().select(range(len(types))).rename_columns(list(easy)).select, easy)
    return _all(found, {key: frame[:, int(key)] for key in easy}, stats_series.column_values)


def _all(
    found: dict[str, dict[str, Any]], columns: dict[str, Any], values_of: Callable[[Any], Values | Numbers | Counted]
) -> list[dict[str, Any]]:
    """Return the statistics of every column; those that DuckDB did not find from the values of the column alone."""
    return [found[key] if key in found else column_stats(values_of(column)) for key, column in columns.items()]


def _found(table_of: Callable[[list[str]], Any], kinds: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the statistics of the columns that DuckDB takes, by their keys; `table_of` returns a table of columns."""
    kinds = {key: kind for key, kind in kinds.items() if kind.startswith((*_TEXTS, *_NUMBERS, *_OTHERS))}
    found = _ask(table_of(list(kinds)), kinds)
    if found is None:  # one column fails the query for all: one query a column
        found = {}
        for key, kind in kinds.items():
            found |= _ask(table_of([key]), {key: kind}) or {}
    return found


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
