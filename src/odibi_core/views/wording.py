"""Durations, sizes, numbers and ids as people read them, in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_SIZES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def duration(ms: float | None, unknown: str = "–") -> str:
    """Return milliseconds as `0.4 ms`, `87 ms`, `2.41 s`, `12.5 s`, `3 min 07 s` or `2 h 05 min`.

    A browser formats with `assets/format.js`: change both.
    """
    if ms is None:
        return unknown
    if ms < 1000:
        return f"{ms:.1f} ms" if ms < 10 else f"{min(ms, 999):.0f} ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(number: int) -> str:
    """Return bytes as `512 B` or `1.5 GiB`, in three digits."""
    amount, unit = float(number), _SIZES[0]
    for unit in _SIZES:
        if amount < 1024 or unit == _SIZES[-1]:
            break
        amount /= 1024
    if unit == _SIZES[0]:
        return f"{number:,} B"
    return f"{amount:,.3g} {unit}" if amount < 1000 else f"{amount:,.0f} {unit}"


def count(value: int | None, unknown: str = "–") -> str:
    """Return a number with its digits in groups: `336,776`."""
    return unknown if value is None else f"{value:,}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """Return a number and its noun: `1 row`, `2 rows`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def and_more(hidden: int, one: str) -> str:
    """Return the end of a list that was cut, `and 3 more rows`; an empty text if nothing was left out."""
    return f"and {plural(hidden, f'more {one}')}" if hidden > 0 else ""


def short_id(run_id: str | None) -> str:
    """Return the end of a run's id, by which every command finds the run; an empty text for None."""
    return (run_id or "").rpartition("-")[2] or run_id or ""


def shorten(value: str, limit: int = 200) -> str:
    """Return a text in one line of at most `limit` characters."""
    line = " ".join(value.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def error_words(kind: object, message: str) -> str:
    """Return an error for a sentence: its class without the module, and its message.

    The class is left out if the message begins with it, and if it is one of odibi-core, whose messages are complete.
    """
    module, _, name = str(kind or "").rpartition(".")
    if not name or module.startswith("odibi_core.") or message.startswith((name, str(kind))):
        return message
    return f"{name}: {message}"


def usd(amount: float) -> str:
    """Return dollars and cents; below a cent, six decimals. A browser formats with `assets/format.js`: change both."""
    if 0 < amount < 0.01:
        return f"{amount:.6f} USD" if amount >= 0.000001 else "< 0.000001 USD"
    return f"{amount:,.2f} USD"


def driver(run: Mapping[str, Any]) -> str:
    """Return the system that drove a run, with its version, its id of the run and the page there; else an empty text.

    `run` is a row of the table `runs`.
    """
    facts = [run.get(name) for name in ("integration", "integration_version", "external_run_id", "external_url")]
    return ", ".join(filter(None, facts)) if facts[0] else ""


def outer_run(run: Mapping[str, Any]) -> str:
    """Return the run and the step in which a run began; an empty text if it began in none."""
    parts = (run.get("parent_run_id"), run.get("parent_node"))
    return ", ".join(filter(None, parts)) if parts[0] else ""
