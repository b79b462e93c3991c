"""The polars engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from odibi_core.engines import json_lines, partitions, polars_csv, polars_json, polars_sets, polars_sql, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.frame_engine import FrameEngine
from odibi_core.engines.kinds import plain_column, refuse_inexact
from odibi_core.errors import EngineError
from odibi_core.plugins import missing_library


class PolarsEngine(FrameEngine):
    """LazyFrames pass unchanged, until they are written. CSV means what it means to pandas."""

    name = "polars"
    _separator = "separator"

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        if operation == "sql":
            return missing_library("pyarrow", "SQL on polars")
        return super().problems(operation, path, options)

    def _is_own(self, value: Any) -> bool:
        return isinstance(value, pl.DataFrame | pl.LazyFrame)

    def _of_plain(self, value: list[Any] | dict[Any, Any]) -> Any:
        try:
            frame = pl.DataFrame(value, infer_schema_length=None)
            for name in (name for name, dtype in frame.schema.items() if dtype == pl.Float64):
                refuse_inexact((each for each in plain_column(value, name) if type(each) is int), name)
            return frame
        except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
            raise EngineError(f"a {type(value).__name__} could not become a polars frame: {error}") from error

    def _of_relation(self, relation: Any) -> Any:
        return polars_sql.frame(relation)

    def _of_narwhals(self, seen: Any) -> Any:
        return seen.to_polars()

    def _eager(self, frame: Any) -> Any:
        return frame.lazy().collect()

    def _known_options(self, operation: refusals.Operation, format: str) -> frozenset[str] | None:
        if format == "json":
            return json_lines.OPTIONS if operation == "read" else frozenset()
        if operation == "read":
            reader = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[format]
            return refusals.parameters(reader) | (json_lines.OPTIONS if format == "jsonl" else frozenset())
        frame = pl.DataFrame
        writer = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[format]
        return refusals.parameters(writer) | (refusals.OWN_WRITES if format == "parquet" else frozenset())

    def _read_file(
        self, kind: str, source: Any, options: Mapping[str, Any], named: Collection[str]
    ) -> tuple[Sequence[Any], Collection[str]]:
        if kind == "parquet":
            return [pl.read_parquet(source, **{"glob": False, **options})], ()
        if kind in ("json", "jsonl"):
            return polars_json.read(source, options, array=kind == "json"), ()
        frame, texts = polars_csv.read(source, options, named)
        return [frame], texts

    def _has_numbers(self, frames: Sequence[Any], name: str) -> bool:
        return any(name in frame.columns and frame.schema[name].is_numeric() for frame in frames)

    def _united(
        self, members: Sequence[Member], folders: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Any:
        whole = polars_sets.united(
            [Member(path, with_folders(path, frame, folders)) for path, frames in members for frame in frames]
        )
        types = options.get("hive_schema") or {}
        return whole.cast({name: dtype for name, dtype in types.items() if name in folders})

    def _write_file(self, frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
        if kind == "parquet":
            frame.write_parquet(target, **options)
        elif kind == "csv":
            polars_csv.write(frame, target, options)
        else:
            polars_json.write(frame, target, options, array=kind == "json")

    def arrow(self, frame: Any) -> Any:
        unfit = next((name for name, dtype in frame.schema.items() if _is_unfit(dtype)), None)
        if unfit is not None:
            raise EngineError(f"column {unfit!r} is {frame.schema[unfit]}, which Arrow has no type for; cast it")
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest())

    def _groups(self, frame: Any, by: list[str]) -> Iterable[tuple[Any, Any]]:
        groups = frame.partition_by(by, as_dict=True, include_key=False, maintain_order=True)
        return groups.items()  # type: ignore[no-any-return]

    def of_arrow(self, table: Any) -> Any:
        return pl.DataFrame(pl.from_arrow(table))


def with_folders(path: str, frame: Any, folders: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a file's frame with the columns of its folders; columns of the file itself take precedence."""
    missing = [name for name in folders if name not in frame.columns]
    return frame.with_columns(
        [pl.lit(folders[name][path], dtype=_dtype(folders[name].values())).alias(name) for name in missing]
    )


def _dtype(values: Iterable[Any]) -> Any:
    return {int: pl.Int64, date: pl.Date}.get(partitions.value_type(values), pl.String)


_NOT_IN_ARROW = (pl.Object, pl.Int128, getattr(pl, "UInt128", pl.Object))


def _is_unfit(dtype: Any) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_is_unfit(field.dtype) for field in dtype.fields)
    inner = getattr(dtype, "inner", None)
    return dtype in _NOT_IN_ARROW or (inner is not None and _is_unfit(inner))
