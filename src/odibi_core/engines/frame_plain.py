"""Plain Python, seen as a frame: rows as dicts, or a dict of columns. Nothing is consumed or copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

LOOKED_AT = 5  # rows from which the columns are inferred


def face(value: object) -> PlainFace | None:
    if isinstance(value, list | tuple) and value and all(isinstance(row, dict) for row in value[:LOOKED_AT]):
        names = list(dict.fromkeys(name for row in value[:LOOKED_AT] for name in row))
        return PlainFace(names, len(value), lambda name, limit: [row.get(name) for row in value[:limit]])
    if isinstance(value, dict) and value and all(map(_is_column, value.values())):
        heights = {len(column) for column in value.values()}
        if len(heights) == 1:
            return PlainFace(list(value), heights.pop(), lambda name, limit: list(value[name][:limit]))
    return None


def _is_column(value: object) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "__array__") and getattr(value, "ndim", 0) == 1)


class PlainFace:
    """The columns in the order in which the first rows have them; `first(name, limit)` returns their first values."""

    lazy = False

    def __init__(self, names: list[Any], height: int, first: Callable[[Any, int], list[Any]]) -> None:
        self._names = names
        self._height = height
        self._first = first

    def names(self) -> Sequence[object]:
        return self._names

    def types(self, limit: int) -> list[str]:
        return [_type_of(self._first(name, LOOKED_AT)) for name in self._names[:limit]]

    def height(self) -> int | None:
        return self._height

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        return list(zip(*(self._first(name, rows) for name in self._names[:columns]), strict=True))

    def stats(self, columns: int) -> list[dict[str, Any]]:
        return []


def _type_of(values: Sequence[object]) -> str:
    return next((type(value).__name__ for value in values if value is not None), "null")
