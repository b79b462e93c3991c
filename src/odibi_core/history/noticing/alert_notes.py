"""The files of notes that hold the events of alerts: their names, and which of them go with pruned runs.

`raised-…` has the events of a run's end once more, `alerts-…` those of commands, checks and deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.history.noticing.note_files import events_by_file
from odibi_core.store.runs import NOTES, RAISED
from odibi_core.store.segments import merge_by_time
from odibi_core.views.values import text, texts

HORIZON: Final = timedelta(days=35)
"""A state of alerts has the events of so long."""
OWN: Final = "alerts-"
DATE: Final = "%Y%m%d"


def day_of(name: str) -> str | None:
    """Return the day on which a file of events of alerts begins; None for a file of other notes."""
    for prefix in (OWN, RAISED):
        if name.startswith(prefix):
            return name[len(prefix) : len(prefix) + 8]
    return None


def files_to_prune(root: Path, is_run: Callable[[str], bool], now: datetime, keep_days: float) -> list[str]:
    """Return the names of files of events of alerts that no state and no run of the store needs, in order of deletion.

    These are, within the horizon, the files whose alerts are all over and of runs that are gone; behind it, those of
    runs, whose records have the events too, and the others if they are older than any run may be.

    Args:
        root: The folder of the store.
        is_run: Returns true for a run that the store keeps.
        now: The time.
        keep_days: The longest age of a run; 0 for any.
    """
    first = (now - HORIZON).strftime(DATE)
    oldest = (now - max(HORIZON, timedelta(days=keep_days))).strftime(DATE) if keep_days else ""
    files = events_by_file(root / NOTES, lambda name: day_of(name) is not None)
    old = [name for name in files if (day := day_of(name) or "") < first and (name.startswith(RAISED) or day < oldest)]
    recent = {name: events for name, events in files.items() if (day_of(name) or "") >= first}
    # The ends of alerts last: a deletion that is killed must not leave a beginning without its end.
    over = sorted(_over(recent, is_run), key=lambda name: max(event.timestamp for event in files[name]))
    return [*sorted(old), *over]


def _over(files: Mapping[str, list[Event]], is_run: Callable[[str], bool]) -> set[str]:
    """Return the files whose alerts are all over and of runs that are gone.

    An alert keeps each of its files, and a file each of its alerts: else a state without its end would see it open.
    """
    alerts_of = _alerts_by_file(files)
    kept_alerts = _open(files) | {
        alert
        for name, events in files.items()
        for event in events
        if event.run_id is None or is_run(event.run_id)
        for alert in _raised_by(event)
    }
    going = {
        name
        for name, alerts in alerts_of.items()
        if alerts and not any(event.run_id is not None and is_run(event.run_id) for event in files[name])
    }
    while True:
        kept_alerts |= {alert for name, alerts in alerts_of.items() if name not in going for alert in alerts}
        still = {name for name in going if not alerts_of[name] & kept_alerts}
        if still == going:
            return going
        going = still


def _alerts_by_file(files: Mapping[str, list[Event]]) -> dict[str, set[str]]:
    """Return the alerts that each file mentions; the delivery of a notification mentions those of the notification."""
    of_notification: dict[str, set[str]] = {}
    for events in files.values():
        for event in events:
            if event.event_type == kinds.ALERT_NOTIFIED and (mark := text(event.fields.get("notification_id"))):
                of_notification.setdefault(mark, set()).update(texts(event.fields.get("alert_ids")))

    def mentioned(event: Event) -> set[str]:
        about = event.fields
        own = text(about.get("alert_id"))
        sent = of_notification.get(text(about.get("notification_id")) or "", set())
        return {*texts(about.get("alert_ids")), *sent, *([own] if own else [])}

    return {name: {alert for event in events for alert in mentioned(event)} for name, events in files.items()}


def _raised_by(event: Event) -> list[str]:
    alert = text(event.fields.get("alert_id")) if event.event_type == kinds.ALERT_RAISED else None
    return [alert] if alert else []


def _open(files: Mapping[str, list[Event]]) -> set[str]:
    """Return the alerts that are not resolved."""
    found: set[str] = set()
    for event in merge_by_time(*files.values()):
        if event.event_type == kinds.ALERT_RESOLVED:
            found.discard(text(event.fields.get("alert_id")) or "")
        else:
            found.update(_raised_by(event))
    return found
