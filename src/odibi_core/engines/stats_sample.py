"""Statistics of a frame from a sample of its rows, as many as the budget allows.

It steps down by itself: fewer rows, then fewer columns, then nulls only, then nothing; `skipped` has the reason.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Protocol

from msgspec import Struct

from odibi_core.engines.stats_budget import Budget
from odibi_core.engines.stats_numbers import Numbers, column_stats, has_numpy, number_block
from odibi_core.engines.stats_values import Counted, Values

SIZES: Final = (10_000, 5_000, 2_000, 1_000, 500, 200)
"""Rows of a sample: the largest that the budget allows."""
FEWEST_COLUMNS: Final = 4
"""Columns from which statistics of a part of the columns are worth more than the nulls of all."""
_COLUMN_S: Final = {True: 30e-6, False: 60e-6}
_CELL_S: Final = {True: 0.03e-6, False: 0.20e-6}
"""The expected time a column and a cell, of a number in NumPy and of any other value; the pace corrects it."""
_NULLS_S: Final = 6e-6
_FRAME_S: Final = 150e-6
_NUMBERS: Final = ("Int", "UInt", "Float")


class Sampled(Protocol):
    """A frame as its sampled statistics need it; `places` are the rows of the sample, all if None."""

    def types(self, limit: int) -> list[str]: ...
    def height(self) -> int | None: ...
    def values(self, columns: int, places: Sequence[int] | None) -> Iterator[Values | Numbers | Counted]: ...
    def nulls(self, columns: int, places: Sequence[int] | None) -> list[int]: ...


class SampleStats(Struct):
    """Statistics of the first columns; `rows` is the number of rows that they were computed from."""

    columns: list[dict[str, Any]]
    rows: int | None = None
    skipped: str | None = None
    expected_s: float = 0.0


class _Plan(Struct):
    rows: int
    columns: int
    nulls_only: bool = False
    expected_s: float = 0.0


def all_stats(frame: Sampled, columns: int) -> list[dict[str, Any]]:
    """Return the statistics of the first columns over all rows."""
    return _computed(frame, columns, None, None, None)


def sampled_stats(frame: Sampled, columns: int, budget: Budget | None = None) -> SampleStats:
    """Return the statistics of the first columns, in the time that the budget allows; without one, of 10,000 rows."""
    height, types = frame.height() or 0, frame.types(columns)
    columns = len(types)
    allowed = math.inf if budget is None else budget.allowance_s() / budget.pace
    plan = _planned(height, types, allowed)
    if plan is None:
        return SampleStats([], skipped=f"{_BUDGET} is spent")
    places = sample_places(height, plan.rows)
    if plan.nulls_only:
        found = [{"nulls": nulls} for nulls in frame.nulls(columns, places)]
    else:
        deadline = None if budget is None else budget.busy_s() + 2 * allowed * budget.pace
        found = _computed(frame, plan.columns, places, budget, deadline)
    return SampleStats(found, plan.rows, _reason(plan, len(found), min(height, SIZES[0]), columns), plan.expected_s)


_BUDGET: Final = "the budget for statistics"


def _planned(height: int, types: Sequence[str], allowed: float) -> _Plan | None:
    """Return the largest plan whose expected time is allowed."""
    for rows in dict.fromkeys(min(height, size) for size in SIZES):
        expected = _FRAME_S + sum(_expected(kind, rows) for kind in types)
        if expected <= allowed:
            return _Plan(rows, len(types), expected_s=expected)
    expected, affordable = _FRAME_S, 0
    for kind in types:
        expected += _expected(kind, rows)
        if expected > allowed:
            break
        affordable += 1
    if affordable >= FEWEST_COLUMNS:
        return _Plan(rows, affordable, expected_s=expected)
    expected = _FRAME_S + _NULLS_S * len(types)
    return _Plan(rows, len(types), True, expected) if expected <= allowed else None


def _expected(kind: str, rows: int) -> float:
    fast = kind.startswith(_NUMBERS) and has_numpy()
    return _COLUMN_S[fast] + _CELL_S[fast] * rows


def _computed(
    frame: Sampled, columns: int, places: Sequence[int] | None, budget: Budget | None, deadline: float | None
) -> list[dict[str, Any]]:
    """Return the statistics column by column; columns of numbers wait until the end, when all are computed at once."""
    found: list[dict[str, Any]] = []
    waiting: dict[int, Numbers] = {}
    for place, column in enumerate(frame.values(columns, places)):
        if isinstance(column, Numbers):
            waiting[place] = column
            found.append({})
        else:
            found.append(column_stats(column))
        if budget is not None and deadline is not None and budget.busy_s() > deadline:
            break
    for place, stats in zip(waiting, number_block(list(waiting.values())), strict=True):
        found[place] = stats
    return found


def _reason(plan: _Plan, computed: int, rows: int, columns: int) -> str | None:
    if plan.nulls_only:
        return f"{_BUDGET} allowed the nulls of {plan.rows:,} rows"
    if computed < columns:
        return f"{_BUDGET} allowed {computed:,} of {columns:,} columns"
    return f"{_BUDGET} allowed {plan.rows:,} of {rows:,} rows" if plan.rows < rows else None


_SCATTER: Final = 40_503
"""2^16 / golden ratio: the fractions of its multiples are spread evenly, so that no period of the rows is met."""


@lru_cache(maxsize=16)
def sample_places(height: int, size: int) -> array[int] | None:
    """Return the rows of a sample, None for all: one of each of `size` parts of equal length, always the same."""
    if height <= size:
        return None
    starts = [part * height // size for part in range(size + 1)]
    return array(
        "q",
        [
            start + ((end - start) * (part * _SCATTER % 65_536) >> 16)
            for part, (start, end) in enumerate(pairwise(starts))
        ],
    )
