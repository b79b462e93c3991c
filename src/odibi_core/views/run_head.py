"""The start and the end of one run, as its events report them: the one place that decides how a run ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.views.answers import Run
from odibi_core.views.values import count, milliseconds, number, text

CLOSING: Final = kinds.PIPELINE_ENDS | {kinds.RUN_LOST}


class RunHead:
    """The first, the last, the opening and the closing event of a run."""

    __slots__ = ("closing", "first", "last", "opening", "run_id")

    def __init__(self, run_id: str | None) -> None:
        self.run_id = run_id
        self.opening: Event | None = None
        self.closing: Event | None = None
        self.first: datetime | None = None
        self.last: datetime | None = None

    def close(self, event: Event) -> bool:
        """Take the first end, or the end of a run that was marked lost; return whether it was taken."""
        if self.closing is not None and self.closing.event_type != kinds.RUN_LOST:
            return False
        self.closing = event
        return True

    def status(self, count_states: Callable[[], Counter[str]]) -> str:
        """Return `running`, `success`, `failed`, `cancelled` or `lost`.

        A run that a tracker alone records has no event for its end: it has ended when its steps have.
        """
        reported = "running" if self.closing is None else _closed_as(self.closing)
        if reported in ("running", "lost") and self._is_open_ended():
            states = count_states()
            if states.total() and not states["running"]:
                return "failed" if states["failed"] else "success"
        return reported

    def _is_open_ended(self) -> bool:
        return self.opening is not None and self.opening.fields.get("open_ended") is True

    def answer(self, status: str) -> Run:
        """Return the run. Without a reported end it ends at its last event."""
        opening, closing = self.opening, self.closing
        if closing is not None and closing.event_type == kinds.RUN_LOST:
            closing = None  # written by a later reader: neither its time nor its fields are those of the run
        start = self.first if opening is None else opening.timestamp
        end = None if status == "running" else self.last if closing is None else closing.timestamp
        duration = None if closing is None else number(closing.duration_ms)
        if duration is None and start and (until := end or self.last):
            duration = milliseconds(start, until)
        reported = self.closing
        return Run(
            run_id=self.run_id,
            pipeline_name=_name_of(opening) or _name_of(reported),
            status=status,
            engine=text(opening.engine) if opening else None,
            start=start,
            end=end,
            duration_ms=duration,
            error=_error_of(reported) if reported and status not in ("success", "running") else None,
        )

    def closing_number(self, name: str) -> float | None:
        """Return a number that the end of the run reports."""
        return None if self.closing is None else number(self.closing.fields.get(name))


def _closed_as(closing: Event) -> str:
    if closing.event_type == kinds.RUN_LOST:
        return "lost"
    if closing.status in ("success", "failed", "cancelled"):
        return str(closing.status)
    if closing.event_type == kinds.PIPELINE_ERROR or count(closing.fields.get("failed_count")):
        return "failed"
    return "success"


def _name_of(event: Event | None) -> str | None:
    return None if event is None else text(event.fields.get("pipeline_name"))


def _error_of(event: Event) -> str | None:
    return text(event.error) or text(event.fields.get("error")) or text(event.fields.get("error_message"))
