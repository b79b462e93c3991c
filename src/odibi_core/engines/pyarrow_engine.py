"""The pyarrow engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from odibi_core.engines import arrow_columns, arrow_csv, files, json_lines, partitions, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.frame_engine import FrameEngine
from odibi_core.errors import EngineError
from odibi_core.plugins import missing_library


class PyarrowEngine(FrameEngine):
    """Tables. Parquet and CSV are read and written by pyarrow, JSON by Python's exact values."""

    name = "pyarrow"
    _separator = "separator"

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        if operation == "sql":
            return missing_library("duckdb", f"SQL on {self.name}")
        return super().problems(operation, path, options)

    def _is_own(self, value: Any) -> bool:
        return isinstance(value, pa.Table)

    def _of_plain(self, value: list[Any] | dict[Any, Any]) -> Any:
        try:
            columns = value if isinstance(value, dict) else json_lines.by_column(value)
            arrays = [
                arrow_columns.of_values(name, list(values)) if isinstance(values, list | tuple) else pa.array(values)
                for name, values in columns.items()
            ]
            return pa.table(arrays, names=[str(name) for name in columns])
        except (ValueError, TypeError, AttributeError, pa.ArrowException) as error:
            raise EngineError(f"a {type(value).__name__} could not become a pyarrow table: {error}") from error

    def _of_relation(self, relation: Any) -> Any:
        return arrow_columns.of_relation(relation)

    def _of_narwhals(self, seen: Any) -> Any:
        native = seen.to_native()
        if type(native).__module__.partition(".")[0] in ("pandas", "polars"):
            from odibi_core.plugins import load

            return load("engines", type(native).__module__.partition(".")[0])().arrow(native)
        return seen.to_arrow()

    def _known_options(self, operation: refusals.Operation, format: str) -> frozenset[str] | None:
        if format == "csv":
            return arrow_csv.READS if operation == "read" else arrow_csv.WRITES
        if format in ("json", "jsonl"):
            return json_lines.OPTIONS if operation == "read" else frozenset()
        if operation == "read":
            return refusals.parameters(parquet.read_table)
        return refusals.parameters(parquet.write_table) | refusals.OWN_WRITES

    def _read_file(
        self, kind: str, source: Any, options: Mapping[str, Any], named: Collection[str]
    ) -> tuple[Sequence[Any], Collection[str]]:
        if kind == "csv":
            table, texts = arrow_csv.read(source, options, named)
            return [table], texts
        if kind == "parquet":
            return [parquet.read_table(source, **{"partitioning": None, **options})], ()
        chunks = json_lines.chunks(source, options, array=kind == "json")
        return [self._of_chunk(chunk) for chunk in chunks], ()

    def _of_chunk(self, chunk: Mapping[str, Sequence[Any]]) -> Any:
        return pa.table([arrow_columns.of_values(name, values) for name, values in chunk.items()], names=list(chunk))

    def _has_numbers(self, frames: Sequence[Any], name: str) -> bool:
        kinds = (frame.schema.field(name).type for frame in frames if name in frame.column_names)
        return any(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds)

    def _united(
        self, members: Sequence[Member], folders: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Any:
        return arrow_columns.united(
            [Member(path, _with_folders(path, frame, folders)) for path, frames in members for frame in frames]
        )

    def _write_file(self, frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
        if kind == "parquet":
            parquet.write_table(frame, target, **options)
        elif kind == "csv":
            arrow_csv.write(frame, target, options)
        else:
            columns = {name: _json_values(name, frame.column(name)) for name in frame.column_names}
            json_lines.write_columns(target, columns, array=kind == "json")

    def arrow(self, frame: Any) -> Any:
        return frame

    def of_arrow(self, table: Any) -> Any:
        return table

    def _eager(self, frame: Any) -> Any:
        files.refuse_repeated(frame.column_names)
        return frame

    def _groups(self, frame: Any, by: list[str]) -> Iterable[tuple[Any, Any]]:
        numbered = frame.append_column("\0row", pa.array(range(frame.num_rows), pa.int64()))
        groups = numbered.group_by(by, use_threads=False).aggregate([("\0row", "list")])
        rest = frame.drop_columns(by)
        for group in groups.to_pylist():
            yield tuple(group[name] for name in by), rest.take(group["\0row_list"])


def _json_values(name: str, column: Any) -> list[Any]:
    if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
        files.warn_changed(name, "holds NaN, which JSON has not: it is written as null")
    return [json_lines.json_value(name, value) for value in column.to_pylist()]


def _with_folders(path: str, table: Any, folders: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a file's table with the columns of its folders; columns of the file itself take precedence."""
    for name, values in folders.items():
        if name not in table.column_names:
            kind = {int: pa.int64(), date: pa.date32()}.get(partitions.value_type(values.values()), pa.string())
            table = table.append_column(name, pa.array([values[path]] * table.num_rows, kind))
    return table
