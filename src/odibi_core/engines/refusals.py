"""Validation of the paths and options of a step, before anything runs."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Mapping
from functools import cache
from inspect import Parameter, signature
from typing import Any, Literal

from odibi_core.engines import files, formats, object_store
from odibi_core.errors import EngineError, nearest
from odibi_core.plugins import missing_library

Operation = Literal["read", "write"]
Known = Callable[[Operation, str], frozenset[str] | None]
PARTITION = ("partition_by", "partition_cols")  # polars' name and pandas'; every engine takes both
OWN_READS = frozenset({"hive_partitioning"})
OWN_WRITES = frozenset({*PARTITION, "mode"})
MODES = ("overwrite", "append", "overwrite_partitions")
"""Of a partitioned data set."""
SEPARATORS = frozenset({"sep", "delimiter", "separator"})
_PATHS = frozenset({"path", "path_or_buf", "filepath_or_buffer", "file", "source"})
_APPEND = (
    "a file is replaced as a whole, so that a reader never sees a part of it; to append, read it, concatenate and "
    "write, or give each run a file of its own and read them by a glob"
)


def problems(
    operation: Operation, path: str, options: Mapping[str, Any], known: Known, *, to_folders: bool = False
) -> list[str]:
    """Return one sentence for each reason why `path` cannot be read or written with `options`.

    Args:
        operation: "read" or "write".
        path: as the step has it; files are not opened, and need not be there yet.
        options: `format` included, if given.
        known: returns the names of the options of an operation and a format; None if any may be given.
        to_folders: the engine writes folders of files, so that a folder of that name is replaced.
    """
    given = dict(options)
    format = given.pop("format", None)
    try:
        kind = _target(operation, path, format, given, to_folders=to_folders)
    except EngineError as error:
        return [str(error)]
    if kind is None:
        return []
    names = _names(operation, kind.format, known)
    if kind.format == "parquet" and operation == "write" and partitions(given) and given.get("mode") in MODES:
        given.pop("mode")
    found = [
        problem
        for name, value in given.items()
        if (problem := _problem(operation, path, kind.format, name, value) or _unknown(operation, kind, name, names))
    ]
    return found or _problems_of_format(operation, path, kind.format, given)


def _names(operation: Operation, format: str, known: Known) -> frozenset[str] | None:
    """Return the names of the options of an operation and a format; None if any may be given."""
    own = formats.options(operation, format)
    names = known(operation, "csv" if format == "tsv" else format) if own is None else own
    if names is None or formats.TABLE[format].is_table:
        return names
    names |= {*(OWN_READS if operation == "read" else ()), "storage_options"}
    return names - SEPARATORS if format == "tsv" else names


def _problems_of_format(operation: Operation, path: str, format: str, options: Mapping[str, Any]) -> list[str]:
    """Return what the file of the format has against the options, and what is not installed."""
    row = formats.TABLE[format]
    doing = f"{'reading' if operation == 'read' else 'writing'} {format}"
    found = [problem for library in row.libraries for problem in missing_library(library, doing)]
    if found or not row.target:
        return found or object_store.problems(path)
    if row.is_table:
        return formats.table_format(format).problems(operation, path, options)
    own = formats.file_format(format)
    return object_store.problems(path) + (own.problems(operation, path, options) if own else [])


def refuse(operation: Operation, path: str, format: str | None, options: Mapping[str, Any], known: Known) -> None:
    """Raise EngineError with every reason that `problems` finds."""
    found = problems(operation, path, {**options, "format": format}, known)
    if found:
        raise EngineError("; ".join(found))


def missing(operation: Operation, path: str, options: Mapping[str, Any], needed: Mapping[str, str]) -> list[str]:
    """Return a sentence if the library is not installed that `needed` names for the format."""
    kind = _target(operation, path, options.get("format"), options)
    library = needed.get(kind.format) if kind else None
    if kind is None or library is None:
        return []
    return missing_library(library, f"{'reading' if operation == 'read' else 'writing'} {kind.format}")


def partitions(options: Mapping[str, Any]) -> list[str]:
    """Return the columns that a folder is partitioned by, if options name any."""
    found: Any = next((options[name] for name in PARTITION if options.get(name)), [])
    return [found] if isinstance(found, str) else list(found)


@cache
def parameters(function: Any, *more: Any) -> frozenset[str]:
    """Return the names of the keyword arguments of functions, of which the first may hand on to the others."""
    kinds = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    every = [parameter for each in (function, *more) for parameter in signature(each).parameters.values()]
    return frozenset(parameter.name for parameter in every if parameter.kind in kinds) - {"self"}


def _target(
    operation: Operation, path: str, format: Any, options: Mapping[str, Any], *, to_folders: bool = False
) -> files.Target | None:
    """Return the format, or None if it depends on the files that are found."""
    if format is not None and not isinstance(format, str):
        raise EngineError(f"format must be one of {', '.join(files.FORMATS)}, got {format!r}")
    is_folder = path.endswith(("/", os.sep)) or os.path.isdir(files.local(path))
    table = formats.table_named(path, format)
    if table is not None:
        return files.Target(table, "")
    if operation == "write":
        if partitions(options):
            return files.target(path.rstrip("/"), format or files.format_of(path.rstrip("/")) or "parquet")
        if is_folder and not (to_folders and (format or files.format_of(path.rstrip("/")))):
            raise EngineError(f"{path!r} is a folder; name the file to write, such as {path.rstrip('/')}/out.parquet")
        return files.target(path, format)
    suffix = os.path.splitext(path)[1]
    is_open = is_folder or (glob.has_magic(path) and (not suffix or glob.has_magic(suffix)))
    is_open |= not suffix and object_store.is_stored(path)  # a file or a folder, which only a request shows
    return None if format is None and is_open else files.target(path, format)


def _problem(operation: Operation, path: str, format: str, name: str, value: Any) -> str | None:
    """Return the reason why an option with this value fits no file, whatever the library does with it."""
    shown = f"{name}={value!r:.80}"
    if name in _PATHS:
        return f"{shown} does not fit: the path is the step's value, {files.shown(path)!r}"
    if formats.TABLE[format].is_table:
        return None
    if name == "storage_options" and value and not files.is_remote(path):
        return f"{shown} does not fit: {path!r} is a local path, and only a URI takes them"
    if operation == "write":
        return _unfit_to_write(format, name, value, shown)
    if name in ("chunksize", "iterator") and value:
        return f"{shown} does not fit: a step reads one frame, not an iterator"
    if format == "jsonl" and not _is_lines(name, value):
        return f"{shown} does not fit JSON Lines, one object a line; a file of one array is format='json'"
    if format == "json" and not _is_array(name, value):
        return f"{shown} does not fit JSON, one array of objects; one object a line is format='jsonl'"
    return None


def _unfit_to_write(format: str, name: str, value: Any, shown: str) -> str | None:
    if (name == "mode" and value != "w") or (name == "append" and value):
        modes = f"; a data set with partition_by= takes {', '.join(MODES)}" if format == "parquet" else ""
        return f"{shown} does not fit: {_APPEND}{modes}"
    if format == "jsonl" and (not _is_lines(name, value) or (name == "index" and value)):
        return f"{shown} does not fit JSON Lines, one object a line for the columns of a row"
    if format == "json" and (not _is_array(name, value) or (name == "index" and value)):
        return f"{shown} does not fit JSON, one array of an object for each row"
    if formats.TABLE[format].is_text and name == "compression" and value not in (None, "infer", "uncompressed"):
        return f"{shown} does not fit: the suffix .gz or .zip decides how a file is packed"
    if name == "pyarrow_options" and isinstance(value, Mapping) and "partition_cols" in value:
        return f"{shown} does not fit: set partition_by={value['partition_cols']!r} instead"
    return None


def _is_lines(name: str, value: Any) -> bool:
    return bool({"lines": value is True, "orient": value == "records"}.get(name, True))


def _is_array(name: str, value: Any) -> bool:
    return bool({"lines": value is False, "orient": value == "records"}.get(name, True))


def _unknown(operation: Operation, kind: files.Target, name: str, names: frozenset[str] | None) -> str | None:
    if names is None or (name in names and name not in _PATHS):
        return None
    doing = "reading" if operation == "read" else "writing"
    hint = nearest(name, names)
    return f"{doing} {kind.format} takes no option {name!r}{hint}; it takes {', '.join(sorted(names - _PATHS))}"
