"""Columns of a frame that is not there yet: the rules of checks then return expressions instead of masks.

A rule is written once, with the operators that a narwhals Series and an expression share. Given a `PlannedFrame`, it
returns an expression of the failing rows, which a lazy engine counts in the pass that it makes anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odibi_core.errors import NotCheckedError


class HeightNeededError(Exception):
    """Raised for the number of rows of a planned frame, which is known after it was executed."""


class PlannedFrame:
    """The columns of a frame by name, with their narwhals types and without their values."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = dict(schema)

    @property
    def columns(self) -> list[str]:
        return list(self._schema)

    @property
    def schema(self) -> dict[str, Any]:
        return dict(self._schema)

    def __len__(self) -> int:
        raise HeightNeededError

    def __getitem__(self, name: str) -> PlannedColumn:
        import narwhals

        return PlannedColumn(name, self._schema[name], narwhals.col(name))


class PlannedColumn:
    """A column of a planned frame: a narwhals expression with the name and the type that a Series has."""

    def __init__(self, name: str, dtype: Any, expression: Any) -> None:
        self.name = name
        self.dtype = dtype
        self.expression = expression

    def cast(self, dtype: Any) -> PlannedColumn:
        return PlannedColumn(self.name, dtype, self.expression.cast(dtype))

    def is_null(self) -> Any:
        return self.expression.is_null()

    def is_nan(self) -> Any:
        return self.expression.is_nan()

    def is_in(self, values: Any) -> Any:
        return self.expression.is_in(values)

    def __lt__(self, other: Any) -> Any:
        return self.expression < _expression(other)

    def __le__(self, other: Any) -> Any:
        return self.expression <= _expression(other)

    def __gt__(self, other: Any) -> Any:
        return self.expression > _expression(other)

    def __ge__(self, other: Any) -> Any:
        return self.expression >= _expression(other)

    def equals(self, other: Any) -> Any:
        return self.expression == _expression(other)


def _expression(value: Any) -> Any:
    return value.expression if isinstance(value, PlannedColumn) else value


def is_planned(column: Any) -> bool:
    """Return true if a column has no values, because its frame is only planned."""
    return isinstance(column, PlannedColumn)


def refuse_python(column: Any, why: str) -> None:
    """Raise NotCheckedError if a rule needs the values of a planned column."""
    if is_planned(column):
        raise NotCheckedError(f"{why}, so it cannot be counted while a lazy frame is executed; collect=True runs it")
