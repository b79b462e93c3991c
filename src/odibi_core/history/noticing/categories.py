"""The categories of a column: the shares of its frequent values, a new one, a lost one, and one that moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from odibi_core.history.figures import STATS
from odibi_core.history.noticing import advancing, families
from odibi_core.history.noticing.advancing import Top
from odibi_core.history.noticing.families import LEARNING
from odibi_core.history.noticing.series import Series, share_noise

_FULL: Final = 0.999
"""The share of the rows in the most frequent values from which on no other value exists."""
_DISTINCT, _MIN, _MAX, _LENGTH = (STATS.index(name) for name in ("distinct", "min", "max", "length_mean"))


@dataclass(frozen=True)
class Tops:
    """The listed values of a column in this run and in the earlier runs that list them."""

    now: Top
    past: list[Top]
    rows: int

    @classmethod
    def of(cls, column: str, frame: dict[str, Any], past: Sequence[dict[str, Any]]) -> Tops:
        """Return the listed values of a column."""
        now = _listed(column, frame)
        tops = [found for each in past if (found := _listed(column, each))] if now else []
        return cls(now, tops, frame["sampled"])

    @cached_property
    def foreign(self) -> set[str]:
        """The values of another form than all earlier ones, as `n/a` is among days."""
        shapes = advancing.shapes(self.past) if any(name not in self.past[-1] for name in self.now) else None
        return set() if shapes is None else {name for name in self.now if advancing.shape(name) not in shapes}

    @cached_property
    def are_moving(self) -> bool:
        """True if the values change with the runs, so that none has a usual share."""
        if not self.now or len(self.past) < LEARNING:
            return False
        now = {name: share for name, share in self.now.items() if name not in self.foreign}
        return (
            advancing.is_turning(self.past)
            or advancing.is_calendar(set(now).union(*self.past))
            or advancing.is_succession([*self.past, now])
        )


def _listed(column: str, frame: dict[str, Any]) -> Top:
    """Return the listed values of a column; of numbers that are all equal, which no run lists, that one."""
    found: Top = frame["top"].get(column, {})
    stats = frame["columns"].get(column)
    if not stats or stats[_MIN] is None or stats[_LENGTH] is not None or column in frame.get("dates", ()):
        return found  # no numbers
    if found:  # whether 9 is an integer or a float may depend on the other values
        return {name.removesuffix(".0"): share for name, share in found.items()}
    is_one = stats[_DISTINCT] == 1 and stats[_MIN] == stats[_MAX] and float(stats[_MIN]).is_integer()
    return {str(int(stats[_MIN])): 1.0} if is_one else {}


def of_categories(tops: Tops, *, is_moving: bool = False) -> Iterator[Series]:
    """Yield the series of the shares of frequent values.

    If the values move from run to run, only one of another form is unusual, or the value of the last run in each row,
    where each run had a new one.

    Args:
        tops: The listed values.
        is_moving: They are known to move.
    """
    if not tops.now or len(tops.past) < LEARNING:
        return
    if advancing.is_stuck(tops.now, tops.past):
        name = next(iter(tops.now))
        yield Series(
            families.CATEGORIES, "stuck", 1.0, [0.0] * len(tops.past), 0.0, category=name, extreme=advancing.STAY_SCORE
        )
    moved = list(_moved(tops))
    if not moved:
        return
    if is_moving or tops.are_moving:
        moved = [each for each in moved if each[0] in tops.foreign]
    often, rare = _rare(tops.past)
    for name, value, seen in moved:
        if name not in often | tops.foreign:
            seen = [max(pair) for pair in zip(seen, rare, strict=True)]
        if not min(seen) <= value <= max(seen):
            yield _share(name, value, seen, tops.rows)


def _moved(tops: Tops) -> Iterator[tuple[str, float, list[float]]]:
    """Yield the values with a share that none of the earlier runs had: the share, and those of the earlier runs."""
    rest, here = [_unlisted(top) for top in tops.past], _unlisted(tops.now)
    for name in sorted(set(tops.now).union(*tops.past[-3:])):  # sets have another order in each process
        value = tops.now.get(name, here)
        seen = [top.get(name, other) for top, other in zip(tops.past, rest, strict=True)]
        if not min(seen) <= value <= max(seen):
            yield name, value, seen


def _share(name: str, value: float, seen: Sequence[float], rows: int) -> Series:
    scale = families.CATEGORIES.scale
    past = [scale(each) for each in seen]
    return Series(families.CATEGORIES, "share", scale(value), past, share_noise(rows), category=name)


def _unlisted(top: Top) -> float:
    """Return the largest share that a value may have that is not listed."""
    return 0.0 if sum(top.values()) >= _FULL else min(top.values())


def _rare(tops: Sequence[Top]) -> tuple[set[str], list[float]]:
    """Return the values of most earlier runs, and for each run the largest share of a value that was new or is rare.

    It is the record for new values: what comes and goes, as kinds of weather do, may come with such a share again.
    """
    counts = Counter(name for top in tops for name in top)
    often = {name for name, count in counts.items() if count > _OFTEN * len(tops)}
    known = set().union(*tops[:LEARNING])
    found: list[float] = []
    for place, top in enumerate(tops):
        steady = often & known if place >= LEARNING else often
        found.append(max((share for name, share in top.items() if name not in steady), default=0.0))
        known.update(top)
    return often, found


_OFTEN: Final = 0.5
"""The part of the earlier runs in which a value is listed that does not come and go."""
