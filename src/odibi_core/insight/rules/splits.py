"""Splits of a sample by its best test, which need not be pure, until each part has rows of one side only.

This is how a decision tree is learned. It finds what a list of pure tests cannot, such as `(a or b) and c` with a rare
exception c. The parts are joined again to the shortest OR of ANDs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import log2
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.rules.probes import Candidate, LevelProbe, NullProbe, NumberProbe, Probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

MOST: Final = 5
"""Tests of a rule."""
_EVERY: Final = 2


@dataclass(frozen=True)
class Split:
    """A test with its rows, and the bits by which it separates the sides."""

    candidate: Candidate
    gain: float


def split_rows(probes: list[Probe], lost: Mask) -> list[Candidate] | None:
    """Return tests whose combinations have rows of one side only; None if five of them do not suffice."""
    import numpy as np

    chosen: list[Candidate] = []
    cells = np.zeros(len(lost), np.int64)
    while len(chosen) <= MOST:
        mixed = _largest_mixed(cells, lost)
        if mixed is None:
            return _needed(chosen, lost)
        best = max((split for probe in probes for split in _splits(probe, mixed, lost)), key=_gain, default=None)
        if best is None or best.gain <= 1.0 or len(chosen) == MOST:
            return None
        chosen.append(best.candidate)
        cells = cells * 2 + best.candidate.mask
    return None


def _gain(split: Split) -> float:
    return split.gain - 0.01 * split.candidate.bits


def _largest_mixed(cells: Any, lost: Mask) -> Mask | None:
    """Return the rows of the combination in which most rows are of the smaller side."""
    import numpy as np

    rows = np.bincount(cells)
    losses = np.bincount(cells, lost, len(rows))
    minority = np.minimum(losses, rows - losses)
    return cells == minority.argmax() if minority.max() > 0 else None


def _needed(chosen: list[Candidate], lost: Mask) -> list[Candidate]:
    """Leave out each test without which the combinations are still of one side."""
    import numpy as np

    for each in list(chosen):
        rest = [other for other in chosen if other is not each]
        cells = np.zeros(len(lost), np.int64)
        for other in rest:
            cells = cells * 2 + other.mask
        if rest and _largest_mixed(cells, lost) is None:
            chosen = rest
    return chosen


def _splits(probe: Probe, rows: Mask, lost: Mask) -> Iterator[Split]:
    """Yield the best split of a probe."""
    if isinstance(probe, NumberProbe):
        yield from _thresholds(probe, rows, lost)
    elif isinstance(probe, LevelProbe):
        yield from _levels(probe, rows, lost)
    elif isinstance(probe, NullProbe):
        for candidate in probe.each():
            yield Split(candidate, _gain_of(candidate.mask[rows], lost[rows]))


def _thresholds(probe: NumberProbe, rows: Mask, lost: Mask) -> Iterator[Split]:
    import numpy as np

    values, valid = probe.values.numbers, probe.values.valid
    inside = rows & valid
    if not inside.any():
        return
    order = np.argsort(values[inside], kind="stable")
    ordered, labels = values[inside][order], lost[inside][order]
    ends = np.flatnonzero(ordered[1:] != ordered[:-1])
    if not len(ends):
        return
    losses = np.cumsum(labels)[ends]
    gains = _gains(ends + 1, losses, int(rows.sum()), int(lost[rows].sum()))
    best = int(gains.argmax())
    candidate = probe.below(ordered[ends[best]], ordered[ends[best] + 1])
    yield Split(candidate, float(gains[best]))


def _levels(probe: LevelProbe, rows: Mask, lost: Mask) -> Iterator[Split]:
    import numpy as np

    mine, theirs = probe.counts(rows & lost), probe.counts(rows & ~lost)
    gains = _gains(mine + theirs, mine, int(rows.sum()), int(lost[rows].sum()))
    yield Split(probe.level(int(gains.argmax())), float(gains.max()))
    for one, other in ((mine, theirs), (theirs, mine)):
        pure = np.flatnonzero((one > 0) & (other == 0))
        if 1 < len(pure) < np.count_nonzero(one + other):
            candidate = probe.levels_in(pure)
            if candidate is not None:
                yield Split(candidate, _gain_of(candidate.mask[rows], lost[rows]))


def _gain_of(passed: Mask, lost: Mask) -> float:
    import numpy as np

    counts = np.array([passed.sum()]), np.array([(passed & lost).sum()])
    return float(_gains(*counts, len(lost), int(lost.sum()))[0])


def _gains(rows: Any, losses: Any, all_rows: int, all_losses: int) -> Any:
    """Return the bits of the sides that splits separate: those before minus those of both parts."""
    before = _bits(all_rows, all_losses)
    return before - _bits(rows, losses) - _bits(all_rows - rows, all_losses - losses)


def _bits(rows: Any, losses: Any) -> Any:
    import numpy as np

    rest = rows - losses
    with np.errstate(all="ignore"):
        one = np.where(losses > 0, losses * np.log2(losses / rows), 0.0)
        other = np.where(rest > 0, rest * np.log2(rest / rows), 0.0)
    return -(one + other)


def bits_of_splits(chosen: list[Candidate], probes: list[Probe], rows: int) -> float:
    """Return the bits of the choice of the tests, each one of all thresholds and values, and of their combination.

    A list of values costs the bits of each value: those of a unique column could select any rows.
    """
    probe, value = log2(max(len(probes), 1)), log2(max(rows, 2))
    return sum(probe + max(value, each.bits) for each in chosen) + 2.0 ** len(chosen)


def joined(chosen: list[Candidate], lost: Mask) -> list[list[tuple[Candidate, bool]]]:
    """Return the combinations of lost rows as the shortest OR of ANDs; False: the test is not passed.

    A combination without rows in the sample may be of either side.
    """
    import numpy as np

    cells = np.zeros(len(lost), np.int64)
    for each in chosen:
        cells = cells * 2 + each.mask
    mine, theirs = set(cells[lost].tolist()), set(cells[~lost].tolist())
    terms = [
        (covered, term)
        for term in product((0, 1, _EVERY), repeat=len(chosen))
        if (covered := _covered(term)) and not covered & theirs and covered & mine
    ]
    groups: list[list[tuple[Candidate, bool]]] = []
    while mine:
        covered, term = max(terms, key=lambda each: (len(each[0] & mine), each[1].count(_EVERY)))
        mine -= covered
        groups.append([(one, bool(side)) for one, side in zip(chosen, term, strict=True) if side != _EVERY])
    return groups


def _covered(term: tuple[int, ...]) -> set[int]:
    """Return the numbers of the combinations that a term stands for."""
    numbers = [0]
    for side in term:
        sides = (0, 1) if side == _EVERY else (side,)
        numbers = [number * 2 + each for number in numbers for each in sides]
    return set(numbers)
