"""Values of events and of files, read as the type that they should have.

Any program may have written a line of a store, and the codec keeps what it finds. A value of the wrong type is unknown.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Any, Final

from odibi_core.events import Event

_BIGGEST: Final = 2**63


def text(value: object) -> str | None:
    """Return a text, or a number as text; None for any other value."""
    if value is None or isinstance(value, str):
        return value
    known = number(value)
    return None if known is None else str(known)


def number(value: object) -> float | None:
    """Return a finite int or float that JSON can hold; None for any other value, a bool too."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    return count(value)


def count(value: object) -> int | None:
    """Return a whole number; None for any other value."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_BIGGEST <= value < _BIGGEST else None
    return None


def flag(value: object) -> bool | None:
    """Return True or False; None for any other value."""
    return value if isinstance(value, bool) else None


def record(value: object) -> dict[str, Any]:
    """Return a dict; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> list[dict[str, Any]]:
    """Return the dicts of a list, as the list itself if it holds nothing else; an empty list for any other value."""
    if not isinstance(value, list):
        return []
    for item in value:
        if not isinstance(item, dict):
            return [item for item in value if isinstance(item, dict)]
    return value


def texts(value: object) -> list[str]:
    """Return the texts of a list; an empty list for any other value."""
    return [item for item in value if isinstance(item, str)] if value and isinstance(value, list) else []


def keys_by_name(value: object) -> dict[str, str]:
    """Return dataset keys by logical name; in a plain list each key is its own name."""
    if not value:
        return {}
    if isinstance(value, dict):
        return {str(name): key for name, key in value.items() if isinstance(key, str)}
    return {key: key for key in texts(value)}


def message(event: Event) -> str | None:
    """Return the message of an event; None if it has only its type as one."""
    given = text(event.message)
    return None if given == event.event_type else given


def milliseconds(since: datetime, until: datetime) -> float:
    """Return the time between two timestamps; 0 if a wall clock was set back between them."""
    return max(0.0, round((until - since).total_seconds() * 1000, 3))


CHECK_RESULTS: Final[dict[bool | None, str]] = {True: "passed", False: "failed", None: "not_checked"}
"""The word for each result of a check, as in the fields `checks_passed`, `checks_failed`, `checks_not_checked`."""


def passed_of(event: Event) -> bool | None:
    """Return whether a check passed; None if it could not be checked, as on a lazy frame."""
    passed = flag(event.fields.get("passed"))
    return {"success": True, "failed": False}.get(str(event.status)) if passed is None else passed


def rounded(ms: float | None) -> float | None:
    """Return milliseconds rounded to microseconds."""
    return None if ms is None else round(ms, 3)
