"""The identity of rows: for each row of an output its row of an input, found in the cheapest way that is sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import NUMBER_UNITS, SORTED_UNITS, Budget
from odibi_core.insight.fingerprints import by_fingerprints
from odibi_core.insight.frames.frame import Frame
from odibi_core.insight.frames.hashes import salted
from odibi_core.insight.frames.matching import evenly
from odibi_core.insight.pairs import SAMPLE, Agreement, Identity, Pair, agreement, by_position, hashes, pairs_of, spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.frame import Rows

_FEW_ROWS: Final = 12
_FEW_COLUMNS: Final = 6
_DISTINCT: Final = 0.9
"""The share of different rows in a sample by which columns distinguish the rows of an input."""


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
    found = by_fingerprints(main, output, pairs, budget) if pairs else None
    if found is None and weak is None:
        found = _renamed(main, output, budget)
    return weak if found is None or (weak is not None and not found.is_unique) else found


def _renamed(main: Frame, output: Frame, budget: Budget) -> Identity | None:
    """Return the identity of rows whose columns all have other names, by their places among the columns."""
    pairs = by_position(main, output)
    if not pairs:
        return None
    found = _in_place(main, output, pairs, budget) or by_fingerprints(main, output, pairs, budget)
    if found is None:
        return None
    sample = evenly(output.height, SAMPLE)
    varied = _most_varied(output, found.same, sample)
    return found if varied is not None and spread(output, varied, sample) > 1 and found.is_unique else None


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
        seen = agreement(main, output, pairs, (sample + start, sample))
        if not (seen.same or seen.partly):
            continue
        if output.height < main.height and (seen.spread < 2 or _may_be_groups(main, seen, len(sample))):
            continue
        checked = _most_varied(output, seen.same, sample)
        if checked is not None and not _all_agree(main, output, checked, start, budget):
            continue
        rows = np.arange(start, start + output.height)
        is_unique = (not seen.altered and bool(seen.same or seen.partly)) or seen.unique_share >= 0.9
        return Identity(rows, tuple(seen.same), tuple(seen.partly + seen.altered), "place", is_unique)
    return None


def _may_be_groups(main: Frame, seen: Agreement, rows: int) -> bool:
    """Return whether rows that all differ may be groups instead: the input has several rows of each."""
    import numpy as np

    if seen.spread < rows:
        return False
    sample = evenly(main.height, SAMPLE)
    of_main = [salted(hashes(main, pair, sample, of_output=False), place) for place, pair in enumerate(seen.same)]
    return len(np.unique(sum(of_main))) < _DISTINCT * len(sample)


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

    values = {pair: (spread(output, pair, sample), output.kind(pair.output) != "text") for pair in pairs}
    return max(values, key=lambda pair: values[pair], default=None)


def _by_index(main: Frame, output: Frame, pairs: list[Pair], budget: Budget) -> Identity | None:
    """Identify rows by the index of pandas, if the values of a sample agree."""
    import numpy as np

    rows = _index_rows(main, output, budget)
    if rows is None or (rows < 0).any():
        return None
    known = np.arange(len(rows))
    sample = known[evenly(len(known), SAMPLE)]
    seen = agreement(main, output, pairs, (rows[sample], sample))
    evidence = seen.spread > 1 or (seen.same and not seen.altered)
    if not evidence and not seen.partly:
        return None
    is_new = output.height < main.height and bool((rows == known).all())  # labels from 0, as of a frame made anew
    if is_new and _may_be_groups(main, seen, len(sample)):
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
    if labels.dtype.kind in "iu" and index.dtype.kind in "iu" and budget.take(main.height, NUMBER_UNITS):
        numbers = index.to_numpy()
        if (numbers[1:] > numbers[:-1]).all():
            return _in_rising(numbers, labels.to_numpy())
    if not budget.take(main.height, SORTED_UNITS):
        return None
    index = index.copy()  # its own lookup table, which ends with it
    return np.asarray(index.get_indexer(labels), np.int64) if index.is_unique else None


def _in_rising(numbers: NDArray[np.integer], labels: NDArray[np.integer]) -> Rows:
    """Return the place of each label among rising numbers, -1 for one that is none of them."""
    import numpy as np

    places = np.minimum(np.searchsorted(numbers, labels), len(numbers) - 1)
    return np.where(numbers[places] == labels, places, -1)
