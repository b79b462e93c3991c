"""Column lineage by content: the column of an input that has the values of a column, row by row.

Some rows of the inputs are kept before the function runs. Afterwards, rows of its frame are found again in the inputs:
by their position, by the labels of pandas, or by the values of a column that both have. A column with the values of one
column of an input in all of these rows comes from it. Of a column with other values nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from odibi_core.engines.lineage.base import FrameColumns, Origin, Source
from odibi_core.engines.lineage.looks import Look, Values
from odibi_core.engines.lineage.row_maps import Rows, Searches, contained, row_maps

METHOD: Final = "content"
CHANGED: Final = "no column of its inputs has its values"
NO_TIME: Final = "its rows were not searched in the inputs, because the budget for lineage is spent"
_SURE: Final = 10
_ENOUGH: Final = 3
"""Distinct values from which a column under another name is the same one."""


class Match(NamedTuple):
    """A column of an input that has the values of a column in some rows."""

    key: str
    column: str
    rows: frozenset[int]
    is_same_name: bool


def content_columns(
    looks: Mapping[str, Look], made: Look, keys: Mapping[str, str], searches: Searches | None = None
) -> FrameColumns:
    """Return the origins of the columns of a frame.

    Args:
        looks: Looks at the inputs before the function ran, by logical name.
        made: A look at the frame.
        keys: The dataset keys of the inputs.
        searches: The time for searches; None for no bound.
    """
    searches = Searches() if searches is None else searches
    found: dict[str, list[Match]] = {name: [] for name in made.columns}
    for name, look in looks.items():
        for match, column in _matches(look, made, keys[name], searches):
            found[column].append(match)
    unknown = NO_TIME if searches.left_out else CHANGED
    return FrameColumns([_origin(column, made.values[column], found[column], unknown) for column in made.columns])


def _matches(look: Look, made: Look, key: str, searches: Searches) -> Iterator[tuple[Match, str]]:
    """Yield the columns of an input that columns of the frame come from."""
    best: dict[str, Match] = {}
    for rows in row_maps(look, made, searches):
        is_right = False
        for column, values in made.values.items():
            match = _match(rows, column, values, key)
            if match is not None and (column not in best or len(match.rows) > len(best[column].rows)):
                best[column] = match
                is_right |= len(match.rows) == len(values) and len(set(values)) >= _ENOUGH
        if is_right:  # every row was found: another way could find no more
            break
    if not best:
        best = {column: Match(key, column, _all(values), True) for column, values in contained(look, made, searches)}
    yield from ((match, column) for column, match in best.items())


def _all(values: Values) -> frozenset[int]:
    return frozenset(range(len(values)))


def _match(rows: Rows, column: str, values: Values, key: str) -> Match | None:
    mapped = rows.mapped
    if not mapped:
        return None
    own = rows.chosen(values)
    if rows.of(column) == own:
        return Match(key, column, mapped, True) if any(each is not None for each in own) else None
    if len(set(own) - {None}) < (2 if len(own) >= 2 * _SURE else _ENOUGH) or _is_sequence(own):
        return None  # too few to be no coincidence, or numbers that any code can make
    others = [name for name in rows.names_with(own) if name != column]
    return Match(key, others[0], mapped, False) if len(others) == 1 else None


def _is_sequence(values: Sequence[Any]) -> bool:
    """Return whether values are whole numbers with equal steps, such as a rank or a new id."""
    if not all(type(each) is int for each in values):
        return False
    return len({second - first for first, second in pairwise(values)}) == 1


def _origin(column: str, values: Values, matches: Sequence[Match], unknown: str) -> Origin:
    """Return the origin of a column; every row with a value must be one of an input."""
    same = [match for match in matches if match.is_same_name]
    missing = {place for place, value in enumerate(values) if value is not None}
    used: list[Match] = []
    for match in sorted(same or matches, key=lambda match: -len(match.rows)):
        if missing & match.rows:
            missing -= match.rows
            used.append(match)
    if missing or not used:
        return Origin(column, None, unknown=unknown)
    if not same and len({match.column for match in matches}) > 1:
        return Origin(column, None, unknown="several columns of its inputs have its values")
    confidence = 0.99 if len(set(values)) >= _SURE else 0.95 if same else 0.9
    return Origin(column, tuple(Source(match.key, match.column) for match in used), METHOD, confidence)
