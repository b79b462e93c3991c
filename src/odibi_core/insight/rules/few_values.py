"""The values of a column that nearly all of some rows have, and nearly no other row: `origin in {JFK, LGA}`.

All rows are counted by value, for columns of few values, at a cost of one unit a row. So a short rule that selects 99 %
is found before a search for an exact one, which would be long.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.base import SORTED_UNITS, TEXT_UNITS, Rule, Test
from odibi_core.insight.frames.matching import evenly
from odibi_core.insight.predicates.constants import as_constant
from odibi_core.insight.predicates.features import values_of_column
from odibi_core.insight.predicates.groups import codes_of
from odibi_core.insight.rules.causes import Context, Found, evaluated

if TYPE_CHECKING:
    import numpy as np

    from odibi_core.insight.frames.column import Column
    from odibi_core.insight.frames.frame import Mask, Rows

_MOST_VALUES: Final = 200
_SAMPLED: Final = 1_000
_ROOM: Final = 0.85
"""The share that decides in a sample."""
_MOST_LISTED: Final = 8
_MOST_COLUMNS: Final = 12
_COVERED: Final = 0.95
"""The share of the rows that the values must select."""
_WRONG: Final = 0.01
"""The share of other rows that they may select."""
_FEWEST: Final = 20
"""Rows of a value: of fewer, all of one side is a coincidence."""


def find_values(context: Context, names: Iterable[str], wanted: Mask, part: Mask) -> Found | None:
    """Return the rule of a few values of one of these columns, of the first that has one; None if none has.

    Args:
        context: The main input.
        names: The columns, the preferred one first.
        wanted: The rows that the rule must select.
        part: The rows that are looked at.
    """
    sample = _sample(wanted & part, part & ~wanted)
    for name in list(names)[:_MOST_COLUMNS]:
        if not context.budget.take(len(sample.rows), SORTED_UNITS):
            break
        if name not in context.main.names or not _may_decide(context.main.column(name), sample):
            continue
        if not context.budget.take(context.main.height, 2 * TEXT_UNITS):
            break
        rule = _rule(context.main.column(name), wanted & part, part)
        found = None if rule is None else evaluated(context, rule, wanted, part)
        if found is not None:
            return found
    return None


class _Sample(NamedTuple):
    """Rows of both sides; each of the others stands for `weight` rows, each of the wanted ones for one."""

    rows: Rows
    wanted: int
    weight: float


def _sample(wanted: Mask, others: Mask) -> _Sample:
    import numpy as np

    mine, rest = np.flatnonzero(wanted), np.flatnonzero(others)
    some, few = mine[evenly(len(mine), _SAMPLED)], rest[evenly(len(rest), _SAMPLED)]
    weight = (len(rest) / max(len(few), 1)) / (len(mine) / max(len(some), 1)) if len(mine) else 1.0
    return _Sample(np.concatenate([some, few]), len(some), weight)


def _may_decide(column: Column, sample: _Sample) -> bool:
    """Return whether a few values may decide in a sample, with some room for chance."""
    import numpy as np

    if column.kind not in ("number", "text", "bool", "date") or not sample.wanted:
        return False
    codes, different = codes_of(column.take(sample.rows))
    if not different or different > _MOST_VALUES:
        return False
    inside = np.bincount(codes[: sample.wanted] + 1, minlength=different + 1)[1:]
    outside = np.bincount(codes[sample.wanted :] + 1, minlength=different + 1)[1:] * sample.weight
    chosen = inside >= _ROOM * (inside + outside)
    return bool(inside[chosen].sum() >= _ROOM * sample.wanted)


def _rule(column: Column, wanted: Mask, part: Mask) -> Rule | None:
    import numpy as np

    codes, different = codes_of(column)
    if not 1 < different <= _MOST_VALUES:
        return None
    total = np.bincount(codes[part] + 1, minlength=different + 1)[1:]
    inside = np.bincount(codes[wanted] + 1, minlength=different + 1)[1:]
    chosen = np.flatnonzero((total >= _FEWEST) & (inside >= (1 - _WRONG) * total))
    right, selected = int(inside[chosen].sum()), int(total[chosen].sum())
    if not len(chosen) or right < _COVERED * int(wanted.sum()) or selected - right > _WRONG * right:
        return None
    if len(chosen) > _MOST_LISTED:
        return None
    firsts = np.array([int(np.argmax(codes == code)) for code in chosen])
    return Rule(((_test(column.name, _constants(column, firsts)),),))


def _test(name: str, constants: list[object]) -> Test:
    ordered = sorted(constants, key=lambda value: (str(type(value)), value))
    return Test("eq", (name,), ordered[0]) if len(ordered) == 1 else Test("in", (name,), ordered)


def _constants(column: Column, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[object]:
    """Return the values of these rows as constants of a rule."""
    some = column.take(rows)
    if column.kind == "text":
        return list(some.texts())
    values = values_of_column(some)
    return [as_constant(number, values) for number in values.numbers]
