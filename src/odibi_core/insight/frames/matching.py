"""The match of rows by their numbers: rows of equal numbers, in order, each with its row in another frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.frames.hashes import BLOCK, blocks, salted

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask, Rows
    from odibi_core.insight.frames.hashes import Hashes

_FEW: Final = 4096
"""Numbers that a table of 65,536 places finds among many without sorting these."""
_PART: Final = 1 << 19
"""Keys from which on they are divided."""
_FEWER: Final = 4
"""Keys for each wanted number from which on the keys are looked for among these."""
_PARTS: Final = 64
"""The parts of the numbers, of which the first is looked at before the others."""
_SHIFTS: Final = (8, 28, 44)
"""The first bits of the three choices of a place in a table. The bits below are those of the parts."""


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

    if not len(right) or len(right) > _FEW:
        return places_in(right, left) >= 0
    found = np.zeros(len(left), np.bool_)
    found[places_of(right, left)[0]] = True
    return found


def places_in(keys: Hashes, wanted: Hashes) -> Rows:
    """Return the first place of each wanted number among the keys, -1 if there is none.

    Many keys are divided by some of their bits, so that the table of a part stays in the processor's cache.
    """
    import numpy as np

    if len(keys) > _FEWER * len(wanted):
        return _by_wanted(keys, wanted)
    parts = 1 << min((len(keys) // _PART).bit_length(), 8)
    if parts == 1:
        return _looked_up(keys, _tables(keys), wanted)
    places = np.full(len(wanted), -1)
    for at, rows in zip(_in_parts(keys, parts), _in_parts(wanted, parts), strict=True):
        if len(at) and len(rows):
            some = keys[at]
            found = _looked_up(some, _tables(some), wanted[rows])
            places[rows] = np.where(found >= 0, at[found], -1)
    return places


def _by_wanted(keys: Hashes, wanted: Hashes) -> Rows:
    """Return the first places of a few numbers among many keys, which are looked for among these numbers instead."""
    import numpy as np

    found = places_in(wanted, keys)
    at = np.flatnonzero(found >= 0)[::-1]
    first = np.full(len(wanted), -1)
    first[found[at]] = at  # the first one is written last
    return first[places_in(wanted, wanted)]


def _in_parts(numbers: Hashes, parts: int) -> list[Rows]:
    """Return the rows of each part of the numbers, in order."""
    import numpy as np

    found = _parts(numbers, parts)
    order = np.argsort(found, kind="stable").astype(np.int32)
    return np.split(order, np.cumsum(np.bincount(found, minlength=parts))[:-1])


def _parts(numbers: Hashes, parts: int) -> Any:
    """Return the part of each number, one of at most 256."""
    import numpy as np

    found = np.empty(len(numbers), np.uint8)
    for block in blocks(len(numbers)):
        found[block] = numbers[block] & np.uint64(parts - 1)
    return found


def _tables(keys: Hashes) -> list[tuple[int, Any]]:
    """Return tables of the places of keys, by other bits each.

    A key whose place in a table has another one stands in the next table; the last table has the rest, in order.
    """
    import numpy as np

    tables: list[tuple[int, Any]] = []
    left = np.arange(len(keys), dtype=np.int32)
    for shift in _SHIFTS:
        if not len(left):
            return tables
        table = np.full(1 << max(8, (2 * len(left)).bit_length()), -1, np.int32)
        slots = (keys[left] >> np.uint64(shift)) & np.uint64(len(table) - 1)
        table[slots[::-1]] = left[::-1]  # of equal keys the first one, which is written last
        left = left[keys[table[slots]] != keys[left]]
        tables.append((shift, table))
    if len(left):
        tables.append((-1, left[np.argsort(keys[left], kind="stable")]))
    return tables


def _looked_up(keys: Hashes, tables: list[tuple[int, Any]], wanted: Hashes) -> Rows:
    import numpy as np

    places = np.full(len(wanted), -1)
    for block in blocks(len(wanted)):
        some, found = wanted[block], places[block]
        rest: Rows | slice = slice(None)
        for shift, table in tables:
            numbers = some[rest]
            if shift >= 0:
                at = table[(numbers >> np.uint64(shift)) & np.uint64(len(table) - 1)]
            else:
                at = table[np.minimum(np.searchsorted(keys[table], numbers), len(table) - 1)]
            is_key = keys[at] == numbers  # where no key stands, -1 is the last key, which is another number
            found[rest] = np.where(is_key, at, -1)
            other = np.flatnonzero(np.where(is_key, -1, at) >= 0)
            if not len(other):
                break
            rest = other if isinstance(rest, slice) else rest[other]
    return places


def has_duplicates(keys: Hashes) -> bool:
    """Return whether two rows have the same number; some of the numbers, with all rows that have them, come first."""
    return bool(len(repeated(keys[of_first_part(keys)]))) or bool(len(repeated(keys)))


def of_first_part(keys: Hashes) -> Mask:
    """Return one of 64 rows, among them each that has the number of another one of these."""
    found: Mask = _parts(keys, _PARTS) == 0
    return found


def repeated(keys: Hashes) -> Hashes:
    """Return each number that several rows have, in order."""
    import numpy as np

    ordered = np.sort(keys)
    return distinct(ordered[1:][ordered[1:] == ordered[:-1]])


def match_rows(main: Hashes, output: Hashes, several: Hashes) -> Rows:
    """Return for each row of the output its row of the main input, -1 if it has none.

    Of equal rows, each of the output takes the next of the input. If the output has fewer, the choice of the first ones
    or of the last ones is the one that keeps their order; if it has more, they are shared out evenly.

    Args:
        main: The numbers of the main input.
        output: The numbers of the output.
        several: The numbers that several rows of the main input have.
    """
    import numpy as np

    in_order = _in_order(main, output)
    rows = places_in(main, output) if in_order is None else in_order
    at, out_at = (np.flatnonzero(members(numbers, several)) for numbers in (main, output))
    if not len(out_at):
        return rows
    first, last = (at[found] for found in _shared_out(main[at], output[out_at]))
    rows[out_at] = first
    if not (first != last).any() or _ascends(rows):
        return rows
    others = rows.copy()
    others[out_at] = last
    return others if _ascends(others) else rows


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


def _shared_out(main: Hashes, output: Hashes) -> tuple[Rows, Rows]:
    """Return two choices of the rows of an output, all of which the input has: the first equal ones, and the last."""
    import numpy as np

    order, out_order = np.argsort(main, kind="stable"), np.argsort(output, kind="stable")
    numbers, out_numbers = main[order], output[out_order]
    starts, ends = np.searchsorted(numbers, out_numbers), np.searchsorted(numbers, out_numbers, "right")
    firsts = np.searchsorted(out_numbers, out_numbers)
    here, there = ends - starts, np.searchsorted(out_numbers, out_numbers, "right") - firsts
    turn = np.arange(len(output)) - firsts
    more = there > here
    turn = np.where(more, turn * here // there, turn)
    first, last = np.empty(len(output), np.int64), np.empty(len(output), np.int64)
    first[out_order] = order[starts + turn]
    last[out_order] = order[starts + turn + np.where(more, 0, here - there)]
    return first, last


def _ascends(rows: Rows) -> bool:
    found = rows[rows >= 0]
    return bool((found[1:] >= found[:-1]).all())
