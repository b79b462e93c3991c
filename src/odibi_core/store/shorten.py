"""An event that is too long for one line becomes one that fits, and says what was cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from odibi_core.events import Event, encode
from odibi_core.events.event import STANDARD

_SHORT: Final = 256
"""Bytes: a value so short stays; where there are too many of them, the fields go and the standard ones stay."""


def fitting(to_line: Callable[[Event], bytes], limit: int) -> Callable[[Event], bytes]:
    """`to_line`, with whatever is cut that would make a line of more than `limit` bytes."""

    def line_that_fits(event: Event) -> bytes:
        line = to_line(event)
        if len(line) > limit:
            line = to_line(shortened(event, limit))
        # What another format calls and quotes in its own way has at most twice the length of our line.
        return line if len(line) <= limit else to_line(shortened(event, limit // 2))

    return line_that_fits


def shortened(event: Event, limit: int) -> Event:
    """The same event in at most `limit` bytes: its longest values give way first, each leaving a note of its size."""
    kept: dict[str, Any] = dict(event.fields)
    standard: dict[str, Any] = {
        name: value for name in STANDARD if (value := getattr(event, name)) is not None
    }
    sizes = [(len(msgspec.json.encode(value)), name, kept) for name, value in kept.items()]
    sizes += [(len(msgspec.json.encode(value)), name, standard) for name, value in standard.items()]
    excess = len(encode(event)) - limit
    for size, name, holder in sorted(sizes, key=lambda row: row[0], reverse=True):
        if excess <= 0 or size <= _SHORT:
            break
        note = f"[cut: {size} bytes]"
        holder[name] = {"cut": note} if name == "metadata" else note
        excess -= size - len(note) - 10
    if excess > 0:
        kept = {"cut_fields": len(kept)}
    return msgspec.structs.replace(event, fields=kept, **standard)
