"""Rows that were lost as duplicates: the columns that define one, and the row of each group that stayed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import TEXT_UNITS, Budget
from odibi_core.insight.frames.frame import Frame
from odibi_core.insight.frames.hashes import salted
from odibi_core.insight.frames.matching import evenly, has_duplicates, places_of
from odibi_core.insight.rules.chance import NEEDED, SOURCE, bits_of_choice

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask, Rows
    from odibi_core.insight.frames.hashes import Hashes

SAMPLE: Final = 256
MOST_COLUMNS: Final = 64
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
    """

    columns: tuple[str, ...]
    keep: str
    by: str = ""

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


class _Part(NamedTuple):
    """The rows that are looked at, and those of them that were lost and kept."""

    main: Frame
    lost: Rows
    kept: Rows
    sample: Rows


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
    import numpy as np

    kept = np.flatnonzero(~lost if part is None else part & ~lost)
    gone = np.flatnonzero(lost if part is None else part & lost)
    if not len(gone) or not len(kept):
        return None
    view = _Part(main, gone, kept, gone[evenly(len(gone), SAMPLE)])
    usable = [name for name in main.names[:MOST_COLUMNS] if main.kind(name) not in ("other", "none")]
    bits = SOURCE if names_duplicates(names) else 0.0
    named = [name for name in usable if name in names]
    for tried, columns in enumerate(_candidates(view, usable, named, budget)):
        price = _price(columns, usable, named, tried)
        if not _is_convincing(len(gone), len(kept) + len(gone), price, bits):
            continue
        if not budget.take(len(columns) * main.height, TEXT_UNITS):
            return None
        found = _explained(view, columns)
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
    import numpy as np

    for name in usable:
        if name not in named and budget.take(view.main.height, TEXT_UNITS) and _is_without_any(view, name):
            yield (name,)
    alone = [name for name in usable if _has_twins(view, [name], budget)]
    spread = {name: len(np.unique(view.main.hashes(name, view.sample))) for name in alone}
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


def _is_without_any(view: _Part, name: str) -> bool:
    """Return whether rows may have been lost because they share a value with another one, none of which stayed."""
    import numpy as np

    if _has_twins(view, [name], Budget(len(view.kept))):
        return False
    return (
        not has_duplicates(view.main.hashes(name)[view.kept])
        and not np.isin(view.main.hashes(name)[view.sample], view.main.hashes(name)[view.kept]).any()
    )


def _joint(main: Frame, columns: Collection[str], rows: Rows) -> Hashes:
    import numpy as np

    total = np.zeros(len(rows), np.uint64)
    for place, name in enumerate(columns):
        total += salted(main.hashes(name)[rows], place)
    return total


def _has_twins(view: _Part, columns: list[str], budget: Budget) -> bool:
    """Return whether every row of the sample equals a kept row in these columns."""
    import numpy as np

    if not budget.take(len(columns) * len(view.kept), TEXT_UNITS):
        return False
    wanted = np.unique(_joint(view.main, columns, view.sample))
    _, places = places_of(wanted, _joint(view.main, columns, view.kept))
    return len(np.unique(places)) == len(wanted)


def _explained(view: _Part, columns: tuple[str, ...]) -> Duplicates | None:
    import numpy as np

    kept, lost = _joint(view.main, columns, view.kept), _joint(view.main, columns, view.lost)
    if has_duplicates(kept):
        return None
    order = np.argsort(kept)
    places = np.searchsorted(kept[order], lost)
    places[places == len(kept)] = 0
    twins = kept[order][places] == lost
    if twins.all():
        return Duplicates(columns, *_kept(view, columns, view.kept[order[places]]))
    if not twins.any():
        _, counts = np.unique(lost, return_counts=True)
        return Duplicates(columns, "none") if (counts > 1).all() else None
    return None


def _kept(view: _Part, columns: tuple[str, ...], twin: Rows) -> tuple[str, str]:
    """Return the row of each group that stayed, and the column that it is the highest or lowest of.

    Args:
        view: The rows.
        columns: The columns that define a duplicate.
        twin: For each lost row the row that stayed.
    """

    if (twin < view.lost).all():
        return "first", ""
    if (twin > view.lost).all():
        return "last", ""
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
            return "any", ""
    _, keep, by = max(found)
    return keep, by
