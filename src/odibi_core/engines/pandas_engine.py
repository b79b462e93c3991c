"""The pandas engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from odibi_core.engines import (
    pandas_columns,
    pandas_csv,
    pandas_json,
    pandas_parquet,
    pandas_sets,
    pandas_sql,
    refusals,
)
from odibi_core.engines.files import Member
from odibi_core.engines.frame_engine import FrameEngine
from odibi_core.errors import EngineError


class PandasEngine(FrameEngine):
    """Lazy frames of other libraries are collected, because pandas has none. An index is no column of a file."""

    name = "pandas"
    _separator = "sep"

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        if operation == "sql":
            return []
        found = super().problems(operation, path, options)
        return found or refusals.missing(operation, path, options, {"parquet": "pyarrow"})

    def _is_own(self, value: Any) -> bool:
        return isinstance(value, pd.DataFrame)

    def _of_plain(self, value: list[Any] | dict[Any, Any]) -> Any:
        try:
            return pandas_columns.of_plain(value)
        except (ValueError, TypeError) as error:
            raise EngineError(f"a {type(value).__name__} could not become a pandas frame: {error}") from error

    def _of_relation(self, relation: Any) -> Any:
        return pandas_sql.frame(relation)

    def _of_narwhals(self, seen: Any) -> Any:
        return pandas_columns.of_narwhals(seen)

    def _known_options(self, operation: refusals.Operation, format: str) -> frozenset[str] | None:
        if format == "csv":
            return refusals.parameters(pd.read_csv if operation == "read" else pd.DataFrame.to_csv)
        if format in ("json", "jsonl"):
            return pandas_json.READS if operation == "read" else pandas_json.WRITES
        try:
            from pyarrow import parquet
        except ImportError:
            return None
        if operation == "read":
            return refusals.parameters(pd.read_parquet, parquet.read_table)
        return refusals.parameters(pd.DataFrame.to_parquet, parquet.write_table) | refusals.OWN_WRITES

    def _read_file(
        self, kind: str, source: Any, options: Mapping[str, Any], named: Collection[str]
    ) -> tuple[Sequence[Any], Collection[str]]:
        if kind == "csv":
            frame, texts = pandas_csv.read(source, options, named)
            return [frame], texts
        if kind == "parquet":
            return [pandas_parquet.read(source, options)], ()
        return [pandas_json.read(source, options, array=kind == "json")], ()

    def _has_numbers(self, frames: Sequence[Any], name: str) -> bool:
        return any(
            name in frame.columns and frame[name].dtype.kind in "iuf" and frame[name].notna().any() for frame in frames
        )

    def _united(
        self, members: Sequence[Member], folders: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Any:
        return pandas_sets.united(
            [Member(path, _with_folders(path, frame, folders)) for path, frames in members for frame in frames]
        )

    def _write_file(self, frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
        if kind == "parquet":
            frame.to_parquet(target, **options)
        elif kind == "csv":
            pandas_csv.write(frame, target, options)
        else:
            pandas_json.write(frame, target, options, array=kind == "json")

    def arrow(self, frame: Any) -> Any:
        return pandas_columns.arrow(frame)

    def of_arrow(self, table: Any) -> Any:
        return pandas_columns.of_arrow(table)

    def _groups(self, frame: Any, by: list[str]) -> Iterator[tuple[Any, Any]]:
        for key, part in frame.groupby(by, dropna=False, observed=True, sort=False):
            yield key, part.drop(columns=by).reset_index(drop=True)


def _with_folders(path: str, frame: Any, folders: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a file's frame with the columns of its folders; columns of the file itself take precedence."""
    for name, values in folders.items():
        if name not in frame.columns:
            made = pandas_columns.column([values[path]] * len(frame))
            made = pd.to_datetime(made) if isinstance(values[path], date) else made
            frame = frame.assign(**{name: made.set_axis(frame.index)})
    return frame
