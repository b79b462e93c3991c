"""Nulls, extremes and approximate distinct counts of columns: the one description that reads every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def narwhals_stats(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Of a narwhals frame that is not lazy."""
    native = frame.to_native()
    if type(native).__module__.partition(".")[0] == "polars":
        return polars_stats(native, names)
    return [_narwhals_column(frame, name) for name in names]


def _narwhals_column(frame: Any, name: str) -> dict[str, Any]:
    column = frame[name]
    told: dict[str, Any] = {"nulls": int(column.null_count())}
    for key, ask in (("min", column.min), ("max", column.max), ("distinct", column.n_unique)):
        try:
            told[key] = ask()
        except Exception:  # nested and object columns have no order; what can be told is
            continue
    return told


def polars_stats(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """In one select, so that polars does all columns side by side."""
    import polars as pl

    asked = []
    for i, name in enumerate(names):
        column = pl.col(name)
        asked.append(column.null_count().alias(f"{i}.nulls"))
        if not (frame.schema[name].is_nested() or frame.schema[name] in (pl.Object, pl.Null)):
            asked += [column.min().alias(f"{i}.min"), column.max().alias(f"{i}.max")]
            asked.append(column.approx_n_unique().alias(f"{i}.distinct"))
    found = frame.select(asked).row(0, named=True) if asked else {}
    ends = ("nulls", "min", "max", "distinct")
    return [{end: found.get(f"{i}.{end}") for end in ends} for i in range(len(names))]


def pandas_stats(column: Any) -> dict[str, Any]:
    """Of one pandas series."""
    told: dict[str, Any] = {"nulls": int(column.isna().sum())}
    for key, ask in (("min", column.min), ("max", column.max), ("distinct", column.nunique)):
        try:
            told[key] = ask()
        except Exception:  # mixed and nested objects have no order; what can be told is
            continue
    return told
