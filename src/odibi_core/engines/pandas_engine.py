"""The pandas engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from odibi_core.engines import duckdb_sql, pandas_columns, pandas_files, pandas_sql, refusals
from odibi_core.engines.frame_narwhals import collected
from odibi_core.errors import EngineError


class PandasEngine:
    """Lazy frames of other libraries are collected: pandas has none. An index is no column of a file."""

    name = "pandas"

    def frame(self, value: Any) -> Any:
        if isinstance(value, pd.DataFrame):
            return value
        if isinstance(value, list | dict):
            return _made(value)
        if type(value).__name__ == "DuckDBPyRelation":
            return pandas_sql.frame(value)
        seen = collected(value)
        if seen is not None:
            return pandas_columns.of_narwhals(seen)
        raise EngineError(f"a {type(value).__name__} is no frame, and the pandas engine cannot make it one")

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        if operation == "sql":
            return []
        found = refusals.problems(operation, path, options, pandas_files.known)
        return found or refusals.missing(operation, path, options, {"parquet": "pyarrow"})

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        refusals.refuse("read", path, format, options, pandas_files.known)
        return pandas_files.read(path, format, options)

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> None:
        refusals.refuse("write", path, format, options, pandas_files.known)
        pandas_files.write(self.frame(frame), path, format, options)

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        tables = {name: self._table(frame) for name, frame in frames.items()}
        return duckdb_sql.query(query, tables, parameters, pandas_sql.frame)

    def _table(self, frame: Any) -> Any:
        return self.frame(frame) if isinstance(frame, list | dict) else frame


def _made(value: Any) -> Any:
    try:
        return pandas_columns.of_plain(value)
    except (ValueError, TypeError) as error:
        raise EngineError(f"a {type(value).__name__} could not become a pandas frame: {error}") from error
