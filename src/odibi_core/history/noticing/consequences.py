"""The consequences of other numbers of rows: the part of a change that lost or added rows can explain, by arithmetic.

Rows that are lost take their values with them: no value becomes more frequent in number by it. Rows that are added are
rows like the others. A figure that moved further has a cause of its own.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

_SLACK: Final = 1.1
"""The factor by which the usual numbers of rows may be off."""
_LEAST: Final = 0.05
"""A change of the number of rows below this part of them, as a logarithm, is none."""
_ALIKE: Final = 0.8
"""A step passes the rows on if its own moved by this part of the change above it, as logarithms."""


class Moved(msgspec.Struct, frozen=True):
    """A figure of a finding in its own unit: what it is about, the value that came and the usual one."""

    metric: str
    value: float
    expected: float
    spread: float = 0.0
    """The usual deviation of the column."""
    dataset: str | None = None
    """Of a match rate: the input of the join that it is about."""


class Rows(msgspec.Struct, frozen=True):
    """The rows of a step in this run and usually."""

    now: float
    usual: float

    @property
    def change(self) -> float:
        """The change as a logarithm: below 0 for lost rows."""
        return math.log((self.now + 1.0) / (self.usual + 1.0))


def rows_of(steps: dict[str, Any], usual: dict[str, float], name: str | None) -> Rows | None:
    """Return the rows of a step, now and usually; None if either is unknown."""
    now = steps.get(name or "", {}).get("rows")
    return None if now is None or name not in usual else Rows(float(now), usual[name])


def is_of_rows(here: Moved, begin: Rows, rows: Rows) -> bool:
    """Return true if another number of rows explains a figure.

    Args:
        here: The figure.
        begin: The rows of the step where their number changed.
        rows: The rows of the step of the figure.
    """
    if abs(begin.change) < _LEAST:
        return True  # too little to compute with
    if here.metric in ("selectivity", "match_rate"):
        return _is_of_counts(here, begin)  # of the rows that came in, as many as the step above has
    if rows.change / begin.change < _ALIKE:
        return True  # the step makes other rows of them, as an aggregate does
    # the smaller one of both runs is a part of the larger one
    part = max(1e-9, min(rows.now, rows.usual) / max(1.0, rows.now, rows.usual))
    match here.metric:
        case "nulls" | "share":
            return _is_of_counts(here, rows)
        case "mean" if here.spread > 0.0:
            # the mean of a part of the rows is at most so many deviations from that of all
            return abs(here.value - here.expected) <= _SLACK * here.spread * math.sqrt((1.0 - part) / part)
        case "deviation":
            return here.value <= _SLACK * here.expected / math.sqrt(part)
        case "min" | "max" | "stale" | "stuck":
            return False
        case "distinct":
            return rows.change > 0.0 or here.value <= here.expected
        case _:
            return True


def _is_of_counts(here: Moved, rows: Rows) -> bool:
    """Return true if neither the rows of a share nor the others are more than before, but for added rows."""
    added = max(0.0, rows.now - rows.usual)
    for now, before in ((here.value, here.expected), (1.0 - here.value, 1.0 - here.expected)):
        usual = before * rows.usual
        more = added if usual >= 1.0 else 0.0  # rows like the others have nothing that never was
        if now * rows.now > _SLACK * usual + 2.0 * math.sqrt(1.0 + usual) + more:
            return False
    return True


def is_of_share(here: Moved, share: Moved) -> bool:
    """Return true if so many more nulls or rows of a category may cost a step below so many rows: one each at most."""
    if here.metric not in ("rows", "selectivity", "match_rate") or here.value >= here.expected:
        return True
    lost = 1.0 - here.value / here.expected
    return lost <= _SLACK * abs(share.value - share.expected) + _LEAST


def is_slower_by(begin: Rows | None) -> bool:
    """Return true if another number of rows may make a step slower: more of them do, fewer do not."""
    return begin is None or begin.change > -_LEAST
