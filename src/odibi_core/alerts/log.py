"""The events of alerts in a store, in files of its notes: `alerts-…` of commands and deliveries, `raised-…` of runs.

The events in `raised-…` are those of the records of their runs, once more: the state is read without any run.
A state has the events of the last `HORIZON`; an alert that stays open for longer is raised anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from odibi_core.alerts.state import HANDLED_KINDS, AlertStates, states_of
from odibi_core.bus.bus import EventBus
from odibi_core.events import Event
from odibi_core.events.clock import new_id, utc_now
from odibi_core.store.journal import Journal
from odibi_core.store.runs import NOTES, RAISED
from odibi_core.store.segments import all_segments, read_events

HORIZON: Final = timedelta(days=35)
_OWN: Final = "alerts-"
_DATE: Final = "%Y%m%d"


def read_states(root: str | Path, now: datetime) -> AlertStates:
    """Return the alerts of a store; none if it has no notes."""
    folder = Path(root) / NOTES
    return states_of(read_events(_recent(folder, now))) if folder.is_dir() else AlertStates()


def _recent(folder: Path, now: datetime) -> list[Path]:
    """Return the files that a state is read from: those of notes, and those of alerts that begin within the horizon."""
    first = (now - HORIZON).strftime(_DATE)
    return [path for path in all_segments(folder) if (day := _day_of(path.name)) is None or day >= first]


def _day_of(name: str) -> str | None:
    for prefix in (_OWN, RAISED):
        if name.startswith(prefix):
            return name[len(prefix) : len(prefix) + 8]
    return None


def write(root: str | Path, events: Iterable[Event]) -> None:
    """Write events that are in the record of a run once more.

    Raises:
        StoreError: The folder cannot be written.
    """
    with closing(_journal(root, RAISED)) as journal:
        for event in events:
            journal(event)


def publish(
    root: str | Path, states: AlertStates | None, changes: Iterable[tuple[str, str, str, dict[str, Any]]]
) -> None:
    """Publish events of alerts that belong to no run, into the store and the state.

    Args:
        root: The store.
        states: The state that they change; None for none.
        changes: Kind, message, level and fields of each; nothing is written without one.

    Raises:
        StoreError: The folder cannot be written.
    """
    listed = list(changes)
    if not listed:
        return
    with closing(_journal(root, _OWN)) as journal:
        bus = EventBus()
        bus.subscribe(journal, name="alerts")
        if states is not None:
            bus.subscribe(states, HANDLED_KINDS, name="alert states")
        for kind, message, level, fields in listed:
            bus.publish(kind, message, level=level, fields=dict(fields))


def _journal(root: str | Path, prefix: str) -> Journal:
    return Journal(Path(root) / NOTES, f"{prefix}{utc_now().strftime(_DATE)}-{new_id(8)}", durability="written")
