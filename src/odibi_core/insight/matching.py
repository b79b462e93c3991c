"""The match of rows by their numbers: rows of equal numbers, in order, each with its row in another frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odibi_core.insight.columns import Hashes, Mask, Rows


def evenly(height: int, most: int) -> Rows:
    """Return at most this many row numbers at equal distances, the first and the last among them."""
    import numpy as np

    return np.arange(height) if height <= most else np.linspace(0, height - 1, most).astype(np.int64)


def places_of(wanted: Hashes, among: Hashes) -> tuple[Rows, Rows]:
    """Return the rows of `among` whose number is one of a few, and for each the place in the sorted unique ones."""
    import numpy as np

    few = np.unique(wanted)
    low = np.uint64(0xFFFF)
    table = np.zeros(1 << 16, np.bool_)
    table[few & low] = True
    rows = np.flatnonzero(table[among & low])
    found = np.searchsorted(few, among[rows])
    found[found == len(few)] = 0
    match = few[found] == among[rows]
    return rows[match], found[match]


def members(left: Hashes, right: Hashes) -> Mask:
    """Return the rows of `left` whose number is one of `right`."""
    import numpy as np

    if not len(right):
        return np.zeros(len(left), np.bool_)
    known = np.unique(right)
    if len(known) * 16 < len(left):
        order = np.argsort(left)
        numbers = left[order]
        firsts = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1])))
        present = _is_in(numbers[firsts], known)
        found = np.empty(len(left), np.bool_)
        found[order] = np.repeat(present, np.diff(np.append(firsts, len(numbers))))
        return found
    order = np.argsort(left)
    found = np.empty(len(left), np.bool_)
    found[order] = _is_in(left[order], known)
    return found


def _is_in(numbers: Hashes, known: Hashes) -> Mask:
    import numpy as np

    places = np.searchsorted(known, numbers)
    places[places == len(known)] = 0
    found: Mask = known[places] == numbers
    return found


def first_rows(keys: Hashes, wanted: Hashes) -> Rows:
    """Return for each wanted number its first row among the keys, -1 if there is none."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    numbers = keys[order]
    places = np.searchsorted(numbers, wanted)
    places[places == len(numbers)] = 0
    if not len(numbers):
        return np.full(len(wanted), -1)
    return np.where(numbers[places] == wanted, order[places], -1)


def sizes(keys: Hashes) -> Rows:
    """Return for each row the number of rows with its number."""
    import numpy as np

    _, codes, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[codes]


def has_duplicates(keys: Hashes) -> bool:
    """Return whether two rows have the same number."""
    import numpy as np

    ordered = np.sort(keys)
    return bool((ordered[1:] == ordered[:-1]).any())


def match_rows(main: Hashes, output: Hashes) -> Rows:
    """Return for each row of the output its row of the main input, -1 if it has none.

    Of equal rows, each of the output takes the next of the input. If the output has fewer, the choice of the first ones
    or of the last ones is the one that keeps their order; if it has more, they are shared out evenly.
    """
    import numpy as np

    if not len(main):
        return np.full(len(output), -1)
    order, out_order = np.argsort(main), np.argsort(output)
    numbers, out_numbers = main[order], output[out_order]
    starts = np.searchsorted(numbers, out_numbers)
    starts[starts == len(numbers)] = 0
    found = numbers[starts] == out_numbers
    rows = np.full(len(output), -1)
    if not (numbers[1:] == numbers[:-1]).any() and not (out_numbers[1:] == out_numbers[:-1]).any():
        rows[out_order] = np.where(found, order[starts], -1)
        return rows
    return _match_groups(main, output, rows)


def _match_groups(main: Hashes, output: Hashes, rows: Rows) -> Rows:
    import numpy as np

    order, out_order = np.argsort(main, kind="stable"), np.argsort(output, kind="stable")
    numbers, out_numbers = main[order], output[out_order]
    starts, ends = np.searchsorted(numbers, out_numbers), np.searchsorted(numbers, out_numbers, "right")
    firsts = np.searchsorted(out_numbers, out_numbers)
    here, there = ends - starts, np.searchsorted(out_numbers, out_numbers, "right") - firsts
    turn = np.arange(len(output)) - firsts
    found = here > 0
    most = np.maximum(here, 1)
    more = there > here
    turn = np.where(more, turn * most // there, turn)
    choice = np.where(found, starts + turn, 0)
    rows[out_order] = np.where(found, order[choice], -1)
    if (found & (there < here)).any() and not _ascends(rows):
        last = rows.copy()
        last[out_order] = np.where(found, order[np.where(found & ~more, choice + most - there, choice)], -1)
        if _ascends(last):
            return last
    return rows


def _ascends(rows: Rows) -> bool:
    found = rows[rows >= 0]
    return bool((found[1:] >= found[:-1]).all())
