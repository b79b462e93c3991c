"""The match of rows by their numbers: rows of equal numbers, in order, each with its row in another frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odibi_core.insight.frames.hashes import BLOCK, blocks, salted

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask, Rows
    from odibi_core.insight.frames.hashes import Hashes

_FEW: Final = 4096
"""Numbers that a table of 65,536 places finds among many without sorting these."""


def evenly(height: int, most: int) -> Rows:
    """Return at most this many row numbers at equal distances, the first and the last among them."""
    import numpy as np

    return np.arange(height) if height <= most else np.linspace(0, height - 1, most).astype(np.int64)


def places_of(wanted: Hashes, among: Hashes, added: tuple[Hashes, int] | None = None) -> tuple[Rows, Rows]:
    """Return the rows of `among` whose number is one of a few, and for each the place in the sorted unique ones.

    Args:
        wanted: The numbers that are looked for.
        among: The numbers of the rows.
        added: A column whose part is added to the numbers of the rows, and its place.
    """
    import numpy as np

    few = distinct(wanted)
    low = np.uint64(0xFFFF)
    table = np.zeros(1 << 16, np.bool_)
    table[few & low] = True
    rows, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in blocks(len(among)):
        some = among[block] if added is None else among[block] + salted(added[0][block], added[1])
        at = np.flatnonzero(table[some & low])
        found = np.minimum(np.searchsorted(few, some[at]), len(few) - 1)
        match = few[found] == some[at]
        rows.append(at[match] + block.start)
        places.append(found[match])
    return np.concatenate(rows), np.concatenate(places)


def distinct(numbers: Hashes) -> Hashes:
    """Return the different numbers in order. numpy's own way is many times slower for millions of them."""
    import numpy as np

    ordered = np.sort(numbers)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def members(left: Hashes, right: Hashes) -> Mask:
    """Return the rows of `left` whose number is one of `right`."""
    import numpy as np

    known = distinct(right)
    if not len(known) or len(known) > _FEW:
        return places_in(known, left) >= 0
    found = np.zeros(len(left), np.bool_)
    found[places_of(known, left)[0]] = True
    return found


def places_in(keys: Hashes, wanted: Hashes) -> Rows:
    """Return the place of each wanted number among different keys, -1 if there is none.

    The keys stand in a table by some of their bits; a key whose place another one took is looked for by other bits.
    """
    import numpy as np

    places = np.full(len(wanted), -1)
    if not len(keys):
        return places
    left = np.arange(len(keys), dtype=np.int32)
    open_rows: Rows | slice = slice(None)
    for shift in (0, 21, 42):
        mask = np.uint64((1 << max(8, (2 * len(left)).bit_length())) - 1)
        table = np.full(int(mask) + 1, -1, np.int32)
        slots = (keys[left] >> np.uint64(shift)) & mask
        table[slots] = left
        numbers = wanted[open_rows]
        found = table[(numbers >> np.uint64(shift)) & mask]
        is_key = (keys[found] == numbers) & (found >= 0)
        places[open_rows] = np.where(is_key, found, -1)
        left = left[table[slots] != left]
        if not len(left):
            return places
        rest = np.flatnonzero(~is_key & (found >= 0))
        open_rows = rest if isinstance(open_rows, slice) else open_rows[rest]
    ordered = left[np.argsort(keys[left])]
    at = np.minimum(np.searchsorted(keys[ordered], wanted[open_rows]), len(ordered) - 1)
    places[open_rows] = np.where(keys[ordered[at]] == wanted[open_rows], ordered[at], -1)
    return places


def first_rows(keys: Hashes, wanted: Hashes) -> Rows:
    """Return for each wanted number its first row among the keys, -1 if there is none."""
    import numpy as np

    known, firsts = np.unique(keys, return_index=True)
    places = places_in(known, wanted)
    return np.where(places >= 0, firsts[places], -1) if len(known) else places


def has_duplicates(keys: Hashes) -> bool:
    """Return whether two rows have the same number."""
    import numpy as np

    ordered = np.sort(keys)
    return bool((ordered[1:] == ordered[:-1]).any())


def match_rows(main: Hashes, output: Hashes, *, is_unique: bool) -> Rows:
    """Return for each row of the output its row of the main input, -1 if it has none.

    Of equal rows, each of the output takes the next of the input. If the output has fewer, the choice of the first ones
    or of the last ones is the one that keeps their order; if it has more, they are shared out evenly.

    Args:
        main: The numbers of the main input.
        output: The numbers of the output.
        is_unique: No number of the main input comes twice.
    """
    import numpy as np

    if is_unique:
        in_order = _in_order(main, output)
        if in_order is not None:
            return in_order
        if not has_duplicates(output):
            return places_in(main, output)
    return _match_groups(main, output, np.full(len(output), -1))


def _in_order(main: Hashes, output: Hashes) -> Rows | None:
    """Return the rows of an output that has rows of the main input in its order; None if it has not.

    The rows are looked for a block after the other, in a table that stays in the processor's cache.
    """
    import numpy as np

    rows = np.empty(len(output), np.int64)
    wanted = max(int(BLOCK * len(output) / len(main) * 1.05), 64)
    done = start = 0
    while done < len(output):
        block = main[start : start + BLOCK]
        if not len(block):
            return None
        found = places_in(block, output[done : done + wanted])
        missing = np.flatnonzero(found < 0)
        count = int(missing[0]) if len(missing) else len(found)
        if (found[1:count] <= found[: max(count - 1, 0)]).any():
            return None
        rows[done : done + count] = found[:count] + start
        done += count
        start += int(found[count - 1]) + 1 if count else len(block)
    return rows


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
