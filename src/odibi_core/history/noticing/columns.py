"""The series of the columns of a step: each statistic, compared with the runs that measured it in the same way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from odibi_core.history.figures import STATS
from odibi_core.history.noticing import advancing, families
from odibi_core.history.noticing.advancing import Ends
from odibi_core.history.noticing.categories import Tops, of_categories
from odibi_core.history.noticing.families import LEARNING, Family
from odibi_core.history.noticing.series import Series, Steps, share_noise, typical

_PLACE: Final = {name: place for place, name in enumerate(STATS)}
_NULLS, _DISTINCT, _MIN, _MAX, _MEAN, _MEDIAN, _DEVIATION, _LENGTH = (
    _PLACE[name] for name in ("null_share", "distinct", "min", "max", "mean", "median", "deviation", "length_mean")
)
_NEVER: Final = 0.7
"""The part of the noise of a share that stands for a share that was always 0: sampling explains none of it."""
_MOSTLY_DISTINCT: Final = 0.5
_ALIKE: Final = 2.0
"""The factor by which the sizes of two samples may differ."""
_PILED: Final = 0.5
"""The part of the earlier runs with half of the rows or more at one end, if the column is mostly one value."""

Stats = Sequence[float | None]


class _Column(msgspec.Struct, frozen=True):
    """The statistics of a column in this run and in the earlier runs that measured it in the same way."""

    stats: Stats
    seen: Sequence[Stats]
    """For each statistic its values in the earlier runs."""
    rows: int
    """The rows that `stats` are of."""
    counts: Sequence[int]
    """The rows of each earlier run."""
    every: bool = False
    """True to take also values that lie among those seen."""

    @property
    def smallest(self) -> int:
        """The rows of this run or the usual ones, the fewer."""
        return min(self.rows, typical(self.counts))


def of_step(current: dict[str, Any], past: Steps, pause: float = 1.0, *, every: bool = False) -> Iterator[Series]:
    """Yield every series of the columns of a step that the run and at least `LEARNING` earlier runs have.

    Args:
        current: The figures of the step.
        past: Those of the step in the earlier runs, the oldest first.
        pause: The time since the last one, over the usual one.
        every: Yield also the series whose value lies among those seen, which is not unusual.
    """
    for dataset, frame in current.get("frames", {}).items():
        frames = [found for step in past if (found := step.get("frames", {}).get(dataset)) is not None]
        alike = [each for each in frames if is_measured_alike(each, frame)]
        if len(alike) >= LEARNING:
            for column in frame["columns"]:
                for series in _of_column(column, frame, alike, pause, every=every):
                    yield msgspec.structs.replace(series, dataset=dataset, column=column)


def is_measured_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return true if the statistics of two frames are of all rows, or of samples of like size.

    How much a run has time to measure depends on the load of the machine. A sample of a few rows has other extremes.
    """
    size, rows = one["sampled"], other["sampled"]
    if not size or not rows:
        return False
    if size == one["rows"] and rows == other["rows"]:
        return True
    return _are_alike(size, rows)


def _are_alike(size: int, rows: int) -> bool:
    return size <= _ALIKE * rows and rows <= _ALIKE * size


def _of_column(
    name: str, frame: dict[str, Any], past: Sequence[dict[str, Any]], pause: float, *, every: bool
) -> Iterator[Series]:
    frames = [each for each in past if each["columns"].get(name)]
    if len(frames) < LEARNING or (not every and _never_moved(name, frame, frames)):
        return
    seen = list(zip(*(each["columns"][name] for each in frames), strict=True))
    counts = [each["sampled"] for each in frames]
    column = _Column(frame["columns"][name], seen, frame["sampled"], counts, every)
    noise = share_noise(column.smallest) * (1.0 if any(seen[_NULLS]) else _NEVER)
    found = [_figure(column, families.NULLS, "nulls", column.stats[_NULLS], seen[_NULLS], noise)]
    now, ends, is_dated = _ends(name, column, frame, frames)
    tops = Tops.of(name, frame, frames)
    if now is not None and (is_dated or advancing.advances(ends, is_dated=False)):
        found += [_step(now, ends, is_dated, pause), _distinct(column), *of_categories(tops, is_moving=True)]
    else:
        is_label = _is_label(column)
        if not is_label:
            found += _of_values(column, tops)
        if not is_label or column.stats[_LENGTH] is not None:
            found += of_categories(tops)
    yield from (each for each in found if each is not None)


def _never_moved(name: str, frame: dict[str, Any], past: Sequence[dict[str, Any]]) -> bool:
    """Return true for a column with the statistics of every earlier run, as in a table that never changes.

    None of them is unusual. Days are judged in any case, because they usually advance.
    """
    stats, rows, top = frame["columns"][name], frame["sampled"], frame["top"].get(name)
    if not all(
        each["sampled"] == rows and each["columns"][name] == stats and each["top"].get(name) == top for each in past
    ):
        return False
    low, high = stats[_MIN], stats[_MAX]
    is_dated = any(name in each.get("dates", ()) for each in (frame, past[-1]))
    return not is_dated and (low is None or high is None or advancing.as_days([Ends(low, high)]) is None)


def _of_values(column: _Column, tops: Tops) -> list[Series | None]:
    """Return the series of the values of a column; if they move from run to run, of their number and extremes alone."""
    stats, seen = column.stats, column.seen
    deviations = _known(seen[_DEVIATION])
    extremes: list[Series | None] = []
    found: list[Series | None] = []
    if deviations and stats[_MEAN] is not None:
        extremes = _extremes(column)
        found = _of_numbers(column, typical(deviations), stats[_MEAN] or 0.0)
    elif stats[_LENGTH] is not None:
        noise = 0.05 + max(map(abs, _known(seen[_LENGTH])), default=1.0) / math.sqrt(column.smallest)
        found = [_figure(column, families.LENGTH, "length", stats[_LENGTH], seen[_LENGTH], noise)]
    distinct = _distinct(column)
    if not any((*found, *extremes, distinct)):
        return []
    if deviations and _is_piled(column):
        if sum(each > 0.0 for each in deviations) < LEARNING:
            return []  # nothing is known of the few other values
        found = [_of_piled(each, column) for each in found if each is not None and each.metric == "mean"]
    if tops.are_moving:
        found = []
        extremes = [] if _begins_again(column) else extremes
    return [*found, *extremes, distinct]


def _of_numbers(column: _Column, usual: float, mean: float) -> list[Series | None]:
    """Return the series of the mean and of the spread."""
    stats, seen = column.stats, column.seen
    # A value far away makes the deviation larger too: the mean of a few rows is as uncertain as they are apart.
    apart = max(usual, stats[_DEVIATION] or 0.0)
    noise = apart / math.sqrt(column.smallest) or 1e-9 * abs(mean)
    return [_figure(column, families.MEAN, "mean", mean, seen[_MEAN], noise, usual), _spread(column, usual)]


def _known(values: Stats) -> list[float]:
    return [value for value in values if value is not None]


def _ends(
    name: str, column: _Column, frame: dict[str, Any], past: Sequence[dict[str, Any]]
) -> tuple[Ends | None, list[Ends], bool]:
    """Return the ends of a column in this run and in the earlier ones, and whether they are days."""
    is_dated = name in frame.get("dates", ())
    low, high = column.stats[_MIN], column.stats[_MAX]
    lows, highs = column.seen[_MIN], column.seen[_MAX]
    if low is None or high is None:
        return None, [], is_dated
    now = Ends(low, high)
    if not is_dated and not advancing.rises(highs) and advancing.as_days([now]) is None:
        return None, [], False
    ends = [
        Ends(low, high)
        for low, high, each in zip(lows, highs, past, strict=True)
        if low is not None and high is not None and (name in each.get("dates", ())) == is_dated
    ]
    if len(ends) < LEARNING:
        return None, ends, is_dated
    if not is_dated and (days := advancing.as_days([*ends, now])) is not None:
        return days[-1], days[:-1], True
    return now, ends, is_dated


def _step(now: Ends, past: Sequence[Ends], is_dated: bool, pause: float) -> Series | None:
    found = advancing.step(now, past, is_dated=is_dated, pause=pause)
    if found is None:
        return None
    return Series(
        families.RANGE, found.metric, found.value, found.past, 0.0,
        extreme=found.score, expected=found.expected, is_dated=is_dated,
    )  # fmt: skip


def _is_label(column: _Column) -> bool:
    """Return true for a column with one value in each run, such as the day: it names the run and is no measurement.

    A run that was short of time may have counted no distinct values: its minimum and maximum state the same.
    """
    places = (_DISTINCT, _MIN, _MAX)
    now = _has_one_value(*(column.stats[place] for place in places))
    if now is False:
        return False
    known = [now, *(_has_one_value(*run) for run in zip(*(column.seen[place] for place in places), strict=True))]
    return True in known and False not in known


def _has_one_value(distinct: float | None, low: float | None, high: float | None) -> bool | None:
    """Return true for one value in a run; None if its statistics do not state it."""
    if distinct is not None:
        return distinct == 1
    return None if low is None or high is None else low == high


def _is_piled(column: _Column) -> bool:
    """Return true for a column that is mostly one value, its smallest or largest, as rain is mostly none.

    The rows with another value are few, and come together: their mean does not predict the next ones.
    """
    places = (column.seen[place] for place in (_MIN, _MEDIAN, _MAX))
    runs = [run for run in zip(*places, strict=True) if None not in run]
    piled = sum(median in (low, high) for low, median, high in runs)
    return bool(runs) and piled >= _PILED * len(runs)


def _of_piled(mean: Series, column: _Column) -> Series:
    """Return the mean of a column that is mostly one value, with wider limits if this run has that value too."""
    low, high, medians = column.stats[_MIN], column.stats[_MAX], _known(column.seen[_MEDIAN])
    if low is not None and high is not None and medians and not low <= typical(medians) <= high:
        return mean  # as in another unit
    return msgspec.structs.replace(mean, family=families.MEAN_OF_PILED)


def _begins_again(column: _Column) -> bool:
    low, last = column.stats[_MIN], column.seen[_MAX][-1]
    return low is not None and last is not None and advancing.begins_again(low, last)


def _figure(
    column: _Column, family: Family, metric: str, value: float | None, seen: Stats, noise: float, spread: float = 0.0
) -> Series | None:
    """Return a series, or None if the value lies among those seen: then it is not unusual, whatever the residuals."""
    if value is None:
        return None
    known = _known(seen)
    if len(known) < LEARNING or (not column.every and min(known) <= value <= max(known)):
        return None
    scale = family.scale
    return Series(family, metric, scale(value), [scale(each) for each in known], noise, spread=spread)


def _spread(column: _Column, usual: float) -> Series | None:
    """Return the series of the deviation, relative to the usual one: a column without unit has a logarithm of it."""
    value, seen = column.stats[_DEVIATION], column.seen[_DEVIATION]
    if value is None or usual <= 0.0:
        return None
    relative = [None if each is None else each / usual for each in seen]
    return _figure(
        column, families.SPREAD, "deviation", value / usual, relative, 0.05 + 1.0 / math.sqrt(column.smallest)
    )


def _distinct(column: _Column) -> Series | None:
    """Return the series of the distinct values: a share of the rows if most rows have a value of their own."""
    value, rows, counts = column.stats[_DISTINCT], column.rows, column.counts
    if value is None:
        return None
    # More rows have more distinct values, so other numbers of rows are not compared.
    both = zip(column.seen[_DISTINCT], counts, strict=True)
    seen = [each if _are_alike(rows, count) else None for each, count in both]
    shares = [min(1.0, each / count) for each, count in zip(seen, counts, strict=True) if each is not None]
    if shares and typical(shares) > _MOSTLY_DISTINCT:
        # 0.05: distinct values are approximate
        return _figure(
            column, families.DISTINCT_SHARE, "distinct", min(1.0, value / rows), shares, 0.05 + share_noise(rows)
        )
    return _figure(column, families.DISTINCT, "distinct", value, seen, 0.05 + 1.0 / math.sqrt(1.0 + value))


def _extremes(column: _Column) -> list[Series | None]:
    """Return the series of a minimum and a maximum that leave the values seen by several widths of the column."""
    lows, highs = _known(column.seen[_MIN]), _known(column.seen[_MAX])
    if len(lows) < LEARNING or len(highs) < LEARNING:
        return []
    low, high = min(lows), max(highs)
    width = max(high - low, 1e-9 * abs(high), 1e-12)
    found: list[Series | None] = []
    for metric, place, past in (("min", _MIN, lows), ("max", _MAX, highs)):
        value = column.stats[place]
        if value is not None and not low <= value <= high:
            widths = (low - value if metric == "min" else value - high) / width
            found.append(Series(families.RANGE, metric, value, past, width, extreme=widths / families.RANGE.threshold))
    return found
