"""`OutputLines`: the lines of the output of a command, bounded in number and length, for its record."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from odibi_core.events.clock import monotonic

BURST: Final = 2_000
"""Lines that are recorded at once."""
LINES_PER_S: Final = 200
"""Lines a second that are recorded in the long run."""
HELD: Final = 500
"""The last lines of an output that is faster, which are recorded when there is room and at the end."""
MAX_BYTES: Final = 16 * 1024
"""Bytes of a line that are recorded."""
_ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Colors and movements of a terminal."""
_CONTROLS: Final = re.compile("[\0-\x08\x0e-\x1f\ufffd]")
"""Characters of which a text has few; the last one stands for bytes that are no UTF-8."""

Publish = Callable[[str, str | None], object]
"""Called with a line and its stream; with None for a line about lines that are left out."""


class _Line:
    """The line that is being written to a stream."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.more = 0

    def add(self, data: bytes) -> None:
        room = MAX_BYTES - len(self.kept)
        self.kept += data[:room]
        self.more += max(0, len(data) - room)

    def take(self) -> str | int:
        """Return the line as a terminal shows it, or its bytes if it is no text; begin the next one."""
        shown = _ESCAPES.sub(b"", bytes(self.kept)).rstrip(b"\r").rpartition(b"\r")[2]
        if len(_CONTROLS.findall(shown.decode("utf-8", "replace"))) * 4 > len(shown):
            size = len(self.kept) + self.more
            self.kept.clear()
            self.more = 0
            return size
        text = shown.decode("utf-8", "backslashreplace")
        more = f" … ({self.more:,} more bytes)" if self.more else ""
        self.kept.clear()
        self.more = 0
        return text + more


class OutputLines:
    """Publishes the lines of streams that are not blank. Those beyond a rate are counted, and stated in a line.

    Args:
        publish: Called for each line.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._lines: dict[str, _Line] = {}
        self._held: deque[tuple[str, str]] = deque()
        self._left_out = self._binary = 0
        self._room, self._since = float(BURST), monotonic()
        self._holding = False
        self.last: dict[str, str] = {}
        """The last line of each stream that is not blank."""

    def __call__(self, stream: str, data: bytes) -> None:
        """Take bytes of a stream; none at its end, and none of no stream if all streams are idle."""
        self._refill()
        if stream:
            line = self._lines.setdefault(stream, _Line())
            whole = data.split(b"\n")
            for part in whole[:-1]:
                line.add(part)
                self._add(stream, line.take())
            line.add(whole[-1])
            if not data:
                self._add(stream, line.take())

    def end(self) -> None:
        """Publish what is left: lines without an end, and the last lines of an output that was too fast."""
        for stream, line in self._lines.items():
            self._add(stream, line.take())
        self._release()
        if self._binary:
            self._publish(f"{self._binary:,} bytes of the output are no text and not in the record", None)

    def _add(self, stream: str, text: str | int) -> None:
        if isinstance(text, int):
            self._binary += text
            return
        if not text.strip():
            return
        self.last[stream] = text
        if self._room >= 1 and not self._holding:
            self._room -= 1
            self._publish(text, stream)
            return
        self._holding = True
        self._held.append((text, stream))
        if len(self._held) > HELD:
            self._held.popleft()
            self._left_out += 1

    def _refill(self) -> None:
        now = monotonic()
        self._room = min(BURST, self._room + (now - self._since) * LINES_PER_S)
        self._since = now
        if self._holding and self._room >= HELD:
            self._room -= len(self._held)
            self._release()

    def _release(self) -> None:
        if self._left_out:
            self._publish(f"{self._left_out:,} lines of the output are not in the record", None)
        self._left_out, self._holding = 0, False
        while self._held:
            self._publish(*self._held.popleft())
