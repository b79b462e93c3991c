"""How numbers, times and states are said: the same words in the page's static part and in what the scripts
draw.
"""

from __future__ import annotations

from datetime import datetime

STATES = ("failed", "lost", "running", "cancelled", "skipped", "pending", "success")
LABELS = {
    "success": "Succeeded",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "lost": "Lost",
    "running": "Running",
    "skipped": "Skipped",
    "pending": "Not started",
}
SPELLINGS = {"succeeded": "success", "complete": "success", "completed": "success", "ok": "success"} | {
    "failure": "failed",
    "error": "failed",
    "canceled": "cancelled",
    "skip": "skipped",
    "started": "running",
}


def state(value: object) -> str | None:
    """The state that a foreign word means, or nothing."""
    word = str(value or "").strip().lower()
    word = SPELLINGS.get(word, word)
    return word if word in LABELS else None


def date(value: datetime | None) -> str:
    """`21 November 2026, 12:02:41 UTC`."""
    return "" if value is None else f"{value.day} {value:%B %Y, %H:%M:%S} UTC"


def first_paragraph(message: str) -> str:
    """What a message says first: hints and lists behind an empty line are for the step's own card."""
    return message.strip().partition("\n\n")[0]
