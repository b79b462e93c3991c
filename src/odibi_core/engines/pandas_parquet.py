"""Parquet as pandas frames, with whole numbers that stay whole beside missing values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def read(source: Any, options: Mapping[str, Any]) -> Any:
    """Return the frame of a file; columns that pandas would change are read again in another form."""
    frame = pd.read_parquet(source, **options)
    if "dtype_backend" in options or "to_pandas_kwargs" in options:
        return frame
    lossy = [name for name in frame.columns if _may_have_been_whole(frame[name])]
    if lossy:  # pandas makes floats of whole numbers beside missing ones
        again = _again(source, options, lossy, "numpy_nullable")
        frame = frame.assign(**{name: again[name] for name in lossy if again[name].dtype.kind in "iub"})
    nested = [name for name in frame.columns if _may_be_lossy(frame[name])]
    if nested:
        again = _again(source, options, nested, "pyarrow")
        frame = frame.assign(**{name: pd.Series(again[name].tolist(), dtype="object") for name in nested})
    return frame


def _again(source: Any, options: Mapping[str, Any], columns: list[Any], backend: str) -> Any:
    if not isinstance(source, str):
        source.seek(0)
    return pd.read_parquet(source, **{**options, "columns": columns, "dtype_backend": backend})


def _may_be_lossy(column: Any) -> bool:
    """Return true for lists and records that may have held whole numbers beside missing ones, which are floats then."""
    if column.dtype != "object":
        return False
    return any(_is_lossy(value) for value in column if value is not None)


def _is_lossy(value: Any) -> bool:
    if isinstance(value, dict):
        return any(isinstance(each, float) or _is_lossy(each) for each in value.values())
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return bool((value != value).any()) if kind == "f" else kind == "O" and any(map(_is_lossy, value))


def _may_have_been_whole(column: Any) -> bool:
    if column.dtype == "object":
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "boolean")
    return column.dtype == "float64" and bool(column.isna().any())
