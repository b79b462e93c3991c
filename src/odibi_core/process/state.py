"""The event bus and the metrics of this process, and its program-wide subscribers.

`current_bus()` is the event bus of the current run, so that an event becomes part of the run's record; outside a run it
is the bus of the program. A program-wide subscriber (the console, `get_metrics()`, Sentry) gets the events of the
program's bus and of each run from its start. The first bus also adopts the context that a parent process passed on.
Nothing is created before it is needed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.bus import EventBus, Sink, SubscriberGroup
from odibi_core.errors import STOPS, ConfigurationError, StoreError
from odibi_core.events.context import bus_here, inherit, inherited, put
from odibi_core.events.trace_context import read_traceparent
from odibi_core.metrics.manager import MetricsManager
from odibi_core.process import worker_record
from odibi_core.process.configured_metrics import new_metrics
from odibi_core.process_end import flush_at_the_end
from odibi_core.settings import inherited_context, parent_span
from odibi_core.store.runs import RunStore

__all__ = [
    "begin_in",
    "begun_in",
    "current_bus",
    "get_metrics",
    "join",
    "listen",
    "program_bus",
    "resolve_bus",
    "sinks",
    "take_up_inherited",
    "unlisten",
    "using_metrics",
    "validate_logger",
    "store_of_work",
    "works_for",
]

_log = logging.getLogger("odibi_core")


class _Program:
    """The event bus, the metrics and the program-wide subscribers of this process."""

    def __init__(self) -> None:
        self.bus: EventBus | None = None
        self.metrics: MetricsManager | None = None
        self.subscribers = SubscriberGroup()
        self.begun = False
        """True once the context of the process is set."""
        self.begun_in: str | None = None
        self.works_for: str | None = None
        self.store_of_work: str | None = None


_program: Final = STATE.part(_Program)
_metrics_here: ContextVar[MetricsManager | None] = ContextVar("odibi_core_metrics", default=None)
"""The metrics of the run in which this code is, in a worker that serves several runs; else None."""


def current_bus() -> EventBus:
    """Return the event bus of the current run; outside a run, the bus of the program."""
    program_own = _program.bus or program_bus()  # inside a run too, because it subscribes `get_metrics()`
    bus: EventBus = bus_here.get() or program_own
    if _program.subscribers not in bus.groups:
        join(bus)
    return bus


def resolve_bus(given: Any) -> EventBus:
    """Return the bus of the logger or bus that an instrument was given; for None, that of the current run."""
    bus: EventBus = current_bus() if given is None else getattr(given, "bus", given)
    return bus


def validate_logger(given: Any) -> Any:
    """Return the logger or bus that an instrument was given, or None, for `resolve_bus` at each use.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        known = given is None or isinstance(getattr(given, "bus", given), EventBus)
    except STOPS:
        raise
    except BaseException:  # its attributes raise
        known = False
    if not known:
        raise ConfigurationError(
            "logger must be a StructuredLogger, a logger of get_logger, an EventBus, or None for the program's bus, "
            f"got a {type(given).__name__}"
        )
    return given


def program_bus() -> EventBus:
    """Return the event bus of the program, which is created once."""
    here = _program
    if here.bus is None:
        with STATE.creation_lock:
            if here.bus is None:
                bus = EventBus()
                here.metrics = new_metrics(bus)
                here.metrics.unpickled_as = get_metrics
                listen(here.metrics, name="metrics")
                join(bus)
                here.bus = bus
    return here.bus


def begin_in(fields: dict[str, Any]) -> None:
    """Start every thread of this process in a context, and record its events in the run of that context.

    The initializer that `context_for_workers` returns calls it.
    """
    _program.begun = True
    _program.begun_in = fields.get("run_id")
    fields = dict(fields)
    store, observed = fields.pop(worker_record.STORE, None), fields.pop(worker_record.OBSERVED, False)
    inherit(fields)
    put(inherited())
    flush_at_the_end()
    if store is not None:
        _work_for(str(fields.get("run_id")), store, observed)


def begun_in() -> str | None:
    """Return the id of the run in whose context `begin_in` started the threads of this process."""
    return _program.begun_in


def _work_for(run_id: str, store: str, observed: bool) -> None:
    """Use the bus of the run, which a forked child has; else add a journal in the folder of the run."""
    bus = worker_record.bus_of(run_id)
    if bus is not None:
        bus_here.set(bus)
        return
    try:
        journal = RunStore(store).open(run_id)
    except StoreError as error:
        _log.warning("the events of this process are not in the record of the run %s: %s", run_id, error)
        return
    _program.works_for = run_id if observed else None
    _program.store_of_work = store
    program_bus().subscribe(journal, name="journal")


def works_for() -> str | None:
    """Return the id of the observed run of another process for which this process works; None for most processes."""
    take_up_inherited()
    return _program.works_for


def store_of_work() -> str | None:
    """Return the folder of the store of the run for which this process works."""
    return _program.store_of_work


def take_up_inherited() -> None:
    """Adopt the context that `environment_for_workers` of a parent process passed on, or its span; once a process.

    `TRACEPARENT` has precedence over the span of that context, because it was set closer to this process.
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
            _log.warning("the inherited context cannot be read and is ignored: %.200r", given)
    if fields := {**fields, **read_traceparent(parent_span())}:
        inherit(fields)


def get_metrics() -> MetricsManager:
    """Return the metrics of this process: of its runs, of the instruments, and of direct calls."""
    if (of_run := _metrics_here.get()) is not None:
        return of_run
    program_bus()
    assert _program.metrics is not None  # made with the bus
    return _program.metrics


@contextmanager
def using_metrics(metrics: MetricsManager) -> Iterator[None]:
    """Return these from `get_metrics` inside."""
    token = _metrics_here.set(metrics)
    try:
        yield
    finally:
        _metrics_here.reset(token)


def listen(sink: Sink, *, name: str | None = None) -> Sink:
    """Subscribe a sink to the bus of the program and of every run, those to come included; return it."""
    _program.subscribers.add(sink, name)
    return sink


def unlisten(sink: Sink) -> None:
    """Unsubscribe a sink from every bus; a sink that is not subscribed is no error."""
    _program.subscribers.remove(sink)


def sinks() -> list[tuple[str, Sink]]:
    """Return the name and the sink of every subscription to a bus of this process."""
    return _program.subscribers.sinks()


def join(bus: EventBus) -> None:
    """Subscribe the program-wide sinks to the bus of a run; a second call does nothing."""
    take_up_inherited()
    _program.subscribers.join(bus)
