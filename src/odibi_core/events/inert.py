"""Text without effect on a terminal or a shell: control characters and quotes are escaped, values stay the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from odibi_core.events.event import Event

_ACTIVE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that the encoder leaves: delete, the controls of ISO 6429, separators of lines, marks of direction."""
_NAMES: Final = ("component", "node_name", "operation", "layer", "engine", "level")


def inert_lines(to_line: Callable[[Event], bytes]) -> Callable[[Event], bytes]:
    """Return an encoder of the same lines, inert."""
    return lambda event: inert(to_line(event), event)


def inert(line: bytes, event: Event) -> bytes:
    """Return a line of JSON that reads the same, and that neither commands a terminal nor ends a shell's quotes.

    An apostrophe of a message is left, so that the line can be searched for words; one in a name is escaped, and then
    all are: a name may come from anywhere, and is where no reader expects a quote.
    """
    if not line.isascii() or b"\x7f" in line:
        line = _ACTIVE.sub(_escaped, line.decode()).encode()
    if b"'" in line and any("'" in name for name in _names(event)):
        line = line.replace(b"'", rb"\u0027")
    return line


def printable(content: str, instead: str | None = None) -> str:
    """Return a text in which control and invisible characters are escapes, or `instead`."""
    if content.isprintable():
        return content
    return "".join(
        char if char.isprintable() else instead or char.encode("unicode_escape", "surrogatepass").decode()
        for char in content
    )


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _names(event: Event) -> list[str]:
    """Return the names of an event: of its logger, its node and the like, and the keys of its fields at any depth."""
    names = [name for field in _NAMES if isinstance(name := getattr(event, field), str)]
    waiting: list[Any] = [event.fields, event.metadata]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            names += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return names
