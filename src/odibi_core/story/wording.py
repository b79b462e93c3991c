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


def duration(ms: float | None) -> str:
    """`0.4 ms`, `87 ms`, `2.41 s`, `3 min 07 s`, `2 h 05 min`."""
    if ms is None:
        return "–"
    if ms < 1000:
        return f"{ms:.1f} ms" if ms < 10 else f"{min(ms, 999):.0f} ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(value: int | None) -> str:
    """Digits in groups: 336,776."""
    return "–" if value is None else f"{value:,}"


def plural(value: int, one: str, many: str | None = None) -> str:
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def date(value: datetime | None) -> str:
    """`21 November 2026, 12:02:41 UTC`."""
    return "" if value is None else f"{value.day} {value:%B %Y, %H:%M:%S} UTC"


def first_paragraph(message: str) -> str:
    """What a message says first: hints and lists behind an empty line are for the step's own card."""
    return message.strip().partition("\n\n")[0]


def shorten(value: str, limit: int = 200) -> str:
    """One line, cut at a word where there is one."""
    line = " ".join(value.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
