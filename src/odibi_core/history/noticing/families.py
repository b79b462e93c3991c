"""The families of figures: their scale and their thresholds, tuned by `make bench-noticing` on its tuning half."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import msgspec

from odibi_core.history import figures

ALPHA: Final = 0.01
"""The aim: one run in a hundred without any change has a finding."""
LEARNING: Final = figures.LEARNING
"""Comparable runs below which nothing is judged."""


class Family(msgspec.Struct, frozen=True):
    """A family of figures.

    `threshold` is in units of the usual residual, for a run of `STEPS` steps and `COLUMNS` columns. The residual must
    also be `beyond` times the largest one seen. `twice` asks for two runs in a row.
    """

    name: str
    threshold: float
    beyond: float
    scale: Callable[[float], float]
    unscale: Callable[[float], float]
    twice: bool = False


STEPS: Final = 10
COLUMNS: Final = 50
"""The numbers of steps and of columns for which the thresholds stand."""
TAIL: Final = 5.0
"""The exponent of the tail of residuals: a threshold grows with these numbers to the power of 1 / `TAIL`."""
YOUNG: Final = 6.0
"""Thresholds are multiplied by 1 + `YOUNG` / runs: 2 for six earlier runs, 1.1 for sixty."""


def _share(value: float) -> float:
    return math.asin(math.sqrt(min(1.0, max(0.0, value))))


def _as_share(value: float) -> float:
    return math.sin(min(math.pi / 2, max(0.0, value))) ** 2


def _log(value: float) -> float:
    return math.log1p(max(0.0, value))


def _as_log(value: float) -> float:
    return math.expm1(min(700.0, max(0.0, value)))


def _plain(value: float) -> float:
    return value


ROWS: Final = Family("rows", 4.2, 1.1, _log, _as_log)
SELECTIVITY: Final = Family("selectivity", 5.0, 1.3, _share, _as_share)
FAN_OUT: Final = Family("join", 4.0, 1.3, _log, _as_log)
JOIN: Final = Family("join", 3.5, 1.3, _share, _as_share)
NULLS: Final = Family("nulls", 4.0, 1.5, _share, _as_share)
DISTINCT: Final = Family("distinct", 4.6, 1.3, _log, _as_log)
DISTINCT_SHARE: Final = Family("distinct", 4.6, 1.3, _share, _as_share)
MEAN: Final = Family("mean", 5.0, 1.5, _plain, _plain)
MEAN_OF_PILED: Final = Family("mean", 5.0, 8.0, _plain, _plain)
"""Of a column that is mostly one value: the rows with another one come together, so that only a new unit counts."""
SPREAD: Final = Family("spread", 4.5, 1.5, _log, _as_log)
LENGTH: Final = Family("length", 5.0, 1.5, _plain, _plain)
CATEGORIES: Final = Family("categories", 4.8, 1.5, _share, _as_share)
DURATION: Final = Family("duration", 2.6, 1.1, _log, _as_log, twice=True)
MEMORY: Final = Family("memory", 8.0, 1.5, _log, _as_log, twice=True)
COST: Final = Family("cost", 8.0, 1.5, _log, _as_log)
SIZE: Final = Family("files", 6.0, 1.3, _log, _as_log)
AGE: Final = Family("files", 8.0, 1.5, _log, _as_log)
RANGE: Final = Family("range", 8.0, 1.5, _plain, _plain)
"""The threshold is in widths of the column by which a minimum or maximum must leave the values seen. A unit that is ten
times as large leaves them by nine; heavy tails leave them by four now and then."""
