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
    lists = [name for name in frame.columns if _has_lossy_lists(frame[name])]
    if lists:
        again = _again(source, options, lists, "pyarrow")
        frame = frame.assign(**{name: pd.Series(again[name].tolist(), dtype="object") for name in lists})
    return frame


def _again(source: Any, options: Mapping[str, Any], columns: list[Any], backend: str) -> Any:
    if not isinstance(source, str):
        source.seek(0)
    return pd.read_parquet(source, **{**options, "columns": columns, "dtype_backend": backend})


def _has_lossy_lists(column: Any) -> bool:
    """Return true if lists of a column may have held whole numbers beside missing ones, which are floats then."""
    if column.dtype != "object":
        return False
    return any(getattr(getattr(v, "dtype", None), "kind", "") == "f" and (v != v).any() for v in column)


def _may_have_been_whole(column: Any) -> bool:
    if column.dtype == "object":
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "boolean")
    return column.dtype == "float64" and bool(column.isna().any())
