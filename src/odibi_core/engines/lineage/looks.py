"""`Look`: some rows of a frame, evenly spaced, so that a later frame can be compared with it as it was."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from types import NoneType
from typing import Any, Final

from odibi_core.engines import frame_pandas
from odibi_core.engines.frame_narwhals import PLAIN
from odibi_core.engines.frame_polars import is_polars
from odibi_core.engines.stats_pandas import values_at
from odibi_core.errors import STOPS

ROWS: Final = 64
MOST_COLUMNS: Final = 100
Values = tuple[Hashable, ...]


class Look:
    """The values of a frame at some rows, by column.

    Args:
        frame: The frame: of pandas or polars as it is, so that narwhals need not be imported, or as narwhals has it.
        is_pandas: True if it is one of pandas.
    """

    def __init__(self, frame: Any, *, is_pandas: bool) -> None:
        self.frame = frame
        self._is_pandas = is_pandas
        self.height = len(frame)
        self.places = spread(self.height)
        self.columns = [str(name) for name in list(frame.columns)[:MOST_COLUMNS]]
        self.values = self.at(self.places)

    def at(self, places: Sequence[int]) -> dict[str, Values]:
        """Return the values at these rows as they are now, of the columns that are still there."""
        present = set(self.frame.columns)
        names = [name for name in self.columns if name in present]
        ascending = sorted(set(places))
        found = {name: values_of(column) for name, column in self._taken(names, ascending)}
        if len(ascending) == len(places) and ascending == list(places):
            return found
        order = {place: at for at, place in enumerate(ascending)}
        rows = [order[place] for place in places]
        return {name: tuple([values[row] for row in rows]) for name, values in found.items()}

    def _taken(self, names: list[str], places: list[int]) -> Iterator[tuple[str, list[Any]]]:
        """Yield columns with their values at some rows."""
        if self._is_pandas:
            yield from ((name, values_at(self.frame[name], places)) for name in names)
            return
        whole = self.frame if len(names) == len(self.frame.columns) else self.frame[names]
        yield from whole[places].to_dict(as_series=False).items()

    def _listed(self, column: Any, places: list[int]) -> list[Any]:
        found: list[Any] = column.iloc[places].tolist() if self._is_pandas else column[places].to_list()
        return found

    def search(self, name: str, wanted: Sequence[Hashable], most: int) -> list[tuple[int, Hashable]] | None:
        """Return the rows that have one of the values in a column, with their values; None if there are too many."""
        column = self.frame[name]
        if self._is_pandas:
            places = column.isin(list(wanted)).to_numpy().nonzero()[0].tolist()
        else:
            places = column.is_in(list(wanted)).arg_true().to_list()
        if len(places) > most:
            return None
        return list(zip(places, values_of(self._listed(column, places)), strict=True))

    def has_all(self, name: str, wanted: Sequence[Hashable]) -> bool:
        """Return whether each of the values is in a column."""
        column = self.frame[name]
        if self._is_pandas:
            found = column[column.isin(list(wanted))].unique().tolist()
        else:
            found = column.filter(column.is_in(list(wanted))).unique().to_list()
        return set(wanted) <= set(values_of(found))

    def labels(self, places: Sequence[int]) -> Any:
        """Return the labels of pandas at these rows; None for another library."""
        return self.frame.index[list(places)] if self._is_pandas else None

    def rows_of(self, labels: Any) -> list[int | None] | None:
        """Return the rows that have these labels of pandas; None if they name no rows of this frame."""
        index = self.frame.index if self._is_pandas else None
        if index is None or labels is None or not index.is_unique or index.dtype != labels.dtype:
            return None
        found = [int(place) for place in index.get_indexer(labels)]
        return [None if place < 0 else place for place in found]


def look_of(value: Any) -> Look | None:
    """Return a look at an eager frame of a known library; None for any other value."""
    try:
        if frame_pandas.face(value) is not None:
            is_plain = hasattr(value, "columns") and value.columns.is_unique
            return Look(value, is_pandas=True) if is_plain else None
        if isinstance(value, PLAIN) or not hasattr(type(value), "columns"):
            return None
        if is_polars(value):
            return Look(value, is_pandas=False) if hasattr(value, "height") else None
        import narwhals

        seen = narwhals.from_native(value, pass_through=True, eager_only=True)
        return Look(seen, is_pandas=False) if isinstance(seen, narwhals.DataFrame) else None
    except STOPS:
        raise
    except BaseException:  # columns of one name twice, labels that are no texts
        return None


def spread(height: int) -> list[int]:
    """Return up to `ROWS` rows, evenly spaced over all."""
    if height <= ROWS:
        return list(range(height))
    return [place * (height - 1) // (ROWS - 1) for place in range(ROWS)]


_SAME: Final = (frozenset({int}), frozenset({str}), frozenset({int, NoneType}), frozenset({str, NoneType}))
"""Types of values that equal those of another library as they are."""


def values_of(column: list[Any]) -> Values:
    """Return the values of a column in the form of `plain`."""
    kinds = set(map(type, column))
    if kinds in _SAME:
        return tuple(column)
    if kinds == {float}:
        return tuple([_whole(value) for value in column])
    return tuple(map(plain, column))


def _whole(value: float) -> Hashable:
    """Return a whole float as an int, and NaN as None."""
    return int(value) if value.is_integer() else value if value == value else None


def plain(value: Any) -> Hashable:
    """Return a value that equals an equal one of another library: missing ones are None, whole floats are ints."""
    if value is None or type(value).__name__ == "NAType" or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value  # type: ignore[no-any-return]
