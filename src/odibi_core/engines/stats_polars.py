"""Statistics of a polars frame over all rows, in one query that polars computes in parallel."""

from __future__ import annotations

from typing import Any

from odibi_core.engines.stats_exact import finished
from odibi_core.engines.stats_values import QUANTILES, TOP


def polars_stats(frame: Any, columns: int) -> list[dict[str, Any]]:
    """Return the statistics of the first columns; `distinct` is approximate."""
    names = frame.columns[:columns]
    asked = [expr.alias(f"{i}.{key}") for i, name in enumerate(names) for key, expr in _asked(frame, name).items()]
    found: list[dict[str, Any]] = [{} for _ in names]
    for key, value in (frame.select(asked).row(0, named=True) if asked else {}).items():
        place, _, field = key.partition(".")
        found[int(place)][field] = value
    stats = [finished({"there": frame.height - each["nulls"], **each}, distinct_has_null=True) for each in found]
    for name, each in zip(names, stats, strict=True):
        if each.pop("countable", False):
            each["top"] = _top(frame, name)
    return stats


def _asked(frame: Any, name: str) -> dict[str, Any]:
    import polars as pl

    dtype, column = frame.schema[name], pl.col(name)
    asked = {"nulls": column.null_count()}
    if dtype.is_nested() or dtype in (pl.Object, pl.Null, pl.Binary):
        return asked
    asked["distinct"] = column.approx_n_unique()
    if dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if dtype.is_float():
        asked["nan"] = column.is_nan().sum()
        column = column.drop_nans()
        asked |= {"infinite": column.is_infinite().sum(), "whole": (column == column.floor()).all()}
    asked |= {"min": column.min(), "max": column.max()}
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        lengths = column.str.len_chars()
        asked |= {"length_min": lengths.min(), "length_mean": lengths.mean(), "length_max": lengths.max()}
    if dtype.is_numeric():
        asked |= {"mean": column.mean(), "deviation": column.std()}
        asked["quantiles"] = column.quantile(list(QUANTILES.values()), "linear")
    return asked


def _top(frame: Any, name: str) -> list[list[Any]]:
    import polars as pl

    column = frame[name].cast(pl.String) if frame.schema[name] in (pl.Categorical, pl.Enum) else frame[name]
    if column.dtype.is_float():
        column = column.drop_nans()
    counts = column.drop_nulls().alias("value").value_counts(name="count")
    return [list(pair) for pair in counts.sort("count", "value", descending=[True, False]).head(TOP).rows()]
