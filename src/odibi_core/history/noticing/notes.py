"""Notes of people and of `odibi watch`: acknowledged alerts, mutes and missed runs, as events in `<root>/notes/`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.bus.bus import EventBus
from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso, read_iso, utc_now
from odibi_core.history.noticing.note_files import events_in
from odibi_core.history.rows.beside import alert_of_rule
from odibi_core.store.journal import Journal
from odibi_core.store.runs import NOTES

ACKNOWLEDGED: Final = "alert_acknowledged"
MUTED: Final = "alert_muted"
MISSED: Final = "run_missed"
CHECK: Final = "check"
"""The value of `found_by` of an alert that a check of the store raised."""


class Mute(msgspec.Struct, frozen=True):
    """A rule of `odibi mute`: findings of a pipeline, of one of its steps, or of a family, until a time."""

    pipeline_name: str
    node_name: str | None
    family: str | None
    until: datetime | None
    since: datetime

    def covers(self, pipeline_name: str, node_name: str | None, family: str | None, at: datetime) -> bool:
        """Return true for a finding of this rule at a time at which it is in force."""
        return (
            self.pipeline_name == pipeline_name
            and self.node_name in (None, node_name)
            and self.family in (None, family)
            and (self.until is None or at < self.until)
        )


class Missed(msgspec.Struct, frozen=True):
    """A run that did not come: the time at which it was due."""

    alert_id: str
    pipeline_name: str
    due: datetime
    found: datetime
    message: str


class Acknowledgement(msgspec.Struct, frozen=True):
    """The time and the note of `odibi ack`."""

    at: datetime
    note: str | None


class Notes:
    """The notes of a store, read from its events."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, Acknowledgement] = {}
        self.mutes: list[Mute] = []
        self.missed: dict[str, Missed] = {}
        self.resolved: dict[str, datetime] = {}
        """The ends of alerts of rules."""
        self.checked: dict[str, Event] = {}
        """The alerts that a check of the store raised, which are in the record of no run."""

    @classmethod
    def read(cls, root: str | Path) -> Notes:
        """Return the notes in a store; none if it has no folder of notes."""
        notes = cls()
        for event in events(root):
            notes(event)
        return notes

    def __call__(self, event: Event) -> None:
        """Add an event; another kind is ignored."""
        about = event.fields
        if event.event_type == ACKNOWLEDGED:
            self.acknowledged[str(about.get("alert_id"))] = Acknowledgement(event.timestamp, about.get("note"))
        elif event.event_type == MUTED:
            self._mute(event)
        elif event.event_type == MISSED and (due := read_iso(about.get("due"))) is not None:
            alert = str(about.get("alert_id"))
            message = event.message or ""
            found = Missed(alert, str(about.get("pipeline_name")), due, event.timestamp, message)
            self.missed.setdefault(alert, found)  # two hosts that watch at one moment both write it: the first counts

        elif event.event_type in (kinds.ALERT_RAISED, kinds.ALERT_RESOLVED):
            self._of_rule(event, str(about.get("alert_id")))

    def _of_rule(self, event: Event, alert: str) -> None:
        if event.event_type == kinds.ALERT_RESOLVED:
            self.resolved[alert] = event.timestamp
            return
        self.resolved.pop(alert, None)
        if event.fields.get("found_by") == CHECK:
            self.checked.setdefault(alert, event)

    def _mute(self, event: Event) -> None:
        about = event.fields
        mute = Mute(
            str(about.get("pipeline_name")), event.node_name, about.get("family"),
            read_iso(about.get("until")), event.timestamp,
        )  # fmt: skip
        same = (mute.pipeline_name, mute.node_name, mute.family)
        self.mutes = [each for each in self.mutes if (each.pipeline_name, each.node_name, each.family) != same]
        if about.get("lifted") is not True:
            self.mutes.append(mute)

    def is_muted(self, pipeline_name: str, node_name: str | None, family: str | None, at: datetime) -> bool:
        """Return true if a mute covers a finding."""
        return any(mute.covers(pipeline_name, node_name, family, at) for mute in self.mutes)

    def alerts(self) -> list[dict[str, Any]]:
        """Return missed runs and alerts of checks as rows of the table `alerts`; columns that are left out are null."""
        return [*self._missed_rows(), *self._checked_rows()]

    def _checked_rows(self) -> Iterator[dict[str, Any]]:
        for event in self.checked.values():
            values = alert_of_rule(event)[1]
            about = {"pipeline_name": event.fields.get("pipeline_name"), "run_id": event.run_id}
            yield {**values, **about, "timestamp": iso(event.timestamp), "muted": False}

    def _missed_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "pipeline_name": each.pipeline_name, "alert_id": each.alert_id, "timestamp": iso(each.found),
                "kind": "missed", "severity": "warning", "family": "cadence", "series": "run.start",
                "actual": "no run", "expected": iso(each.due), "message": each.message,
                "acknowledged": iso(seen.at) if (seen := self.acknowledged.get(each.alert_id)) else None,
                "muted": self.is_muted(each.pipeline_name, None, "cadence", each.due),
            }
            for each in self.missed.values()
        ]  # fmt: skip


def events(root: str | Path) -> Iterator[Event]:
    """Return the events of the notes of a store, by time."""
    return events_in(Path(root) / NOTES)


def write(root: str | Path, kind: str, message: str, fields: dict[str, Any], level: str = "info") -> None:
    """Write one note, through a bus, so that it is redacted and bounded as every event is.

    Raises:
        StoreError: The folder cannot be written.
    """
    with closing(Journal(Path(root) / NOTES, durability="synced")) as journal:
        bus = EventBus()
        bus.subscribe(journal, name="notes")
        bus.publish(kind, message, level=level, fields={"noted": iso(utc_now()), **fields})
