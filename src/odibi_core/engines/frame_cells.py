"""Single values of a frame in the record: plain, and small enough that a whole sample is a small event."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from odibi_core.events import to_plain
from odibi_core.events.sanitize import sanitize_field

CELL_CHARS: Final = 200
UNCLEANED_CHARS: Final = 4_096
"""Characters of a cell that are looked at: a text of 100 MB costs nothing, and no secret in its beginning is cut."""


def cell(key: str, value: Any, chars: int = CELL_CHARS) -> Any:
    """Return a plain value; the event bus redacts it by the column's name.

    Only a text to be cut is redacted here: half a secret has no shape.
    """
    kind = type(value)
    if kind is int or kind is bool or value is None:
        return value
    if kind is datetime or kind is date:
        return value.isoformat()
    value = value[:UNCLEANED_CHARS] if kind is str else to_plain(value, UNCLEANED_CHARS)
    if len(value if isinstance(value, str) else str(value)) <= chars:
        return value
    cleaned = str(sanitize_field(key, value))
    return cleaned if len(cleaned) <= chars else f"{cleaned[:chars]}…"
