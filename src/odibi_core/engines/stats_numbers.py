"""Statistics of many columns of numbers at once, as one NumPy matrix (benchmark: flights, a tenth of the time).

They are those of `stats_values`, value for value. It is used only if the program has imported NumPy already.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from odibi_core.engines.stats_values import (
    QUANTILES,
    TOP,
    Counted,
    Values,
    counted_stats,
    is_worth_counting,
    rounded,
    value_stats,
)

_EXACT: Final = 2.0**53
"""From here on, a float does not hold every whole number."""


class Numbers(NamedTuple):
    """A column as a NumPy array of integers or floats.

    `nulls` of its NaNs are nulls, all of them if it is None. `whole` is true for integers, also if nulls made them
    floats, and `exact` returns their values as Python has them.
    """

    array: Any
    nulls: int | None
    whole: bool
    exact: Callable[[], list[Any]]


def has_numpy() -> bool:
    """Return whether the program uses NumPy: importing it takes longer than a short run."""
    return "numpy" in sys.modules


def column_stats(column: Values | Numbers | Counted) -> dict[str, Any]:
    """Return the statistics of one column."""
    if isinstance(column, Counted):
        return counted_stats(column)
    if isinstance(column, Numbers):
        return number_block([column])[0]
    values, nulls = column
    return {"nulls": nulls} if values is None else value_stats(values, nulls)


def number_block(columns: Sequence[Numbers]) -> list[dict[str, Any]]:
    """Return the statistics of columns of equal length; from the exact values if no float holds them."""
    height = len(columns[0].array) if columns else 0
    if not height:
        return [{"nulls": 0, "distinct": 0} for _ in columns]
    import numpy as np

    block = np.empty((len(columns), height))
    for place, column in enumerate(columns):
        block[place] = column.array
    block.sort(axis=1)  # NaN goes to the end
    counts = height - np.isnan(block).sum(axis=1)
    with np.errstate(all="ignore"):
        answers = _answers(block, counts)
    return [
        _finished(column, block[place], answer)
        for place, (column, answer) in enumerate(zip(columns, answers, strict=True))
    ]


def _answers(block: Any, counts: Any) -> list[dict[str, Any]]:
    """Return what is computed for all rows of a sorted block at once."""
    import numpy as np

    every, last = np.arange(len(block)), np.maximum(counts - 1, 0)
    there = np.arange(block.shape[1]) < counts[:, None]
    sums: dict[str, Any] = {}
    for name, share in QUANTILES.items():
        place = last * share
        below = place.astype(np.int64)
        low, rest = block[every, below], place - below
        sums[name] = np.where(rest == 0, low, low + (block[every, np.minimum(below + 1, last)] - low) * rest)
    mean = np.sum(block, axis=1, where=there) / counts
    sums["mean"] = mean
    offsets = block - mean[:, None]
    sums["deviation"] = np.sqrt(np.sum(offsets * offsets, axis=1, where=there) / (counts - 1))
    distinct = np.sum((block[:, 1:] != block[:, :-1]) & there[:, 1:], axis=1) + (counts > 0)
    whole = np.all((block == np.floor(block)) | ~there, axis=1)
    fields = {"count": counts, "distinct": distinct, "whole": whole, **sums}
    plain = {name: values.tolist() for name, values in fields.items()}
    return [{name: values[place] for name, values in plain.items()} for place in range(len(block))]


def _finished(column: Numbers, ordered: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the record of one column from what the block knows of it."""
    count, distinct, whole = answer.pop("count"), answer.pop("distinct"), answer.pop("whole")
    missing = len(ordered) - count
    nulls = missing if column.nulls is None else column.nulls
    nan = missing - nulls
    found: dict[str, Any] = {"nulls": nulls} | ({"nan": nan} if nan else {}) | {"distinct": distinct + bool(nan)}
    if not count:
        return found
    as_value = int if column.whole else float
    low, high = ordered[0], ordered[count - 1]
    if as_value is int and (low <= -_EXACT or high >= _EXACT):
        return value_stats(column.exact(), column.nulls or 0)
    found["min"], found["max"] = as_value(low), as_value(high)
    whole = whole and math.isfinite(low) and math.isfinite(high)
    if is_worth_counting(distinct, count, numbers=True, whole=whole):
        found["top"] = _top(ordered[:count], as_value)
    return found | {name: rounded(value) for name, value in answer.items() if math.isfinite(value)}


def _top(ordered: Any, as_value: type) -> list[list[Any]]:
    """Return the most frequent values of a sorted array; of equal counts the smallest values."""
    import numpy as np

    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(starts, append=len(ordered))
    often = np.argsort(-counts, kind="stable")[:TOP]
    values, numbers = ordered[starts[often]].tolist(), counts[often].tolist()
    return [[as_value(value), number] for value, number in zip(values, numbers, strict=True)]
