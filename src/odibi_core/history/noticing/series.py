"""The series of a run: each figure of each step with its values in the earlier runs, scaled for its family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from odibi_core.history.figures import STATS
from odibi_core.history.noticing import families
from odibi_core.history.noticing.families import Family

_PLACE: Final = {name: place for place, name in enumerate(STATS)}
_NULLS, _DISTINCT, _MIN, _MAX, _MEAN, _DEVIATION, _LENGTH = (
    _PLACE[name] for name in ("null_share", "distinct", "min", "max", "mean", "deviation", "length_mean")
)
_NEVER: Final = 0.7
"""The part of the noise of a share that stands for a share that was always 0: sampling explains none of it."""
_FULL: Final = 0.999
"""The share of the rows in the most frequent values from which on no other value exists."""
_MOSTLY_DISTINCT: Final = 0.5
_ALIKE: Final = 2.0
"""The factor by which the sizes of two samples may differ."""

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
    """Yield every series of a step that the run and at least `LEARNING` earlier runs have."""
    yield from _scalars(current, past, _OF_STEPS)
    yield from _joins(current, past)
    yield from _files(current, past)
    for dataset, frame in current.get("frames", {}).items():
        frames = [found for step in past if (found := step.get("frames", {}).get(dataset)) is not None]
        if len(frames) >= families.LEARNING:
            yield from _of_frame(dataset, frame, frames)


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
        is_far = family.twice and value > _FAR * (max(seen) + _VARIES.get(name, 0.0))
        noise = _FAR_NOISE if is_far else _noise(name, value, seen, current)
        if is_twice := family.twice and not is_far:
            value, seen, runs = min(value, seen[-1]), list(map(min, seen, seen[1:])), runs[1:]
        if not is_seasonal and value <= max(seen):
            continue  # neither less than usual nor a value that was seen before is a finding
        yield Series(
            family, name, family.scale(value), [family.scale(each) for each in seen], noise,
            runs=runs, is_seasonal=is_seasonal, is_twice=is_twice,
        )  # fmt: skip


def _without_empty(runs: list[int], past: Sequence[dict[str, Any]]) -> list[int]:
    """Return the runs without those that had no rows: that was a finding, and must not hide smaller losses."""
    filled = [place for place in runs if past[place]["rows"]]
    return filled if len(filled) >= 0.9 * len(runs) else runs


def _noise(name: str, value: float, seen: Sequence[float], current: dict[str, Any]) -> float:
    """Return the smallest residual to expect of a figure, in its scale."""
    usual = _usual(seen)
    if name == "rows":
        return _STEADY + 0.7 / math.sqrt(1.0 + min(usual, max(value, 0.05 * usual)))
    if name == "selectivity":
        return 0.005 + _share_noise(current.get("rows_in"))
    if name == "duration_ms":
        return math.log1p(_SLOW_MS / (1.0 + usual)) + 0.1
    return 0.1


def _share_noise(rows: float | None) -> float:
    """Return the standard deviation of the arcsine of a share of so many rows."""
    return 0.5 / math.sqrt(max(1.0, rows or 1.0))


def _joins(current: dict[str, Any], past: Steps) -> Iterator[Series]:
    for dataset, (rate, fan_out, rows) in current.get("joins", {}).items():
        seen = [found for step in past if (found := step.get("joins", {}).get(dataset)) is not None]
        figures = (("match_rate", families.JOIN, rate, 0), ("fan_out", families.FAN_OUT, fan_out, 1))
        for metric, family, value, place in figures:
            values = [family.scale(each[place]) for each in seen if each[place] is not None]
            if value is not None and len(values) >= families.LEARNING:
                noise = 0.01 + _share_noise(rows)
                yield Series(family, metric, family.scale(value), values, noise, dataset=dataset)


def _files(current: dict[str, Any], past: Steps) -> Iterator[Series]:
    for dataset, file in current.get("files", {}).items():
        seen = [found for step in past if (found := step.get("files", {}).get(dataset)) is not None]
        for metric, family, noise in (("bytes", families.SIZE, 0.05), ("age_s", families.AGE, 0.5)):
            values = [family.scale(each[metric]) for each in seen if each[metric] is not None]
            if file[metric] is not None and len(values) >= families.LEARNING:
                yield Series(family, metric, family.scale(file[metric]), values, noise, dataset=dataset)


def _of_frame(dataset: str, frame: dict[str, Any], past: Sequence[dict[str, Any]]) -> Iterator[Series]:
    rows = frame["sampled"] or frame["rows"]
    if not rows:
        return
    for column, stats in frame["columns"].items():
        seen = [(found, each["sampled"]) for each in past if (found := each["columns"].get(column)) and each["sampled"]]
        if len(seen) >= families.LEARNING:
            turned = list(zip(*(values for values, _ in seen), strict=True))
            for series in _of_column(stats, turned, rows, [count for _, count in seen]):
                if series is not None:
                    yield msgspec.structs.replace(series, dataset=dataset, column=column)
        if column in frame["top"]:
            yield from _categories(dataset, column, frame, past)


def _of_column(
    stats: Sequence[float | None], seen: Sequence[Sequence[float | None]], rows: int, counts: Sequence[int]
) -> Iterator[Series | None]:
    """Yield the series of a column, None for a value that is usual whatever its baseline.

    Args:
        stats: The statistics of the current run.
        seen: For each statistic its values in the earlier runs.
        rows: The rows that `stats` are of.
        counts: The rows of each earlier run.
    """
    smallest = min(rows, _usual(counts))
    noise = _share_noise(smallest) * (1.0 if any(seen[_NULLS]) else _NEVER)
    yield _figure(families.NULLS, "nulls", stats[_NULLS], seen[_NULLS], noise)
    if _is_label(stats, seen):
        return
    deviations = _known(seen[_DEVIATION])
    if deviations and (mean := stats[_MEAN]) is not None:
        usual = _usual(deviations)
        # A value far away makes the deviation larger too: the mean of a few rows is as uncertain as they are apart.
        apart = max(usual, stats[_DEVIATION] or 0.0)
        noise = apart / math.sqrt(smallest) or 1e-9 * abs(mean)
        yield _figure(families.MEAN, "mean", mean, seen[_MEAN], noise, usual)
        yield _spread(stats[_DEVIATION], seen[_DEVIATION], usual, smallest)
        yield _extreme("min", stats, seen)
        yield _extreme("max", stats, seen)
    elif stats[_LENGTH] is not None:
        noise = 0.05 + max(map(abs, _known(seen[_LENGTH])), default=1.0) / math.sqrt(smallest)
        yield _figure(families.LENGTH, "length", stats[_LENGTH], seen[_LENGTH], noise)
    yield _distinct(stats[_DISTINCT], seen[_DISTINCT], rows, counts)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _usual(values: Sequence[_Number]) -> _Number:
    """Return the median, the larger one of two."""
    return sorted(values)[len(values) // 2]


def _is_label(stats: Sequence[float | None], seen: Sequence[Sequence[float | None]]) -> bool:
    """Return true for a column with one value in each run, such as the day: it names the run and is no measurement.

    A run that was short of time may have counted no distinct values: its minimum and maximum state the same.
    """
    runs = zip(
        (stats[_DISTINCT], *seen[_DISTINCT]), (stats[_MIN], *seen[_MIN]), (stats[_MAX], *seen[_MAX]), strict=True
    )
    known = [_has_one_value(*run) for run in runs]
    return True in known and False not in known


def _has_one_value(distinct: float | None, low: float | None, high: float | None) -> bool | None:
    """Return true for one value in a run; None if its statistics do not state it."""
    if distinct is not None:
        return distinct == 1
    return None if low is None or high is None else low == high


def _figure(
    family: Family, metric: str, value: float | None, seen: Sequence[float | None], noise: float, spread: float = 0.0
) -> Series | None:
    """Return a series, or None if the value lies among those seen: then it is not unusual, whatever the residuals."""
    if value is None:
        return None
    known = _known(seen)
    if len(known) < families.LEARNING or min(known) <= value <= max(known):
        return None
    scale = family.scale
    return Series(family, metric, scale(value), [scale(each) for each in known], noise, spread=spread)


def _spread(value: float | None, seen: Sequence[float | None], usual: float, smallest: int) -> Series | None:
    """Return the series of the deviation, relative to the usual one: a column without unit has a logarithm of it."""
    if value is None or usual <= 0.0:
        return None
    relative = [None if each is None else each / usual for each in seen]
    return _figure(families.SPREAD, "deviation", value / usual, relative, 0.05 + 1.0 / math.sqrt(smallest))


def _distinct(value: float | None, seen: Sequence[float | None], rows: int, counts: Sequence[int]) -> Series | None:
    """Return the series of the distinct values: a share of the rows if most rows have a value of their own."""
    if value is None:
        return None
    # More rows have more distinct values, so samples of other sizes are not compared.
    alike = [rows <= _ALIKE * count and count <= _ALIKE * rows for count in counts]
    seen = [each if is_alike else None for each, is_alike in zip(seen, alike, strict=True)]
    shares = [min(1.0, each / count) for each, count in zip(seen, counts, strict=True) if each is not None]
    if shares and _usual(shares) > _MOSTLY_DISTINCT:
        # 0.05: distinct values are approximate
        return _figure(families.DISTINCT_SHARE, "distinct", min(1.0, value / rows), shares, 0.05 + _share_noise(rows))
    return _figure(families.DISTINCT, "distinct", value, seen, 0.05 + 1.0 / math.sqrt(1.0 + value))


def _extreme(metric: str, stats: Sequence[float | None], seen: Sequence[Sequence[float | None]]) -> Series | None:
    """Return the series of a minimum or maximum that leaves the values seen by several widths of the column."""
    place = _MIN if metric == "min" else _MAX
    value = stats[place]
    lows, highs = _known(seen[_MIN]), _known(seen[_MAX])
    if value is None or len(lows) < families.LEARNING or len(highs) < families.LEARNING:
        return None
    low, high = min(lows), max(highs)
    if low <= value <= high:
        return None
    width = max(high - low, 1e-9 * abs(high), 1e-12)
    past = lows if metric == "min" else highs
    widths = (low - value if metric == "min" else value - high) / width
    return Series(families.RANGE, metric, value, past, width, extreme=widths / families.RANGE.threshold)


def _categories(dataset: str, column: str, frame: dict[str, Any], past: Sequence[dict[str, Any]]) -> Iterator[Series]:
    """Yield the series of the shares of frequent values: a new one, a lost one, and one that grew or shrank."""
    tops = [found for each in past if (found := each["top"].get(column))]
    if len(tops) < families.LEARNING:
        return
    current, rows = frame["top"][column], frame["sampled"] or frame["rows"]
    noise = _share_noise(rows)
    rest = [_unlisted(top) for top in tops]
    here = _unlisted(current)
    names = set(current).union(*tops[-3:])
    for name in names:
        value = current.get(name, here)
        seen = [top.get(name, other) for top, other in zip(tops, rest, strict=True)]
        if min(seen) <= value <= max(seen):
            continue
        if name in current and not any(name in top for top in tops):
            novel = _novelty(tops)  # its own record: new values are usual here, up to this share
            seen = [max(each, novel) for each in seen]
            if value <= novel:
                continue
        scale = families.CATEGORIES.scale
        yield Series(
            families.CATEGORIES, "share", scale(value), [scale(each) for each in seen], noise,
            dataset=dataset, column=column, category=name,
        )  # fmt: skip


def _unlisted(top: dict[str, float]) -> float:
    """Return the largest share that a value may have that is not listed."""
    return 0.0 if sum(top.values()) >= _FULL else min(top.values())


def _novelty(tops: Sequence[dict[str, float]]) -> float:
    """Return the largest share that a value had in the run in which it first appeared, but for the first runs."""
    known: set[str] = set()
    largest = 0.0
    for place, top in enumerate(tops):
        if place >= families.LEARNING:
            largest = max([largest, *(share for name, share in top.items() if name not in known)])
        known.update(top)
    return largest
