"""The identity of rows by fingerprints: the values of a few columns that together distinguish the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import NUMBER_UNITS, SORTED_UNITS, TEXT_UNITS, Budget
from odibi_core.insight.frames.frame import Frame
from odibi_core.insight.frames.hashes import add, salted
from odibi_core.insight.frames.matching import evenly, has_duplicates, match_rows, places_of
from odibi_core.insight.pairs import SAMPLE, Identity, Pair, agreement, hashes, joint, pairs_of, spread

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Rows
    from odibi_core.insight.frames.hashes import Hashes

_SPREAD: Final = 4_096
"""Rows in which the values of columns are counted that are all different in the sample."""
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
        of_main: The numbers of the rows of the input by the chosen columns.
    """

    share: float
    chosen: list[Pair]
    same: list[Pair]
    of_main: Hashes


def _grown(main: Frame, output: Frame, ranked: tuple[list[Pair], Rows], budget: Budget) -> _Grown | None:
    """Add columns as long as the rows of a sample are found, until each is found once."""
    import numpy as np

    pairs, sample = ranked
    share, chosen = 0.0, list[Pair]()
    of_main, of_sample = np.zeros(main.height, np.uint64), np.zeros(len(sample), np.uint64)
    at: tuple[Rows, Rows] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    for pair in pairs:
        if not budget.take(main.height, _cost([pair], main)):
            break
        place = len(chosen)
        added = hashes(main, pair, None, of_output=False)
        wanted = of_sample + salted(hashes(output, pair, sample, of_output=True), place)
        rows, places = places_of(wanted, of_main, (added, place))
        few, inverse = np.unique(wanted, return_inverse=True)
        counts = np.bincount(places, minlength=len(few))[inverse]
        found = float((counts > 0).mean())
        if found < (_AGREE * share if chosen else _FOUND):
            if not chosen:
                return None
            continue
        share, of_sample = found, wanted
        add(of_main, added, place)
        chosen.append(pair)
        once = np.flatnonzero(counts == 1)
        row_of = np.full(len(few), -1)
        row_of[places] = rows
        at = (row_of[inverse[once]], sample[once])
        if len(chosen) > 1 and not (counts > 1).any():
            break
    if not chosen:
        return None
    same = agreement(main, output, pairs, at).same if len(at[0]) else chosen
    return _Grown(share, chosen, [pair for pair in pairs if pair in same or pair in chosen], of_main)


def _matched(main: Frame, output: Frame, grown: _Grown, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Match all rows by the chosen columns, by more of them if these do not distinguish the rows."""
    chosen, same, of_main = list(grown.chosen), grown.same, grown.of_main
    rest = [pair for pair in same if pair not in chosen]
    while not (is_unique := not has_duplicates(of_main)) and rest:
        if not budget.take(main.height, _cost(rest[:3], main)):
            return None
        of_main = joint(main, rest[:3], of_output=False, before=of_main, at=len(chosen))
        chosen, rest = chosen + rest[:3], rest[3:]
    if not budget.take(output.height, _cost(chosen, main) + SORTED_UNITS / 4):
        return None
    of_output = joint(output, chosen, of_output=True)
    rows = match_rows(of_main, of_output, is_unique=is_unique)
    wrong = _partly_altered(main, output, (chosen, rows), (of_main, of_output), budget)
    if wrong is not None and len(chosen) > 1:
        kept = [pair for pair in chosen if pair != wrong]
        again = _Grown(grown.share, kept, [pair for pair in same if pair != wrong], joint(main, kept, of_output=False))
        return _matched(main, output, again, pairs, budget)
    altered = tuple(pair for pair in pairs if pair not in same)
    return Identity(rows, tuple(same), altered, "fingerprint", is_unique)


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
