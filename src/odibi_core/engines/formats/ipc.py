"""Arrow IPC: files, which are Feather version 2 too, and streams. A local file that is not compressed is not copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from odibi_core.engines.formats.base import FileFormat, Operation, Options

_COMPRESSIONS: Final = (None, "uncompressed", "lz4", "zstd")


def _problems(operation: Operation, path: str, options: Options) -> list[str]:
    if operation == "write" and options.get("compression") not in _COMPRESSIONS:
        given = options["compression"]
        return [f"compression must be one of uncompressed, lz4, zstd for Arrow IPC, got {given!r:.80}"]
    columns = options.get("columns", [])
    if not isinstance(columns, list | tuple) or not all(isinstance(each, str) for each in columns):
        return [f"columns must be a list of names, got {columns!r:.80}"]
    return []


def _read_file(source: Any, options: Options) -> Any:
    import pyarrow as pa

    with _input(source) as stream, pa.ipc.open_file(stream) as reader:
        return _selected(reader.read_all(), options)


def _read_stream(source: Any, options: Options) -> Any:
    import pyarrow as pa

    with _input(source) as stream, pa.ipc.open_stream(stream) as reader:
        return _selected(reader.read_all(), options)


@contextmanager
def _input(source: Any) -> Iterator[Any]:
    """Yield a file in memory that is mapped; its pages stay as long as a frame needs them, also if it is replaced."""
    import pyarrow as pa

    if not isinstance(source, str):
        yield pa.PythonFile(source, mode="r")
        return
    with pa.memory_map(source) as mapped:
        yield mapped


def _selected(table: Any, options: Options) -> Any:
    table.validate(full=True)  # a damaged file would end the process when its values are used
    return table.select(list(options["columns"])) if options.get("columns") is not None else table


def _write_file(table: Any, target: Any, options: Options) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(target, table.schema, options=_write_options(options)) as writer:
        write_rows(writer, table)


def _write_stream(table: Any, target: Any, options: Options) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(target, table.schema, options=_write_options(options)) as writer:
        write_rows(writer, table)


def write_rows(writer: Any, table: Any) -> None:
    """Write the rows of a table, also of one without rows, by a writer of Arrow IPC."""
    if table.num_rows:
        writer.write_table(table)
        return
    import pyarrow as pa

    # A table without rows is written as no batch, and its categories are in the batches.
    writer.write_batch(pa.record_batch([each.combine_chunks() for each in table.columns], schema=table.schema))


def _write_options(options: Options) -> Any:
    import pyarrow as pa

    compression = options.get("compression")
    return pa.ipc.IpcWriteOptions(
        compression=None if compression == "uncompressed" else compression, unify_dictionaries=True
    )


_READS: Final = frozenset({"columns"})
_WRITES: Final = frozenset({"compression"})
FILE: Final = FileFormat(_READS, _WRITES, _read_file, _write_file, _problems)
STREAM: Final = FileFormat(_READS, _WRITES, _read_stream, _write_stream, _problems)
