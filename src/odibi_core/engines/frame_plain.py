"""Plain Python, seen as a frame: rows as dicts, or a dict of columns. Nothing is consumed or copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_core.engines.stats_values import Values

LOOKED_AT = 5  # rows from which the columns are inferred


def face(value: object) -> PlainFace | None:
    if isinstance(value, list | tuple) and value and all(isinstance(row, dict) for row in value[:LOOKED_AT]):
        names = list(dict.fromkeys(name for row in value[:LOOKED_AT] for name in row))
        return PlainFace(names, len(value), lambda name, places: [value[place].get(name) for place in places])
    if isinstance(value, dict) and value and all(map(_is_column, value.values())):
        heights = {len(column) for column in value.values()}
        if len(heights) == 1:
            return PlainFace(list(value), heights.pop(), lambda name, places: [value[name][place] for place in places])
    return None


def _is_column(value: object) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "__array__") and getattr(value, "ndim", 0) == 1)


class PlainFace:
    """The columns in the order in which the first rows have them; `at(name, places)` returns their values there."""

    lazy = False

    def __init__(self, names: list[Any], height: int, at: Callable[[Any, Sequence[int]], list[Any]]) -> None:
        self._names = names
        self._height = height
        self._at = at

    def names(self) -> Sequence[object]:
        return self._names

    def types(self, limit: int) -> list[str]:
        return [_type_of(self._first(name, LOOKED_AT)) for name in self._names[:limit]]

    def height(self) -> int | None:
        return self._height

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        return list(zip(*(self._first(name, rows) for name in self._names[:columns]), strict=True))

    def _first(self, name: Any, limit: int) -> list[Any]:
        return self._at(name, range(min(limit, self._height)))

    def values(self, columns: int, places: Sequence[int] | None) -> Iterator[Values]:
        for name in self._names[:columns]:
            column = self._at(name, range(self._height) if places is None else places)
            there = [value for value in column if value is not None]
            yield there, len(column) - len(there)

    def nulls(self, columns: int, places: Sequence[int] | None) -> list[int]:
        return [nulls for _, nulls in self.values(columns, places)]

    def exact(self, columns: int) -> list[dict[str, Any]] | None:
        return None


def _type_of(values: Sequence[object]) -> str:
    return next((type(value).__name__ for value in values if value is not None), "null")
