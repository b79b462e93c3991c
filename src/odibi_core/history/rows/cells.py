"""Cells and rows of the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from odibi_core.events import to_plain
from odibi_core.history.schema import TABLES
from odibi_core.views.values import number

Row = tuple[Any, ...]
_encoder: Final = msgspec.json.Encoder()
_NAMES: Final = {name: table.names for name, table in TABLES.items()}
_JSON: Final = {
    name: tuple(column.name for column in table.columns if column.type == "json") for name, table in TABLES.items()
}


def row_of(table: str, values: Mapping[str, Any]) -> Row:
    """Return values by column as a row; a column without a value is null."""
    return tuple(map(values.get, _NAMES[table]))


def decoded(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row by column in which each `json` column has the value that its text holds."""
    values = {name: msgspec.json.decode(row[name]) for name in _JSON[table] if row.get(name) is not None}
    return {**row, **values}


def real(value: object) -> float | None:
    """Return a number of a `double` column; None for any other value."""
    known = number(value)
    return None if known is None else float(known)


def json_text(value: object) -> str | None:
    """Return the text of a `json` column; None for None."""
    if value is None:
        return None
    try:
        return _encoder.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _encoder.encode(to_plain(value)).decode()


def written(value: object) -> str | None:
    """Return any value as the text of a cell: a text itself, any other value as JSON."""
    return value if isinstance(value, str) else json_text(value)


def object_of(value: object) -> str | None:
    """Return a dict as the text of a `json` column; None for any other value."""
    return json_text(value) if isinstance(value, dict) else None


TYPES: Final[tuple[tuple[Callable[[object], bool], str], ...]] = (
    (lambda value: value is None, "null"),
    (lambda value: isinstance(value, bool), "bool"),
    (lambda value: isinstance(value, int), "int"),
    (lambda value: isinstance(value, float), "float"),
    (lambda value: isinstance(value, list), "list"),
    (lambda value: isinstance(value, dict), "dict"),
)


def type_of(value: object) -> str:
    """Return the type of a parameter: str, int, float, bool, list, dict or null."""
    return next((name for fits, name in TYPES if fits(value)), "str")
