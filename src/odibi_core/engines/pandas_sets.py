"""Files of one set as one pandas frame: each column of one type, whole numbers whole, missing where a file has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from odibi_core.engines.files import Member, contradiction
from odibi_core.engines.kinds import is_exact
from odibi_core.engines.pandas_columns import whole

_INFERRED = {"string": "text", "integer": "int", "boolean": "bool", "floating": "float", "mixed": "objects"}


class _Part(NamedTuple):
    """A column as one file has it; `column` is None where the file lacks it, `family` then "null"."""

    path: str
    rows: int
    column: Any
    family: str


def united(members: Sequence[Member]) -> Any:
    """Return the frames one under the other.

    Raises:
        UnreadableSourceError: naming the column, two files and their types, if no type holds both exactly.
    """
    if len(members) == 1:
        return members[0].frame
    names = dict.fromkeys(name for member in members for name in member.frame.columns)
    rows = sum(len(member.frame) for member in members)
    columns = [_joined(name, [_part(name, member) for member in members]) for name in names]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(rows))
    frame.columns = pd.Index(list(names))
    return frame


def _part(name: Any, member: Member) -> _Part:
    there = name in member.frame.columns
    column = member.frame[name] if there else None
    return _Part(member.path, len(member.frame), column, _family(column) if there else "null")


def _family(column: Any) -> str:
    """Return the kind of a column's values, independent of how they are stored."""
    if column.isna().all():
        return "null"
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _family(column.cat.categories.to_series())
    if dtype == "object":
        inferred = pd.api.types.infer_dtype(column, skipna=True)
        return _INFERRED.get(inferred, inferred)
    if pd.api.types.is_string_dtype(dtype):
        return "text"
    if dtype.kind == "M":
        return f"timestamp {getattr(dtype, 'tz', None)}"
    return {"b": "bool", "i": "int", "u": "int", "f": "float", "m": "duration"}.get(dtype.kind, str(dtype))


def _joined(name: Any, parts: Sequence[_Part]) -> Any:
    first: dict[str, _Part] = {}
    for part in parts:
        if part.family != "null":
            first.setdefault(part.family, part)
    families = set(first)
    if families == {"int", "float"} and all(_fits_float(part.column) for part in parts if part.family == "int"):
        families = {"float"}
    if len(families) > 1:
        both = [(part.path, str(part.column.dtype)) for part in first.values()]
        raise contradiction(name, both[0], both[1])
    dtype = _dtype(families.pop() if families else "null", parts)
    pieces = [
        pd.Series(index=range(part.rows), dtype=dtype) if part.family == "null" else part.column.astype(dtype)
        for part in parts
        if part.rows
    ]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.Series(dtype=dtype)


def _fits_float(column: Any) -> bool:
    return bool((column.dropna().abs() <= 2**53).all()) or all(map(is_exact, column.dropna().tolist()))


def _dtype(family: str, parts: Sequence[_Part]) -> Any:
    """Return the one type of a column of this family that holds all parts."""
    there = [part.column for part in parts if part.family != "null"]
    missing = any(part.rows and (part.family == "null" or part.column.isna().any()) for part in parts)
    if family == "null":
        return next(part.column.dtype for part in parts if part.column is not None)
    if family == "int":
        return _whole_dtype(there, missing)
    if family == "bool":
        return "boolean" if missing else "bool"
    if family == "float":
        same = {str(column.dtype) for column in there}
        return there[0].dtype if len(same) == 1 and there[0].dtype.kind == "f" else "float64"
    if len({str(column.dtype) for column in there}) == 1 and len({_order(column) for column in there}) == 1:
        return there[0].dtype
    if family.startswith("timestamp") or family == "duration":
        return _common(there)
    return pd.Series(["a"]).dtype if family == "text" else "object"


def _common(columns: Sequence[Any]) -> Any:
    """Return the type of columns that pandas puts under each other: the finest unit, the widest number."""
    return pd.concat([column.iloc[:0] for column in columns]).dtype


def _order(column: Any) -> tuple[Any, ...]:
    return tuple(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else ()


def _whole_dtype(columns: Sequence[Any], missing: bool) -> Any:
    kinds = {column.dtype.kind for column in columns}
    if kinds <= {"i", "u"}:
        common = _common(
            [column.iloc[:0].astype(getattr(column.dtype, "numpy_dtype", column.dtype)) for column in columns]
        )
        if common.kind in "iu":
            return common.name.replace("int", "Int").replace("u", "U") if missing else common
    ends = [int(end) for column in columns for end in (column.dropna().min(), column.dropna().max())]
    return whole([*ends, None] if missing else ends).dtype
