"""Names and types in the text of SQL that odibi-core writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

TEXT: Final = "VARCHAR"
MIXED: Final = "JSON"
"""The type of a column of JSON texts, whose values have several types."""


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a constant."""
    return "'" + text.replace("'", "''") + "'"


def unified(types: Iterable[str | None]) -> tuple[str, bool]:
    """Return the type that holds the values of all these types, and whether they conflict, so that it is text.

    None is the type of a column without values.
    """
    found = {kind for kind in types if kind is not None}
    if len(found) == 1 and found != {MIXED}:
        return found.pop(), False
    if found and found <= {"BIGINT", "HUGEINT"}:
        return "HUGEINT", False
    if found and found <= {"BIGINT", "DOUBLE"}:
        return "DOUBLE", False
    return TEXT, bool(found - {TEXT, MIXED})


def as_type(sql: str, given: str | None, wanted: str) -> str:
    """Return an expression of type `given` as one of type `wanted`."""
    if given is None:
        return f"null::{wanted}"
    if given == MIXED and wanted != MIXED:
        sql = f"({sql}->>'$')"
        given = TEXT
    return sql if given == wanted else f"{sql}::{wanted}"
