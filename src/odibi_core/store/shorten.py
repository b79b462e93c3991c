"""Events that are too long for one line, shortened until they fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from odibi_core.events import Event, encode
from odibi_core.events.event import STANDARD

MAX_LINE: Final = 1 << 20
"""Bytes of one line; in a longer one the longest fields are cut."""
_SHORT: Final = 256
"""Bytes of a value that stays. If there are too many of those, only the standard fields stay."""


def fitting(to_line: Callable[[Event], bytes], limit: int = MAX_LINE) -> Callable[[Event], bytes]:
    """Return a function that encodes an event as `to_line` does, in at most `limit` bytes."""

    def line_that_fits(event: Event) -> bytes:
        line = to_line(event)
        return line if len(line) <= limit else shortened_line(to_line, event, limit)

    return line_that_fits


def shortened_line(to_line: Callable[[Event], bytes], event: Event, limit: int) -> bytes:
    """Return the line of an event whose own line is longer than `limit` bytes."""
    line = to_line(shortened(event, limit))
    # The names and quotes of another format make a line at most twice as long as the journal's.
    return line if len(line) <= limit else to_line(shortened(event, limit // 2))


def shortened(event: Event, limit: int) -> Event:
    """Return the event in at most `limit` bytes: the longest values are replaced first, each by a note of its size."""
    kept: dict[str, Any] = dict(event.fields)
    standard: dict[str, Any] = {name: value for name in STANDARD if (value := getattr(event, name)) is not None}
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
