"""Fakes for tests, ours and yours: a sink that remembers, a clock that obeys, ids that count.

>>> from odibi_core.bus.bus import EventBus
>>> heard = RecordingSink()
>>> bus = EventBus(clock=FakeClock())
>>> _ = bus.subscribe(heard)
>>> bus.publish("node_start", fields={"node_name": "clean"})
>>> heard.kinds
['node_start']
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from odibi_core._state import STATE
from odibi_core.events import Event

__all__ = ["FailingSink", "FakeClock", "RecordingSink", "SequentialIds", "an_event", "fresh_program"]


class RecordingSink:
    """A sink that keeps what it heard, in `.events`; a store too, since it can `read()`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = False

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def read(self) -> Iterator[Event]:
        """What was heard."""
        return iter(self.events)

    def close(self) -> None:
        """Only remembered, in `.closed`."""
        self.closed = True

    @property
    def kinds(self) -> list[str]:
        """The event types, in the order in which they came."""
        return [event.event_type for event in self.events]

    def of_kind(self, event_type: str) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if event.event_type == event_type]


class FailingSink:
    """A sink or hook that raises `error` each time, and counts the times in `.calls`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or RuntimeError("this sink always fails")
        self.calls = 0

    def __call__(self, event: Any) -> None:
        self.calls += 1
        raise self.error


class FakeClock:
    """Stands still until told: `clock.advance(1.5)` moves both clocks, `clock.set_back(3600)` only the wall's."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The wall clock's time."""
        return self._now

    def monotonic(self) -> float:
        """The monotonic clock's seconds."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """As an administrator does: the wall clock goes back, time itself does not."""
        self._now -= timedelta(seconds=seconds)


class SequentialIds:
    """Ids that a test can foresee: `id-1`, `id-2` …"""

    def __init__(self, prefix: str = "id") -> None:
        self._prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"


def an_event(event_type: str = "log", /, **fields: Any) -> Event:
    """An event with these fields, standard or not; `timestamp`, `seq` and `level` may be given too."""
    from odibi_core.events import COLUMNS

    standard = {name: fields.pop(name) for name in COLUMNS if name in fields}
    header = {"timestamp": datetime(2026, 1, 1, tzinfo=UTC), "level": "info", "event_type": event_type}
    return Event(**{**header, **standard}, fields=fields)


@contextmanager
def fresh_program() -> Iterator[None]:
    """As if the process had just begun: settings, bus, metrics, listeners, loggers and health checks are made anew.

    It is in no run, and was told nothing yet that is told once. What was there before is there again afterwards.
    """

    restore = STATE.reset()
    try:
        yield
    finally:
        if runtime := sys.modules.get("odibi_core.runtime.program"):
            runtime.finish_all()
        restore()
