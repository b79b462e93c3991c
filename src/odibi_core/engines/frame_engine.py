"""The common part of the engines of one library each, whose SQL is DuckDB's: pandas, polars and pyarrow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from odibi_core.engines import (
    duckdb_sql,
    files,
    formats,
    locked_sql,
    object_store,
    partitions,
    refusals,
    tables,
)  # fmt: skip
from odibi_core.engines.duckdb_turn import is_relation
from odibi_core.engines.files import Member
from odibi_core.engines.frame_narwhals import collected
from odibi_core.errors import EngineError


class FrameEngine(ABC):
    """Reads, writes and queries the frames of one library; a subclass has the functions that depend on it."""

    name: str
    _separator: str
    """The option of the library's CSV for the delimiter."""

    def frame(self, value: Any) -> Any:
        if self._is_own(value):
            return value
        if isinstance(value, list | dict):
            return self._of_plain(value)
        if is_relation(value):
            return self._of_relation(value)
        seen = collected(value)
        if seen is not None:
            return self._of_narwhals(seen)
        raise EngineError(f"a {type(value).__name__} is no frame, and the {self.name} engine cannot make it one")

    def problems(self, operation: Any, path: str, options: Mapping[str, Any]) -> list[str]:
        return refusals.problems(operation, path, options, self._known_options)

    def read(self, path: str, *, format: str | None = None, **options: Any) -> Any:
        refusals.refuse("read", path, format, options, self._known_options)
        if table := formats.table_named(path, format):
            return self.of_arrow(tables.read(table, path, options))
        sources = files.sources(path, format, options.get("storage_options"))
        folders = partitions.columns(path, sources, options)
        given = partitions.file_options(options, folders)
        texts: set[str] = set()

        def read_file(kind: str, source: Any) -> Iterable[Any]:
            frames, named = self._read(kind, source, _for_library(given, path), texts)
            texts.update(named)
            return frames

        members = files.read_each(sources, format, read_file, given)
        if any(self._has_numbers(member.frame, name) for member in members for name in texts):
            # A later file showed that the column is text: the earlier ones are read again.
            members = files.read_each(sources, format, read_file, given)
        asked = options.get("columns") or folders
        return self._united(members, {name: folders[name] for name in folders if name in asked}, options)

    def write(self, frame: Any, path: str, *, format: str | None = None, **options: Any) -> int | None:
        refusals.refuse("write", path, format, options, self._known_options)
        frame = self._eager(self.frame(frame))
        if table := formats.table_named(path, format):
            tables.write(table, path, lambda: self.arrow(frame), options)
            return None
        by, given = partitions.by(options)
        if not by or (files.is_remote(path) and not object_store.is_stored(path)):
            own = _for_library(options, path)
            files.write_one(path, format, lambda kind, target: self._write(frame, kind, target, own), options)
            return None
        with files.explained(path, "parquet", options):
            partitions.write(
                path,
                self._parts(frame, by),
                lambda part, file: self._write_file(part, "parquet", file, given),
                options.get("mode", "overwrite"),
                options.get("storage_options"),
            )
        return None

    def _read(
        self, kind: str, source: Any, options: Mapping[str, Any], named: Collection[str]
    ) -> tuple[Sequence[Any], Collection[str]]:
        """Return the frames of a file of any format, and its columns that are text; see `_read_file`."""
        own = formats.file_format(kind)
        if own is not None:
            return [self.of_arrow(own.read(source, options))], ()
        if kind == "tsv":
            return self._read_file("csv", source, {self._separator: "\t", **options}, named)
        return self._read_file(kind, source, options, named)

    def _write(self, frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
        own = formats.file_format(kind)
        if own is not None:
            own.write(self.arrow(frame), target, options)
        elif kind == "tsv":
            self._write_file(frame, "csv", target, {self._separator: "\t", **options})
        else:
            self._write_file(frame, kind, target, options)

    @abstractmethod
    def arrow(self, frame: Any) -> Any:
        """Return a frame of this library as an Arrow table that holds each value exactly.

        Raises:
            EngineError: A column has no type in Arrow; names the column.
        """

    @abstractmethod
    def of_arrow(self, table: Any) -> Any:
        """Return an Arrow table as a frame of this library, each value exact, without a copy where that can be."""

    def _parts(self, frame: Any, by: list[str]) -> Iterator[partitions.Part]:
        import narwhals

        partitions.names_to_write(by, _names(frame))
        seen = narwhals.from_native(frame, eager_only=True)
        for name in by:
            partitions.warn_changed(name, seen[name].unique().to_list(), _dtype(frame, name))
        if not len(seen):
            yield {}, frame
            return
        for key, part in self._groups(frame, by):
            yield dict(zip(by, key, strict=True)), part

    def sql(self, query: str, frames: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Any:
        return duckdb_sql.query(query, self._tables(frames), parameters, self._of_relation)

    def select(self, query: str, frames: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        return locked_sql.select(query, self._tables(frames))

    def _tables(self, frames: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.frame(frame) if isinstance(frame, list | dict) else frame for name, frame in frames.items()}

    @abstractmethod
    def _is_own(self, value: Any) -> bool:
        """Return true for the library's own frames, lazy ones included."""

    @abstractmethod
    def _of_plain(self, value: list[Any] | dict[Any, Any]) -> Any:
        """Return rows as dicts, or a dict of columns, as a frame; EngineError if they are none."""

    @abstractmethod
    def _of_relation(self, relation: Any) -> Any:
        """Return the rows of a DuckDB relation, which is run once."""

    @abstractmethod
    def _of_narwhals(self, seen: Any) -> Any:
        """Return a narwhals DataFrame of another library as a frame."""

    def _eager(self, frame: Any) -> Any:
        """Return a frame with rows; a lazy one is run."""
        return frame

    @abstractmethod
    def _known_options(self, operation: refusals.Operation, format: str) -> frozenset[str] | None:
        """Return the names of the options of an operation and a format; None if any may be given."""

    @abstractmethod
    def _read_file(
        self, kind: str, source: Any, options: Mapping[str, Any], named: Collection[str]
    ) -> tuple[Sequence[Any], Collection[str]]:
        """Return the frames of a file, and its columns of CSV that are text although each value could be a number.

        Args:
            kind: csv, json, jsonl or parquet.
            source: A path, a URI or a binary stream.
            options: Options of the library's reader.
            named: Such columns of the other files of the set.
        """

    @abstractmethod
    def _has_numbers(self, frames: Sequence[Any], name: str) -> bool:
        """Return true if one of the frames of a file has numbers in this column."""

    @abstractmethod
    def _united(
        self, members: Sequence[Member], folders: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Any:
        """Return the frames of all files under each other, with the columns of their folders."""

    @abstractmethod
    def _write_file(self, frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
        """Write a frame as csv, json, jsonl or parquet to a path or a stream."""

    @abstractmethod
    def _groups(self, frame: Any, by: list[str]) -> Iterable[tuple[Any, Any]]:
        """Return the values of the partition columns, each with its rows, without these columns."""


def _names(frame: Any) -> list[Any]:
    return list(frame.column_names if hasattr(frame, "column_names") else frame.columns)


def _dtype(frame: Any, name: str) -> Any:
    schema = getattr(frame, "schema", None)
    if schema is None:
        return frame[name].dtype
    return schema.field(name).type if hasattr(schema, "field") else schema[name]


def _for_library(options: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the options without those of fsspec, which opens the file."""
    return {name: v for name, v in options.items() if name != "storage_options" or not object_store.is_stored(path)}
