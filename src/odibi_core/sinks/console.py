"""A sink that prints events as they come: one plain line each, for terminals, log files and CI alike."""

from __future__ import annotations

import sys
from typing import Final, TextIO

from odibi_core.events import Event, kinds
from odibi_core.events.kinds import severity

_QUIET: Final = frozenset({kinds.METRIC, kinds.PIPELINE_PLAN, kinds.SNAPSHOT})


class ConsoleSink:
    """Writes `04:05:06 info node_complete clean (12.5 ms, 1,000 rows)`; what only machines read is left out."""

    def __init__(self, stream: TextIO | None = None, level: str = "info") -> None:
        self._stream = stream
        self._rank = severity(level)

    def __call__(self, event: Event) -> None:
        if event.event_type not in _QUIET and severity(event.level) >= self._rank:
            print(line_of(event), file=self._stream or sys.stderr, flush=True)


def line_of(event: Event) -> str:
    """An event as a line for people; control characters in it cannot move the cursor."""
    figures = []
    if isinstance(event.duration_ms, (int, float)):
        figures.append(f"{event.duration_ms:,.1f} ms")
    if isinstance(event.row_count, int):
        figures.append(f"{event.row_count:,} rows")
    parts = [f"{event.timestamp:%H:%M:%S}", f"{event.level:<8}", event.event_type]
    parts += [str(part) for part in (event.node_name, event.message) if part]
    if figures:
        parts.append(f"({', '.join(figures)})")
    if event.error:
        parts.append(f"- {event.error}")
    return "".join(c if c.isprintable() else " " for c in " ".join(parts))
