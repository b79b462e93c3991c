"""`Look`: some rows of a frame, evenly spaced, so that a later frame can be compared with it as it was."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final

from odibi_core.engines.frame_narwhals import PLAIN
from odibi_core.errors import STOPS

ROWS: Final = 64
MOST_COLUMNS: Final = 100
Values = tuple[Hashable, ...]


class Look:
    """The values of a frame at some rows, by column.

    Args:
        frame: The frame as narwhals has it.
    """

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.height = len(frame)
        self.places = spread(self.height)
        self.columns = list(frame.columns)[:MOST_COLUMNS]
        self.values = self.at(self.places)

    def at(self, places: Sequence[int]) -> dict[str, Values]:
        """Return the values at these rows as they are now, of the columns that are still there."""
        present = set(self.frame.columns)
        names = [name for name in self.columns if name in present]
        taken = self.frame.select(names)[list(places)] if names else self.frame
        return {name: tuple(map(plain, taken[name].to_list())) for name in names}

    def labels(self, places: Sequence[int]) -> Any:
        """Return the labels of pandas at these rows; None for another library and for a default index."""
        index = getattr(self.frame.to_native(), "index", None)
        return None if index is None else index[list(places)]

    def rows_of(self, labels: Any) -> list[int | None] | None:
        """Return the rows that have these labels of pandas; None if they name no rows of this frame."""
        index = getattr(self.frame.to_native(), "index", None)
        if index is None or labels is None or not index.is_unique or index.dtype != labels.dtype:
            return None
        found = [int(place) for place in index.get_indexer(labels)]
        return [None if place < 0 else place for place in found]


def look_of(value: Any) -> Look | None:
    """Return a look at an eager frame of a known library; None for any other value."""
    if isinstance(value, PLAIN):
        return None
    import narwhals

    try:
        seen = narwhals.from_native(value, pass_through=True, eager_only=True)
        return Look(seen) if isinstance(seen, narwhals.DataFrame) else None
    except STOPS:
        raise
    except BaseException:  # columns of one name twice, labels that are no texts
        return None


def spread(height: int) -> list[int]:
    """Return up to `ROWS` rows, evenly spaced over all."""
    if height <= ROWS:
        return list(range(height))
    return [place * (height - 1) // (ROWS - 1) for place in range(ROWS)]


def plain(value: Any) -> Hashable:
    """Return a value that equals an equal one of another library: missing ones are None, whole floats are ints."""
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value  # type: ignore[no-any-return]
