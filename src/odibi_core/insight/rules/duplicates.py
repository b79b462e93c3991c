"""Rows that were lost as duplicates: the columns that define one, and the row of each group that stayed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import SORTED_UNITS, TEXT_UNITS, Budget
from odibi_core.insight.frames.frame import Frame
from odibi_core.insight.frames.hashes import add
from odibi_core.insight.frames.matching import (
    distinct,
    evenly,
    has_duplicates,
    members,
    of_first_part,
    places_in,
    places_of,
    repeated,
)
from odibi_core.insight.rules.chance import NEEDED, SOURCE, bits_of_choice

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask, Rows
    from odibi_core.insight.frames.hashes import Hashes

SAMPLE: Final = 256
MOST_COLUMNS: Final = 64
_SOME: Final = 16_384
"""Kept rows in which an equal one is looked for first."""
_SPREAD: Final = 4_096
"""Kept rows in which the values of columns are counted."""
_MOST_NAMED: Final = 4
_STARTS: Final = 6
_WORDS: Final = frozenset(
    """drop_duplicates duplicated unique distinct DISTINCT row_number ROW_NUMBER QUALIFY qualify is_first_distinct
    is_last_distinct is_duplicated is_unique cumcount""".split()  # noqa: SIM905
)


class Duplicates(NamedTuple):
    """The rows of which several are equal in some columns, all but one of which were lost.

    Args:
        columns: The largest set of columns that defines a duplicate.
        keep: The row that stayed: first, last, none, max or min of `by`, or any.
        by: The column of the highest or lowest value; empty without one.
        has_ties: A lost row has the highest or lowest value too.
    """

    columns: tuple[str, ...]
    keep: str
    by: str = ""
    has_ties: bool = False

    @property
    def text(self) -> str:
        """The duplicates and the row that stays, in words."""
        stays = {
            "first": "the first one is kept",
            "last": "the last one is kept",
            "none": "none is kept",
            "max": f"the one with the highest {self.by} is kept",
            "min": f"the one with the lowest {self.by} is kept",
        }.get(self.keep, "one of them is kept")
        return f"duplicate of ({', '.join(self.columns)}), {stays}"


class _Part:
    """The rows that are looked at, and those of them that were lost and kept.

    Args:
        main: The main input.
        lost: The lost rows.
        kept: The kept rows.
    """

    def __init__(self, main: Frame, lost: Mask, kept: Mask) -> None:
        import numpy as np

        self.main = main
        self.lost, self.kept = np.flatnonzero(lost), np.flatnonzero(kept)
        self._is_kept = kept
        self.sample = self.lost[evenly(len(self.lost), SAMPLE)]
        self.some = self.kept[evenly(len(self.kept), _SOME)]
        self._near: dict[str, Rows] = {}

    def ordered(self, columns: Collection[str]) -> list[str]:
        """Return columns, those first by which most of some kept rows differ."""
        few = self.kept[evenly(len(self.kept), _SPREAD)]
        spread = {name: len(distinct(self.main.hashes(name, few))) for name in columns}
        return sorted(columns, key=lambda name: (-spread[name], self.main.kind(name) == "text"))

    def near(self, name: str) -> Rows:
        """Return the kept rows that have a value of the sample in a column."""
        if name not in self._near:
            wanted = self.main.hashes(name, self.sample)
            rows, _ = places_of(wanted, self.main.hashes(name))
            self._near[name] = rows[self._is_kept[rows]]
        return self._near[name]

    def numbers(self, columns: Collection[str], rows: Rows | None) -> Hashes:
        """Return a number for each of these rows, or of all rows of the input, by some columns."""
        import numpy as np

        total = np.zeros(self.main.height if rows is None else len(rows), np.uint64)
        for place, name in enumerate(columns):
            add(total, self.main.hashes(name, rows), place)
        return total


def find_duplicates(
    main: Frame, lost: Mask, part: Mask | None, names: Collection[str], budget: Budget
) -> Duplicates | None:
    """Return the duplicates that explain all rows that were lost; None if they do not.

    Args:
        main: The main input.
        lost: Its rows that were lost.
        part: The rows that are looked at; None for all.
        names: Names that the source of the step has.
        budget: The work that is left.
    """
    view = _Part(main, lost if part is None else part & lost, ~lost if part is None else part & ~lost)
    if not len(view.lost) or not len(view.kept):
        return None
    usable = [name for name in main.names[:MOST_COLUMNS] if main.kind(name) not in ("other", "none")]
    bits = SOURCE if names_duplicates(names) else 0.0
    named = [name for name in usable if name in names]
    for tried, columns in enumerate(_candidates(view, usable, named, budget)):
        price = _price(columns, usable, named, tried)
        if _is_convincing(len(view.lost), len(view.kept) + len(view.lost), price, bits):
            found = _explained(view, columns, budget)
            if found is not None:
                return found
    return None


def _price(columns: tuple[str, ...], usable: list[str], named: list[str], tried: int) -> float:
    """Return the bits of the choice of these columns."""
    import math

    if len(columns) == len(usable):
        return 0.0
    return math.log2(len(usable) + tried) if len(columns) == 1 or list(columns) == named else float(len(usable))


def names_duplicates(names: Collection[str]) -> bool:
    """Return whether the source names a way to drop duplicates."""
    return bool(_WORDS & set(names))


def _is_convincing(lost: int, height: int, price: float, bits: float) -> bool:
    """Return whether so many lost rows are no coincidence, as one of all choices of so many rows."""
    import math

    kept = height - lost
    of_twins = min(float(lost), kept * math.log2(height / kept))  # the choice of the one that stays in each group
    return bits_of_choice(height, lost) - of_twins - price + bits >= NEEDED


def _candidates(view: _Part, usable: list[str], named: list[str], budget: Budget) -> Iterator[tuple[str, ...]]:
    """Yield sets of columns in which every row of the sample has a twin: all, those of the source, the largest."""
    seen: set[tuple[str, ...]] = set()
    for columns in [usable, named] if named else [usable]:
        seen.add(tuple(columns))
        yield tuple(columns)
    for name in usable:
        if name not in named and _is_without_any(view, name, budget):
            yield (name,)
    if 2 < len(named) <= _MOST_NAMED:  # one of them decides which row stays
        for name in named:
            yield tuple(each for each in named if each != name)
    alone = [name for name in usable if _has_twins(view, [name], budget)]
    spread = {name: len(distinct(view.main.hashes(name, view.sample))) for name in alone}
    ranked = sorted(alone, key=lambda name: -spread[name])
    for start in ranked[:_STARTS]:
        grown = [start]
        for name in ranked:
            if name != start and _has_twins(view, [*grown, name], budget):
                grown.append(name)
        largest = tuple(name for name in usable if name in grown)
        if largest not in seen:
            seen.add(largest)
            yield largest


def _is_without_any(view: _Part, name: str, budget: Budget) -> bool:
    """Return whether rows may have been lost because they share a value with another one, none of which stayed."""
    if len(repeated(view.main.hashes(name, view.some))) or not budget.take(view.main.height, TEXT_UNITS):
        return False
    return not len(view.near(name)) and not has_duplicates(view.main.hashes(name)[view.kept])


def _has_twins(view: _Part, columns: list[str], budget: Budget) -> bool:
    """Return whether every row of the sample equals a kept row in these columns: one of some rows, or of all."""
    wanted = view.numbers(columns, view.sample)
    wanted = wanted[~members(wanted, view.numbers(columns, view.some))]
    if not len(wanted):
        return True
    lead = view.ordered(columns)[0]
    if not budget.take(view.main.height, TEXT_UNITS):
        return False
    near = view.near(lead)
    if not budget.take(len(columns) * len(near), TEXT_UNITS):
        return False
    return bool(members(wanted, view.numbers(columns, near)).all())


def _explained(view: _Part, columns: tuple[str, ...], budget: Budget) -> Duplicates | None:
    """Return the duplicates of these columns, if they are the lost rows.

    Some of the columns find the kept row that may equal a lost one; the others are compared in these two rows alone.
    """
    found = _deciding(view, columns, budget)
    if found is None:
        return None
    rest, numbers = found
    places = places_in(numbers[view.kept], numbers[view.lost])
    twin = view.kept[places]
    is_twin = places >= 0
    if rest and is_twin.any():
        is_twin &= view.numbers(rest, view.lost) == view.numbers(rest, twin)
    if is_twin.all():
        return Duplicates(columns, *_kept(view, columns, twin))
    if is_twin.any():
        return None
    lost = view.numbers(columns, view.lost)
    return Duplicates(columns, "none") if members(lost, repeated(lost)).all() else None


def _deciding(view: _Part, columns: tuple[str, ...], budget: Budget) -> tuple[list[str], Hashes] | None:
    """Return columns beside those by which no kept rows are equal, and the numbers of all rows by these.

    None: the lost rows are no duplicates, or the budget does not allow to determine it.
    """
    ordered = view.ordered(columns)
    size = _least(view, ordered)
    if not size:
        return None
    numbers = view.numbers((), None)
    for place, name in enumerate(ordered):
        if not budget.take(view.main.height, TEXT_UNITS + (SORTED_UNITS / 2 if place == size - 1 else 0.0)):
            return None
        add(numbers, view.main.hashes(name), place)
        if place >= size - 1 and not has_duplicates(numbers[view.kept]):
            return ordered[place + 1 :], numbers
    return None


def _least(view: _Part, ordered: list[str]) -> int:
    """Return how many of the columns may do, by some rows; 0 if these show that the lost rows are no duplicates.

    They are all rows of some values of the first column, so that each row comes with all that equal it.
    """
    is_some = of_first_part(view.main.hashes(ordered[0]))
    kept, lost = (rows[is_some[rows]] for rows in (view.kept, view.lost))
    sizes = range(1, len(ordered) + 1)
    size = next((size for size in sizes if not len(repeated(view.numbers(ordered[:size], kept)))), 0)
    of_lost = view.numbers(ordered, lost)
    is_twin = members(of_lost, view.numbers(ordered, kept))
    if not is_twin.any():
        is_twin = members(of_lost, repeated(of_lost))
    return size if is_twin.all() else 0


def _kept(view: _Part, columns: tuple[str, ...], twin: Rows) -> tuple[str, str, bool]:
    """Return the row of each group that stayed, the column that it is the highest or lowest of, and if it has ties.

    Args:
        view: The rows.
        columns: The columns that define a duplicate.
        twin: For each lost row the row that stayed.
    """

    if (twin < view.lost).all():
        return "first", "", False
    if (twin > view.lost).all():
        return "last", "", False
    sample = evenly(len(twin), SAMPLE)
    for rows in (sample, slice(None)):
        found = []
        for name in view.main.names[:MOST_COLUMNS]:
            if name in columns or view.main.kind(name) not in ("number", "time", "date", "duration"):
                continue
            column = view.main.column(name)
            first, second = column.values[twin[rows]], column.values[view.lost[rows]]
            valid = column.valid[twin[rows]] & column.valid[view.lost[rows]]
            if not valid.all() or (first == second).all():
                continue
            for keep, agrees in (("max", (first >= second).all()), ("min", (first <= second).all())):
                if agrees:
                    found.append((int((first != second).sum()), keep, name))
        if not found:
            return "any", "", False
    different, keep, by = max(found)
    return keep, by, different < len(twin)
