"""The hall: every event passes here, once, and everything that wants to know of it listens here.

Sinks hear every event and are called one at a time, in the order of the events' `seq`: the journal, the views.
Hooks are users' functions for one kind of event; they run after all sinks, in the thread that said the event.
So the record is complete before anyone reacts to it, and a hook may itself run a whole pipeline.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from sys import modules
from threading import get_ident
from typing import Any, Final

from odibi_core import _fork
from odibi_core.bus.built_in_hooks import (
    BuiltInHooks,
    create_alert_hook,
    create_cache_stats_hook,
    create_log_rotation_hook,
    create_metrics_export_hook,
    create_summary_hook,
)
from odibi_core.bus.hooks import (
    FAILURES,
    FAILURES_ALLOWED,
    AutomationHook,
    Callback,
    EventPriority,
    HookMethods,
    Hooks,
    RegisteredHook,
    complain,
    refuse_sink,
)
from odibi_core.errors import STOPS
from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.clock import SYSTEM, Clock, new_id, resident_memory_mb
from odibi_core.events.context import Context, batch_here, current, in_span
from odibi_core.events.kinds import SEVERITY
from odibi_core.events.messages import default_message
from odibi_core.events.normalize import to_text
from odibi_core.events.pickling import Stays
from odibi_core.events.sanitize import sanitize_text, split_fields
from odibi_core.events.trace_context import SPANS_OF

__all__ = [
    "AutomationHook", "EventBus", "EventPriority", "RegisteredHook", "Sink", "create_alert_hook",
    "create_cache_stats_hook", "create_log_rotation_hook", "create_metrics_export_hook", "create_summary_hook",
]  # fmt: skip

Sink = Callable[[Event], object]
"""Anything that takes an event. It may have `close()`; a view also has `answer()`."""

_log = logging.getLogger("odibi_core")
_MEMORY_KEPT: Final = timedelta(seconds=1)
_MOMENT: Final = timedelta(microseconds=100)
"""Edges of nodes so close to each other share a measurement (benchmark: an empty node of a chain)."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EventBus(Stays, BuiltInHooks, HookMethods):
    """Takes what is said, makes it an event, and hands it to every sink and then to every hook.

    What a sink says waits until all sinks heard what it reacts to; so does, for hooks, what a hook says.
    A sink or hook that raises is logged, counted, reported once as `hook_failed`, disabled after repeated
    failure, and never reaches the code that said the event.

    >>> bus = EventBus()
    >>> hook = bus.register_hook("node_complete", lambda event: print(event["row_count"]))
    >>> bus.emit("node_complete", {"node_name": "clean", "row_count": 3})
    3
    """

    _stays_because = "its sinks and hooks live in this one; use get_logger and context_for_workers in the other"

    def __init__(self, max_workers: int = 4, *, clock: Clock = SYSTEM) -> None:
        self.max_workers = max_workers
        self.failures: dict[str, int] = {}
        self.joined = False
        """Whether the program's listeners hear it too (see `program`)."""
        self.clock = clock
        self._now = clock.now
        self._sinks: tuple[Sink, ...] = ()
        self._ranked: list[tuple[int, int, str, Sink]] = []
        self._registrations = count()
        self._hooks = Hooks(max_workers, self.count_failure)
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """A writer of its own: at the start, and in the child of every fork."""
        self.writer_id = new_id()
        self._seq = count()
        # Can be entered again: a signal's handler, or a __del__, may log at any moment, also at the edges of a turn.
        self._lock = threading.RLock()
        # Not the one of the turn: who subscribes may hold what a sink that is being called waits for.
        self._list_lock = threading.RLock()
        self._hooks.begin()
        self._holder = 0
        self._waiting: deque[Event] = deque()
        self._aftermath: list[Event | str] = []
        self._failing: dict[int, tuple[int, int]] = {}
        self._memory_mb: float | None = None
        self._memory_due = self._memory_past = _LONG_AGO

    def subscribe(
        self, sink: Sink, *, priority: EventPriority = EventPriority.NORMAL, name: str | None = None
    ) -> Sink:
        """Have `sink` called with every event from now on; gives the sink back."""
        refuse_sink(sink, name or name_of(sink))
        with self._list_lock:
            self._ranked.append((priority, next(self._registrations), name or name_of(sink), sink))
            self._ranked.sort(key=lambda row: row[:2])
            self._sinks = tuple(row[3] for row in self._ranked)
        return sink

    def sinks(self) -> list[tuple[str, Sink]]:
        """Each sink with its name, in the order in which they are called."""
        return [(row[2], row[3]) for row in self._ranked]

    def unsubscribe(self, sink: Sink) -> None:
        """Stop calling `sink`, which no thread is calling any more then; one that is not subscribed is no error."""
        with self._lock:
            self._forget(sink)

    def _forget(self, sink: Sink) -> None:
        self._failing.pop(id(sink), None)
        with self._list_lock:
            self._ranked = [row for row in self._ranked if row[3] is not sink]
            self._sinks = tuple(row[3] for row in self._ranked)

    def publish(
        self,
        event_type: str,
        message: str | None = None,
        *,
        level: str = "info",
        fields: dict[str, Any] | None = None,
        context: Context | None = None,
        live: dict[str, Any] | None = None,
    ) -> None:
        """Something happened: `fields` (taken over by the bus) may hold standard fields by name and any others.

        `context` is for who has one of its own; else it is the one in force here. `live` holds objects that hooks
        get as they are, and the record does not. Never raises, whatever the values are.
        """
        try:
            if type(level) is not str or level not in SEVERITY or type(event_type) is not str:
                level, event_type = kinds.level_name(level), to_text(event_type)
            kind = sanitize_text(event_type)
            if kind == kinds.STAGE_COMPLETED and (batch := batch_here.get()) is not None:
                batch.told = True
            standard, rest, objects = split_fields(fields) if fields else ({}, {}, None)
            if message is not None:
                standard["message"] = sanitize_text(message if type(message) is str else to_text(message))
            if context is None:
                context = current()
            if SPANS_OF in modules:  # asked here, since most programs have no spans
                context = in_span(context)
            if context.fields:
                rest = {**context.fields, **rest}
            if self._holder == get_ident():
                self._waiting.append(self._make(kind, level, standard, rest, context))
                return
            if self._sinks:
                when, later = self._record(kind, level, standard, rest, context)
            else:
                when, later = self._now(), None
            if self._hooks.routes.get(kind, True):
                nested = objects is not None or bool(context.fields or context.unusual)
                heard = {**context.standard, **standard, **rest}
                if objects or live:
                    heard |= {**(objects or {}), **(live or {})}
                self._hooks.react(kind, when, heard, nested)
            if later or self._waiting:
                self._follow_up(later)
        except STOPS:
            raise
        except BaseException as error:
            complain("an event could not be recorded", error)

    def _record(
        self, kind: str, level: str, standard: dict[str, Any], rest: dict[str, Any], context: Context
    ) -> tuple[datetime, list[Event | str] | None]:
        """Make the event and have every sink hear it; gives its time, and what is left to do after the turn."""
        with self._lock:
            self._holder = get_ident()
            try:
                event = self._make(kind, level, standard, rest, context)
                for sink in self._sinks:
                    try:
                        sink(event)
                    except STOPS:
                        raise
                    except BaseException as error:
                        self._sink_failed(sink, error, event)
                later = self._deliver_waiting() if self._waiting or self._aftermath else None
            finally:
                self._holder = 0
        return event.timestamp, later

    def deliver(self, event: Event) -> None:
        """Hand on an event that was made elsewhere, as it is: a worker's, or another bus's. Never raises."""
        try:
            if not isinstance(event, Event):
                raise TypeError(f"an Event is published, given was a {type(event).__name__}")
            if self._holder == get_ident():
                self._waiting.append(event)
            else:
                self._take_turn(event)
        except STOPS:
            raise
        except BaseException as error:
            complain("an event could not be passed on", error)

    def _make(
        self, kind: str, level: str, standard: dict[str, Any], rest: dict[str, Any], context: Context
    ) -> Event:
        now = self._now()
        own = standard or context.unusual
        if now >= self._memory_due or (own and kind in kinds.NODE_EDGES and now >= self._memory_past):
            self._memory_mb, self._memory_due = resident_memory_mb(), now + _MEMORY_KEPT
            self._memory_past = now + _MOMENT
        if own:
            known = {
                "timestamp": now,
                "level": level,
                "event_type": kind,
                "memory_mb": self._memory_mb,
                "writer_id": self.writer_id,
                "seq": next(self._seq),
                "fields": rest,
                **context.standard,
                **standard,
            }
            if "message" not in standard:
                known["message"] = default_message(kind, known, rest)
            return Event(**known)
        # Names written out cost a third of names unpacked, and most lines of a log have no others than these.
        return Event(
            timestamp=now,
            level=level,
            event_type=kind,
            message=kind,
            node_name=context.node_name,
            memory_mb=self._memory_mb,
            user=context.user,
            run_id=context.run_id,
            correlation_id=context.correlation_id,
            operation=context.operation,
            component=context.component,
            writer_id=self.writer_id,
            seq=next(self._seq),
            fields=rest,
        )

    def _take_turn(self, event: Event | None) -> None:
        """What `_record` does, for an event that is there already; None for only what waits."""
        with self._lock:
            self._holder = get_ident()
            try:
                if event is not None:
                    self._hand_out(event)
                later = self._deliver_waiting()
            finally:
                self._holder = 0
        if event is not None:
            self._hooks.react(event.event_type, event.timestamp, to_dict(event))
        self._follow_up(later)

    def _deliver_waiting(self) -> list[Event | str]:
        """Have the sinks hear what was said while they were called; gives what hooks and the standard log are due."""
        while self._waiting:
            event = self._waiting.popleft()
            self._hand_out(event)
            self._aftermath.append(event)
        later, self._aftermath = self._aftermath, []
        return later

    def _follow_up(self, later: list[Event | str] | None) -> None:
        """When no sink is being called: hooks hear what sinks said, the standard log which of them failed."""
        for each in later or ():
            if isinstance(each, str):
                _log.error("%s", each)
            else:
                self._hooks.react(each.event_type, each.timestamp, to_dict(each))
        if self._waiting and self._holder == 0:  # said by a signal's handler, at the very edge of a turn
            self._take_turn(None)

    def _hand_out(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except STOPS:
                raise
            except BaseException as error:
                self._sink_failed(sink, error, event)

    def _sink_failed(self, sink: Sink, error: BaseException, event: Event) -> None:
        """Called while the sinks are being called: what is said here waits its turn."""
        name = next((row[2] for row in self._ranked if row[3] is sink), name_of(sink))
        last, in_a_row = self._failing.get(id(sink), (-1, 0))
        in_a_row = in_a_row + 1 if event.seq == last + 1 or event.writer_id != self.writer_id else 1
        self._failing[id(sink)] = (event.seq, in_a_row)
        self._aftermath.append(self.count_failure(name, error))
        if in_a_row >= FAILURES_ALLOWED:
            self._forget(sink)
            self._aftermath.append(f"the sink {name} failed {in_a_row} times in a row and is called no more")

    def count_failure(self, name: str, error: BaseException) -> str:
        """Of a sink, a hook or another receiver: count it, report the first of each name, and give the sentence for
        the standard log.
        """
        self.failures[name] = self.failures.get(name, 0) + 1
        reason = sanitize_text(f"{type(error).__name__}: {to_text(error)}")
        if self.failures[name] == 1:
            self.publish(
                kinds.HOOK_FAILED, f"{name} failed", level="warning", fields={"hook": name, "error": reason}
            )
        return f"hook {name} failed: {reason}"

    def register_hook(
        self,
        event_type: str,
        callback: Callback,
        priority: EventPriority = EventPriority.NORMAL,
        name: str | None = None,
        *,
        async_execution: bool = False,
    ) -> RegisteredHook:
        """Have `callback` called with a dict of its own for each event of that kind (`"*"`: of every kind).

        Without `async_execution` it runs in the thread that said the event, before `emit` returns; with it,
        on the bus's own threads, and the pipeline does not wait. A callback that has `joined(bus)` is told here
        where it was registered, so that it can say events itself.
        """
        hook = RegisteredHook(
            name or name_of(callback), callback, priority, event_type, True, async_execution
        )
        self._hooks.add(hook)
        joined = getattr(callback, "joined", None)
        if callable(joined):
            joined(self)
        return hook

    def emit(self, event_type: str, event_data: Mapping[str, Any] | None = None) -> None:
        """Say an event with the fields of a dict, which is not touched. Never raises."""
        try:
            kind = kinds.canonical(event_type)
            fields = dict(event_data) if event_data else None
        except STOPS:
            raise
        except BaseException:
            kind, fields = to_text(event_type), {"event_data": event_data}
        self.publish(kind, level="error" if kind in FAILURES else "info", fields=fields)

    def attach_live(self, **objects: Any) -> None:
        """Give hooks of a run's end these objects as they are (`metrics_manager=`, `tracker=`)."""
        self._hooks.live.update(objects)

    @property
    def dropped(self) -> int:
        """Calls of asynchronous hooks that were dropped because too many were waiting."""
        return self._hooks.dropped

    def shutdown(self, timeout: float = 5.0) -> bool:
        """Let asynchronous hooks finish, for at most `timeout` seconds; False when some could not."""
        return self._hooks.shutdown(timeout)

    def __enter__(self) -> EventBus:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def name_of(callback: object) -> str:
    """What a sink or hook is called where nobody gave it a name."""
    return str(getattr(callback, "__name__", None) or type(callback).__name__)


