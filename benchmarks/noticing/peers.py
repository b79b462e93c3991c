"""Common methods on the same figures: each gives a run the largest score of its series."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from odibi_core.history.figures import STATS, RunFigures

WINDOW: Final = 30
_TINY: Final = 1e-9
_METRICS: Final = tuple(STATS.index(name) for name in ("null_share", "distinct", "min", "max", "mean", "deviation"))
Matrix: TypeAlias = Any
"""A matrix of numpy: a row for each run, a column for each series."""


_flats: dict[int, tuple[RunFigures, dict[str, float]]] = {}


def _kept(run: RunFigures) -> dict[str, float]:
    """Return `flat` of a run, computed once: each run is in the windows of thirty others."""
    if len(_flats) > 400:
        _flats.clear()
    found = _flats.setdefault(id(run), (run, {}))
    if not found[1]:
        found[1].update(flat(run))
    return found[1]


def flat(run: RunFigures) -> dict[str, float]:
    """Return every figure of a run by name, those that odibi-core compares."""
    found: dict[str, float] = {}
    for name, step in run.figures["steps"].items():
        for metric in ("rows", "duration_ms", "selectivity"):
            if step.get(metric) is not None:
                found[f"{name}.{metric}"] = step[metric]
        for dataset, (rate, *_) in step.get("joins", {}).items():
            if rate is not None:
                found[f"{name}.{dataset}.match"] = rate
        for frame in step.get("frames", {}).values():
            for column, stats in frame["columns"].items():
                found |= {f"{name}.{column}.{place}": stats[place] for place in _METRICS if stats[place] is not None}
            for column, top in frame["top"].items():
                found |= {f"{name}.{column}={value}": share for value, share in top.items()}
    return found


def matrix(runs: Sequence[RunFigures]) -> tuple[Matrix, list[str]]:
    """Return the figures of runs as a matrix, a column for each series of the last run; absent ones are NaN."""
    flats = [_kept(run) for run in runs]
    names = list(flats[-1])
    return np.array([[each.get(name, np.nan) for name in names] for each in flats]), names


def _z_score(window: Matrix) -> Matrix:
    """Return z-scores with the point inside its window."""
    return np.abs(window[-1] - np.nanmean(window, 0)) / (np.nanstd(window, 0) + _TINY)


def _mad(window: Matrix) -> Matrix:
    past = window[:-1]
    middle = np.nanmedian(past, 0)
    return np.abs(window[-1] - middle) / (1.4826 * np.nanmedian(np.abs(past - middle), 0) + _TINY)


def _fixed(window: Matrix) -> Matrix:
    """Return the change against the mean of the window, as a part of it."""
    usual = np.nanmean(window[:-1], 0)
    return np.abs(window[-1] - usual) / (np.abs(usual) + _TINY)


def _quartiles(window: Matrix) -> Matrix:
    ordered = np.sort(window[:-1], axis=0)  # NaN is last; nanpercentile takes fifty times as long
    count = np.sum(~np.isnan(ordered), axis=0)
    places = [np.maximum(0, (share * (count - 1)).astype(int)) for share in (0.25, 0.75)]
    low, high = (np.take_along_axis(ordered, place[None, :], 0)[0] for place in places)
    outside = np.maximum(low - window[-1], window[-1] - high)
    return np.maximum(outside, 0) / (high - low + _TINY)


METHODS: Final[dict[str, tuple[Callable[[Matrix], Matrix], float]]] = {
    "z-score, point inside": (_z_score, 3.0),
    "MAD": (_mad, 3.5),
    "fixed ±50 %": (_fixed, 0.5),
    "rolling quartiles": (_quartiles, 1.5),
}
"""The methods with the thresholds that they are known by."""


def scores(current: RunFigures, earlier: Sequence[RunFigures]) -> dict[str, float]:
    """Return the score of a run by each method; a series that is absent before or now is left out."""
    window, _ = matrix([*earlier[-WINDOW:], current])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = {}
        for name, (method, _) in METHODS.items():
            values = method(window)
            values = values[np.isfinite(values)]
            found[name] = float(values.max()) if values.size else 0.0
    return found
