"""Subscribers of several buses: those of a process, or of one program log."""

from __future__ import annotations

from threading import RLock
from weakref import WeakSet

from odibi_core import _fork
from odibi_core.bus.bus import EventBus, Sink

__all__ = ["SubscriberGroup"]


class SubscriberGroup:
    """Sinks that receive the events of every bus that joined, or joins later."""

    def __init__(self) -> None:
        self._sinks: list[tuple[Sink, str | None]] = []
        self._buses: WeakSet[EventBus] = WeakSet()
        self._reset_lock()
        _fork.in_child(self._reset_lock)

    def _reset_lock(self) -> None:
        """Fork: another thread of the parent may hold the lock."""
        self._lock = RLock()

    def join(self, bus: EventBus) -> None:
        """Subscribe the sinks to a bus, once."""
        if self in bus.groups:
            return
        with self._lock:
            if self not in bus.groups:
                self._buses.add(bus)
                for sink, name in self._sinks:
                    bus.subscribe(sink, name=name)
                bus.groups = (*bus.groups, self)  # last: a thread that sees it publishes at once

    def add(self, sink: Sink, name: str | None = None) -> None:
        """Subscribe a sink to every bus of the group."""
        with self._lock:
            self._sinks.append((sink, name))
            for bus in self._buses:
                bus.subscribe(sink, name=name)

    def remove(self, sink: Sink) -> None:
        """Unsubscribe a sink from every bus of the group; an unknown one is no error."""
        with self._lock:
            self._sinks = [each for each in self._sinks if each[0] is not sink]
            buses = list(self._buses)
        for bus in buses:  # lock order: each waits for its delivery, in which a sink may need this group
            bus.unsubscribe(sink)

    def sinks(self) -> list[tuple[str, Sink]]:
        """Return the sinks of every bus of the group, with their names."""
        with self._lock:
            return [named for bus in self._buses for named in bus.sinks()]
