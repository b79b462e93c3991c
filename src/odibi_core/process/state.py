"""What a process has once: the bus of the program itself, its metrics, and who hears of everything it does.

Whoever only wants to speak takes `current_bus()`: inside a run it is that run's, and what is said stands in that run's
record; anywhere else it is the program's own. A program-wide listener (the console, `get_metrics()`, Sentry) hears the
program's bus, and each run's from when it begins. With the first bus the program takes up the context that whoever
started it has left for it. Nothing is made before it is asked for.
"""

from __future__ import annotations

import json
import logging
import weakref
from threading import RLock
from typing import Any, Final, TypeVar

from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus, Sink
from odibi_core.errors import STOPS, ConfigurationError, StoreError
from odibi_core.events.context import bus_here, inherit, inherited, put
from odibi_core.events.trace_context import read_traceparent
from odibi_core.metrics.manager import MetricsManager
from odibi_core.process import worker_record
from odibi_core.process_end import flush_at_the_end
from odibi_core.settings import inherited_context, parent_span
from odibi_core.store.runs import RunStore

__all__ = [
    "begin_in",
    "current_bus",
    "get_metrics",
    "creation_lock",
    "join",
    "listen",
    "program_bus",
    "resolve_bus",
    "singleton",
    "sinks",
    "take_up_inherited",
    "unlisten",
    "works_for",
]

T = TypeVar("T")
_log = logging.getLogger("odibi_core")


class _Program:
    """The event bus, the metrics and the program-wide subscribers of this process."""

    def __init__(self) -> None:
        self.bus: EventBus | None = None
        self.metrics: MetricsManager | None = None
        self.listeners: list[tuple[Sink, str | None]] = []
        self.joined: weakref.WeakSet[EventBus] = weakref.WeakSet()
        self.begun = False
        """Whether it is known in which context it begins."""
        self.works_for: str | None = None


_program: Final = STATE.part(_Program)


def current_bus() -> EventBus:
    """The bus to speak on here: that of the run that we are in, else the program's own."""
    program_own = _program.bus or program_bus()  # also inside a run, so that `get_metrics()` hears of it
    bus: EventBus = bus_here.get() or program_own
    if not bus.joined:
        join(bus)
    return bus


def resolve_bus(given: Any) -> Any:
    """Return the logger or bus that an instrument was given; None stands for `current_bus()` at each use.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        known = given is None or isinstance(getattr(given, "bus", given), EventBus)
    except STOPS:
        raise
    except BaseException:  # it refuses to be asked
        known = False
    if not known:
        raise ConfigurationError(
            "logger is a StructuredLogger, a logger of get_logger, an EventBus, or None for the one of the program; "
            f"given was a {type(given).__name__}"
        )
    return given


def program_bus() -> EventBus:
    """The program's own bus, always the same one."""
    here = _program
    if here.bus is None:
        with STATE.creation_lock:
            if here.bus is None:
                bus = EventBus()
                here.metrics = MetricsManager(bus=bus)
                here.metrics.made_again_by = get_metrics
                listen(here.metrics, name="metrics")
                join(bus)
                here.bus = bus
    return here.bus


def begin_in(fields: dict[str, Any]) -> None:
    """Every thread of this process begins in this context, and speaks into the record of its run: the initializer of
    `context_for_workers`.
    """
    _program.begun = True
    fields = dict(fields)
    store, observed = fields.pop(worker_record.STORE, None), fields.pop(worker_record.OBSERVED, False)
    inherit(fields)
    put(inherited())
    flush_at_the_end()
    if store is not None:
        _work_for(str(fields.get("run_id")), store, observed)


def _work_for(run_id: str, store: str, observed: bool) -> None:
    """In a fork the run's own bus is here; elsewhere what this program says is kept in the run's folder."""
    bus = worker_record.bus_of(run_id)
    if bus is not None:
        bus_here.set(bus)
        return
    try:
        journal = RunStore(store).open(run_id)
    except StoreError as error:
        _log.warning("what this process says is not in the record of the run %s: %s", run_id, error)
        return
    _program.works_for = run_id if observed else None
    program_bus().subscribe(journal, name="journal")


def works_for() -> str | None:
    """Return the observed run of another process that this one is a worker of; None for most processes."""
    take_up_inherited()
    return _program.works_for


def take_up_inherited() -> None:
    """Once a process: begin in the context that `environment_for_workers` of another one left us, or in its span.

    `TRACEPARENT` goes before the span of that context: whoever set it stands nearer.
    """
    if _program.begun:
        return
    if left := worker_record.left_by_parent():
        begin_in(left)
        return
    _program.begun = True
    given, fields = inherited_context(), {}
    if given is not None:
        try:
            fields = {str(name): value for name, value in json.loads(given).items()}
        except (ValueError, AttributeError, RecursionError):
            _log.warning("the context that was inherited cannot be read and is left out: %.200r", given)
    if fields := {**fields, **read_traceparent(parent_span())}:
        inherit(fields)


def get_metrics() -> MetricsManager:
    """The metrics of the whole process: of all its runs, of what `track_…` measured, and of your own calls on it."""
    program_bus()
    assert _program.metrics is not None  # made with the bus
    return _program.metrics


def singleton(kind: type[T]) -> T:
    """Return the instance of this kind that the process has, made when it is first needed."""
    return STATE.singleton(kind)


def creation_lock() -> RLock:
    """Return the lock under which everything that a process has once is made."""
    return STATE.creation_lock


def listen(sink: Sink, *, name: str | None = None) -> Sink:
    """Have `sink` hear all that this process says: on the program's bus, and in every run; gives the sink back."""
    with STATE.creation_lock:
        _program.listeners.append((sink, name))
        for bus in _program.joined:
            bus.subscribe(sink, name=name)
    return sink


def unlisten(sink: Sink) -> None:
    """Take a listener away from everywhere; one that does not listen is no error."""
    with STATE.creation_lock:
        _program.listeners[:] = [each for each in _program.listeners if each[0] is not sink]
        joined = list(_program.joined)
    for bus in joined:  # not under our lock: each waits for its turn's end, in which a sink may ask for us
        bus.unsubscribe(sink)


def sinks() -> list[tuple[str, Sink]]:
    """The sinks of every bus that the program knows of, each with its name."""
    with STATE.creation_lock:
        return [named for bus in _program.joined for named in bus.sinks()]


def join(bus: EventBus) -> None:
    """A run begins on this bus: the program's listeners hear it too. A second time does nothing."""
    take_up_inherited()
    with STATE.creation_lock:
        if not bus.joined:
            _program.joined.add(bus)
            for sink, name in _program.listeners:
                bus.subscribe(sink, name=name)
            bus.joined = True  # last: who finds it so speaks at once

