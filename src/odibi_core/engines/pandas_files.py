"""Files of pandas frames: each format's reader and writer, and the sets of files that a path names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from odibi_core.engines import files, pandas_csv, pandas_json, partitions, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.pandas_columns import column
from odibi_core.engines.pandas_sets import united


def read(path: str, format: str | None, options: Mapping[str, Any]) -> Any:
    """Return the frame of all files that `path` names, with the columns that only their paths have."""
    folders = partitions.columns(path, format, options)
    given = partitions.file_options(options, folders)
    texts: set[str] = set()

    def one(kind: str, source: Any) -> Any:
        if kind == "parquet":
            return _read_parquet(source, given)
        if kind == "jsonl":
            return pandas_json.read(source, given)
        frame, named = pandas_csv.read(source, given, texts)
        texts.update(named)
        return frame

    members = files.read_each(path, format, one, given)
    if any(_is_number(member, name) for member in members for name in texts):
        members = files.read_each(path, format, one, given)
    asked = options.get("columns") or folders
    folders = {name: values for name, values in folders.items() if name in asked}
    return united([_with_folders(member, folders) for member in members])


def _with_folders(member: Member, folders: Mapping[str, Mapping[str, Any]]) -> Member:
    """A file's frame with the columns of its folders, of which those in the file itself go first."""
    frame = member.frame
    for name, values in folders.items():
        if name not in frame.columns:
            made = column([values[member.path]] * len(frame))
            is_date = isinstance(values[member.path], date)
            frame = frame.assign(**{name: (pd.to_datetime(made) if is_date else made).set_axis(frame.index)})
    return Member(member.path, frame)


def _is_number(member: Member, name: str) -> bool:
    return (
        name in member.frame.columns
        and member.frame[name].dtype.kind in "iuf"
        and member.frame[name].notna().any()
    )


def _read_parquet(source: Any, options: Mapping[str, Any]) -> Any:
    frame = pd.read_parquet(source, **options)
    if "dtype_backend" in options or "to_pandas_kwargs" in options:
        return frame
    lossy = [name for name in frame.columns if _may_have_been_whole(frame[name])]
    if lossy:  # pandas makes floats of whole numbers beside missing ones
        _rewind(source)
        again = pd.read_parquet(source, **{**options, "columns": lossy, "dtype_backend": "numpy_nullable"})
        frame = frame.assign(**{name: again[name] for name in lossy if again[name].dtype.kind in "iub"})
    lists = [name for name in frame.columns if _has_lossy_lists(frame[name])]
    if lists:
        _rewind(source)
        again = pd.read_parquet(source, **{**options, "columns": lists, "dtype_backend": "pyarrow"})
        frame = frame.assign(**{name: pd.Series(again[name].tolist(), dtype="object") for name in lists})
    return frame


def _rewind(source: Any) -> None:
    if not isinstance(source, str):
        source.seek(0)


def _has_lossy_lists(column: Any) -> bool:
    """Whether lists of a column may have held whole numbers beside missing ones, which are floats then."""
    if column.dtype != "object":
        return False
    return any(getattr(getattr(v, "dtype", None), "kind", "") == "f" and (v != v).any() for v in column)


def _may_have_been_whole(column: Any) -> bool:
    if column.dtype == "object":
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "boolean")
    return column.dtype == "float64" and bool(column.isna().any())


def write(frame: Any, path: str, format: str | None, options: Mapping[str, Any]) -> None:
    """Write a frame to a file, or to a folder of files if options name columns to partition by."""
    by, given = partitions.by(options)
    if not by or files.is_remote(path):
        files.write_one(path, format, lambda kind, target: _write(frame, kind, target, options), options)
        return
    with files.explained(path, "parquet", options):
        partitions.write(path, _parts(frame, by), lambda part, file: part.to_parquet(file, **given))


def _parts(frame: Any, by: list[str]) -> Iterator[partitions.Part]:
    partitions.names_to_write(by, list(frame.columns))
    for name in by:
        partitions.warn_changed(name, frame[name].drop_duplicates().tolist(), frame[name].dtype)
    if not len(frame):
        yield {}, frame
        return
    for values, part in frame.groupby(by, dropna=False, observed=True, sort=False):
        yield dict(zip(by, values, strict=True)), part.drop(columns=by).reset_index(drop=True)


def _write(frame: Any, kind: str, target: Any, options: Mapping[str, Any]) -> None:
    if kind == "csv":
        pandas_csv.write(frame, target, options)
    elif kind == "jsonl":
        pandas_json.write(frame, target, options)
    else:
        frame.to_parquet(target, **options)


def known(operation: str, format: str) -> frozenset[str] | None:
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
        return refusals.parameters(pd.read_parquet, parquet.read_table)
    return refusals.parameters(pd.DataFrame.to_parquet, parquet.write_table) | refusals.OWN_WRITES
