"""The identity of rows by fingerprints: the values of a few columns that together distinguish the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import NUMBER_UNITS, SORTED_UNITS, TEXT_UNITS, Budget
from odibi_core.insight.frames.frame import Frame
from odibi_core.insight.frames.hashes import add, salted
from odibi_core.insight.frames.matching import evenly, match_rows, places_of, repeated
from odibi_core.insight.pairs import SAMPLE, Identity, Pair, agreement, hashes, joint, pairs_of, spread

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Rows
    from odibi_core.insight.frames.hashes import Hashes

_SPREAD: Final = 4_096
"""Rows in which the values of columns are counted that are all different in the sample."""
_NEAR: Final = 16
"""Rows of the input for each of the sample, up to which further columns are read in these rows alone."""
_SEVERAL: Final = 1_024
"""Numbers that several rows have, by which columns are found that distinguish these rows."""
_STARTS: Final = 3
_FOUND: Final = 0.05
"""The share of the output's rows that an input must have, or it is not where they come from."""
_AGREE: Final = 0.98


def by_fingerprints(main: Frame, output: Frame, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Identify rows by the values of a few columns that together distinguish them."""
    sample = evenly(output.height, SAMPLE)
    ranked = _by_spread(output, pairs, sample)
    best: _Grown | None = None
    for start in range(min(_STARTS, len(ranked))):
        grown = _grown(main, output, (ranked[start:] + ranked[:start], sample), budget)
        if grown is None:
            continue
        if best is None or (len(grown.same), grown.share) > (len(best.same), best.share):
            best = grown
        if len(grown.same) * 2 > len(pairs):
            break
    return None if best is None else _matched(main, output, best, pairs, budget)


def _by_spread(output: Frame, pairs: list[Pair], rows: Rows) -> list[Pair]:
    """Return the columns in the order of their different values in some rows, those of equal ones by more rows."""
    values = {pair: spread(output, pair, rows) for pair in pairs}
    more = evenly(output.height, _SPREAD)
    most = {pair: spread(output, pair, more) for pair in pairs if values[pair] == len(rows)}
    return sorted(pairs, key=lambda pair: (-values[pair], -most.get(pair, 0)))


class _Grown(NamedTuple):
    """Columns by which the rows of a sample are found.

    Args:
        share: The share of the sample that is found.
        chosen: The columns.
        same: All columns that agree for the rows that are found.
        of_main: The numbers of the rows of the input by the first of the chosen columns.
        added: How many these are.
    """

    share: float
    chosen: list[Pair]
    same: list[Pair]
    of_main: Hashes
    added: int


class _Growing:
    """Columns that are chosen one after the other, and the rows of the input that may be those of a sample by them.

    When these are few, further columns are read in them alone, and chosen only if they distinguish some of them.
    """

    def __init__(self, main: Frame, output: Frame, sample: Rows) -> None:
        import numpy as np

        self._frames, self._sample = (main, output), sample
        self.share = 0.0
        self.chosen: list[Pair] = []
        self.agreed: list[Pair] = []
        self.near: Rows | None = None
        self.of_main = self._of_near = np.zeros(main.height, np.uint64)
        self.added = 0
        """The chosen columns that are in `of_main`."""
        self.at: tuple[Rows, Rows] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        """Rows of the sample that one row of the input may be, and this row."""
        self.is_done = False
        self._of_sample = np.zeros(len(sample), np.uint64)

    @property
    def height(self) -> int:
        """The rows in which the next column is read."""
        return len(self._of_near)

    def add(self, pair: Pair) -> bool:
        """Choose a column if the rows are still found with it; return False for a first one by which they are not."""
        import numpy as np

        (main, output), place = self._frames, len(self.chosen)
        added = hashes(main, pair, self.near, of_output=False)
        wanted = self._of_sample + salted(hashes(output, pair, self._sample, of_output=True), place)
        rows, places = places_of(wanted, self._of_near, (added, place))
        few, inverse = np.unique(wanted, return_inverse=True)
        counts = np.bincount(places, minlength=len(few))[inverse]
        found = float((counts > 0).mean())
        if found < (_AGREE * self.share if self.chosen else _FOUND):
            return bool(self.chosen)
        self.agreed.append(pair)
        if self.near is not None and place > 1 and len(rows) == self.height:
            return True
        add(self._of_near, added, place)
        self.share, self._of_sample = found, wanted
        self.chosen.append(pair)
        self.added += self.near is None
        once = np.flatnonzero(counts == 1)
        row_of = np.full(len(few), -1)
        row_of[places] = rows if self.near is None else self.near[rows]
        self.at = (row_of[inverse[once]], self._sample[once])
        self.is_done = place > 0 and not (counts > 1).any()
        if self.near is not None or len(rows) <= _NEAR * len(self._sample):
            self.near = rows if self.near is None else self.near[rows]
            self._of_near = self._of_near[rows]
        return True


def _grown(main: Frame, output: Frame, ranked: tuple[list[Pair], Rows], budget: Budget) -> _Grown | None:
    """Add columns as long as the rows of a sample are found, until each is found once."""
    pairs, sample = ranked
    growing = _Growing(main, output, sample)
    for pair in pairs:
        if growing.is_done or not budget.take(growing.height, _cost([pair], main)):
            break
        if not growing.add(pair):
            return None
    if not growing.chosen:
        return None
    at = growing.at
    same = agreement(main, output, pairs, at).same if len(at[0]) else growing.agreed
    same = [pair for pair in pairs if pair in same or pair in growing.chosen]
    return _Grown(growing.share, growing.chosen, same, growing.of_main, growing.added)


def _matched(main: Frame, output: Frame, grown: _Grown, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Match all rows by the chosen columns, by more of them if these do not distinguish the rows."""
    chosen, same = list(grown.chosen), grown.same
    if not budget.take(main.height, _cost(chosen[grown.added :], main)):
        return None
    of_main = joint(main, chosen[grown.added :], of_output=False, before=grown.of_main, at=grown.added)
    rest = [pair for pair in same if pair not in chosen]
    while len(several := repeated(of_main)) and (rest := _distinguishing(main, rest, of_main, several)):
        if not budget.take(main.height, _cost(rest[:3], main)):
            return None
        of_main = joint(main, rest[:3], of_output=False, before=of_main, at=len(chosen))
        chosen, rest = chosen + rest[:3], rest[3:]
    if not budget.take(output.height, _cost(chosen, main) + SORTED_UNITS / 4):
        return None
    of_output = joint(output, chosen, of_output=True)
    rows = match_rows(of_main, of_output, several)
    wrong = _partly_altered(main, output, (chosen, rows), (of_main, of_output), budget)
    if wrong is not None and len(chosen) > 1:
        kept = [pair for pair in chosen if pair != wrong]
        of_kept = joint(main, kept, of_output=False)
        again = _Grown(grown.share, kept, [pair for pair in same if pair != wrong], of_kept, len(kept))
        return _matched(main, output, again, pairs, budget)
    altered = tuple(pair for pair in pairs if pair not in same)
    return Identity(rows, tuple(same), altered, "fingerprint", not len(several))


def _distinguishing(main: Frame, pairs: list[Pair], numbers: Hashes, several: Hashes) -> list[Pair]:
    """Return the columns that distinguish rows of the same number, by some of these numbers."""
    import numpy as np

    rows, places = places_of(several[evenly(len(several), _SEVERAL)], numbers)
    order = np.argsort(places, kind="stable")
    rows, is_same = rows[order], np.diff(places[order]) == 0
    found = []
    for pair in pairs:
        values = hashes(main, pair, rows, of_output=False)
        if (is_same & (values[1:] != values[:-1])).any():
            found.append(pair)
    return found


def _cost(pairs: Sequence[Pair], main: Frame) -> float:
    """Return the units of each row for the numbers of these columns, with the search for them."""
    return sum(TEXT_UNITS if main.kind(pair.main) == "text" else 2 * NUMBER_UNITS for pair in pairs)


def _partly_altered(
    main: Frame, output: Frame, matched: tuple[list[Pair], Rows], joint: tuple[Hashes, Hashes], budget: Budget
) -> Pair | None:
    """Return the column without which most rows that seem to be made up are rows of the input."""
    import numpy as np

    chosen, rows = matched
    made = np.flatnonzero(rows < 0)
    if not len(made) or len(chosen) < 2:
        return None
    sample = made[evenly(len(made), SAMPLE)]
    for place, pair in enumerate(chosen):
        if not budget.take(main.height, _cost([pair], main)):
            return None
        without = joint[0] - salted(hashes(main, pair, None, of_output=False), place)
        wanted = joint[1][sample] - salted(hashes(output, pair, sample, of_output=True), place)
        _, places = places_of(wanted, without)
        if len(np.unique(places)) > 0.5 * len(np.unique(wanted)):
            return pair
    return None


def found_share(main: Frame, output: Frame, rows: Rows, budget: Budget) -> float:
    """Return the share of a sample of these rows of the output that an input has, by most of the columns."""
    pairs = pairs_of(main, output)
    if not pairs or not main.height or not len(rows):
        return 0.0
    sample = rows[evenly(len(rows), SAMPLE)]
    grown = _grown(main, output, (_by_spread(output, pairs, sample), sample), budget)
    return 0.0 if grown is None or len(grown.same) * 2 < len(output.names) else grown.share
