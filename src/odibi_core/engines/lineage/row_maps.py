"""Rows of a frame that are found again in an input: by position, by label, by the values of a common column."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from odibi_core.engines.lineage.looks import Look, Values

_MOST_FOUND: Final = 4_096
"""Rows of an input that may have one of the searched values."""
_MOST_KEYS: Final = 2
_ROW_S: Final = 100e-9
"""The expected time of a row of a column that is searched."""


class Searches:
    """The time for searches of values in columns of inputs.

    Args:
        seconds: All of it.
        pace: The time that measurements took so far, in units of the expected time.
    """

    def __init__(self, seconds: float = math.inf, pace: float = 1.0) -> None:
        self._left_s = seconds
        self._pace = pace
        self.left_out = 0
        """Searches for which there was no time."""

    def may(self, rows: int) -> bool:
        """Return whether there is time to search a column of so many rows, and take it."""
        expected_s = rows * _ROW_S * self._pace
        if expected_s > self._left_s:
            self.left_out += 1
            return False
        self._left_s -= expected_s
        return True


class Rows:
    """For each row of a look at a frame, the row of an input; None if there is none.

    Args:
        places: The rows of the input.
        values: The values of the input at the rows that are there, by column.
    """

    def __init__(self, places: Sequence[int | None], values: dict[str, Values]) -> None:
        self.places = places
        self.mapped = frozenset(place for place, row in enumerate(places) if row is not None)
        """The rows of the look that are found again."""
        self._values = values
        self._by_values: dict[Values, list[str]] | None = None

    def of(self, column: str) -> Values | None:
        """Return the values of a column of the input; None if it has no such column, or if it was changed in place."""
        return self._values.get(column)

    def chosen(self, values: Values) -> Values:
        """Return those of the values of a column of the frame whose rows are found again."""
        if len(self.mapped) == len(values):
            return values
        return tuple(value for value, row in zip(values, self.places, strict=False) if row is not None)

    def names_with(self, values: Values) -> list[str]:
        """Return the columns of the input with these values."""
        if self._by_values is None:
            self._by_values = {}
            for name, each in self._values.items():
                self._by_values.setdefault(each, []).append(name)
        return self._by_values.get(values, [])


def row_maps(look: Look, made: Look, searches: Searches) -> Iterator[Rows]:
    """Yield the ways in which rows of a frame may be rows of an input; a wrong way has no columns in common."""
    if made.height == look.height:
        yield Rows(list(look.places), look.values)  # as it was before the function ran
    if len(look.frame) != look.height:
        return
    labelled = look.rows_of(made.labels(made.places)) or []
    places = [place for place in labelled if place is not None]
    unchanged, found = _read(look, places)
    if places and unchanged:
        yield Rows(labelled, found)
    for by_key in _by_keys(look, made, unchanged, searches):
        yield Rows(by_key, _read(look, [place for place in by_key if place is not None])[1])


def _read(look: Look, places: Sequence[int]) -> tuple[set[str], dict[str, Values]]:
    """Return the columns of an input that the function did not change, as far as its look shows, and their values."""
    now, seen = look.at([*look.places, *places]), len(look.places)
    unchanged = {name for name, values in now.items() if values[:seen] == look.values[name]}
    return unchanged, {name: now[name][seen:] for name in unchanged}


def _by_keys(look: Look, made: Look, unchanged: set[str], searches: Searches) -> Iterator[list[int | None]]:
    """Yield rows that have the values of a column which both frames have, the most distinct one first."""
    common = [name for name in made.columns if name in unchanged and len(set(made.values[name]) - {None}) > 1]
    common.sort(key=lambda name: -len(set(made.values[name])))
    for name in common[:_MOST_KEYS]:
        if not searches.may(look.height):
            return
        found = _rows_with(look, name, made.values[name])
        if found is not None:
            yield [found.get(value) for value in made.values[name]]


def _rows_with(look: Look, name: str, values: Values) -> dict[Hashable, int] | None:
    """Return the row of each value of a column; None if a value is in several rows, or none can be searched."""
    wanted = [value for value in dict.fromkeys(values) if value is not None]
    try:
        rows = look.search(name, wanted, _MOST_FOUND)
    except Exception:  # a type that cannot be compared
        return None
    found: dict[Hashable, int] = {}
    for place, value in rows or ():
        if found.setdefault(value, place) != place:
            return None
    return found or None


def contained(look: Look, made: Look, searches: Searches) -> Iterator[tuple[str, Values]]:
    """Yield the columns of texts or times whose values are all in the column of that name of an input.

    It is for frames of other rows than the input's, such as one row for each group.
    """
    if made.height == look.height:
        return
    unchanged, _ = _read(look, ()) if len(look.frame) == look.height else (set(), {})
    for name, values in made.values.items():
        wanted = [value for value in dict.fromkeys(values) if value is not None]
        if name not in unchanged or len(wanted) < 2 or isinstance(wanted[0], int | float | bool):
            continue
        if not searches.may(look.height):
            return
        try:
            if look.has_all(name, wanted):
                yield name, values
        except Exception:  # a type that cannot be compared
            continue
