"""`odibi logs`: the log of a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
import typer

from odibi_core.cli import options, output, record, times
from odibi_core.cli.times import moment
from odibi_core.events import Event, LogLevel, from_dict, kinds, to_dict
from odibi_core.events.clock import utc_now
from odibi_core.sinks.text import error_of, fields_of, given_message, subject_of
from odibi_core.store.runs import RunStore
from odibi_core.views.logs import LogsView

_WIDE: Final = 110
"""Columns of a terminal with room for figures beside the text."""
_FOR_MACHINES: Final = frozenset({kinds.METRIC, kinds.PIPELINE_PLAN, kinds.SNAPSHOT})
_OF_RUNS: Final = frozenset(
    {
        kinds.PIPELINE_START, kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR, kinds.RUN_LOST, kinds.NODE_START,
        kinds.NODE_COMPLETE, kinds.NODE_FAILED, kinds.NODE_RETRY, kinds.NODE_SKIPPED, kinds.CACHE_HIT,
        kinds.CACHE_MISS, kinds.CHECK_RESULT,
    }
)  # fmt: skip
"""Kinds shown by columns and message alone; their fields are for programs."""


class EventFilter(msgspec.Struct, frozen=True):
    """The events to show; it contains an event that passes every filter."""

    event: str | None = None
    node: str | None = None
    severity: int = 0
    since: datetime | None = None
    until: datetime | None = None
    hidden: frozenset[str] = frozenset()

    def __contains__(self, event: Event) -> bool:
        return (
            (self.event is None or event.event_type == self.event)
            and (self.node is None or event.node_name == self.node)
            and kinds.severity(event.level) >= self.severity
            and (self.since is None or event.timestamp >= self.since)
            and (self.until is None or event.timestamp <= self.until)
            and event.event_type not in self.hidden
        )


def logs(
    run: options.Run = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="KIND", help="Only this kind, such as node_failed.")
    ] = None,
    node: Annotated[str | None, typer.Option("--node", metavar="STEP", help="Only this step.")] = None,
    level: Annotated[
        LogLevel | None, typer.Option("--level", metavar="LEVEL", help="Only this level and above.")
    ] = None,
    since: options.Since = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Latest time, in the same forms.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=0, help="Number of last lines; 0 for all.")
    ] = 200,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the log of a run, oldest line first.

    Times are in the local zone, named in the header; JSON has UTC. --since
    and --until take times as printed, ISO 8601, or an age: 10m, 2h, 3d. A
    time without a date belongs to the day on which the run began.

    Text leaves out metric, pipeline_plan and snapshot, unless --event names
    them. --format json writes every event, one JSON document a line.
    """
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    began = _day_of(kept, run_id)
    as_json = format is options.TextOrJson.json
    wanted = EventFilter(
        event=kinds.canonical(event) if event else None,
        node=node,
        severity=kinds.severity(level) if level else 0,
        since=moment(since, "--since", day=began),
        until=moment(until, "--until", day=began, to_its_end=True),
        hidden=frozenset() if as_json or event else _FOR_MACHINES,
    )
    with output.waiting("reading the log"):
        found = _last((each for each in record.read(kept, run_id) if each in wanted), limit)
    if as_json:
        output.write_json_lines(found)
    elif found:
        _show([from_dict(entry) for entry in found], began)
    else:
        output.notice("no event matches the options")


def _last(events: Iterator[Event], limit: int) -> list[dict[str, Any]]:
    if not limit:
        return [to_dict(event) for event in events]
    view = LogsView(limit)
    for event in events:
        view(event)
    entries: list[dict[str, Any]] = view.answer()["entries"]
    return entries


def _day_of(store: RunStore, run_id: str) -> date:
    """Return the local day on which a run began."""
    first = next(iter(store.read(run_id)), None)
    return times.local(utc_now() if first is None else first.timestamp).date()


def _show(events: list[Event], began: date) -> None:
    """Write the lines; on a narrow terminal the figures are part of the text."""
    on = output.console()
    wide = on.width >= _WIDE
    clock = "%H:%M:%S.%f"
    if any(times.local(event.timestamp).date() != began for event in events):
        clock = "%Y-%m-%d %H:%M:%S.%f"
    time = f"Time ({times.zone(events[0].timestamp)})"
    figures = ("Step", "Took", "Rows") if wide else ()
    lines = output.table(
        time, "Level", "Event", *figures, "", right=figures[1:], whole=(time, "Level", *(("Event",) if wide else ()))
    )
    for event in events:
        style = output.STYLES.get(event.level, "")
        took, rows = output.duration(event.duration_ms), output.count(event.row_count)
        parts = [*_parts(event)] if wide else [event.node_name or "", _figures(took, rows), *_parts(event)]
        lines.add_row(
            output.cell(f"{times.local(event.timestamp):{clock}}"[:-3]),
            output.cell(event.level, style),
            output.cell(event.event_type),
            *((output.cell(event.node_name or "", "bold"), took, rows) if wide else ()),
            output.styled("  ".join(filter(None, parts)), style if event.level in ("error", "critical") else "dim"),
        )
    output.write(on, lines)


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
