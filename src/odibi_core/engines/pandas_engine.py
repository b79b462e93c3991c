"""The pandas engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from odibi_core.engines import duckdb_sql, files, pandas_json, refusals
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
            return value.df()
        seen = collected(value)
        if seen is not None:
            return seen.to_pandas()
        raise EngineError(f"a {type(value).__name__} is no frame, and the pandas engine cannot make it one")

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        found = refusals.problems(operation, path, options, _known)
        return found or refusals.missing(operation, path, options, {"parquet": "pyarrow"})

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        refusals.refuse("read", path, format, options, _known)
        frames = files.read_each(path, format, lambda kind, source: _read(kind, source, options), options)
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> None:
        refusals.refuse("write", path, format, options, _known)
        own = self.frame(frame)
        files.write_one(path, format, lambda kind, target: _write(own, kind, target, options), options)

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        tables = {name: self._table(frame) for name, frame in frames.items()}
        return duckdb_sql.query(query, tables, parameters, lambda relation: relation.df())

    def _table(self, frame: Any) -> Any:
        return self.frame(frame) if isinstance(frame, list | dict) else frame


def _made(value: Any) -> Any:
    try:
        return pd.DataFrame(value)
    except (ValueError, TypeError) as error:
        raise EngineError(f"a {type(value).__name__} could not become a pandas frame: {error}") from error


def _read(kind: str, source: Any, options: Mapping[str, Any]) -> Any:
    if kind == "csv":
        return pd.read_csv(source, **options)
    if kind == "jsonl":
        return pandas_json.read(source, options)
    return pd.read_parquet(source, **options)


def _write(frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
    if kind == "csv":
        # The index is no column, unless asked for: what is written reads back as it was.
        frame.to_csv(target, **{"index": False, **options})
    elif kind == "jsonl":
        pandas_json.write(frame, target, options)
    else:
        frame.to_parquet(target, **options)


def _known(operation: str, format: str) -> frozenset[str] | None:
    """Return the names of the options of pandas' own reader or writer, those that it hands on included."""
    if format == "csv":
        return refusals.parameters(pd.read_csv if operation == "read" else pd.DataFrame.to_csv)
    if format == "jsonl":
        return pandas_json.READS if operation == "read" else pandas_json.WRITES
    try:
        from pyarrow import parquet
    except ImportError:
        return None
    if operation == "read":
        return refusals.parameters(pd.read_parquet, parquet.read_table) | refusals.OWN_READS
    return refusals.parameters(pd.DataFrame.to_parquet, parquet.write_table) | refusals.OWN_WRITES
