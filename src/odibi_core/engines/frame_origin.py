"""Evidence that a frame was made from another one: a view, a copy, a selection of its rows or columns.

pandas hands the label objects of a frame to the frames made from it; polars and pyarrow share the memory of columns.
Without either (a filtered polars frame, a join), nothing is known.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, Final, TypeVar

_COLUMNS: Final = 4
"""Columns of a frame whose memory is looked at."""
_LABELS: Final = 10_000
"""Columns whose names are kept as evidence, so that next to nothing is kept alive."""
_FRAMES: Final = {
    "pandas": frozenset({"DataFrame", "Series"}),
    "polars": frozenset({"DataFrame", "Series"}),
    "pyarrow": frozenset({"Table", "RecordBatch"}),
}

Range = tuple[int, int]
T = TypeVar("T")


class Origin:
    """The identity of a frame's labels and memory, by which frames made from it are recognized. Keeps no data alive."""

    __slots__ = ("_columns", "_index", "_memory", "_owner")

    def __init__(self, frame: Any) -> None:
        self._owner = weakref.ref(frame)
        columns, index = _labels(frame)
        self._columns = columns if columns is not None and 0 < len(columns) <= _LABELS else None
        self._index = None if index is None or len(index) == 0 else weakref.ref(index)
        self._memory: list[Range] | None = None

    def likeness(self, frame: Any, memory: list[Range]) -> int:
        """Return the strength of the evidence that `frame`, with this memory, was made from this one; 0 for none."""
        found = 0
        columns, index = _labels(frame)
        own_index = None if self._index is None else self._index()
        if columns is not None and self._columns is not None and columns.is_(self._columns):
            found += 2
        if index is not None and own_index is not None and index.is_(own_index):
            found += 1
        owner = self._owner()
        if owner is not None and _inside(memory, self._memory_of(owner)):
            found += 4
        return 2 * found + (owner is not None) if found else 0

    def _memory_of(self, owner: Any) -> list[Range]:
        """Return the memory of the living frame, which is looked at only if another frame is compared with it."""
        if self._memory is None:
            self._memory = _memory(owner)
        return self._memory


def is_traceable(value: Any) -> bool:
    """Return true for a frame or a column whose origin can be recognized."""
    return any(base.__name__ in _FRAMES.get(str(base.__module__).partition(".")[0], ()) for base in type(value).__mro__)


def most_alike(frame: Any, origins: Iterable[tuple[Origin, T]]) -> T | None:
    """Return the companion of the origin with the strongest evidence; of equals the first."""
    memory, best, found = _memory(frame), 0, None
    for origin, beside in origins:
        likeness = origin.likeness(frame, memory)
        if likeness > best:
            best, found = likeness, beside
    return found


def _labels(frame: Any) -> tuple[Any, Any]:
    """Return the columns and the index of a pandas frame, which can be compared with those of another by identity."""
    columns, index = getattr(frame, "columns", None), getattr(frame, "index", None)
    return (columns if hasattr(columns, "is_") else None), (index if hasattr(index, "is_") else None)


def _memory(frame: Any) -> list[Range]:
    """Return the memory ranges of the first columns, as far as they are known without a copy."""
    ranges: list[Range] = []
    for column in _first_columns(frame):
        try:
            ranges += _of_column(column)
        except Exception:  # text, nulls, extension types: only in a copy
            continue
    return ranges


def _first_columns(frame: Any) -> list[Any]:
    if type(frame).__name__ == "Series":
        return [frame]
    if hasattr(frame, "iloc"):
        return [frame.iloc[:, place] for place in range(min(_COLUMNS, frame.shape[1]))]
    if hasattr(frame, "get_columns"):
        return list(frame.get_columns()[:_COLUMNS])
    return list(getattr(frame, "columns", ())[:_COLUMNS])


def _of_column(column: Any) -> list[Range]:
    if hasattr(column, "iloc"):  # pandas: NumPy's own types lie where they lie
        return [_range(column.to_numpy())] if getattr(column.dtype, "kind", "O") in "biufmM" else []
    if hasattr(column, "to_physical"):  # polars
        return [_range(column.to_physical().to_numpy(allow_copy=False))]
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    return [
        (buffer.address, buffer.address + buffer.size)
        for chunk in chunks
        for buffer in chunk.buffers()
        if buffer is not None and buffer.size > 0
    ]


def _range(array: Any) -> Range:
    start = array.__array_interface__["data"][0]
    return start, start + array.nbytes


def _inside(view: list[Range], whole: list[Range]) -> bool:
    return any(begin <= first and last <= end for first, last in view for begin, end in whole)
