"""Patterns of names, and durations, as rules spell them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from fnmatch import translate
from functools import lru_cache
from typing import Annotated, Final

from msgspec import Meta

Patterns = str | tuple[str, ...]
"""A name, or a pattern with `*` and `?`, or a list of them."""
Duration = Annotated[
    str,
    Meta(
        pattern=r"^(?:\d{1,9}(?:\.\d{1,3})?[smhdw])?\Z",
        description='a duration is a number and s, m, h, d or w, such as "90m"',
    ),
]
Times = Annotated[int, Meta(ge=1, le=50, description="it is a whole number from 1 to 50")]
Name = Annotated[str, Meta(min_length=1, max_length=120, description="it is a text of 1 to 120 characters")]
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def length_of(duration: str) -> timedelta:
    """Return the length of a duration; an empty text has none."""
    return timedelta(seconds=float(duration[:-1]) * _UNITS[duration[-1]]) if duration else timedelta()


@lru_cache(maxsize=4096)
def matcher(patterns: Patterns) -> Callable[[str], bool]:
    """Return a function that is true for a name that one of the patterns matches."""
    listed = (patterns,) if isinstance(patterns, str) else patterns
    if "*" in listed:
        return _any
    names = frozenset(each for each in listed if not set(each) & set("*?["))
    wild = [translate(each) for each in listed if each not in names]
    if not wild:
        return names.__contains__
    is_match = re.compile("|".join(wild)).match
    return lambda name: name in names or is_match(name) is not None


def _any(name: str) -> bool:
    return True
