"""The hall: every event passes here, once, and everything that wants to know of it listens here.

Sinks hear every event and are called one at a time, in the order of the events' `seq`: the journal, the views.
Hooks are users' functions for one kind of event; they run after all sinks, in the thread that said the event.
So the record is complete before anyone reacts to it, and a hook may itself run a whole pipeline.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import get_ident
from typing import Any, Final

from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.clock import SYSTEM, Clock, new_id, resident_memory_mb
from odibi_core.events.compose import clean_text, sift
from odibi_core.events.context import EMPTY, current
from odibi_core.hooks import (
    FAILURES_ALLOWED,
    AutomationHook,
    Callback,
    EventPriority,
    HookTable,
    RegisteredHook,
)
from odibi_core.queued import Queued

__all__ = ["AutomationHook", "EventBus", "EventPriority", "RegisteredHook", "Sink"]

Sink = Callable[[Event], object]
"""Anything that takes an event. It may have `close()`; a view also has `answer()`."""

_Round = tuple[tuple[RegisteredHook, ...], dict[str, Any], str]
"""Hooks to call, what they hear, and the event's kind."""

_log = logging.getLogger("odibi_core")
_MEMORY_KEPT: Final = timedelta(seconds=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TURN_TIMEOUT_S: Final = 30.0
"""How long a hook waits for its own call in another thread: past it, two calls at once are better than none."""


class EventBus:
    """Takes what is said, makes it an event, and hands it to every sink and then to every hook.

    What a sink says waits until all sinks heard what it reacts to; so does, for hooks, what a hook says.
    A sink or hook that raises is logged, counted, reported once as `hook_failed`, disabled after repeated
    failure, and never reaches the code that said the event.

    >>> bus = EventBus()
    >>> hook = bus.register_hook("node_complete", lambda event: print(event["row_count"]))
    >>> bus.emit("node_complete", {"node_name": "clean", "row_count": 3})
    3
    """

    def __init__(self, max_workers: int = 4, *, clock: Clock = SYSTEM) -> None:
        self.max_workers = max_workers
        self.failures: dict[str, int] = {}
        self._clock = clock
        self._now = clock.now
        self._sinks: tuple[Sink, ...] = ()
        self._ranked: list[tuple[int, int, str, Sink]] = []
        self._registrations = count()
        self._hooks = HookTable()
        self._live: dict[str, Any] = {}
        self._queued: Queued | None = None
        self._said_by_hooks = threading.local()
        self._begin()
        _buses.add(self)

    def _begin(self) -> None:
        """A writer of its own: at the start, and in the child of every fork."""
        self.writer_id = new_id()
        self._seq = count()
        self._lock = threading.Lock()
        self._holder = 0
        self._waiting: deque[Event] = deque()
        self._queued = None
        self._memory_mb: float | None = None
        self._memory_due = _LONG_AGO

    def subscribe(
        self, sink: Sink, *, priority: EventPriority = EventPriority.NORMAL, name: str | None = None
    ) -> Sink:
        """Have `sink` called with every event from now on; gives the sink back."""
        with self._lock:
            self._ranked.append((priority, next(self._registrations), name or _name_of(sink), sink))
            self._ranked.sort(key=lambda row: row[:2])
            self._sinks = tuple(row[3] for row in self._ranked)
        return sink

    def unsubscribe(self, sink: Sink) -> None:
        """Stop calling `sink`; one that is not subscribed is no error."""
        with self._lock:
            self._forget(sink)

    def _forget(self, sink: Sink) -> None:
        self._ranked = [row for row in self._ranked if row[3] is not sink]
        self._sinks = tuple(row[3] for row in self._ranked)

    def say(
        self,
        event_type: str,
        message: str | None = None,
        *,
        level: str = "info",
        fields: dict[str, Any] | None = None,
    ) -> None:
        """Something happened: `fields` (taken over by the bus) may hold standard fields by name and any others.

        Never raises, whatever the values are.
        """
        try:
            standard, rest, live = sift(fields) if fields else ({}, {}, None)
            if message is not None:
                standard["message"] = clean_text(message)
            context = current()
            if context is not EMPTY:
                standard = {**context.standard, **standard}
                if context.fields:
                    rest = {**context.fields, **rest}
            self._pass(clean_text(event_type), level, standard, rest, live)
        except Exception:
            _log.exception("an event could not be recorded: %.200r", event_type)

    def publish(self, event: Event) -> None:
        """Hand on an event that was made elsewhere, as it is: a worker's, or another bus's. Never raises."""
        try:
            self._deliver(event)
            self._react(event.event_type, event, None, None)
        except Exception:
            _log.exception("an event could not be passed on: %.200r", event)

    def _pass(
        self,
        kind: str,
        level: str,
        standard: dict[str, Any],
        rest: dict[str, Any],
        live: dict[str, Any] | None,
    ) -> None:
        me = get_ident()
        if self._holder == me:
            self._waiting.append(self._make(kind, level, standard, rest))
            return
        with self._lock:
            self._holder = me
            try:
                event = self._make(kind, level, standard, rest)
                for sink in self._sinks:
                    try:
                        sink(event)
                    except Exception as error:
                        self._sink_failed(sink, error)
                if self._waiting:
                    self._deliver_waiting()
            finally:
                self._holder = 0
        self._react(kind, event, standard, live)

    def _make(self, kind: str, level: str, standard: dict[str, Any], rest: dict[str, Any]) -> Event:
        now = self._now()
        if now >= self._memory_due:
            self._memory_mb, self._memory_due = resident_memory_mb(), now + _MEMORY_KEPT
        if "memory_mb" not in standard:
            standard["memory_mb"] = self._memory_mb
        return Event(
            timestamp=now,
            level=level,
            event_type=kind,
            writer_id=self.writer_id,
            seq=next(self._seq),
            fields=rest,
            **standard,
        )

    def _deliver(self, event: Event) -> None:
        me = get_ident()
        if self._holder == me:
            self._waiting.append(event)
            return
        with self._lock:
            self._holder = me
            try:
                self._waiting.append(event)
                self._deliver_waiting()
            finally:
                self._holder = 0

    def _deliver_waiting(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            for sink in self._sinks:
                try:
                    sink(event)
                except Exception as error:
                    self._sink_failed(sink, error)

    def _sink_failed(self, sink: Sink, error: Exception) -> None:
        """Called while the sinks are being called: what is said here waits its turn."""
        name = next((row[2] for row in self._ranked if row[3] is sink), _name_of(sink))
        if self._count_failure(name, error) >= FAILURES_ALLOWED:
            self._forget(sink)
            _log.error("the sink %s failed %d times and is called no more", name, FAILURES_ALLOWED)

    def _count_failure(self, name: str, error: Exception) -> int:
        failures = self.failures[name] = self.failures.get(name, 0) + 1
        _log.error("hook %s failed: %s", name, clean_text(f"{type(error).__name__}: {error}"))
        if failures == 1:
            self.say(
                kinds.HOOK_FAILED,
                f"{name} failed",
                level="warning",
                fields={"hook": name, "error": f"{type(error).__name__}: {error}"},
            )
        return failures

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
            name or _name_of(callback), callback, priority, event_type, True, async_execution
        )
        self._hooks.add(hook)
        joined = getattr(callback, "joined", None)
        if callable(joined):
            joined(self)
        return hook

    def emit(self, event_type: str, event_data: Mapping[str, Any] | None = None) -> None:
        """Say an event with the fields of a dict, which is not touched. Never raises."""
        level = "error" if kinds.canonical(event_type) in _FAILURES else "info"
        self.say(kinds.canonical(event_type), level=level, fields=dict(event_data) if event_data else None)

    def attach_live(self, **objects: Any) -> None:
        """Give hooks of a run's end these objects as they are (`metrics_manager=`, `tracker=`)."""
        self._live.update(objects)

    def get_hooks(self, event_type: str) -> list[RegisteredHook]:
        """The hooks registered for that kind, in the order in which they run."""
        return self._hooks.of_kind(event_type)

    def enable_hook(self, event_type: str, name: str) -> bool:
        """Call it again; False when there is no such hook."""
        return self._hooks.switch(event_type, name, True)

    def disable_hook(self, event_type: str, name: str) -> bool:
        """Keep it, but do not call it; False when there is no such hook."""
        return self._hooks.switch(event_type, name, False)

    def unregister_hook(self, event_type: str, name: str) -> bool:
        """Forget it; False when there is no such hook."""
        return self._hooks.remove(event_type, name)

    def clear_hooks(self, event_type: str | None = None) -> None:
        """Forget all hooks, or those of one kind."""
        self._hooks.remove(event_type)

    def _react(
        self, kind: str, event: Event, standard: dict[str, Any] | None, live: dict[str, Any] | None
    ) -> None:
        """Call the hooks of an event that all sinks have heard; what they say reaches hooks after this round."""
        hooks = self._hooks.routes.get(kind)
        if hooks is None:
            hooks = self._hooks.route(kind)
        if not hooks:
            return
        heard = to_dict(event) if standard is None else {**standard, **event.fields}
        if live:
            heard |= live
        heard["timestamp"] = event.timestamp.isoformat()
        _add_older_names(kind, heard)
        if kind in _ENDS:
            heard |= self._live
        rounds: deque[_Round] | None = getattr(self._said_by_hooks, "rounds", None)
        if rounds is not None:
            rounds.append((hooks, heard, kind))
            return
        rounds = self._said_by_hooks.rounds = deque()
        try:
            self._call_round(hooks, heard, kind)
            while rounds:
                self._call_round(*rounds.popleft())
        finally:
            self._said_by_hooks.rounds = None

    def _call_round(self, hooks: tuple[RegisteredHook, ...], heard: dict[str, Any], kind: str) -> None:
        for hook in hooks:
            own = heard.copy()
            own["event_type"] = hook.names.get(kind, kind)
            if hook.async_execution:
                self._queue().put(self._call, hook, own)
                continue
            turn = hook.turn
            got = turn.acquire(False) or turn.acquire(timeout=_TURN_TIMEOUT_S)
            try:
                hook.callback(own)
                hook.calls += 1
                hook.failures_in_a_row = 0
            except Exception as error:
                self._hook_failed(hook, error)
            finally:
                if got:
                    turn.release()

    def _queue(self) -> Queued:
        if self._queued is None:
            self._queued = Queued(self.max_workers, name="odibi-hook")
        return self._queued

    def _call(self, hook: RegisteredHook, own: dict[str, Any]) -> None:
        try:
            hook.callback(own)
            hook.calls += 1
            hook.failures_in_a_row = 0
        except Exception as error:
            self._hook_failed(hook, error)

    def _hook_failed(self, hook: RegisteredHook, error: Exception) -> None:
        hook.failures += 1
        hook.failures_in_a_row += 1
        self._count_failure(hook.name, error)
        if hook.failures_in_a_row >= FAILURES_ALLOWED:
            hook.enabled = False
            self._hooks.routes = {}
            _log.error("hook %s failed %d times in a row and is disabled", hook.name, FAILURES_ALLOWED)

    @property
    def dropped(self) -> int:
        """Calls of asynchronous hooks that were dropped because too many were waiting."""
        return self._queued.dropped if self._queued else 0

    def shutdown(self, timeout: float = 5.0) -> bool:
        """Let asynchronous hooks finish, for at most `timeout` seconds; False when some could not."""
        return self._queued.close(timeout) if self._queued else True

    def __enter__(self) -> EventBus:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


_FAILURES: Final = frozenset({kinds.NODE_FAILED, kinds.PIPELINE_ERROR, kinds.ERROR, kinds.STAGE_FAILED})
_ENDS: Final = frozenset({kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR})


def _add_older_names(kind: str, heard: dict[str, Any]) -> None:
    """`step_name` and `error_message`, which hooks of the older systems read."""
    if "node_name" in heard:
        heard.setdefault("step_name", heard["node_name"])
    if kind in _FAILURES and "error" in heard:
        heard.setdefault("error_message", heard["error"])


def _name_of(callback: object) -> str:
    return str(getattr(callback, "__name__", None) or type(callback).__name__)


_buses: weakref.WeakSet[EventBus] = weakref.WeakSet()


def _after_fork() -> None:
    for bus in _buses:
        bus._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
