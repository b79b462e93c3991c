"""The identity of rows: for each row of an output its row of an input, found in the cheapest way that is sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import NUMBER_UNITS, SORTED_UNITS, TEXT_UNITS, Budget
from odibi_core.insight.frames.frame import Frame, comparable
from odibi_core.insight.frames.hashes import add, salted
from odibi_core.insight.frames.matching import evenly, has_duplicates, match_rows, places_of

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Rows
    from odibi_core.insight.frames.hashes import Hashes

SAMPLE: Final = 256
_SPREAD: Final = 4_096
"""Rows in which the different values of a column are counted, to choose those that distinguish most rows."""
MOST_COLUMNS: Final = 96
"""Columns of a wide frame that are compared; the others count as not looked at."""
_FEW_ROWS: Final = 12
_FEW_COLUMNS: Final = 6
_STARTS: Final = 3
_FOUND: Final = 0.05
"""The share of the output's rows that an input must have, or it is not where they come from."""
_AGREE: Final = 0.98


class Pair(NamedTuple):
    """A column of the input and the one of the output that is compared with it.

    Args:
        main: The name of the column of the input.
        output: The name of the column of the output.
        as_float: Compare integers with floats.
    """

    main: str
    output: str
    as_float: bool = False


class Identity(NamedTuple):
    """The rows of an output as rows of an input.

    Args:
        rows: For each row of the output its row number in the input, -1 if it has none.
        same: Frame with the values of the input.
        altered: Frame of both whose values differ.
        how: The way in which they were identified: index, place or fingerprint.
        is_unique: The columns that are the same distinguish the rows; otherwise only groups of them.
    """

    rows: Rows
    same: tuple[Pair, ...]
    altered: tuple[Pair, ...]
    how: str
    is_unique: bool = True


def identify(main: Frame, output: Frame, budget: Budget) -> Identity | None:
    """Return the rows of an output as rows of an input; None if that cannot be determined within the budget."""
    if not output.height or not main.height:
        return None
    pairs = pairs_of(main, output)
    weak: Identity | None = None
    for way in (_in_place, _by_index):
        found = way(main, output, pairs, budget) if pairs else None
        if found is not None and found.is_unique:
            return found
        weak = weak or found
    found = _by_fingerprints(main, output, pairs, budget) if pairs else None
    if found is None and weak is None:
        found = _renamed(main, output, budget)
    return weak if found is None or (weak is not None and not found.is_unique) else found


def _renamed(main: Frame, output: Frame, budget: Budget) -> Identity | None:
    """Return the identity of rows whose columns all have other names, by their places among the columns."""
    pairs = _by_position(main, output)
    if not pairs:
        return None
    found = _in_place(main, output, pairs, budget) or _by_fingerprints(main, output, pairs, budget)
    if found is None:
        return None
    sample = evenly(output.height, SAMPLE)
    varied = _most_varied(output, found.same, sample)
    return found if varied is not None and _spread(output, varied, sample) > 1 and found.is_unique else None


def pairs_of(main: Frame, output: Frame) -> list[Pair]:
    """Return the columns of both that can be compared, by name; of a wide frame only some."""
    names = [name for name in output.names if name in main]
    return _comparable(main, output, [(name, name) for name in names[:MOST_COLUMNS]])


def _by_position(main: Frame, output: Frame) -> list[Pair]:
    names = list(zip(main.names, output.names, strict=False))[:MOST_COLUMNS]
    return _comparable(main, output, names) if len(main.names) == len(output.names) else []


def _comparable(main: Frame, output: Frame, names: Sequence[tuple[str, str]]) -> list[Pair]:
    found = []
    for first, second in names:
        can, as_float = comparable(main, output, first, second)
        if can:
            found.append(Pair(first, second, as_float))
    return found


def hashes(columns: Frame, pair: Pair, rows: Rows | slice | None, *, of_output: bool) -> Hashes:
    """Return the numbers of a column of a pair."""
    return columns.hashes(pair.output if of_output else pair.main, rows, as_float=pair.as_float)


class _Agreement(NamedTuple):
    """How far the values of each column agree, if rows of the output stand for these rows of the input."""

    same: list[Pair]
    partly: list[Pair]
    altered: list[Pair]
    unique_share: float
    """Different rows by the columns that are the same, for each different row by all."""
    spread: int
    """Different rows by the columns that are the same."""


def _agreement(main: Frame, output: Frame, pairs: list[Pair], at: tuple[Rows, Rows]) -> _Agreement:
    """Compare a sample of rows of both."""
    import numpy as np

    same: list[Pair] = []
    partly: list[Pair] = []
    altered: list[Pair] = []
    by_same = by_all = np.zeros(len(at[0]), np.uint64)
    for place, pair in enumerate(pairs):
        first = hashes(main, pair, at[0], of_output=False)
        second = hashes(output, pair, at[1], of_output=True)
        share = float((first == second).mean())
        by_all = by_all + salted(second, place)
        if share == 1.0:
            same.append(pair)
            by_same = by_same + salted(second, place)
            continue
        _, counts = np.unique(second, return_counts=True)
        chance = float(((counts / len(second)) ** 2).sum())
        (partly if chance <= 0.5 and share >= chance + (1 - chance) / 2 else altered).append(pair)
    spread = len(np.unique(by_same))
    return _Agreement(same, partly, altered, spread / len(np.unique(by_all)), spread)


def _in_place(main: Frame, output: Frame, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Identify rows that stand at the same places, each of the input or the first or last ones of it."""
    import numpy as np

    if output.height > main.height:
        return None
    sample = evenly(output.height, SAMPLE)
    starts = (0,) if output.height == main.height else (0, main.height - output.height)
    for start in starts:
        if output.height < main.height and not _may_agree(main, output, pairs, start):
            continue
        seen = _agreement(main, output, pairs, (sample + start, sample))
        if not (seen.same or seen.partly) or (output.height < main.height and (seen.spread < 2 or not seen.same)):
            continue
        checked = _most_varied(output, seen.same, sample)
        if checked is not None and not _all_agree(main, output, checked, start, budget):
            continue
        rows = np.arange(start, start + output.height)
        is_unique = (not seen.altered and bool(seen.same or seen.partly)) or seen.unique_share >= 0.9
        return Identity(rows, tuple(seen.same), tuple(seen.partly + seen.altered), "place", is_unique)
    return None


def _may_agree(main: Frame, output: Frame, pairs: list[Pair], start: int) -> bool:
    """Return whether one of the first columns agrees in a few rows, which costs less than the whole comparison."""
    few = evenly(output.height, _FEW_ROWS)
    return any(
        bool((hashes(main, pair, few + start, of_output=False) == hashes(output, pair, few, of_output=True)).all())
        for pair in pairs[:_FEW_COLUMNS]
    )


def _all_agree(main: Frame, output: Frame, pair: Pair, start: int, budget: Budget) -> bool:
    if not budget.take(2 * output.height, NUMBER_UNITS):
        return False
    there = hashes(main, pair, slice(start, start + output.height), of_output=False)
    return bool((there == hashes(output, pair, None, of_output=True)).all())


def _most_varied(output: Frame, pairs: Sequence[Pair], sample: Rows) -> Pair | None:
    """Return the column of most different values in a sample, numbers first."""

    spread = {pair: (_spread(output, pair, sample), output.kind(pair.output) != "text") for pair in pairs}
    return max(spread, key=lambda pair: spread[pair], default=None)


def _by_index(main: Frame, output: Frame, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Identify rows by the index of pandas, if the values of a sample agree."""
    import numpy as np

    rows = _index_rows(main, output, budget)
    if rows is None or (rows < 0).any():
        return None
    known = np.arange(len(rows))
    sample = known[evenly(len(known), SAMPLE)]
    seen = _agreement(main, output, pairs, (rows[sample], sample))
    evidence = seen.spread > 1 or (seen.same and not seen.altered)
    if not evidence and not seen.partly:
        return None
    checked = _most_varied(output, seen.same, sample)
    if checked is not None:
        if not budget.take(2 * output.height, NUMBER_UNITS):
            return None
        there = hashes(main, checked, rows[known], of_output=False)
        if not (there == hashes(output, checked, known, of_output=True)).all():
            return None
    is_unique = seen.unique_share >= 0.9 or not seen.altered
    return Identity(rows, tuple(seen.same), tuple(seen.partly + seen.altered), "index", is_unique)


def _index_rows(main: Frame, output: Frame, budget: Budget) -> Rows | None:
    """Return for each label of the output its row in the input; None if labels do not identify rows."""
    import numpy as np

    if main.library != "pandas" or output.library != "pandas":
        return None
    import pandas as pd

    index, labels = main.native.index, output.native.index
    if list(index.names) != list(labels.names) or not budget.take(output.height, NUMBER_UNITS):
        return None
    if isinstance(index, pd.RangeIndex) and labels.dtype.kind in "iu":
        rows: Rows = labels.to_numpy().astype(np.int64) - index.start
        if index.step != 1:
            rows, rest = np.divmod(rows, index.step)
            rows[rest != 0] = -1
        rows[(rows < 0) | (rows >= len(index))] = -1
        return rows
    if not budget.take(main.height, SORTED_UNITS):
        return None
    index = index.copy()  # its own lookup table, which ends with it
    return np.asarray(index.get_indexer(labels), np.int64) if index.is_unique else None


def _by_fingerprints(main: Frame, output: Frame, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Identify rows by the values of a few columns that together distinguish them."""
    sample = evenly(output.height, SAMPLE)
    ranked = _by_spread(output, pairs, evenly(output.height, _SPREAD))
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


def _spread(output: Frame, pair: Pair, sample: Rows) -> int:
    import numpy as np

    return len(np.unique(hashes(output, pair, sample, of_output=True)))


def _by_spread(output: Frame, pairs: list[Pair], rows: Rows) -> list[Pair]:
    """Return the columns in the order of their different values in some rows, numbers before texts."""
    spread = {pair: _spread(output, pair, rows) for pair in pairs}
    return sorted(pairs, key=lambda pair: (-spread[pair], output.kind(pair.output) == "text"))


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
    same = _agreement(main, output, pairs, at).same if len(at[0]) else chosen
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


def joint(
    columns: Frame, pairs: Sequence[Pair], *, of_output: bool, before: Hashes | None = None, at: int = 0
) -> Hashes:
    """Return a number for each row of these columns.

    Args:
        columns: The input or the output.
        pairs: The columns.
        of_output: It is the output.
        before: The numbers of the rows by columns before these.
        at: How many these are.
    """
    import numpy as np

    total = np.zeros(columns.height, np.uint64) if before is None else before
    for place, pair in enumerate(pairs, at):
        add(total, hashes(columns, pair, None, of_output=of_output), place)
    return total


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
