"""The event bus: builds, sanitizes and delivers every event, once.

Sinks receive every event, one at a time and in the order of `seq`: the journal, the views. Hooks are functions for a
kind of event. They run after all sinks, in the thread that published the event. The record is therefore complete
before a hook runs, and a hook may itself run a whole pipeline.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from sys import modules
from threading import get_ident
from typing import Any, Literal, overload

from odibi_core import _fork
from odibi_core.bus.built_in_hooks import BuiltInHooks
from odibi_core.bus.event_builder import EventBuilder
from odibi_core.bus.hooks import FAILURES, HookDispatcher, HookMethods
from odibi_core.bus.subscriptions import (
    FAILURES_ALLOWED,
    DictHandler,
    EventPriority,
    Handler,
    Subscription,
    SubscriptionTable,
)
from odibi_core.errors import STOPS
from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.clock import SYSTEM, Clock, resident_memory_mb
from odibi_core.events.context import Context, batch_here, current, in_span
from odibi_core.events.kinds import SEVERITY, STAGE_COMPLETED
from odibi_core.events.normalize import to_text
from odibi_core.events.pickling import Stays
from odibi_core.events.sanitize import sanitize_text, split_fields
from odibi_core.events.trace_context import SPANS_OF

__all__ = ["EventBus", "Sink"]

Sink = Callable[[Event], object]
"""A function of an event. It may have `close()`; a view also has `answer()`, a store `read()`."""

_log = logging.getLogger("odibi_core")


class EventBus(Stays, BuiltInHooks, HookMethods):
    """Builds events and delivers each of them to every sink and then to every hook.

    An event that a sink publishes is delivered when all sinks have received its cause; so it is with hooks.
    A handler that raises is logged, counted and reported once as `hook_failed`. It is disabled after ten failures in
    a row, and its error never reaches the code that published the event.

    >>> bus = EventBus()
    >>> hook = bus.register_hook("node_complete", lambda event: print(event["row_count"]))
    >>> bus.emit("node_complete", {"node_name": "clean", "row_count": 3})
    3
    """

    _stays_because = "its sinks and hooks live in this one; use get_logger and context_for_workers in the other"

    def __init__(
        self, max_workers: int = 4, *, clock: Clock = SYSTEM, memory: Callable[[], float | None] = resident_memory_mb
    ) -> None:
        self.max_workers = max_workers
        self.failures: dict[str, int] = {}
        self.groups: tuple[object, ...] = ()
        """The groups of subscribers that it joined (see `bus.subscriber_group`)."""
        self.clock = clock
        self._builder = EventBuilder(clock.now, memory)
        self._subscriptions = SubscriptionTable()
        self._hooks = HookDispatcher(max_workers, self._handler_failed)
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Begin as a writer of its own: at the start, and in a forked child."""
        self._builder.reset()
        # Reentrant: a signal's handler or a `__del__` may log at any moment, also while this thread takes the lock.
        self._lock = threading.RLock()
        self._subscriptions.reset_locks()
        self._hooks.reset_locks()
        self._holder = 0
        self._waiting: deque[Event] = deque()
        self._aftermath: list[Event | str] = []

    @overload
    def subscribe(
        self, handler: Sink, kinds: str | Iterable[str] = ..., *, as_dict: Literal[False] = ...,
        run_id: str | None = ..., background: bool = ..., priority: EventPriority = ..., name: str | None = ...,
    ) -> Sink: ...  # fmt: skip
    @overload
    def subscribe(
        self, handler: DictHandler, kinds: str | Iterable[str] = ..., *, as_dict: Literal[True],
        run_id: str | None = ..., background: bool = ..., priority: EventPriority = ..., name: str | None = ...,
    ) -> DictHandler: ...  # fmt: skip
    def subscribe(
        self,
        handler: Handler,
        kinds: str | Iterable[str] = kinds.EVERYTHING,
        *,
        run_id: str | None = None,
        as_dict: bool = False,
        background: bool = False,
        priority: EventPriority = EventPriority.NORMAL,
        name: str | None = None,
    ) -> Handler:
        """Call `handler` with every event from now on that its filters let through.

        Args:
            handler: Function of one argument: the `Event`, or a dict if `as_dict`.
            kinds: One kind of event or several; `"*"` for all.
            run_id: The only run whose events are delivered; None for all.
            as_dict: Deliver a dict of its own, in the publishing thread, after all sinks received the event.
                Otherwise the event itself is delivered, one at a time and in the order of `seq`.
            background: Call it on the worker threads of the bus, and do not wait.
            priority: Order among the handlers of the same form; equal ones in the order of subscription.
            name: Name in log lines and in `failures`; the function's own by default.

        Returns:
            The handler.

        Raises:
            ConfigurationError: If the handler is a generator function, or a coroutine function that is called with the
                event and not in the background, or if a kind or the priority is none.
        """
        self._subscribe(
            Subscription(
                handler, kinds, run_id=run_id, as_dict=as_dict, background=background, priority=priority, name=name
            )
        )
        return handler

    def register_hook(
        self,
        event_type: str,
        callback: DictHandler,
        priority: EventPriority = EventPriority.NORMAL,
        name: str | None = None,
        *,
        async_execution: bool = False,
    ) -> Subscription:
        """Subscribe `callback` to a kind of event (`"*"`: all), with a dict of its own for each event.

        Without `async_execution` it runs in the publishing thread, before `emit` returns. With it, it runs on the
        worker threads of the bus, and the pipeline does not wait.

        Returns:
            The subscription: `name, callback, priority, event_type, enabled` and its counters.

        Raises:
            ConfigurationError: If the callback cannot be called, or if the kind or the priority is none.
        """
        return self._subscribe(
            Subscription(callback, event_type, as_dict=True, background=async_execution, priority=priority, name=name)
        )

    def _subscribe(self, subscription: Subscription) -> Subscription:
        """Add a subscription; a handler with a method `joined` receives the bus, so that it can publish itself."""
        self._subscriptions.add(subscription)
        if callable(joined := getattr(subscription.handler, "joined", None)):
            joined(self)
        return subscription

    def unsubscribe(self, handler: Handler) -> None:
        """Stop calling `handler`. No thread calls a sink any more when this returns; an unknown handler is no error."""
        with self._lock:
            self._subscriptions.remove(self._subscriptions.of(handler))

    @property
    def writer_id(self) -> str:
        """The id of this bus in this process, which its events carry beside their `seq`."""
        return self._builder.writer_id

    def sinks(self) -> list[tuple[str, Sink]]:
        """Return the handlers of events with their names, in the order of their calls."""
        return [(each.name, each.handler) for each in self._subscriptions.sinks()]

    def emit(self, event_type: str, event_data: Mapping[str, Any] | None = None) -> None:
        """Publish an event with the fields of a dict, which is not changed. Never raises."""
        try:
            kind = kinds.canonical(event_type)
            fields = None if event_data is None else dict(event_data)
        except STOPS:
            raise
        except BaseException:
            kind, fields = to_text(event_type), {"event_data": event_data}
        self.publish(kind, level="error" if kind in FAILURES else "info", fields=fields)

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
        """Build, sanitize and deliver an event. Never raises, whatever the values are.

        Args:
            event_type: Kind of the event.
            message: Message; one of the kind's own by default.
            level: Level; an unknown one counts as `info`.
            fields: Standard fields by their names and any others; the bus takes the dict over.
            context: Context of the event; the one in force here by default.
            live: Objects that hooks receive as they are, and the record does not.
        """
        try:
            if type(level) is not str or level not in SEVERITY or type(event_type) is not str:
                level, event_type = kinds.level_name(level), to_text(event_type)
            kind = sanitize_text(event_type)
            if kind == STAGE_COMPLETED and (batch := batch_here.get()) is not None:
                batch.reported = True
            sinks, hooks = self._subscriptions[kind]
            if not sinks and not hooks:
                return
            standard, rest, objects = split_fields(fields) if fields else ({}, {}, None)
            if message is not None:
                standard["message"] = sanitize_text(message if type(message) is str else to_text(message))
            if context is None:
                context = current()
            if SPANS_OF in modules:  # asked here, because most programs have no spans
                context = in_span(context)
            if context.fields:
                rest = {**context.fields, **rest}
            if self._holder == get_ident():
                self._waiting.append(self._builder.build(kind, level, standard, rest, context))
                return
            event, later = self._record(kind, level, standard, rest, context, sinks) if sinks else (None, None)
            if hooks:
                nested = objects is not None or bool(context.fields or context.unusual)
                received = {**context.standard, **standard, **rest}
                if objects or live:
                    received |= {**(objects or {}), **(live or {})}
                when = event.timestamp if event else self.clock.now()
                self._hooks.deliver(hooks, kind, when, received, nested)
            if later or self._waiting:
                self._follow_up(later)
        except STOPS:
            raise
        except BaseException as error:
            _log_lost("an event could not be recorded", error)

    def deliver(self, event: Event) -> None:
        """Deliver an event that was built elsewhere, as it is: in a worker, or on another bus. Never raises."""
        try:
            if not isinstance(event, Event):
                raise TypeError(f"event must be an Event, got a {type(event).__name__}")
            if self._holder == get_ident():
                self._waiting.append(event)
                return
            later = self._deliver_in_order(event)
            self._call_hooks(event)
            self._follow_up(later)
        except STOPS:
            raise
        except BaseException as error:
            _log_lost("an event could not be passed on", error)

    def _record(
        self,
        kind: str,
        level: str,
        standard: dict[str, Any],
        rest: dict[str, Any],
        context: Context,
        sinks: tuple[Subscription, ...],
    ) -> tuple[Event, list[Event | str] | None]:
        """Build an event and deliver it in order; return it, and what `_follow_up` has to do when the lock is free."""
        with self._lock:
            self._holder = get_ident()
            try:
                event = self._builder.build(kind, level, standard, rest, context)
                self._call_sinks(event, sinks)
                return event, self._deliver_waiting() if self._waiting or self._aftermath else None
            finally:
                self._holder = 0

    def _deliver_in_order(self, event: Event | None) -> list[Event | str]:
        """Deliver an event to the sinks; return what `_follow_up` has to do when the lock is free."""
        with self._lock:
            self._holder = get_ident()
            try:
                if event is not None:
                    self._call_sinks(event, self._subscriptions[event.event_type].sinks)
                return self._deliver_waiting()
            finally:
                self._holder = 0

    def _deliver_waiting(self) -> list[Event | str]:
        """Deliver the events that sinks published; return them, and the failures of sinks, for `_follow_up`."""
        while self._waiting:
            event = self._waiting.popleft()
            self._call_sinks(event, self._subscriptions[event.event_type].sinks)
            self._aftermath.append(event)
        later, self._aftermath = self._aftermath, []
        return later

    def _call_sinks(self, event: Event, sinks: tuple[Subscription, ...]) -> None:
        for each in sinks:
            if each.run_id is not None and each.run_id != event.run_id:
                continue
            if each.background:
                self._hooks.enqueue(each, event)
                continue
            try:
                each.handler(event)
                if each.failures_in_a_row:
                    each.failures_in_a_row = 0
            except STOPS:
                raise
            except BaseException as error:
                self._handler_failed(each, error)

    def _call_hooks(self, event: Event) -> None:
        kind = event.event_type
        if hooks := self._subscriptions[kind].hooks:
            self._hooks.deliver(hooks, kind, event.timestamp, to_dict(event))

    def _follow_up(self, later: list[Event | str] | None) -> None:
        """Call hooks with the events that sinks published, and log the failures of sinks: when the lock is free."""
        for each in later or ():
            if isinstance(each, str):
                _log.error("%s", each)
            else:
                self._call_hooks(each)
        if self._waiting and self._holder == 0:  # published by a signal's handler, as the lock was taken or released
            later = self._deliver_in_order(None)
            self._follow_up(later)

    def _handler_failed(self, subscription: Subscription, error: BaseException) -> None:
        """Count and log a failure, and disable the subscription after ten in a row."""
        lines = [self.count_failure(subscription.name, error)]
        if self._subscriptions.count_failure(subscription):
            lines.append(f"hook {subscription.name} failed {FAILURES_ALLOWED} times in a row and is disabled")
        if self._holder == get_ident():  # lock order: a handler of `logging` may hold its own lock and publish here
            self._aftermath += lines
            return
        for line in lines:
            _log.error("%s", line)

    def count_failure(self, name: str, error: BaseException) -> str:
        """Count a failure of a handler or another receiver, publish `hook_failed` for the first of each name, and
        return the line for the standard log.
        """
        self.failures[name] = self.failures.get(name, 0) + 1
        reason = sanitize_text(f"{type(error).__name__}: {to_text(error)}")
        if self.failures[name] == 1:
            fields = {"hook": name, "error": reason}
            self.publish(kinds.HOOK_FAILED, f"{name} failed", level="warning", fields=fields)
        return f"hook {name} failed: {reason}"

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


def _log_lost(what: str, error: BaseException) -> None:
    try:
        _log.error("%s: %s", what, sanitize_text(f"{type(error).__name__}: {to_text(error, 1000)}"))
    except STOPS:
        raise
    except BaseException:
        return  # such as a stack that is too deep even for this
