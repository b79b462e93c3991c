"""Columns of pandas made exactly: whole numbers beside missing values stay whole, and files of one set get one type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from odibi_core.engines.files import refuse_repeated
from odibi_core.engines.kinds import is_exact, plain_column
from odibi_core.errors import EngineError

_INT64 = (-(2**63), 2**63 - 1)
_UINT64 = (0, 2**64 - 1)


def column(values: Sequence[Any]) -> Any:
    """Return plain Python values as a series of the narrowest type that holds each exactly, else of objects."""
    types = set(map(type, values))
    missing = type(None) in types
    types.discard(type(None))
    if types == {bool}:
        return pd.Series(values, dtype="boolean" if missing else "bool")
    if types == {int}:
        return whole(values)
    if types == {float} or (types == {int, float} and all(is_exact(v) for v in values if type(v) is int)):
        return pd.Series(values, dtype="float64")
    return pd.Series(values) if types == {str} else pd.Series(values, dtype="object")


def of_plain(value: list[Any] | dict[Any, Any]) -> Any:
    """Return rows as dicts, or a dict of columns, as a frame: whole numbers beside None are not made floats."""
    frame = pd.DataFrame(value)
    for name in frame.columns:
        if str(frame[name].dtype) in ("float64", "object"):
            values = plain_column(value, name)
            types = set(map(type, values)) - {type(None)}
            if types & {int, bool} and types <= {int, bool, float}:
                frame[name] = column(values).set_axis(frame.index)
    return frame


def of_narwhals(seen: Any) -> Any:
    """Return another library's frame as pandas: whole numbers and lists that miss some are not made floats."""
    frame = seen.to_pandas()
    for name, dtype in seen.schema.items():
        if dtype.is_nested():
            frame[name] = pd.Series(seen[name].to_list(), dtype="object")
        elif str(dtype).endswith("128") or (
            (dtype.is_integer() or str(dtype) == "Boolean") and seen[name].null_count()
        ):
            frame[name] = column(seen[name].to_list())
    return frame


def of_arrow(table: Any) -> Any:
    """Return an Arrow table as pandas: whole numbers beside missing ones stay whole, dates are dates."""
    columns = {place: _of_arrow(table.column(place)) for place in range(table.num_columns)}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)
    frame.columns = pd.Index(list(table.column_names))
    return frame


def _of_arrow(column: Any) -> Any:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_nested(kind):
        return pd.Series(column.to_pylist(), dtype="object")
    if column.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        name = "boolean" if pa.types.is_boolean(kind) else str(kind).replace("int", "Int").replace("u", "U")
        return column.to_pandas(types_mapper=lambda _: pd.api.types.pandas_dtype(name))
    series = column.to_pandas()
    # A column that shares a mapped file is read-only; a step may change its frame in place.
    return series if is_writeable(series) else series.copy()


def is_writeable(column: Any) -> bool:
    """Return whether the values of a column may be changed in place, because it does not share a mapped file."""
    values = getattr(column.array, "_ndarray", None)
    return values is None or bool(values.flags.writeable)


def arrow(frame: Any) -> Any:
    """Return a frame as an Arrow table, without its index.

    Raises:
        EngineError: names the column that has no type in Arrow, or a name that is twice there.
    """
    import pyarrow as pa

    names = [str(name) for name in frame.columns]
    refuse_repeated(names)
    columns = []
    for position, name in enumerate(names):
        try:
            found = pa.array(_python_values(frame.iloc[:, position]), from_pandas=True)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise EngineError(f"column {name!r} has no type in Arrow; make it one type: {str(error)[:200]}") from error
        columns.append(found)
    return pa.table(columns, names=names)


def _python_values(series: Any) -> Any:
    """Return a series as pyarrow takes it: whole numbers of more than 64 bits as decimals without a fraction."""
    if series.dtype != "object" or pd.api.types.infer_dtype(series, skipna=True) != "integer":
        return series
    values = [None if missing else int(value) for value, missing in zip(series, series.isna(), strict=True)]
    there = [value for value in values if value is not None]
    is_wide = any(not _INT64[0] <= value <= _UINT64[1] for value in there) or (
        min(there) < 0 and max(there) > _INT64[1]
    )
    return [None if value is None else Decimal(value) for value in values] if is_wide else series


def whole(values: Sequence[int | None]) -> Any:
    """Return whole numbers as int64 or uint64, nullable if one is missing, or as Python's where neither holds them."""
    there = [value for value in values if value is not None]
    for name, (low, high) in (("Int64", _INT64), ("UInt64", _UINT64)):
        if low <= min(there, default=0) and max(there, default=0) <= high:
            return pd.Series(values, dtype=name if len(there) < len(values) else name.lower())
    return pd.Series(values, dtype="object")


def numpy_typed(frame: Any, names: Iterable[Any]) -> Any:
    """Return a frame whose nullable columns are numpy's again, but for whole numbers and booleans that miss some.

    Args:
        frame: as a reader with `dtype_backend="numpy_nullable"` makes it.
        names: the columns to convert; the others were given their type by the user.
    """
    columns = {name: _numpy_typed(frame[name]) for name in names}
    return frame.assign(**columns) if all(isinstance(name, str) for name in columns) else _replaced(frame, columns)


def _replaced(frame: Any, columns: dict[Any, Any]) -> Any:
    for name, column in columns.items():
        frame[name] = column
    return frame


def _numpy_typed(column: Any) -> Any:
    dtype = column.dtype
    if isinstance(dtype, pd.StringDtype):
        return _text(column)
    if not hasattr(dtype, "numpy_dtype") or dtype.kind not in "biuf":
        return column
    if dtype.kind == "f" or (len(column) and column.isna().all()):
        return column.astype("float64" if dtype.kind != "f" else dtype.numpy_dtype)
    return column if column.isna().any() else column.astype(dtype.numpy_dtype)


def _text(column: Any) -> Any:
    """Return a column of text as pandas makes it: `str` from version 3 on, objects before."""
    usual = pd.Series(["a"]).dtype
    if usual == "object":
        return column.astype("object").where(column.notna(), float("nan"))
    return column.astype(usual)


def refuse_objects(name: Any, column: Any, format: str) -> None:
    """Raise EngineError, naming the column, for nested values and bytes where a format has no form for them."""
    if column.dtype != "object":
        return
    unfit = {type(value).__name__ for value in column} & {
        "list",
        "dict",
        "tuple",
        "set",
        "ndarray",
        "bytes",
        "bytearray",
    }
    if unfit:
        raise EngineError(
            f"column {name!r} holds {min(unfit)}, which {format} has no form for; make it text or columns of its own, "
            "or write Parquet"
        )
