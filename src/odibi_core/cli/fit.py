"""The columns of a table that fit a terminal, and their widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

GAP: Final = 2
_LEAST: Final = 10
"""Characters of the shortest useful text."""
_HEADER: Final = 16


class Column(msgspec.Struct, frozen=True):
    """The measures of a column: its widest cell, its header, and how it may be cut."""

    widest: int
    header: int
    is_text: bool = True
    """Text can be cut; half a number is a wrong one."""
    is_empty: bool = False
    """No cell has a value."""

    @property
    def natural(self) -> int:
        """The width at which nothing is cut."""
        return max(self.widest, self.header, 1)

    @property
    def least(self) -> int:
        """The smallest width at which the column is useful."""
        return min(self.natural, max(_LEAST, min(self.header, _HEADER))) if self.is_text else self.natural


def fit(columns: Sequence[Column], width: int) -> dict[int, int]:
    """Return the widths of the columns to show, by their place.

    Columns without a value are hidden first, then those at the end. The remaining width goes to texts that are cut.
    """
    places = range(len(columns))
    shown = list(places)
    for place in [each for each in reversed(places) if columns[each].is_empty] + list(reversed(places)):
        if place in shown and len(shown) > 1 and _room(columns, shown, width) < 0:
            shown.remove(place)
    widths = {place: columns[place].least for place in shown}
    room = _room(columns, shown, width)
    if room < 0:
        return {shown[0]: max(1, width)}
    while room and (cut := [place for place in shown if widths[place] < columns[place].natural]):
        narrowest = min(cut, key=lambda place: (widths[place], place))
        widths[narrowest] += 1
        room -= 1
    return widths


def _room(columns: Sequence[Column], shown: Sequence[int], width: int) -> int:
    return width - sum(columns[place].least for place in shown) - GAP * (len(shown) - 1)
