"""Reading a lineage that may come from anywhere: whatever is not as expected is absent, never an error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

EXACT = 2**53  # beyond it, JavaScript's numbers are no longer the ones that were written


def text(value: Any, limit: int = 2_000) -> str | None:
    """A non-empty text of at most about `limit` characters, or nothing."""
    if type(value) is str:
        return value if 0 < len(value) <= limit else cut(value, limit) or None
    return None if value is None or isinstance(value, dict | list) else cut(str(value), limit)


def cut(value: str, limit: int) -> str:
    """The text, or its beginning and its end with the number of characters between."""
    if len(value) <= limit:
        return value
    return f"{value[: limit * 2 // 3]} … {len(value) - limit:,} characters … {value[-(limit // 3) :]}"


def number(value: Any) -> float | None:
    """A finite number; texts that spell one count, booleans do not."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number that a browser can still count exactly."""
    found = number(value)
    return int(found) if found is not None and abs(found) <= EXACT else None


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[dict[str, Any]]:
    """The mappings in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """The texts in a list, or the one text that stands in for a list."""
    if isinstance(value, str):
        return [value]
    return [cut(str(item), 2_000) for item in value if item is not None] if isinstance(value, list) else []


def moment(value: Any) -> datetime | None:
    """An aware timestamp from ISO text; without a zone it is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def first(source: dict[str, Any], names: Iterable[str]) -> Any:
    """The first of several spellings that is there."""
    for name in names:
        if (found := source.get(name)) is not None:
            return found
    return None


def milliseconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds() * 1000
