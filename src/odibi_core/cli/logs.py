"""`odibi logs`: what happened, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
import typer

from odibi_core.cli import options, output, record
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, LogLevel, kinds, to_dict
from odibi_core.events.clock import utc_now
from odibi_core.views.logs import LogsView

_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FOR_MACHINES: Final = frozenset({kinds.METRIC, kinds.PIPELINE_PLAN, kinds.SNAPSHOT})


class Wanted(msgspec.Struct, frozen=True):
    """Which events are asked for."""

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
    level: Annotated[LogLevel | None, typer.Option("--level", help="Only this level and above.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="ISO 8601, or 10m, 2h, 3d ago.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="The same.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="How many, the last ones; 0 for all.")
    ] = 200,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show what happened in a run, oldest first.

    As text, what only programs read (metric, pipeline_plan, snapshot) is shown when --event asks for it. --format json
    gives every event, one JSON document a line.
    """
    as_json = format is options.TextOrJson.json
    wanted = Wanted(
        event=kinds.canonical(event) if event else None,
        node=node,
        severity=kinds.severity(level) if level else 0,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        hidden=frozenset() if as_json or event else _FOR_MACHINES,
    )
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("reading the log"):
        found = _last((each for each in record.read(kept, run_id) if each in wanted), limit)
    if as_json:
        output.write_json_lines(found)
    else:
        _show(found)


def _last(events: Iterator[Event], limit: int) -> list[dict[str, Any]]:
    if not limit:
        return [to_dict(event) for event in events]
    view = LogsView(limit)
    for event in events:
        view(event)
    entries: list[dict[str, Any]] = view.answer()["entries"]
    return entries


def moment(given: str | None, option: str) -> datetime | None:
    """A point in time: ISO 8601 (the local time where it has no zone), or so long ago."""
    if given is None:
        return None
    ago = _AGO.fullmatch(given.strip())
    try:
        if ago:
            return utc_now() - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        return datetime.fromisoformat(given.strip()).astimezone()
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{option} takes a time such as 2026-01-31T04:00 or 10m, 2h, 3d; given was {given!r}"
        ) from None


def _show(entries: list[dict[str, Any]]) -> None:
    if not entries:
        output.notice("nothing of that kind")
        return
    lines = output.table(
        "Time",
        "Level",
        "Event",
        "Step",
        "Took",
        "Rows",
        "",
        right=("Took", "Rows"),
        whole=("Time", "Level", "Event"),
    )
    for entry in entries:
        style = output.STYLES.get(entry["level"], "")
        lines.add_row(
            output.cell(f"{datetime.fromisoformat(entry['timestamp']).astimezone():%H:%M:%S.%f}"[:-3]),
            output.cell(entry["level"], style),
            output.cell(entry["event_type"]),
            output.cell(entry.get("node_name") or "", "bold"),
            output.duration(entry.get("duration_ms")),
            output.count(entry.get("row_count")),
            output.styled(_said(entry), style if entry["level"] in ("error", "critical") else "dim"),
        )
    output.write(output.console(), lines)


def _said(entry: dict[str, Any]) -> str:
    """What there is to read: the message, the error, and the fields of a kind of one's own."""
    said = [str(entry[name]) for name in ("message", "error", "reason") if entry.get(name)]
    if entry["event_type"] not in _KNOWN:
        said += [
            f"{name}={value}" for name, value in entry.items() if name not in _STANDARD and value is not None
        ]
    return "  ".join(said)


_KNOWN: Final = frozenset(
    value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)
)
_STANDARD: Final = frozenset(Event.__struct_fields__)
