"""Files of one set as one polars frame: each column of one type that holds all of it, null where a file has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from odibi_core.engines.files import Member, contradiction
from odibi_core.engines.kinds import is_exact

_UNITS = ("ms", "us", "ns")
_WHOLE_TYPES = (pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64, pl.Int128)


def united(members: Sequence[Member]) -> Any:
    """Return the frames one under the other.

    Raises:
        UnreadableSourceError: naming the column, two files and their types, if no type holds both exactly.
    """
    if len(members) < 2:
        return members[0].frame if members else pl.DataFrame()
    types: dict[str, Any] = {}
    first: dict[str, tuple[str, Any]] = {}
    for path, frame in members:
        for column in frame.iter_columns():
            if column.null_count() == len(column):
                continue  # no value speaks for a type: CSV without one is text to polars
            name = column.name
            seen = first.setdefault(name, (path, column.dtype))
            types[name] = merged(types.get(name, column.dtype), column.dtype)
            if types[name] is None:
                raise contradiction(name, (seen[0], str(seen[1])), (path, str(column.dtype)))
    _refuse_lossy(members, types)
    for _, frame in members:
        for name, dtype in frame.schema.items():
            types.setdefault(name, dtype)
    aligned = [_aligned(frame, types) for _, frame in members]
    return pl.concat(aligned, how="diagonal")


def _aligned(frame: Any, types: dict[str, Any]) -> Any:
    # strict: a cast that would lose a value raises.
    empty = {column.name for column in frame.iter_columns() if column.null_count() == len(column)}
    return frame.with_columns(
        pl.lit(None, dtype=types[name]).alias(name) if name in empty else pl.col(name).cast(types[name], strict=True)
        for name in frame.columns
    )


def merged(one: Any, other: Any) -> Any:
    """Return the type that holds both exactly, floats and whole numbers aside; None if there is none."""
    if one == other or other == pl.Null:
        return one
    if one == pl.Null:
        return other
    if one.is_numeric() and other.is_numeric():
        return _number(one, other)
    if {one.base_type(), other.base_type()} <= {pl.String, pl.Categorical, pl.Enum}:
        return pl.String
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime) and one.time_zone == other.time_zone:
        return pl.Datetime(max(one.time_unit, other.time_unit, key=_UNITS.index), one.time_zone)
    if isinstance(one, pl.Duration) and isinstance(other, pl.Duration):
        return pl.Duration(max(one.time_unit, other.time_unit, key=_UNITS.index))
    return _nested(one, other)


def _nested(one: Any, other: Any) -> Any:
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        inner = merged(one.inner, other.inner)
        return None if inner is None else pl.List(inner)
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        fields = {field.name: field.dtype for field in one.fields}
        for field in other.fields:
            fields[field.name] = merged(fields.get(field.name, field.dtype), field.dtype)
        return None if None in fields.values() else pl.Struct(fields)
    return None


def _number(one: Any, other: Any) -> Any:
    if one.is_integer() and other.is_integer():
        return _whole(one, other)
    if isinstance(one, pl.Decimal) and isinstance(other, pl.Decimal):
        scale = max(one.scale, other.scale)
        return pl.Decimal(38, scale)
    if one.is_decimal() or other.is_decimal():
        return None
    return pl.Float64


def _whole(one: Any, other: Any) -> Any:
    """Return the smallest type of whole numbers that holds all values of both."""
    low = min(_ends(one)[0], _ends(other)[0])
    high = max(_ends(one)[1], _ends(other)[1])
    for dtype in _WHOLE_TYPES:
        if _ends(dtype)[0] <= low and high <= _ends(dtype)[1]:
            return dtype
    return None


def _ends(dtype: Any) -> tuple[int, int]:
    name = str(dtype)
    bits = int(name.lstrip("UInt"))
    return (0, 2**bits - 1) if name.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _refuse_lossy(members: Sequence[Member], types: dict[str, Any]) -> None:
    """Raise for whole numbers that would become floats, which none of them equals."""
    for path, frame in members:
        for name, dtype in frame.schema.items():
            if types.get(name) == pl.Float64 and dtype.is_integer() and not _fits_float(frame[name]):
                types_of = ((path, frame.schema[name]) for path, frame in members if name in frame.columns)
                floats = next((path, str(dtype)) for path, dtype in types_of if not dtype.is_integer())
                raise contradiction(name, (path, str(dtype)), floats)


def _fits_float(column: Any) -> bool:
    large = column.filter(column.abs() > 2**53)
    return all(map(is_exact, large.to_list()))
