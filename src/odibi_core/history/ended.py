"""The runs that may be compacted: ended, and without a writer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from odibi_core.events import Event, decode
from odibi_core.store.locks import is_in_use
from odibi_core.store.runs import RunStore
from odibi_core.views.run_head import CLOSING

_TAIL: Final = 1 << 16


def ended_runs(store: RunStore, reasons: dict[str, str]) -> Iterator[str]:
    """Yield the ids of ended runs, the oldest first, and put the reason for each other one into `reasons`.

    A run whose process died is marked as lost.
    """
    for run_id in store.hot_ids():
        try:
            reason = _reason_against(store, run_id)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
        if reason:
            reasons[run_id] = reason
        else:
            yield run_id


def _reason_against(store: RunStore, run_id: str) -> str:
    """Return the reason to leave a run as it is; empty if there is none. Raises `OSError`."""
    paths = store.segments(run_id)
    if any(is_in_use(path) for path in paths):
        return "a process writes to it"
    if any(closing_event(path) for path in paths):
        return ""
    row = store.row(run_id)
    if row is None:
        return "it has no events"
    return "it has not ended" if row.status == "running" else ""


def closing_event(path: Path) -> Event | None:
    """Return the end of the run if it is the last line of a segment; None also if that cannot be seen."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        lines = file.read().split(b"\n")
    try:
        event = decode(lines[-2]) if lines[-1] == b"" else None
    except (ValueError, TypeError, IndexError, RecursionError):
        return None
    return event if event is not None and event.event_type in CLOSING else None
