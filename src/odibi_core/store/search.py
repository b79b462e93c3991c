"""A search through segments: the events that match a filter, oldest or newest first, decoding few other lines.

A line is decoded only if its bytes may match. An event has a plain word as a value only if the line has these bytes,
or a character escape, which the filter lets pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.events import Event, decode
from odibi_core.events.clock import iso
from odibi_core.store.lines import LONGEST_LINE
from odibi_core.store.segments import by_writer

_BLOCK: Final = 1 << 18
_PLAIN: Final = re.compile(r"[A-Za-z_][\w.:-]*", re.ASCII)
_IMPLIED: Final = frozenset({"info", "log", "True", "False", "None"})
"""Values that an event has without these bytes in its line: defaults, and other types as text."""
_ESCAPE: Final = b"\\u00"
_STAMP: Final = b'{"timestamp":"'
_SECOND: Final = slice(len(_STAMP), len(_STAMP) + 19)
_ZONE: Final = slice(len(_STAMP) + 19, len(_STAMP) + 28)


class Filter(msgspec.Struct, frozen=True):
    """The events that have these values in standard fields, and a time in this range."""

    values: dict[str, str]
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, event: Event) -> bool:
        """Return whether an event passes."""
        return (
            all(getattr(event, name) == value for name, value in self.values.items())
            and (self.since is None or event.timestamp >= self.since)
            and (self.until is None or event.timestamp <= self.until)
        )

    def candidates(self, block: bytes) -> list[bytes]:
        """Return the lines of a block that may be those of matching events."""
        words = [value.encode() for value in self.values.values() if _PLAIN.fullmatch(value) and value not in _IMPLIED]
        has_escapes = _ESCAPE in block
        if not has_escapes and not all(word in block for word in words):
            return []
        lines = block.split(b"\n")
        for word in words:
            lines = [line for line in lines if word in line or (has_escapes and _ESCAPE in line)]
        if self.since is None and self.until is None:
            return lines
        first = b"" if self.since is None else iso(self.since).encode()[:19]
        last = b"~" if self.until is None else iso(self.until).encode()[:19]
        # Only the form that odibi-core writes: whole seconds of UTC compare as texts do.
        return [
            line
            for line in lines
            if first <= line[_SECOND] <= last or not line.startswith(_STAMP) or b'Z"' not in line[_ZONE]
        ]


def search(paths: Iterable[Path], wanted: Filter, *, newest_first: bool = False) -> Iterator[Event]:
    """Yield the matching events of segments, those of several writers merged by time."""
    streams = [_matching(own, wanted, newest_first) for own in by_writer(paths)]
    if newest_first:
        streams.reverse()  # of equal times, the last writer's come first
    return merge(*streams, key=_time_of, reverse=newest_first)


def _time_of(event: Event) -> Any:
    return event.timestamp


def _matching(paths: list[Path], wanted: Filter, newest_first: bool) -> Iterator[Event]:
    for path in reversed(paths) if newest_first else paths:
        for block in _backward(path) if newest_first else _forward(path):
            lines = wanted.candidates(block)
            for line in reversed(lines) if newest_first else lines:
                if len(line) > LONGEST_LINE:
                    continue
                try:
                    event = decode(line)
                except (ValueError, TypeError, RecursionError):
                    continue
                if wanted.matches(event):
                    yield event


def _forward(path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a file in blocks; a last line without an end is none."""
    rest = b""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                lines, end, tail = block.rpartition(b"\n")
                if end:
                    yield rest + lines if len(rest) <= LONGEST_LINE else lines.partition(b"\n")[2]
                    rest = tail
                elif len(rest) <= LONGEST_LINE:
                    rest += tail
    except OSError:
        return


def _backward(path: Path) -> Iterator[bytes]:
    """Yield the blocks of `_forward`, the last first."""
    rest: bytes | None = None  # the beginning of the block that was read before; None: the end of the file is no line
    try:
        with path.open("rb") as file:
            place = file.seek(0, os.SEEK_END)
            while place:
                size = min(_BLOCK, place)
                place -= size
                file.seek(place)
                first, end, lines = file.read(size).partition(b"\n")
                if not end:
                    rest = None if rest is None else first + rest if len(rest) <= LONGEST_LINE else rest
                    continue
                block = lines.rpartition(b"\n")[0] if rest is None else lines + rest
                rest = first
                yield block
            if rest:
                yield rest
    except OSError:
        return
