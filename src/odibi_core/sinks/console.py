"""A sink that prints each event as one line of text."""

from __future__ import annotations

from typing import TextIO

from odibi_core.events import Event, kinds
from odibi_core.events.kinds import severity
from odibi_core.sinks.text import TextSink


class ConsoleSink:
    """Sink that prints `04:05:06 info node_complete clean (12.5 ms, 1,000 rows)` for each event for people."""

    def __init__(self, stream: TextIO | None = None, level: str = "info", *, color: bool = False) -> None:
        self._text = TextSink(stream, color=color)
        self._rank = severity(level)

    def __call__(self, event: Event) -> None:
        if event.event_type not in kinds.FOR_MACHINES and severity(event.level) >= self._rank:
            self._text(event)
