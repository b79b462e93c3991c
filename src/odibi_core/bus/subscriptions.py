"""Subscriptions of an event bus: the handler, its filters and form of delivery, and the count of its failures."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, Final, NamedTuple

from odibi_core.coroutines import is_any_generator, is_coroutine
from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds as known_kinds
from odibi_core.events.kinds import EVERYTHING, canonical

__all__ = [
    "AutomationHook", "DictHandler", "EventPriority", "Handler", "RegisteredHook", "Subscription", "SubscriptionTable",
]  # fmt: skip

DictHandler = Callable[[dict[str, Any]], object]
Handler = Callable[[Any], object]
"""A function of one argument: an `Event`, or a dict if it subscribed with `as_dict=True`."""

FAILURES_ALLOWED: Final = 10
"""Failures in a row after which a subscription is disabled."""
_ROUTES_KEPT: Final = 1024


class EventPriority(IntEnum):
    """Order of the handlers of an event; equal priorities are called in the order of subscription."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    MEDIUM = 2
    LOW = 3


class Subscription:
    """One handler of a bus: its filters, its form of delivery and its counters.

    Attributes:
        name: Name in log lines and in `EventBus.failures`.
        handler: Function that is called; `callback` is the same.
        kinds: Kinds as they were given; `("*",)` for all.
        run_id: The only run whose events are delivered; None for all.
        as_dict: Deliver a dict of its own, after the record is complete, instead of the event.
        background: Call the handler on the worker threads of the bus.
        enabled: False after ten failures in a row, or after `disable_hook`.
        calls, failures, failures_in_a_row: Counters of dict and background handlers; failures of all.
    """

    __slots__ = (
        "as_dict", "background", "calls", "enabled", "failures", "failures_in_a_row", "handler", "kinds", "lock",
        "name", "priority", "received", "rounds", "run_id", "spelling",
    )  # fmt: skip

    def __init__(
        self,
        handler: Handler,
        kinds: str | Iterable[str] = EVERYTHING,
        *,
        run_id: str | None = None,
        as_dict: bool = False,
        background: bool = False,
        priority: EventPriority = EventPriority.NORMAL,
        name: str | None = None,
    ) -> None:
        self.name = name or name_of(handler)
        self.handler = handler
        self.kinds = _checked_kinds(kinds)
        self.run_id = run_id
        self.as_dict = as_dict
        self.background = background
        self.priority = _checked_priority(priority, self.name)
        self.enabled = True
        self.calls = self.failures = self.failures_in_a_row = 0
        self.lock = threading.Lock()
        self.rounds: deque[Any] | None = None
        self.spelling = {canonical(kind): kind for kind in self.kinds}
        also = getattr(handler, "also_handles", ()) if known_kinds.PIPELINE_COMPLETE in self.spelling else ()
        self.received = frozenset({*self.spelling, *also})
        self._check_handler()

    @property
    def callback(self) -> Handler:
        """The handler."""
        return self.handler

    @property
    def event_type(self) -> str:
        """The kind as it was given; the first of several."""
        return self.kinds[0]

    def receives(self, kind: str) -> bool:
        """Return whether events of this kind are delivered; a built-in hook of a run's end may receive both ends."""
        return kind in self.received or EVERYTHING in self.received

    def _check_handler(self) -> None:
        if not callable(self.handler):
            raise ConfigurationError(f"handler must be callable, got {self.handler!r} for {self.event_type!r}")
        is_inline_sink = not self.as_dict and not self.background
        if is_any_generator(self.handler) or (is_inline_sink and is_coroutine(self.handler)):
            raise ConfigurationError(
                f"handler must be a function that does its work when it is called, got {self.name!r}, and a call of it"
                " runs nothing of it; give a plain function, or an `async def` to register_hook"
            )

    def __repr__(self) -> str:
        state = "enabled" if self.enabled else "disabled"
        return f"Subscription({self.name!r}, {self.event_type!r}, {self.priority.name}, {state})"


RegisteredHook = AutomationHook = Subscription


HookCall = tuple[Subscription, str]
"""A handler of dicts, and the `event_type` under which it registered."""


class Route(NamedTuple):
    """The enabled subscriptions of one kind, in the order of their calls."""

    sinks: tuple[Subscription, ...]
    """Handlers of events, called under the lock of the bus."""
    hooks: tuple[HookCall, ...]
    """Handlers of dicts, called after all sinks."""


class SubscriptionTable(dict[str, Route]):
    """All subscriptions of one bus; as a dict, the route of each kind, computed when it is first asked for."""

    def __init__(self) -> None:
        self._all: list[Subscription] = []
        self.reset_locks()

    def reset_locks(self) -> None:
        """Create the locks: at the start, and in a forked child, where another thread may have held them."""
        # Separate from the lock of delivery: a subscribing thread may hold a lock that a running sink needs (deadlock).
        self._lock = threading.RLock()
        for each in self._all:
            each.lock = threading.Lock()

    def __missing__(self, kind: str) -> Route:
        with self._lock:
            receivers = [each for each in self._all if each.enabled and each.receives(kind)]
            hooks = [each for each in receivers if each.as_dict]
            calls = [(each, each.spelling.get(kind, kind)) for each in hooks if not _is_repeated(each, kind, hooks)]
            route = Route(tuple(each for each in receivers if not each.as_dict), tuple(calls))
            if len(self) >= _ROUTES_KEPT:
                self.clear()
            self[kind] = route
        return route

    def add(self, subscription: Subscription) -> Subscription:
        """Add a subscription behind those of its priority."""
        with self._lock:
            self._all = sorted([*self._all, subscription], key=lambda each: each.priority)
            self.clear()
        return subscription

    def remove(self, unwanted: list[Subscription]) -> bool:
        """Remove subscriptions; return whether there were any."""
        with self._lock:
            self._all = [each for each in self._all if each not in unwanted]
            self.clear()
        return bool(unwanted)

    def enable(self, subscriptions: list[Subscription], enabled: bool) -> bool:
        """Enable or disable subscriptions, with a new count of failures; return whether there were any."""
        with self._lock:
            for each in subscriptions:
                each.enabled, each.failures_in_a_row = enabled, 0
            self.clear()
        return bool(subscriptions)

    def count_failure(self, subscription: Subscription) -> bool:
        """Count a failure; return whether it was one too many in a row, and the subscription is disabled now."""
        subscription.failures += 1
        subscription.failures_in_a_row += 1
        if subscription.failures_in_a_row < FAILURES_ALLOWED:
            return False
        with self._lock:
            subscription.enabled = False
            self.clear()
        return True

    def of(self, handler: Handler) -> list[Subscription]:
        """Return the subscriptions of a handler."""
        return [each for each in self._all if each.handler is handler]

    def hooks(self, event_type: str | None, name: str | None = None) -> list[Subscription]:
        """Return the handlers of dicts, of one kind under any of its names and of one name, in order of their calls."""
        found = [each for each in self._all if each.as_dict and name in (None, each.name)]
        return [each for each in found if event_type is None or canonical(event_type) in each.spelling]

    def sinks(self) -> list[Subscription]:
        """Return the enabled handlers of events, in order of their calls."""
        return [each for each in self._all if not each.as_dict and each.enabled]


def name_of(handler: object) -> str:
    """Return the default name of a handler."""
    return str(getattr(handler, "__name__", None) or type(handler).__name__)


def _checked_kinds(kinds: str | Iterable[str]) -> tuple[str, ...]:
    given = (kinds,) if isinstance(kinds, str) else tuple(kinds) if isinstance(kinds, Iterable) else (kinds,)
    if not given or not all(isinstance(kind, str) and kind for kind in given):
        raise ConfigurationError(f"event_type must be the name of an event or '*', got {kinds!r}")
    return given


def _checked_priority(priority: int, name: str) -> EventPriority:
    try:
        return EventPriority(priority)
    except ValueError:
        raise ConfigurationError(f"priority of {name!r} must be an EventPriority, got {priority!r}") from None


def _is_repeated(hook: Subscription, kind: str, hooks: list[Subscription]) -> bool:
    """Return whether a built-in hook that also receives `kind` was registered for it by itself: one call is enough."""
    by_itself = kind in hook.spelling or EVERYTHING in hook.spelling
    return not by_itself and any(each.handler is hook.handler and kind in each.spelling for each in hooks)
