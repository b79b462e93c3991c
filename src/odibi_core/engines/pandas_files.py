"""Files of pandas frames: each format's reader and writer, and the sets of files that a path names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from odibi_core.engines import files, pandas_csv, pandas_json, refusals
from odibi_core.engines.files import Member
from odibi_core.engines.pandas_sets import united


def read(path: str, format: str | None, options: Mapping[str, Any]) -> Any:
    """Return the frame of all files that `path` names."""
    texts: set[str] = set()

    def one(kind: str, source: Any) -> Any:
        if kind == "parquet":
            return _read_parquet(source, options)
        if kind == "jsonl":
            return pandas_json.read(source, options)
        frame, named = pandas_csv.read(source, options, texts)
        texts.update(named)
        return frame

    members = files.read_each(path, format, one, options)
    if any(_is_number(member, name) for member in members for name in texts):
        members = files.read_each(path, format, one, options)
    return united(members)


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
        if not isinstance(source, str):
            source.seek(0)
        again = pd.read_parquet(source, **{**options, "columns": lossy, "dtype_backend": "numpy_nullable"})
        frame = frame.assign(**{name: again[name] for name in lossy if again[name].dtype.kind in "iub"})
    return frame


def _may_have_been_whole(column: Any) -> bool:
    if column.dtype == "object":
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "boolean")
    return column.dtype == "float64" and bool(column.isna().any())


def write(frame: Any, path: str, format: str | None, options: Mapping[str, Any]) -> None:
    """Write a frame to a file."""
    files.write_one(path, format, lambda kind, target: _write(frame, kind, target, options), options)


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
        return refusals.parameters(pd.read_parquet, parquet.read_table) | refusals.OWN_READS
    return refusals.parameters(pd.DataFrame.to_parquet, parquet.write_table) | refusals.OWN_WRITES
