"""Reading an event's values as what they should be.

A line in a store may have been written by anyone, and the codec keeps what it finds: a view takes a value
only if it is of the right kind, and otherwise treats it as unknown.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Any, Final

from odibi_core.events import Event

_BIGGEST: Final = 2**63


def text(value: object) -> str | None:
    """A text, or a number as text; None for anything else."""
    if value is None or isinstance(value, str):
        return value
    known = number(value)
    return None if known is None else str(known)


def number(value: object) -> float | None:
    """A finite int or float that JSON can hold; None for anything else, a bool too."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    return count(value)


def count(value: object) -> int | None:
    """A whole number; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_BIGGEST <= value < _BIGGEST else None
    return None


def flag(value: object) -> bool | None:
    """True or false; None for anything else."""
    return value if isinstance(value, bool) else None


def record(value: object) -> dict[str, Any]:
    """A dict; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> list[dict[str, Any]]:
    """The dicts of a list, itself when there is nothing else in it; none for anything else."""
    if not isinstance(value, list):
        return []
    for item in value:
        if not isinstance(item, dict):
            return [item for item in value if isinstance(item, dict)]
    return value


def texts(value: object) -> list[str]:
    """The texts of a list; none for anything else."""
    return [item for item in value if isinstance(item, str)] if value and isinstance(value, list) else []


def keys_by_name(value: object) -> dict[str, str]:
    """Logical name to dataset key; a plain list of keys names each by itself."""
    if not value:
        return {}
    if isinstance(value, dict):
        return {str(name): key for name, key in value.items() if isinstance(key, str)}
    return {key: key for key in texts(value)}


def message(event: Event) -> str | None:
    """The message that the caller gave; None if the line has only its type as one."""
    said = text(event.message)
    return None if said == event.event_type else said


def milliseconds(since: datetime, until: datetime) -> float:
    """From one timestamp to a later one; never negative, though a wall clock may have been set back."""
    return max(0.0, round((until - since).total_seconds() * 1000, 3))


CHECK_RESULTS: Final[dict[bool | None, str]] = {True: "passed", False: "failed", None: "not_checked"}
"""The word for each result of a check, as in the fields `checks_passed`, `checks_failed`, `checks_not_checked`."""


def passed_of(event: Event) -> bool | None:
    """Return whether a check passed; None if it could not be checked, as on a lazy frame."""
    told = flag(event.fields.get("passed"))
    return {"success": True, "failed": False}.get(str(event.status)) if told is None else told
