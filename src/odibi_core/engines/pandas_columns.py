"""Columns of pandas made exactly: whole numbers beside missing values stay whole, and files of one set get one type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from odibi_core.engines.kinds import is_exact

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


def whole(values: Sequence[int | None]) -> Any:
    """Return whole numbers as int64 or uint64, nullable if one is missing, or as Python's where neither holds them."""
    there = [value for value in values if value is not None]
    for name, (low, high) in (("Int64", _INT64), ("UInt64", _UINT64)):
        if low <= min(there, default=0) and max(there, default=0) <= high:
            return pd.Series(values, dtype=name if len(there) < len(values) else name.lower())
    return pd.Series(values, dtype="object")
