"""Fakes for tests: a sink that records, a sink that fails, a clock under control, predictable ids.

>>> from odibi_core.bus.bus import EventBus
>>> sink = RecordingSink()
>>> bus = EventBus(clock=FakeClock())
>>> _ = bus.subscribe(sink)
>>> bus.publish("node_start", fields={"node_name": "clean"})
>>> sink.kinds
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
    """A sink that keeps its events in `.events`; it is a store too, because it can `read()`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = False

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def read(self) -> Iterator[Event]:
        """Return the recorded events."""
        return iter(self.events)

    def close(self) -> None:
        """Set `.closed`."""
        self.closed = True

    @property
    def kinds(self) -> list[str]:
        """The event types, in the order in which they came."""
        return [event.event_type for event in self.events]

    def of_kind(self, event_type: str) -> list[Event]:
        """Return the events of one kind."""
        return [event for event in self.events if event.event_type == event_type]


class FailingSink:
    """A sink or hook that raises `error` at each call, and counts the calls in `.calls`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or RuntimeError("this sink always fails")
        self.calls = 0

    def __call__(self, event: Any) -> None:
        self.calls += 1
        raise self.error


class FakeClock:
    """A clock that stands still: `advance(1.5)` moves both clocks, `set_back(3600)` only the wall clock."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the time of the wall clock, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds of the monotonic clock."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back, as an administrator does; the monotonic clock goes on."""
        self._now -= timedelta(seconds=seconds)


class SequentialIds:
    """Predictable ids: `id-1`, `id-2` …"""

    def __init__(self, prefix: str = "id") -> None:
        self._prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"


def an_event(event_type: str = "log", /, **fields: Any) -> Event:
    """Return an event with these fields, standard or not, `timestamp`, `seq` and `level` included."""
    from odibi_core.events import COLUMNS

    standard = {name: fields.pop(name) for name in COLUMNS if name in fields}
    header = {"timestamp": datetime(2026, 1, 1, tzinfo=UTC), "level": "info", "event_type": event_type}
    return Event(**{**header, **standard}, fields=fields)


@contextmanager
def fresh_program() -> Iterator[None]:
    """Reset the state of the process for a block, and restore it afterwards.

    Settings, event bus, metrics, subscribers, loggers, redaction rules, context and health checks are those of a
    process that has just begun.
    """
    restore = STATE.reset()
    try:
        yield
    finally:
        if runtime := sys.modules.get("odibi_core.runtime.program"):
            runtime.finish_all()
        restore()
