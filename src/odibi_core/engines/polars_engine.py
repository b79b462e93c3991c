"""The polars engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from odibi_core.engines import duckdb_sql, polars_files, polars_sql, refusals
from odibi_core.engines.frame_narwhals import collected
from odibi_core.engines.kinds import refuse_inexact
from odibi_core.errors import EngineError


class PolarsEngine:
    """LazyFrames pass through as they are, until they are written. CSV means what it means to pandas."""

    name = "polars"

    def frame(self, value: Any) -> Any:
        if isinstance(value, pl.DataFrame | pl.LazyFrame):
            return value
        if isinstance(value, list | dict):
            return _made(value)
        if type(value).__name__ == "DuckDBPyRelation":
            return polars_sql.frame(value)
        seen = collected(value)
        if seen is not None:
            return seen.to_polars()
        raise EngineError(f"a {type(value).__name__} is no frame, and the polars engine cannot make it one")

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        if operation == "sql":
            return refusals.missing_library("pyarrow", "SQL on polars")
        return refusals.problems(operation, path, options, polars_files.known)

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        refusals.refuse("read", path, format, options, polars_files.known)
        return polars_files.read(path, format, options)

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> None:
        refusals.refuse("write", path, format, options, polars_files.known)
        own = self.frame(frame)
        own = own.collect() if isinstance(own, pl.LazyFrame) else own
        polars_files.write(own, path, format, options)

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        tables = {name: self._table(frame) for name, frame in frames.items()}
        return duckdb_sql.query(query, tables, parameters, polars_sql.frame)

    def _table(self, frame: Any) -> Any:
        return self.frame(frame) if isinstance(frame, list | dict) else frame


def _made(value: Any) -> Any:
    try:
        frame = pl.DataFrame(value, infer_schema_length=None)
        for name in (name for name, dtype in frame.schema.items() if dtype == pl.Float64):
            values = (
                value[name]
                if isinstance(value, dict)
                else [row.get(name) for row in value if isinstance(row, dict)]
            )
            refuse_inexact((each for each in values if type(each) is int), name)
        return frame
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise EngineError(f"a {type(value).__name__} could not become a polars frame: {error}") from error
