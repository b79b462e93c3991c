"""The join of an input with another one: its keys, the rows without a partner, and the columns that it brought.

A join is recognized by values. For each row of a sample, a column of the output must hold a value that the other input
has for the key of the row. It must hold none if the other input has not the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import Budget, Rule, Test
from odibi_core.insight.frames.frame import Frame, comparable
from odibi_core.insight.frames.hashes import salted
from odibi_core.insight.frames.matching import evenly, members, places_in, places_of
from odibi_core.insight.pairs import Identity

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Mask, Rows
    from odibi_core.insight.frames.hashes import Hashes

SAMPLE: Final = 256
_MOST_KEYS: Final = 4
_MOST_CANDIDATES: Final = 24
_MOST_BROUGHT: Final = 64
_SHARE: Final = 0.2
"""The share of a sample whose value the other input must have, for columns of two names to be taken for a key."""


class Keys(NamedTuple):
    """Columns of the main input and those of another one that a join may compare."""

    main: tuple[str, ...]
    other: tuple[str, ...]


class Join(NamedTuple):
    """A join of the main input with another one.

    Args:
        other: The logical name of the other input.
        keys: The columns that it compares.
        is_member: Rows of the main input whose key is in the other input.
        copies: For each row of the main input the rows of the other one with its key.
        brought: Columns of the output by the column of the other input that they hold.
        is_sure: The columns that were brought prove it; otherwise the rows that are lost must do.
        repeated: Keys of the other input that come more than once.
        total_keys: Keys of the other input.
        is_outer: The other rows of the output are rows of the other input without a partner.
    """

    other: str
    keys: Keys
    is_member: Mask
    copies: Rows
    brought: dict[str, str]
    is_sure: bool
    repeated: int
    total_keys: int
    is_outer: bool = False

    def looked_up(self, main: Frame, other: Frame) -> Rows:
        """Return for each row of the main input the first row of the other one with its key, -1 without one."""
        import numpy as np

        mine, _ = _key_hashes(main, other, self.keys, None)
        theirs, _ = _key_hashes(other, main, Keys(self.keys.other, self.keys.main), None)
        return np.where(self.is_member, places_in(theirs, mine), -1)


class Sides(NamedTuple):
    """The frames of a join that is looked for.

    Args:
        main: The main input.
        output: The output.
        identity: The rows of the output as rows of the main input.
        name: The logical name of the other input.
        other: The other input.
    """

    main: Frame
    output: Frame
    identity: Identity
    name: str
    other: Frame

    @property
    def kept(self) -> Mask:
        """The rows of the main input that the output has."""
        import numpy as np

        kept = np.zeros(self.main.height, np.bool_)
        kept[self.identity.rows[self.identity.rows >= 0]] = True
        return kept


def find_join(sides: Sides, declared: list[Keys], budget: Budget) -> Join | None:
    """Return the join of the main input with another one; None if none can be shown."""
    import numpy as np

    if not sides.other.height:
        return _without_any(sides, declared, _new_columns(sides))
    known = np.flatnonzero(sides.identity.rows >= 0)
    sample = known[evenly(len(known), SAMPLE)]
    new = _new_columns(sides)
    unsure: Join | None = None
    for number, keys in enumerate(_candidates(sides, declared, new)):
        if number >= _MOST_CANDIDATES or not budget.take(sides.main.height + sides.other.height):
            break
        found = _joined(sides, keys, (sample, new))
        if found is not None and found.is_sure:
            return found
        unsure = unsure or found
    return unsure or _without_any(sides, declared, new)


def _without_any(sides: Sides, declared: list[Keys], new: list[str]) -> Join | None:
    """Return a join in which no row has a partner: all columns of the other input are null; None if it is none."""
    import numpy as np

    brought = {name: base for name in new if (base := name if name in sides.other else _base(name, sides.other))}
    if not brought or not all(bool(sides.output.column(name).nulls.all()) for name in brought):
        return None
    rule = without_partners(sides.main, sides.other, sides.name, declared)
    if rule is None:
        return None
    test = rule.any_of[0][0]
    nothing = np.zeros(sides.main.height, np.int64)
    return Join(
        sides.name, Keys(test.columns, test.keys), nothing.astype(np.bool_), nothing, brought, is_sure=True,
        repeated=0, total_keys=sides.other.height,
    )  # fmt: skip


def _new_columns(sides: Sides) -> list[str]:
    """Return the columns of the output that are none of the main input."""
    taken = {pair.output for pair in (*sides.identity.same, *sides.identity.altered)}
    return [name for name in sides.output.names if name not in taken][:_MOST_BROUGHT]


def _candidates(sides: Sides, declared: list[Keys], new: list[str]) -> Iterator[Keys]:
    """Yield the keys that the source declares, then shared names and parts of them, then columns of equal values."""
    seen: set[Keys] = set()
    for keys in chain(declared, _by_names(sides, new), _by_values(sides)):
        if keys not in seen and all(
            comparable(sides.main, sides.other, first, second)[0]
            for first, second in zip(keys.main, keys.other, strict=True)
        ):
            seen.add(keys)
            yield keys


def _by_names(sides: Sides, new: list[str]) -> Iterator[Keys]:
    shared = [name for name in sides.other.names if name in sides.main]
    twice = {name for name in shared if any(each != name and each.startswith(name) for each in new)}
    once = tuple(name for name in shared if name not in twice)
    if once:
        yield Keys(once, once)
    parts = shared[:8]
    for size in range(1, min(_MOST_KEYS, len(parts)) + 1):
        for part in combinations(parts, size):
            yield Keys(part, part)


def _by_values(sides: Sides) -> Iterator[Keys]:
    """Yield pairs of columns with common values, the pair first that most of a sample has in common."""
    import numpy as np

    sample = evenly(sides.main.height, SAMPLE)
    found: list[tuple[float, Keys]] = []
    names = [name for name in sides.main.names[:_MOST_BROUGHT] if sides.main.kind(name) not in ("other", "none")]
    for key in sides.other.names[:16]:
        there = evenly(sides.other.height, SAMPLE)
        if sides.other.kind(key) in ("other", "none") or key in sides.main:
            continue
        for name in names:
            can, as_float = comparable(sides.main, sides.other, name, key)
            if not can:
                continue
            known = sides.other.hashes(key, as_float=as_float)
            spread = len(np.unique(known[there])) / max(len(there), 1)
            wanted = sides.main.hashes(name, sample, as_float=as_float)
            share = float((members(wanted, known) & (wanted != 0)).mean()) if spread > 0.5 else 0.0
            if share >= _SHARE:
                found.append((share * spread, Keys((name,), (key,))))
    yield from (keys for _, keys in sorted(found, key=lambda each: -each[0])[:8])


def _joined(sides: Sides, keys: Keys, looked_at: tuple[Rows, list[str]]) -> Join | None:
    import numpy as np

    sample, new = looked_at
    theirs = _key_hashes(sides.other, sides.main, Keys(keys.other, keys.main), None)[0]
    rows = sides.identity.rows[sample]
    some = _members(sides, keys, theirs, rows)
    brought = _brought(sides, new, (*some, theirs), (sample, set(keys.other)))
    others = [name for name in new if name in sides.other or _base(name, sides.other)]
    if brought is None or (not brought and (others or not _may_select(sides, keys, theirs, some[1]))):
        return None
    mine, is_member = _members(sides, keys, theirs, None)
    if not brought and not _explains_loss(sides.kept, is_member):
        return None
    known, counts = np.unique(theirs, return_counts=True)
    return Join(
        sides.name,
        keys,
        is_member,
        _copies(mine, (known, counts), is_member),
        brought,
        is_sure=(bool(brought) and bool(some[1].any())) or not others,
        repeated=int((counts > 1).sum()),
        total_keys=len(known),
        is_outer=_is_outer(sides, keys, (mine, theirs)),
    )


def _members(sides: Sides, keys: Keys, theirs: Hashes, rows: Rows | None) -> tuple[Hashes, Mask]:
    """Return the keys of these rows of the main input, and which of them the other input has.

    A missing value is a key only in pandas, which joins on it.
    """
    mine, null = _key_hashes(sides.main, sides.other, keys, rows)
    is_member = members(mine, theirs)
    return mine, is_member if sides.main.library == "pandas" else is_member & ~null


def _may_select(sides: Sides, keys: Keys, theirs: Hashes, kept: Mask) -> bool:
    """Return whether a sample of rows agrees with a choice of the rows with a partner, or of those without."""
    import numpy as np

    lost = np.flatnonzero(~sides.kept)
    if not sides.identity.is_unique or not len(lost) or (kept.any() and not kept.all()):
        return False
    gone = _members(sides, keys, theirs, lost[evenly(len(lost), SAMPLE)])[1]
    return not gone.all() if kept.any() else bool(gone.any())


def _is_outer(sides: Sides, keys: Keys, hashes: tuple[Hashes, Hashes]) -> bool:
    """Return whether the rows of the output that are none of the main input have keys of the other one alone."""
    import numpy as np

    made = np.flatnonzero(sides.identity.rows < 0)
    if not len(made):
        return False
    for names in (keys.other, keys.main):
        if all(name in sides.output for name in names):
            total = np.zeros(len(made), np.uint64)
            for place, (name, mine, other) in enumerate(zip(names, keys.main, keys.other, strict=True)):
                can, _ = comparable(sides.output, sides.other, name, other)
                _, as_float = comparable(sides.main, sides.other, mine, other)
                if not can:
                    return False
                total += salted(sides.output.hashes(name, made, as_float=as_float), place)
            if members(total, hashes[1]).all() and not members(total, hashes[0]).any():
                return True
    return False


def _explains_loss(kept: Mask, is_member: Mask) -> bool:
    """Return whether the rows that are lost are those with, or those without, a partner."""
    if kept.all() or is_member.all() or not is_member.any():
        return False
    return bool((kept == is_member).all() or (kept != is_member).all() or not (kept & ~is_member).any())


def _key_hashes(main: Frame, other: Frame, keys: Keys, rows: Rows | None) -> tuple[Hashes, Mask]:
    """Return a number for the key of each of these rows, and the rows with a missing value in it."""
    import numpy as np

    height = main.height if rows is None else len(rows)
    total, null = np.zeros(height, np.uint64), np.zeros(height, np.bool_)
    for place, (name, key) in enumerate(zip(keys.main, keys.other, strict=True)):
        _, as_float = comparable(main, other, name, key)
        hashes = main.hashes(name, rows, as_float=as_float)
        null |= hashes == 0
        total += salted(hashes, place)
    return total, null


def _copies(mine: Hashes, theirs: tuple[Hashes, Rows], is_member: Mask) -> Rows:
    """Return for each row the number of rows of the other input with its key."""
    import numpy as np

    known, counts = theirs
    if not len(known) or counts.max() == 1:
        return is_member.astype(np.int64)
    places = places_in(known, mine)
    return np.where(is_member & (places >= 0), counts[places], 0)


def _base(name: str, other: Frame) -> str:
    """Return the column of the other input that a name with a suffix or a prefix stands for; empty if there is none."""
    matches = [each for each in other.names if len(each) > 1 and (name.startswith(each) or name.endswith(each))]
    return max(matches, key=len, default="")


def _brought(
    sides: Sides, new: list[str], keys: tuple[Hashes, Mask, Hashes], at: tuple[Rows, set[str]]
) -> dict[str, str] | None:
    """Return the columns of the output that hold values of the other input; None if one contradicts its own name."""
    import numpy as np

    (mine, is_member, theirs), (sample, key_names) = keys, at
    brought: dict[str, str] = {}
    for name in new:
        if sides.output.kind(name) == "other":
            continue
        named = [each for each in (name, _base(name, sides.other)) if each in sides.other]
        rest = [each for each in sides.other.names[:_MOST_BROUGHT] if each not in named and each not in key_names]
        for column in dict.fromkeys(named + rest):
            can, as_float = comparable(sides.other, sides.output, column, name)
            if not can:
                continue
            found = sides.output.hashes(name, sample, as_float=as_float)
            if not (found[~is_member] == 0).all() or not (found[is_member] != 0).any():
                continue
            pair = theirs + salted(sides.other.hashes(column, as_float=as_float), 99)
            wanted = np.unique((mine + salted(found, 99))[is_member])
            if len(np.unique(places_of(wanted, pair)[1])) == len(wanted):
                brought[name] = column
                break
        if name in sides.other and name not in brought and sides.output.kind(name) != "none" and is_member.any():
            return None
    return brought


def without_partners(main: Frame, other: Frame, name: str, declared: list[Keys]) -> Rule | None:
    """Return the rule of a join in which no row has a partner, by its declared or shared keys; None if some have."""
    shared = tuple(each for each in main.names if each in other)
    for keys in (*declared, *([Keys(shared, shared)] if shared else [])):
        pairs = zip(keys.main, keys.other, strict=True)
        if not main.height or not all(comparable(main, other, first, second)[0] for first, second in pairs):
            continue
        mine, _ = _key_hashes(main, other, keys, None)
        theirs, _ = _key_hashes(other, main, Keys(keys.other, keys.main), None)
        if not members(mine, theirs).any():
            return Rule(((Test("not_in_input", keys.main, None, name, keys.other),),))
    return None
