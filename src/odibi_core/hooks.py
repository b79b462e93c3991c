"""Hooks: who wants to be called for which kind of event, in which order, and what is done with one that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds

Callback = Callable[[dict[str, Any]], object]

FAILURES_ALLOWED: Final = 10
"""A hook that fails so often in a row is disabled; `enable_hook` gives it another chance."""
_ROUTES_KEPT: Final = 1024


class EventPriority(IntEnum):
    """When a hook's turn is; ties go by registration."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    MEDIUM = 2
    LOW = 3


class RegisteredHook:
    """One hook as it is registered: `name, callback, priority, event_type, enabled`, and how it fared."""

    __slots__ = (
        "async_execution", "callback", "calls", "enabled", "event_type", "failures", "failures_in_a_row",
        "kinds", "name", "names", "priority", "turn",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        callback: Callback,
        priority: EventPriority = EventPriority.NORMAL,
        event_type: str = kinds.EVERYTHING,
        enabled: bool = True,
        async_execution: bool = False,
    ) -> None:
        self.name = name
        self.callback = callback
        self.priority = priority
        self.event_type = event_type
        self.enabled = enabled
        self.async_execution = async_execution
        self.calls = self.failures = self.failures_in_a_row = 0
        self.turn = threading.Lock()
        self.kinds = frozenset({kinds.canonical(event_type), *getattr(callback, "hears_also", ())})
        self.names = {kinds.canonical(event_type): event_type} if event_type != kinds.EVERYTHING else {}

    def hears(self, kind: str) -> bool:
        """Whether events of this kind are for it; a built-in hook of a run's end may hear both ends."""
        return kind in self.kinds or kinds.EVERYTHING in self.kinds

    def __repr__(self) -> str:
        state = "enabled" if self.enabled else "disabled"
        return f"RegisteredHook({self.name!r}, {self.event_type!r}, {self.priority.name}, {state})"


AutomationHook = RegisteredHook


class HookTable:
    """All hooks of one bus, and for each kind of event the ones that hear it, ready in a tuple."""

    def __init__(self) -> None:
        self._hooks: list[RegisteredHook] = []
        self._lock = threading.Lock()
        self.routes: dict[str, tuple[RegisteredHook, ...]] = {}
        """Kind → hooks in their order; filled by `route`, emptied by every change."""

    def add(self, hook: RegisteredHook) -> RegisteredHook:
        """Register; what cannot work is refused here and not when the event comes."""
        if not callable(hook.callback):
            raise ConfigurationError(
                f"a hook must be callable, given was {hook.callback!r} for {hook.event_type!r}"
            )
        if not isinstance(hook.event_type, str) or not hook.event_type:
            raise ConfigurationError(
                f"a hook's event_type is the name of an event or '*', given was {hook.event_type!r}"
            )
        with self._lock:
            self._hooks.append(hook)
            self._hooks.sort(key=lambda each: each.priority)
            self.routes = {}
        return hook

    def named(self, event_type: str, name: str) -> list[RegisteredHook]:
        """The hooks of that kind and name."""
        return [hook for hook in self.of_kind(event_type) if hook.name == name]

    def of_kind(self, event_type: str) -> list[RegisteredHook]:
        """The hooks registered for that kind under any of its names, in the order in which they run."""
        kind = kinds.canonical(event_type)
        with self._lock:
            return [hook for hook in self._hooks if kinds.canonical(hook.event_type) == kind]

    def switch(self, event_type: str, name: str, enabled: bool) -> bool:
        """Enable or disable; False when there is no such hook."""
        found = self.named(event_type, name)
        for hook in found:
            hook.enabled, hook.failures_in_a_row = enabled, 0
        with self._lock:
            self.routes = {}
        return bool(found)

    def remove(self, event_type: str | None = None, name: str | None = None) -> bool:
        """Forget the hooks of a kind (default: all) and name (default: all); False when there were none."""
        kind = None if event_type is None else kinds.canonical(event_type)
        with self._lock:
            kept = [
                hook
                for hook in self._hooks
                if (kind is not None and kinds.canonical(hook.event_type) != kind)
                or (name is not None and hook.name != name)
            ]
            found = len(kept) < len(self._hooks)
            self._hooks, self.routes = kept, {}
        return found

    def route(self, kind: str) -> tuple[RegisteredHook, ...]:
        """The enabled hooks that hear events of this kind."""
        with self._lock:
            heard = tuple(hook for hook in self._hooks if hook.enabled and hook.hears(kind))
            if len(self.routes) >= _ROUTES_KEPT:
                self.routes = {}
            self.routes[kind] = heard
        return heard
