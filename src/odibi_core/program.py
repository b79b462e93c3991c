"""What a process has once: the bus of the program itself, its metrics, and who hears of everything it does.

Whoever only wants to speak takes `current_bus()`: inside a run it is that run's, and what is said stands in that run's
record; anywhere else it is the program's own. A program-wide listener (the console, `get_metrics()`, Sentry) hears the
program's bus, and each run's from when it begins. Nothing is made before it is asked for.
"""

from __future__ import annotations

import os
import weakref
from threading import RLock

from odibi_core.event_bus import EventBus, Sink
from odibi_core.events.context import bus_here
from odibi_core.metrics_manager import MetricsManager

__all__ = ["current_bus", "get_metrics", "join", "listen", "program_bus", "sinks", "unlisten"]

_bus: list[EventBus] = []
_metrics: list[MetricsManager] = []
_listeners: list[tuple[Sink, str | None]] = []
_joined: weakref.WeakSet[EventBus] = weakref.WeakSet()
_lock = RLock()


def current_bus() -> EventBus:
    """The bus to speak on here: that of the run that we are in, else the program's own."""
    bus: EventBus = bus_here.get() or (_bus[0] if _bus else program_bus())
    if not bus.joined:
        join(bus)
    return bus


def program_bus() -> EventBus:
    """The program's own bus, always the same one."""
    if not _metrics:
        with _lock:
            if not _bus:
                _bus.append(EventBus())
            if not _metrics:
                _metrics.append(MetricsManager(bus=_bus[0]))
                listen(_metrics[0], name="metrics")
                join(_bus[0])
    return _bus[0]


def get_metrics() -> MetricsManager:
    """The metrics of the whole process: of all its runs, of what `track_…` measured, and of your own calls on it."""
    program_bus()
    return _metrics[0]


def listen(sink: Sink, *, name: str | None = None) -> Sink:
    """Have `sink` hear all that this process says: on the program's bus, and in every run; gives the sink back."""
    with _lock:
        _listeners.append((sink, name))
        for bus in _joined:
            bus.subscribe(sink, name=name)
    return sink


def unlisten(sink: Sink) -> None:
    """Take a listener away from everywhere; one that does not listen is no error."""
    with _lock:
        _listeners[:] = [each for each in _listeners if each[0] is not sink]
        for bus in _joined:
            bus.unsubscribe(sink)


def sinks() -> list[tuple[str, Sink]]:
    """The sinks of every bus that the program knows of, each with its name."""
    with _lock:
        return [named for bus in _joined for named in bus.sinks()]


def join(bus: EventBus) -> None:
    """A run begins on this bus: the program's listeners hear it too. A second time does nothing."""
    with _lock:
        if not bus.joined:
            bus.joined = True
            _joined.add(bus)
            for sink, name in _listeners:
                bus.subscribe(sink, name=name)


def _after_fork() -> None:
    """In the child: a lock that another thread may have held is made anew."""
    global _lock
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
