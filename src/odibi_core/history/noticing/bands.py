"""The usual range of the statistics of columns: the one by which a run is judged, with the values of earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import columns, families
from odibi_core.history.noticing.baseline import deviation
from odibi_core.history.noticing.families import COLUMNS, LEARNING
from odibi_core.history.noticing.judge import columns_of, comparable, judged, wider
from odibi_core.history.noticing.series import Series

_METRICS: Final = frozenset({"nulls", "mean", "distinct", "length"})
_SHARES: Final = (families.NULLS, families.DISTINCT_SHARE)
_SHOWN: Final = 20
"""Values of a series, the latest ones."""
_DIGITS: Final = 5


class Band(msgspec.Struct, frozen=True):
    """A statistic of a column in the last runs, this one last, and the range that is usual for this run.

    The range is None while it is learned again, after a shift of the level.
    """

    node_name: str
    dataset: str
    column_name: str
    metric: str
    is_share: bool
    values: list[float]
    low: float | None
    high: float | None

    @property
    def is_unusual(self) -> bool:
        """True if the value of this run is beyond the range."""
        return self.low is not None and self.high is not None and not self.low <= self.values[-1] <= self.high


class UsualColumns(msgspec.Struct, frozen=True):
    """The bands of a run, the unusual ones first; none below five comparable runs."""

    compared_runs: int
    bands: list[Band]


def usual_columns(current: RunFigures, history: Sequence[RunFigures]) -> UsualColumns:
    """Return the nulls, means, distinct values and lengths of the columns of a run with their usual ranges.

    Args:
        current: The run.
        history: Earlier runs of the pipeline; those that `judge` would not compare are left out.
    """
    past = comparable(current, history)
    if len(past) < LEARNING:
        return UsualColumns(len(past), [])
    steps = list(judged(current, past))
    factor = wider(sum(columns_of(step) for _, step, _ in steps), COLUMNS)
    found = [
        _band(name, series, factor)
        for name, step, places in steps
        for series in columns.of_step(step, [past[place].figures["steps"][name] for place in places], every=True)
        if series.metric in _METRICS and series.category is None and not series.extreme and _varies(series)
    ]
    found.sort(key=lambda band: not band.is_unusual)
    return UsualColumns(len(past), found)


def _varies(series: Series) -> bool:
    return min(series.past) < max(series.past) or series.value != series.past[-1]


def _band(name: str, series: Series, factor: float) -> Band:
    """Return the band of a series: the range of its judgement, with the values seen, which are never unusual."""
    family = series.family
    judgement = deviation(series.value, series.past, series.noise, family)
    low = high = None
    if judgement is not None:
        reach = judgement.reach * factor
        low = family.unscale(min(judgement.expected - reach, *series.past))
        high = family.unscale(max(judgement.expected + reach, *series.past))
    values = [*series.past[-_SHOWN + 1 :], series.value]
    return Band(
        name, series.dataset or "", series.column or "", series.metric, family in _SHARES,
        [_short(family.unscale(value)) for value in values], _ends(low), _ends(high),
    )  # fmt: skip


def _ends(value: float | None) -> float | None:
    return None if value is None else _short(value)


def _short(value: float) -> float:
    """Return a number of few digits: the page draws it."""
    return float(f"{value:.{_DIGITS}g}")
