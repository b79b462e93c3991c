"""Texts from data, made inert for the receivers of notifications.

A message of an alert holds texts that a step, a file or another system wrote. They must not mention a channel, format
a message, or begin a header or a formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from odibi_core.events.inert import printable

_BREAK: Final = "\u200b"
"""A zero-width space, which separates characters that have a meaning together."""
_MENTION: Final = re.compile(r"@(?=[\w<&!])")
_EMPHASIS: Final = re.compile(r"[*`~|]|(?<!\w)_|_(?!\w)")
_LINK: Final = re.compile(r"\](?=[(\[:])")
_FORMULA: Final = re.compile(r"[=@+\-](?!\d+(?:[.,]\d+)*%?(?:\s|$))")
_LONGEST: Final = 2_000

Neutral = Callable[[object], str]
"""A function that makes a value inert."""


def plain(value: object) -> str:
    """Return a value as one line without control and invisible characters, and no formula at its start."""
    text = printable(" ".join(str("" if value is None else value)[:_LONGEST].split()))
    return f"'{text}" if _FORMULA.match(text) else text


def chat(value: object) -> str:
    """Return a value as `plain` does, without mentions, markup and links of chats, whichever it is."""
    text = plain(value).replace("<", "‹").replace(">", "›")
    text = _MENTION.sub(f"@{_BREAK}", text)
    text = _LINK.sub(f"]{_BREAK}", text)
    return _EMPHASIS.sub(lambda found: f"{found[0]}{_BREAK}", text)


def header(value: str) -> str:
    """Return a title as one line that no header can follow, of at most 200 characters."""
    line = printable(" ".join(value.split()))
    return line if len(line) <= 200 else f"{line[:199]}…"
