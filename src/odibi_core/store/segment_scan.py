"""`Scan`: the matching events of one writer's segments from a place on, forward or backward, within a budget."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from odibi_core.events import Event, decode
from odibi_core.store.lines import LONGEST_LINE

MOST_BYTES: Final = 24 << 20
"""Bytes that one page reads."""
MOST_LINES: Final = 2_000
"""Lines that one page decodes."""
_BLOCK: Final = 1 << 18
_ESCAPE: Final = b"\\u00"

Place = tuple[str, int]
"""The name of a segment, and the offset behind (backward: in front of) which it is not read yet."""


class Wanted(Protocol):
    """The filter of a page."""

    @property
    def groups(self) -> list[list[bytes]]:
        """Groups of words in lower case: a line that passes has one of each group, or a character escape."""
        ...

    def matches(self, event: Event) -> bool:
        """Return whether an event passes."""
        ...


class Budget:
    """The bytes and lines that all scans of one page may still read."""

    def __init__(self) -> None:
        self._bytes = MOST_BYTES
        self._lines = MOST_LINES

    def take(self, size: int, lines: int) -> None:
        """Count what was read."""
        self._bytes -= size
        self._lines -= lines

    @property
    def is_spent(self) -> bool:
        """True if nothing more may be read."""
        return self._bytes <= 0 or self._lines <= 0


class Scan:
    """The events of one writer, one after the other: `head` is the next one.

    Args:
        paths: The segments, in order, at least one.
        start: The place at which the page before ended; None for the first page.
        wanted: The filter.
        budget: The limit of the page.
        newest: True to read backward.
    """

    def __init__(
        self, paths: Sequence[Path], start: Place | None, wanted: Wanted, budget: Budget, *, newest: bool
    ) -> None:
        self.head: Event | None = None
        self.is_paused = False
        """True if the budget ended before the next event was found."""
        self._newest = newest
        self._wanted, self._groups = wanted, wanted.groups
        self._budget = budget
        ordered = list(reversed(paths) if newest else paths)
        names = [path.name for path in ordered]
        self._reached = start if start is not None and start[0] in names else None
        self._before: Place | None = None
        first, offset = (0, None) if self._reached is None else (names.index(self._reached[0]), self._reached[1])
        self._events = self._all([(path, None if at else offset) for at, path in enumerate(ordered[first:])])
        self.advance()

    @property
    def place(self) -> Place | None:
        """The place at which the next page begins; None for the end at which the first page begins."""
        return self._before or self._reached

    def advance(self) -> None:
        """Pass the head, and find the next event."""
        found = next(self._events, None)
        self.head, self._before = (None, None) if found is None else found

    def _all(self, files: list[tuple[Path, int | None]]) -> Iterator[tuple[Event, Place]]:
        """Yield the events, each with the place from which it is found again."""
        for path, start in files:
            for block, offset in _backward(path, start) if self._newest else _forward(path, start or 0):
                if self._budget.is_spent:
                    self.is_paused = True
                    return
                self._budget.take(len(block), 0)
                spans = candidates(block, self._groups)
                for begin, end in reversed(spans) if self._newest else spans:
                    if self._budget.is_spent:
                        self.is_paused = True
                        return
                    self._budget.take(0, 1)
                    places = (path.name, offset + begin), (path.name, offset + end)
                    before, self._reached = places[::-1] if self._newest else places
                    event = _decoded(block[begin : end - 1])
                    if event is not None and self._wanted.matches(event):
                        yield event, before
                self._reached = path.name, offset if self._newest else offset + len(block)


def candidates(block: bytes, groups: Sequence[Sequence[bytes]]) -> list[tuple[int, int]]:
    """Return the places of the lines of a block, each with its end, that may pass: they have a word of each group.

    A line with a character escape may have any word. The lines are found by the longest word that all must have.
    """
    lower = block.lower() if groups else b""
    if not groups or _ESCAPE in lower:
        return list(_lines(block))
    if not all(any(word in lower for word in group) for group in groups):
        return []
    single = max((group[0] for group in groups if len(group) == 1), key=len, default=None)
    spans = _lines(block) if single is None else _lines_with(lower, single)
    return [
        (begin, end)
        for begin, end in spans
        if all(any(lower.find(word, begin, end) >= 0 for word in group) for group in groups)
    ]


def _lines(block: bytes) -> Iterator[tuple[int, int]]:
    begin = 0
    while (end := block.find(b"\n", begin) + 1) > 0:
        if end > begin + 1:
            yield begin, end
        begin = end


def _lines_with(block: bytes, word: bytes) -> Iterator[tuple[int, int]]:
    at = block.find(word)
    while at >= 0:
        begin, end = block.rfind(b"\n", 0, at) + 1, block.find(b"\n", at) + 1
        yield begin, end or len(block)
        at = block.find(word, end) if end else -1


def merged(scans: Sequence[Scan], limit: int, *, newest: bool) -> list[Event]:
    """Return the next events of several writers by time, until one of them is at the end of the budget."""
    found: list[Event] = []
    while len(found) < limit and not any(scan.is_paused and scan.head is None for scan in scans):
        open_scans = [scan for scan in scans if scan.head is not None]
        if not open_scans:
            break
        scan = (max if newest else min)(open_scans, key=_time_of)
        assert scan.head is not None
        found.append(scan.head)
        scan.advance()
    return found


def _time_of(scan: Scan) -> float:
    assert scan.head is not None
    return scan.head.timestamp.timestamp()


def _decoded(line: bytes) -> Event | None:
    try:
        return decode(line)
    except (ValueError, TypeError, RecursionError):
        return None


def _forward(path: Path, start: int) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines with their offsets; a last line without an end is left for later."""
    try:
        with path.open("rb") as file:
            while True:
                file.seek(start)
                block = file.read(_BLOCK)
                while b"\n" not in block and (more := file.read(_BLOCK)) and len(block) <= LONGEST_LINE:
                    block += more
                end = block.rfind(b"\n") + 1
                if not end and len(block) <= LONGEST_LINE:
                    return
                if end:
                    yield block[:end], start
                start += end or len(block)  # else a part of a line that is longer than any that is written
    except OSError:
        return


def _backward(path: Path, end: int | None) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines with their offsets, the last first; without `end` from the last whole line on."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            place = size if end is None else min(end, size)
            rest = b""
            is_tail = end is None  # a half line may follow the last whole one
            while place or rest:
                start = max(0, place - _BLOCK)
                file.seek(start)
                block = file.read(place - start) + rest
                if is_tail:
                    block = block[: block.rfind(b"\n") + 1]
                cut = 0 if not start else block.find(b"\n") + 1
                if start and (not cut or cut == len(block)) and len(block) <= LONGEST_LINE:
                    rest, place = block, start  # no whole line yet
                    continue
                is_tail = False
                if block[cut:]:
                    yield block[cut:], start + cut
                if not start:
                    return
                rest, place = (block[:cut] if len(block) <= LONGEST_LINE else b""), start
    except OSError:
        return
