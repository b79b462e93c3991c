"""The differences that follow from another one: at the steps after it, and in the columns of its own step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from odibi_core.history.comparison.difference import Difference

_OF_ROWS: Final = frozenset({"rows", "join"})


class Begun(NamedTuple):
    """A difference at the step where it begins, and those that follow from it."""

    first: Difference
    following: list[Difference]


def begun(notable: Sequence[Difference], *, with_columns: bool = False) -> list[Begun]:
    """Return the differences that begin at their step, in order, each with those that follow from it.

    A step that failed stands for itself, and so does a difference whose origin is none of the given ones.

    Args:
        notable: The differences.
        with_columns: Let the values of columns follow from another number of rows of their step.
    """
    found: list[Begun] = []
    leaders: dict[str | None, Begun] = {}
    rows = {each.node for each in notable if with_columns and each.follows_from is None and _is_of_rows(each)}
    rest = []
    for each in notable:
        if _follows(each, rows):
            rest.append(each)
            continue
        found.append(Begun(each, []))
        known = leaders.get(each.node)
        if each.follows_from is None and (known is None or (_is_of_rows(each) and not _is_of_rows(known.first))):
            leaders[each.node] = found[-1]
    for each in rest:
        leader = leaders.get(each.follows_from or each.node)
        if leader is None:
            found.append(Begun(each, []))
        else:
            leader.following.append(each)
    return found


def _follows(each: Difference, rows: Collection[str | None]) -> bool:
    if each.follows_from is not None:
        return bool(each.after != "failed")
    return each.family == "values" and each.node in rows


def _is_of_rows(each: Difference) -> bool:
    return each.family in _OF_ROWS or each.kind == "no_rows"
