"""The series of a run and of its steps: each figure with its values in the earlier runs, scaled for its family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from odibi_core.history.noticing import families
from odibi_core.history.noticing.families import Family

_Number = TypeVar("_Number", int, float)
Steps = Sequence[dict[str, Any]]
"""The figures of one step in several runs, the oldest first."""


class Series(msgspec.Struct, frozen=True):
    """One figure of the current run and of the earlier runs that have it, scaled by its family."""

    family: Family
    metric: str
    value: float
    past: Sequence[float]
    noise: float
    runs: Sequence[int] | None = None
    """The places of `past` among the earlier runs; None if all have it."""
    dataset: str | None = None
    column: str | None = None
    category: str | None = None
    is_seasonal: bool = False
    is_twice: bool = False
    """True if `value` and `past` are the smaller ones of two runs in a row."""
    extreme: float = 0.0
    """Of a minimum or maximum: how many widths of the column it leaves the values seen, over the limit."""
    spread: float = 0.0
    """Of a mean: the usual deviation of the column."""
    expected: float | None = None
    """Of an end of a column that advances: where its steps lead; None for the median of `past`."""
    limit: float = 0.0
    """A value below it is usual, whatever the residuals; 0 for none."""
    is_dated: bool = False
    """True if the values are days since 1970."""


_OF_STEPS: Final = {
    "rows": families.ROWS,
    "selectivity": families.SELECTIVITY,
    "duration_ms": families.DURATION,
    "memory_mb": families.MEMORY,
}
_OF_RUNS: Final = {"duration_ms": families.DURATION, "cost_usd": families.COST}
_SEASONAL: Final = frozenset({"rows", "selectivity"})
_SLOW_MS: Final = 50.0
"""Milliseconds by which the duration of any step varies."""
_VARIES: Final = {"duration_ms": _SLOW_MS, "memory_mb": 20.0}
"""The noise of the machine in the unit of each figure: a small value may become six times as large by it."""
_FAR: Final = 6.0
"""A value so many times the largest one seen is no noise of the machine: one run is enough."""
_FAR_NOISE: Final = 0.25
_STEADY: Final = 0.02
"""The smallest residual of rows to expect, as a part of them."""


def of_run(current: dict[str, Any], past: Sequence[dict[str, Any]]) -> Iterator[Series]:
    """Yield the series of the run as a whole: its duration and its cost."""
    yield from _scalars(current, past, _OF_RUNS)


def of_step(current: dict[str, Any], past: Steps) -> Iterator[Series]:
    """Yield every series of a step, but for its columns, that the run and at least `LEARNING` earlier runs have."""
    yield from _scalars(current, past, _OF_STEPS)
    yield from _joins(current, past)
    yield from _files(current, past)


def _scalars(current: dict[str, Any], past: Sequence[dict[str, Any]], wanted: Mapping[str, Family]) -> Iterator[Series]:
    for name, family in wanted.items():
        value = current.get(name)
        runs = [place for place, step in enumerate(past) if step.get(name) is not None]
        if name == "rows":
            runs = _without_empty(runs, past)
        if value is None or len(runs) < families.LEARNING:
            continue
        seen = [past[place][name] for place in runs]
        is_seasonal = name in _SEASONAL
        if is_seasonal and _never_moved(value, seen):
            continue
        far = _FAR * (max(seen) + _VARIES.get(name, 0.0))
        is_far = family.twice and value > far
        noise = _FAR_NOISE if is_far else _noise(name, value, seen, current)
        if is_twice := family.twice and not is_far:
            value, seen, runs = min(value, seen[-1]), list(map(min, seen, seen[1:])), runs[1:]
        if not is_seasonal and value <= max(seen):
            continue  # neither less than usual nor a value that was seen before is a finding
        yield Series(
            family, name, family.scale(value), [family.scale(each) for each in seen], noise,
            runs=runs, is_seasonal=is_seasonal, is_twice=is_twice, limit=family.scale(far) if is_far else 0.0,
        )  # fmt: skip


def _never_moved(value: float, seen: Sequence[float]) -> bool:
    """Return true for a value that is that of every earlier run, as in most runs: nothing about it is unusual."""
    return seen.count(value) == len(seen)


def _without_empty(runs: list[int], past: Sequence[dict[str, Any]]) -> list[int]:
    """Return the runs without those that had no rows: that was a finding, and must not hide smaller losses."""
    filled = [place for place in runs if past[place]["rows"]]
    return filled if len(filled) >= 0.9 * len(runs) else runs


def _noise(name: str, value: float, seen: Sequence[float], current: dict[str, Any]) -> float:
    """Return the smallest residual to expect of a figure, in its scale."""
    usual = typical(seen)
    if name == "rows":
        return _STEADY + 0.7 / math.sqrt(1.0 + min(usual, max(value, 0.05 * usual)))
    if name == "selectivity":
        return 0.005 + share_noise(current.get("rows_in"))
    if name == "duration_ms":
        return math.log1p(_SLOW_MS / (1.0 + usual)) + 0.1
    return 0.1


def share_noise(rows: float | None) -> float:
    """Return the standard deviation of the arcsine of a share of so many rows."""
    return 0.5 / math.sqrt(max(1.0, rows or 1.0))


def _joins(current: dict[str, Any], past: Steps) -> Iterator[Series]:
    for dataset, (rate, fan_out, rows) in current.get("joins", {}).items():
        seen = [found for step in past if (found := step.get("joins", {}).get(dataset)) is not None]
        figures = (("match_rate", families.JOIN, rate, 0), ("fan_out", families.FAN_OUT, fan_out, 1))
        for metric, family, value, place in figures:
            values = [each[place] for each in seen if each[place] is not None]
            if value is not None and len(values) >= families.LEARNING and not _never_moved(value, values):
                scaled = [family.scale(each) for each in values]
                yield Series(family, metric, family.scale(value), scaled, 0.01 + share_noise(rows), dataset=dataset)


def _files(current: dict[str, Any], past: Steps) -> Iterator[Series]:
    for dataset, file in current.get("files", {}).items():
        seen = [found for step in past if (found := step.get("files", {}).get(dataset)) is not None]
        for metric, family, noise in (("bytes", families.SIZE, 0.05), ("age_s", families.AGE, 0.5)):
            value, values = file[metric], [each[metric] for each in seen if each[metric] is not None]
            if value is not None and len(values) >= families.LEARNING and not _never_moved(value, values):
                scaled = [family.scale(each) for each in values]
                yield Series(family, metric, family.scale(value), scaled, noise, dataset=dataset)


def typical(values: Sequence[_Number]) -> _Number:
    """Return the median, the larger one of two."""
    return sorted(values)[len(values) // 2]
