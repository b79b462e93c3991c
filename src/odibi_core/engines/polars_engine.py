"""The polars engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from odibi_core.engines import duckdb_sql, files, polars_json, refusals
from odibi_core.engines.frame_narwhals import collected
from odibi_core.errors import EngineError

# As pandas reads them, so that a pipeline sees the same data on either engine. `null_values=[]` turns it off.
NULL_VALUES = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "n/a", "<NA>"]


class PolarsEngine:
    """LazyFrames pass through as they are, until they are written. CSV means what it means to pandas."""

    name = "polars"

    def frame(self, value: Any) -> Any:
        if isinstance(value, pl.DataFrame | pl.LazyFrame):
            return value
        if isinstance(value, list | dict):
            return _made(value)
        if type(value).__name__ == "DuckDBPyRelation":
            return value.pl()
        seen = collected(value)
        if seen is not None:
            return seen.to_polars()
        raise EngineError(f"a {type(value).__name__} is no frame, and the polars engine cannot make it one")

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        return refusals.problems(operation, path, options, _known)

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        refusals.refuse("read", path, format, options, _known)
        frames = files.read_each(path, format, lambda kind, source: _read(kind, source, options), options)
        # Files of one set may differ in what was inferred (an int here, a float there), not in meaning.
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> None:
        refusals.refuse("write", path, format, options, _known)
        own = self.frame(frame)
        own = own.collect() if isinstance(own, pl.LazyFrame) else own
        files.write_one(path, format, lambda kind, target: _write(own, kind, target, options), options)

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        tables = {name: self._table(frame) for name, frame in frames.items()}
        return duckdb_sql.query(query, tables, parameters, lambda relation: relation.pl())

    def _table(self, frame: Any) -> Any:
        return self.frame(frame) if isinstance(frame, list | dict) else frame


def _made(value: Any) -> Any:
    try:
        return pl.DataFrame(value, infer_schema_length=None)
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise EngineError(f"a {type(value).__name__} could not become a polars frame: {error}") from error


def _read(kind: str, source: Any, options: Mapping[str, Any]) -> Any:
    if kind == "csv":
        return _read_csv(_bytes(source), options)
    if kind == "jsonl":
        frames = polars_json.read(source, options)
        return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    return pl.read_parquet(source, **{"glob": False, **options})


def _read_csv(source: Any, options: Mapping[str, Any]) -> Any:
    # Types are inferred from all rows: the first hundred often know only nulls.
    usual = {"infer_schema_length": None, "null_values": NULL_VALUES, "glob": False}
    frame = pl.read_csv(source, **{**usual, **options})
    # polars refuses rows that are no UTF-8, but not a header.
    if "encoding" not in options and any("\ufffd" in name for name in frame.columns):
        raise ValueError("its header is not UTF-8; say encoding= if it is another")
    return frame


def _bytes(source: Any) -> Any:
    return source if isinstance(source, str) else source.read()


def _write(frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
    if kind == "csv":
        frame.write_csv(target, **options)
    elif kind == "jsonl":
        polars_json.write(frame, target, options)
    else:
        frame.write_parquet(target, **options)


def _known(operation: str, format: str) -> frozenset[str] | None:
    """Return the names of the options of polars' own reader or writer."""
    if operation == "read":
        reader = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[format]
        return refusals.parameters(reader) | (polars_json.OWN_OPTIONS if format == "jsonl" else frozenset())
    frame = pl.DataFrame
    writer = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[format]
    return refusals.parameters(writer) | (refusals.OWN_WRITES if format == "parquet" else frozenset())
