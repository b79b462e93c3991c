"""The origin of an output: the input that its rows come from, its rows by number, its joins and unions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Budget
from odibi_core.insight.declared import Declared
from odibi_core.insight.fingerprints import found_share
from odibi_core.insight.frames.matching import has_duplicates, members
from odibi_core.insight.identity import identify
from odibi_core.insight.joins import Join, Sides, find_join
from odibi_core.insight.pairs import Identity, joint

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Frame, Mask, Rows

_ALL: Final = 0.98
_MOST_INPUTS: Final = 8
_GROUPS: Final = frozenset({"groupby", "group_by", "agg", "aggregate", "GROUP", "group", "pivot", "pivot_table"})


@dataclass
class Origin:
    """The rows of an output as rows of its main input.

    Args:
        name: The logical name of the main input.
        main: The main input.
        output: The output.
        identity: For each row of the output its row of the main input.
        counts: For each row of the main input its rows in the output.
        joins: The joins with other inputs.
        united: Names of the inputs that the other rows of the output come from.
        shape: cross join, union, aggregate, explode or fan-out, if one of these is certain.
        others: The other inputs by their logical names.
    """

    name: str
    main: Frame
    output: Frame
    identity: Identity
    counts: Rows
    joins: list[Join] = field(default_factory=list)
    united: list[str] = field(default_factory=list)
    shape: str = ""
    others: Mapping[str, Frame] = field(default_factory=dict)

    @property
    def lost(self) -> Mask:
        found: Mask = self.counts == 0
        return found

    @property
    def made(self) -> int:
        return int((self.identity.rows < 0).sum())

    @property
    def is_ordered(self) -> bool:
        found = self.identity.rows[self.identity.rows >= 0]
        return bool((found[1:] >= found[:-1]).all())


def find_origin(inputs: Mapping[str, Frame], output: Frame, declared: Declared, budget: Budget) -> Origin | None:
    """Return the origin of an output; None if its rows could not be identified."""
    import numpy as np

    best: tuple[tuple[Any, ...], str, Identity, Rows] | None = None
    for name in likely(inputs, output)[:_MOST_INPUTS]:
        main = inputs[name]
        identity = identify(main, output, budget)
        if identity is None:
            continue
        found = identity.rows[identity.rows >= 0]
        counts = np.bincount(found, minlength=main.height)
        share = len(found) / output.height
        is_single = counts.max() == 1
        # a lookup table has unique rows too; the rows that are looked up may have no key, but most of the columns
        is_main = is_single and (identity.is_unique or 2 * len(identity.same) >= len(output.names))
        rank = (share >= _ALL, is_main, identity.is_unique, is_single, len(identity.same), share)
        if best is None or rank > best[0]:
            best = (rank, name, identity, counts)
        if identity.is_unique and share == 1.0 and counts.max() == 1:
            break
    if best is None or best[0][-1] == 0:
        return None
    _, name, identity, counts = best
    others = {each: columns for each, columns in inputs.items() if each != name}
    origin = Origin(name, inputs[name], output, identity, counts, others=others)
    _add_others(origin, declared, budget)
    return origin


def likely(inputs: Mapping[str, Frame], output: Frame) -> list[str]:
    """Return the names of the inputs, the one first that shares most columns with the output."""
    shared = {name: sum(column in main for column in output.names) for name, main in inputs.items()}
    return sorted(inputs, key=lambda name: (-shared[name], -inputs[name].height))


def _add_others(origin: Origin, declared: Declared, budget: Budget) -> None:
    if _is_aggregate(origin, declared):
        origin.shape = "aggregate"
        return
    for name, other in origin.others.items():
        if other.height and _is_cross(origin, other):
            origin.shape = "cross join"
            continue
        if other.height and origin.made and _is_united(origin, other, budget):
            origin.united.append(name)
            continue
        sides = Sides(origin.main, origin.output, origin.identity, name, other)
        join = find_join(sides, declared.keys.get((origin.name, name), []), budget)
        if join is not None:
            origin.joins.append(join)
    if not origin.joins and not origin.shape:
        origin.shape = _shape(origin)


def _is_cross(origin: Origin, other: Frame) -> bool:
    new = [name for name in origin.output.names if name not in origin.main]
    return (
        other.height > 1
        and bool((origin.counts == other.height).all())
        and bool(new)
        and all(name in other for name in new)
        and not any(name in origin.main for name in other.names)
    )


def _is_united(origin: Origin, other: Frame, budget: Budget) -> bool:
    import numpy as np

    made = np.flatnonzero(origin.identity.rows < 0)
    return found_share(other, origin.output, made, budget) >= _ALL


def _shape(origin: Origin) -> str:
    if origin.united:
        return "union"
    if int(origin.counts.max()) > 1:
        nested = [
            name
            for name in origin.main.names
            if name in origin.output and origin.main.kind(name) == "other" != origin.output.kind(name)
        ]
        if nested:
            return "explode"
        return "union" if _is_repeated(origin) else "fan-out"
    return ""


def _is_repeated(origin: Origin) -> bool:
    """Return whether the output is the input several times, one after the other."""
    import numpy as np

    height = origin.main.height
    rows = origin.identity.rows
    return len(rows) % height == 0 and bool((rows.reshape(-1, height) == np.arange(height)).all())


def _is_aggregate(origin: Origin, declared: Declared) -> bool:
    identity, output = origin.identity, origin.output
    if identity.how != "fingerprint" or output.height >= origin.main.height or int(origin.counts.max()) > 1:
        return False
    new = [name for name in output.names if name not in origin.main]
    is_grouped = declared.names & _GROUPS and len(output.names) < len(origin.main.names)
    return (
        bool(new or identity.altered or is_grouped)
        and not identity.is_unique
        and not has_duplicates(joint(output, list(identity.same), of_output=True))
    )


def groups_lost(origin: Origin) -> Mask:
    """Return the rows of the main input whose group has no row in the output."""
    import numpy as np

    pairs = list(origin.identity.same)
    if not pairs:
        return np.zeros(origin.main.height, np.bool_)
    mine = joint(origin.main, pairs, of_output=False)
    return ~members(mine, joint(origin.output, pairs, of_output=True))
