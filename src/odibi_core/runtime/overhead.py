"""The time that recording takes of a run, measured where the recorder works in the run's threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from odibi_core.events.clock import monotonic


class Overhead:
    """Seconds that the threads of a run spent in the recorder: descriptions, statistics, events of nodes, its start.

    Publishing an event includes sanitizing, the write to the journal, the views, the metrics and the hooks that run in
    the publishing thread. Other events of the run, such as lines of loggers, count at the mean time of those events.
    """

    def __init__(self) -> None:
        # By thread, because `+=` on one number from two threads may lose one of the two.
        self._seconds: dict[int, float] = {}
        self._events: dict[int, int] = {}
        self._publishing: dict[int, float] = {}
        self._beside_s = 0.0
        """The part that is outside the duration of the run: opening its record, and judging it."""
        self.stated: dict[str, float | None] = {"overhead_ms": None, "overhead_pct": None}
        """The fields of the end of the run; unknown before it."""

    def add(self, seconds: float) -> None:
        """Count time that was spent on descriptions, or on opening the record."""
        thread = get_ident()
        self._seconds[thread] = self._seconds.get(thread, 0.0) + seconds

    @property
    def seconds(self) -> float:
        """The time that was counted, without that of events."""
        return sum(self._seconds.copy().values())

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count the time of a block before the first step or after the last one, which its duration leaves out."""
        began = monotonic()
        yield
        spent = monotonic() - began
        self._beside_s += spent
        self.add(spent)

    def add_event(self, seconds: float) -> None:
        """Count the publishing of one event."""
        thread = get_ident()
        self._publishing[thread] = self._publishing.get(thread, 0.0) + seconds
        self._events[thread] = self._events.get(thread, 0) + 1

    def end(self, duration_ms: float, events: int | None) -> dict[str, float | None]:
        """Return and keep `overhead_ms`, and `overhead_pct` of that duration and the recording before and after it.

        Args:
            duration_ms: The duration of the run.
            events: The events of the run so far; None if nothing counts them.
        """
        measured = sum(self._events.copy().values())
        publishing = sum(self._publishing.copy().values())
        if measured and events is not None and events > measured:
            publishing *= events / measured
        spent_ms = (self.seconds + publishing) * 1e3
        whole_ms = duration_ms + self._beside_s * 1e3
        share = round(100.0 * spent_ms / whole_ms, 2) if whole_ms > 0 else None
        self.stated = {"overhead_ms": round(spent_ms, 3), "overhead_pct": share}
        return self.stated
