"""Ways from columns of tables to a column of a SELECT, and how they are joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from odibi_core.engines.lineage.base import DIRECT, INDIRECT

Way = tuple[str, str, bool]
"""The fields of a `Transformation`."""
Ways = dict[tuple[str, str], set[Way]]
"""By table and column: the ways from there."""
Tables = Mapping[str, tuple[str, Sequence[str]]]
"""By name in lower case: the name and the columns of a table."""

IDENTITY: Final[Way] = (DIRECT, "IDENTITY", False)
CHANGED: Final[Way] = (DIRECT, "TRANSFORMATION", False)
_ORDER: Final = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")


class NotResolvedError(Exception):
    """A query has a part that is not resolved; the message has the reason."""


class Columns(NamedTuple):
    """The columns of a scope, by name in order, each with its ways or the reason why they are unknown."""

    columns: dict[str, Ways | str]
    indirect: Ways
    """The columns that decide about its rows."""


def indirect(subtype: str) -> Way:
    """Return the way of a column that decides about values or rows."""
    return INDIRECT, subtype, False


def then(first: Way, second: Way) -> Way:
    """Return the way along two ways; one that is indirect anywhere is indirect."""
    masking = first[2] or second[2]
    for way in (second, first):
        if way[0] == INDIRECT:
            return INDIRECT, way[1], masking
    return DIRECT, max(first[1], second[1], key=_ORDER.index), masking


def add(found: Ways, ways: Ways, way: Way | None) -> None:
    """Add ways that are followed by another one; None for nothing."""
    for column, each in ways.items():
        found.setdefault(column, set()).update(each if way is None else {then(inner, way) for inner in each})


def merged(parts: Iterable[Ways]) -> Ways:
    """Return the ways of all parts."""
    found: Ways = {}
    for each in parts:
        add(found, each, None)
    return found


def either(first: Ways | str, second: Ways | str) -> Ways | str:
    """Return the ways of two columns that are one below the other; unknown if one of them is."""
    if isinstance(first, str) or isinstance(second, str):
        return first if isinstance(first, str) else second
    return merged([first, second])
