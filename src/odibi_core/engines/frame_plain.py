"""Plain Python, seen as a frame: rows as dicts, or a dict of columns. Nothing is consumed or copied."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

LOOKED_AT = 5  # rows from which the columns are inferred


def face(value: object) -> RowsFace | ColumnsFace | None:
    if isinstance(value, list | tuple) and value and all(isinstance(row, dict) for row in value[:LOOKED_AT]):
        return RowsFace(value)
    if isinstance(value, dict) and value and all(map(_is_column, value.values())):
        return ColumnsFace(value) if len({len(column) for column in value.values()}) == 1 else None
    return None


def _is_column(value: object) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "__array__") and getattr(value, "ndim", 0) == 1)


class RowsFace:
    """Columns are those of the first rows, in the order in which they appear."""

    lazy = False

    def __init__(self, rows: Sequence[dict[Any, Any]]) -> None:
        self._rows = rows
        self._names = list(dict.fromkeys(name for row in rows[:LOOKED_AT] for name in row))

    def names(self) -> Sequence[object]:
        return self._names

    def types(self, limit: int) -> list[str]:
        seen = self._rows[:LOOKED_AT]
        return [_type_of([row.get(name) for row in seen]) for name in self._names[:limit]]

    def height(self) -> int | None:
        return len(self._rows)

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        return [[row.get(name) for name in self._names[:columns]] for row in self._rows[:rows]]

    def stats(self, columns: int) -> list[dict[str, Any]]:
        return []


class ColumnsFace:
    """A dict of columns of one length."""

    lazy = False

    def __init__(self, columns: dict[Any, Any]) -> None:
        self._columns = columns

    def names(self) -> Sequence[object]:
        return list(self._columns)

    def types(self, limit: int) -> list[str]:
        return [_type_of(list(column[:LOOKED_AT])) for column in islice(self._columns.values(), limit)]

    def height(self) -> int | None:
        return len(next(iter(self._columns.values())))

    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]:
        return list(zip(*(column[:rows] for column in islice(self._columns.values(), columns)), strict=True))

    def stats(self, columns: int) -> list[dict[str, Any]]:
        return []


def _type_of(values: Sequence[object]) -> str:
    return next((type(value).__name__ for value in values if value is not None), "null")
