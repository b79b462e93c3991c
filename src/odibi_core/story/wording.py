"""The words for states and times, and the bounds of texts and numbers: the same in the page and in its scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Final

EXACT: Final = 2**53
"""Beyond it, a number of JavaScript is not exact."""
STATES: Final = ("failed", "lost", "running", "cancelled", "skipped", "pending", "success")
"""All states, the worst first."""
LABELS: Final = {
    "success": "Succeeded",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "lost": "Lost",
    "running": "Running",
    "skipped": "Skipped",
    "pending": "Not started",
}


def date(value: datetime | None) -> str:
    """Return a time as `21 November 2026, 12:02:41 UTC`."""
    return "" if value is None else f"{value.day} {value:%B %Y, %H:%M:%S} UTC"


def first_paragraph(message: str) -> str:
    """Return a message without the hints and lists behind its first empty line."""
    return message.strip().partition("\n\n")[0]


def cut(value: str | None, limit: int = 2_000) -> str | None:
    """Return a text of at most about `limit` characters: its start, its end, and the number of those between."""
    if not value or len(value) <= limit:
        return value or None
    return f"{value[: limit * 2 // 3]} … {len(value) - limit:,} characters … {value[-(limit // 3) :]}"
