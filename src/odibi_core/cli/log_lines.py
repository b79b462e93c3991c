"""Lines of a log on the terminal: as a table, or one by one while they are written."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

import msgspec

from odibi_core.cli import output, times
from odibi_core.events import Event, kinds, to_dict
from odibi_core.sinks.text import error_of, fields_of, given_message, subject_of
from odibi_core.store.log_search import text_of
from odibi_core.views.wording import short_id

_WIDE: Final = 110
"""Columns of a terminal with room for figures beside the text."""
_OF_RUNS: Final = frozenset(
    {
        kinds.PIPELINE_START, kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR, kinds.RUN_LOST, kinds.NODE_START,
        kinds.NODE_COMPLETE, kinds.NODE_FAILED, kinds.NODE_RETRY, kinds.NODE_SKIPPED, kinds.CACHE_HIT,
        kinds.CACHE_MISS, kinds.CACHE_SKIPPED, kinds.CHECK_RESULT, kinds.JOIN_MATCH, kinds.ROW_CHANGE,
    }
)  # fmt: skip
"""Kinds shown by columns and message alone; their fields are for programs."""
_DATED: Final = "%Y-%m-%d %H:%M:%S.%f"


class EventFilter(msgspec.Struct, frozen=True):
    """The events to show; it contains an event that passes every filter."""

    event: str | None = None
    node: str | None = None
    severity: int = 0
    since: datetime | None = None
    until: datetime | None = None
    hidden: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    def __contains__(self, event: Event) -> bool:
        return (
            (self.event is None or event.event_type == self.event)
            and (self.node is None or event.node_name == self.node)
            and kinds.severity(event.level) >= self.severity
            and (self.since is None or event.timestamp >= self.since)
            and (self.until is None or event.timestamp <= self.until)
            and event.event_type not in self.hidden
            and (self.pattern is None or self.pattern.search(text_of(event)) is not None)
        )


def show(events: list[Event], began: date | None, *, of_runs: bool = False) -> None:
    """Write the lines as a table; on a narrow terminal the figures are part of the text.

    Args:
        events: The events, at least one.
        began: The day whose lines need no date.
        of_runs: True adds a column with the end of each run's id.
    """
    on = output.console()
    wide = on.width >= _WIDE
    clock = "%H:%M:%S.%f"
    if any(times.local(event.timestamp).date() != began for event in events):
        clock = _DATED
    time = f"Time ({times.zone(events[0].timestamp)})"
    figures = ("Step", "Took", "Rows") if wide else ()
    run = ("Run",) if of_runs else ()
    whole = (time, "Level", *run, *(("Event",) if wide else ()))
    lines = output.table(time, "Level", *run, "Event", *figures, "", right=figures[1:], whole=whole)
    for event in events:
        style = output.STYLES.get(event.level, "")
        took, rows = output.duration(event.duration_ms), output.count(event.row_count)
        parts = [*_parts(event)] if wide else [event.node_name or "", _figures(took, rows), *_parts(event)]
        lines.add_row(
            output.cell(f"{times.local(event.timestamp):{clock}}"[:-3]),
            output.cell(event.level, style),
            *([output.cell(short_id(event.run_id), "dim")] if of_runs else []),
            output.cell(event.event_type),
            *((output.cell(event.node_name or "", "bold"), took, rows) if wide else ()),
            output.styled("  ".join(filter(None, parts)), style if event.level in ("error", "critical") else "dim"),
        )
    output.write(on, lines)


def write_line(event: Event, *, of_runs: bool, as_json: bool) -> None:
    """Write one event as a line of its own, at once."""
    if as_json:
        output.write_json_lines([to_dict(event)])
    else:
        took, rows = output.duration(event.duration_ms), output.count(event.row_count)
        parts = (
            f"{times.local(event.timestamp):{_DATED}}"[:-3],
            f"{event.level:<8}",
            f"{short_id(event.run_id):<11}" if of_runs else "",
            f"{event.event_type:<16}",
            *(event.node_name or "", _figures(took, rows), *_parts(event)),
        )
        style = output.STYLES.get(event.level, "")
        output.write(output.console(), output.styled("  ".join(filter(None, parts)), style))
    sys.stdout.flush()


def event_text(event: Event) -> str:
    """Return an event as one line without its time: kind, step, figures, message."""
    took, rows = output.duration(event.duration_ms), output.count(event.row_count)
    parts = (f"{event.event_type:<14}", event.node_name or "", _figures(took, rows), *_parts(event))
    return "  ".join(filter(None, parts)).partition("\n")[0]


def _figures(took: str, rows: str) -> str:
    figures = [each for each in (took, f"{rows} rows" if rows else "") if each]
    return f"({', '.join(figures)})" if figures else ""


def _parts(event: Event) -> Iterator[str]:
    """Yield the logger, the subject, the message, the error with its type, and the fields."""
    if event.node_name is None and event.component:
        yield event.component
    yield subject_of(event)
    yield given_message(event) or ""
    yield error_of(event)
    if event.event_type not in _OF_RUNS:
        yield from fields_of(event)
    else:
        yield str(event.fields.get("reason") or "")
