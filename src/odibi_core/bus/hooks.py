"""Hooks: who wants to be called for which kind of event, in which order, and what is done with one that fails."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.coroutines import (
    is_any_generator,
    is_awaitable,
    is_coroutine,
    run_awaitable,
)
from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events import kinds
from odibi_core.events.clock import iso
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_text

Callback = Callable[[dict[str, Any]], object]

FAILURES_ALLOWED: Final = 10
"""A hook that fails so often in a row is disabled; `enable_hook` gives it another chance."""
FAILURES: Final = frozenset({kinds.NODE_FAILED, kinds.PIPELINE_ERROR, kinds.ERROR, kinds.STAGE_FAILED})
"""Kinds that are errors by themselves."""
_ENDS: Final = frozenset({kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR})
_ROUTES_KEPT: Final = 1024
_TURN_TIMEOUT_S: Final = 30.0
"""How long a hook waits for its own call in another thread: past it, two calls at once are better than none."""
_log = logging.getLogger("odibi_core")


class EventPriority(IntEnum):
    """When a hook's turn is; ties go by registration."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    MEDIUM = 2
    LOW = 3


_Rounds = deque["tuple[tuple[RegisteredHook, ...], dict[str, Any], str, bool]"]
"""Hooks to call, what they hear, its kind, whether to copy deeply: what waits while hooks are being called."""

_within: ContextVar[tuple[_Rounds, ...]] = ContextVar("odibi_core_hooks", default=())
"""The rounds of hooks that we are inside of: also in threads that a hook started with its context."""


class RegisteredHook:
    """One hook as it is registered: `name, callback, priority, event_type, enabled`, and how it fared."""

    __slots__ = (
        "async_execution", "callback", "calls", "enabled", "event_type", "failures", "failures_in_a_row",
        "kinds", "name", "names", "priority", "rounds", "turn",
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
        self.rounds: _Rounds | None = None
        kind = kinds.canonical(event_type)
        also = getattr(callback, "hears_also", ()) if kind == kinds.PIPELINE_COMPLETE else ()
        self.kinds = frozenset({kind, *also})
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
        self.begin()
        self.routes: dict[str, tuple[RegisteredHook, ...]] = {}
        """Kind → hooks in their order; filled by `route`, emptied by every change."""

    def begin(self) -> None:
        """Nobody holds a lock: at the start, and in the child of a fork."""
        self._lock = threading.RLock()
        for hook in self._hooks:
            hook.turn = threading.Lock()

    def add(self, hook: RegisteredHook) -> RegisteredHook:
        """Register; what cannot work is refused here and not when the event comes."""
        if not callable(hook.callback):
            raise ConfigurationError(
                f"a hook must be callable, given was {hook.callback!r} for {hook.event_type!r}"
            )
        if is_any_generator(hook.callback):
            raise ConfigurationError(
                f"a hook is called for each event, and a call of the generator function {hook.name!r} runs nothing of"
                " it; give a function without yield"
            )
        if not isinstance(hook.event_type, str) or not hook.event_type:
            raise ConfigurationError(
                f"a hook's event_type is the name of an event or '*', given was {hook.event_type!r}"
            )
        try:
            hook.priority = EventPriority(hook.priority)
        except ValueError:
            raise ConfigurationError(
                f"a hook's priority is one of EventPriority, given was {hook.priority!r} for {hook.name!r}"
            ) from None
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
            heard = tuple(hook for hook in heard if not _is_repeated(hook, kind, heard))
            if len(self.routes) >= _ROUTES_KEPT:
                self.routes = {}
            self.routes[kind] = heard
        return heard


class Hooks(HookTable):
    """The hooks of a bus, called. `report` is told the name of one that raised, and gives the sentence to log."""

    def __init__(self, max_workers: int, report: Callable[[str, BaseException], str]) -> None:
        self.live: dict[str, Any] = {}
        self._max_workers = max_workers
        self._report = report
        super().__init__()

    def begin(self) -> None:
        super().begin()
        self._thread = threading.local()
        self._queued: WorkerQueue | None = None

    def react(self, kind: str, when: datetime, heard: dict[str, Any], nested: bool = True) -> None:
        """Call the hooks of an event that all sinks have heard; what they say reaches hooks after this round.

        `heard` is taken over; `nested` is False when no value in it is a dict or a list.
        """
        hooks = self.routes.get(kind)
        if hooks is None:
            hooks = self.route(kind)
        if not hooks:
            return
        heard["timestamp"] = iso(when)
        _add_older_names(kind, heard)
        if kind in _ENDS:
            heard = {**self.live, **heard}
        rounds: _Rounds | None = getattr(self._thread, "rounds", None)
        if rounds is not None:
            rounds.append((hooks, heard, kind, nested))
            return
        rounds = self._thread.rounds = deque()
        outer = _within.set((*_within.get(), rounds))
        try:
            self._call_round(rounds, hooks, heard, kind, nested)
            while rounds:
                self._call_round(rounds, *rounds.popleft())
        finally:
            self._thread.rounds = None
            _within.reset(outer)

    def _call_round(
        self,
        rounds: _Rounds,
        hooks: tuple[RegisteredHook, ...],
        heard: dict[str, Any],
        kind: str,
        nested: bool,
    ) -> None:
        for hook in hooks:
            own = _copy(heard) if nested else heard.copy()
            own["event_type"] = hook.names.get(kind, kind)
            if hook.async_execution:
                self._queue().put(copy_context().run, self._call, hook, own)
                continue
            turn = hook.turn
            got = turn.acquire(False) or self._wait_for(hook)
            try:
                if got:
                    hook.rounds = rounds
                self._call(hook, own)
            finally:
                if got:
                    turn.release()

    def _wait_for(self, hook: RegisteredHook) -> bool:
        """Its turn, or False when it is to be called without: by a run that this very hook started, and waits for."""
        inside = any(rounds is hook.rounds for rounds in _within.get())
        return not inside and hook.turn.acquire(timeout=_TURN_TIMEOUT_S)

    def _call(self, hook: RegisteredHook, own: dict[str, Any]) -> None:
        try:
            answer = hook.callback(own)
            if answer is not None and is_awaitable(answer):
                run_awaitable(answer)
            hook.calls += 1
            hook.failures_in_a_row = 0
        except STOPS:
            raise
        except BaseException as error:
            hook.failures += 1
            hook.failures_in_a_row += 1
            _log.error("%s", self._report(hook.name, error))
            if hook.failures_in_a_row >= FAILURES_ALLOWED:
                hook.enabled = False
                self.routes = {}
                _log.error("hook %s failed %d times in a row and is disabled", hook.name, FAILURES_ALLOWED)

    def _queue(self) -> WorkerQueue:
        with self._lock:
            if self._queued is None:
                self._queued = WorkerQueue(self._max_workers, name="odibi-hook")
            return self._queued

    @property
    def dropped(self) -> int:
        """Calls of asynchronous hooks that were dropped because too many were waiting."""
        return self._queued.dropped if self._queued else 0

    def shutdown(self, timeout: float) -> bool:
        """Let asynchronous hooks finish, for at most `timeout` seconds; False when some could not."""
        return self._queued.close(timeout) if self._queued else True


class HookMethods:
    """The methods of a bus by which its registered hooks are found and switched."""

    _hooks: Hooks

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


def _is_repeated(hook: RegisteredHook, kind: str, heard: tuple[RegisteredHook, ...]) -> bool:
    """Whether a built-in hook that also hears `kind` was registered for it by itself as well: once is enough."""
    by_itself = kind in hook.names or kinds.EVERYTHING in hook.kinds
    return not by_itself and any(other.callback is hook.callback and kind in other.names for other in heard)


def _add_older_names(kind: str, heard: dict[str, Any]) -> None:
    """`step_name`, `error_message` and `cache_hit`, which hooks of the older systems read."""
    if "node_name" in heard:
        heard.setdefault("step_name", heard["node_name"])
    if kind in FAILURES and "error" in heard:
        heard.setdefault("error_message", heard["error"])
    if kind == kinds.NODE_COMPLETE:
        heard.setdefault("cache_hit", False)  # a node that no cache was asked for has none in its line


def refuse_sink(sink: object, name: str) -> None:
    """Refuse what a call would not run, since a sink is called in its turn and nothing waits for it."""
    if is_coroutine(sink) or is_any_generator(sink):
        raise ConfigurationError(
            f"a sink is called with each event, and a call of {name!r} runs nothing of it; give a plain function, "
            "or register an `async def` as a hook"
        )


def complain(what: str, error: BaseException) -> None:
    """Log that something could not be recorded."""
    try:
        _log.error("%s: %s", what, sanitize_text(f"{type(error).__name__}: {to_text(error, 1000)}"))
    except STOPS:
        raise
    except BaseException:
        return  # such as a stack that is too deep even for this


def _copy(value: Any) -> Any:
    """A hook may change what it is given: dicts and lists are its own, also inside others."""
    if type(value) is dict:
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if type(value) is list else value
