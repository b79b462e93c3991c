"""The events of alerts in a store, in files of its notes: `alerts-…` of commands and deliveries, `raised-…` of runs.

The events in `raised-…` are those of the records of their runs, once more: the state is read without any run.
A state has the events of the last `HORIZON`; an alert that stays open for longer is raised anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from odibi_core.alerts.state import HANDLED_KINDS, AlertStates, states_of
from odibi_core.bus.bus import EventBus
from odibi_core.events import Event
from odibi_core.events.clock import new_id, utc_now
from odibi_core.history.noticing.alert_notes import DATE, HORIZON, OWN, day_of
from odibi_core.history.noticing.note_files import events_in
from odibi_core.store.journal import Journal
from odibi_core.store.runs import NOTES, RAISED


def read_states(root: str | Path, now: datetime) -> AlertStates:
    """Return the alerts of a store; none if it has no notes."""
    first = (now - HORIZON).strftime(DATE)

    def is_wanted(name: str) -> bool:
        """Return true for a file of notes, and for one of alerts that begins within the horizon."""
        day = day_of(name)
        return day is None or day >= first

    return states_of(events_in(Path(root) / NOTES, is_wanted))


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
    with closing(_journal(root, OWN)) as journal:
        bus = EventBus()
        bus.subscribe(journal, name="alerts")
        if states is not None:
            bus.subscribe(states, HANDLED_KINDS, name="alert states")
        for kind, message, level, fields in listed:
            bus.publish(kind, message, level=level, fields=dict(fields))


def _journal(root: str | Path, prefix: str) -> Journal:
    return Journal(Path(root) / NOTES, f"{prefix}{utc_now().strftime(DATE)}-{new_id(8)}", durability="written")
