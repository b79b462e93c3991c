"""Delivery to hooks: handlers of dicts, called after all sinks, and the methods of a bus that find and switch them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import datetime
from threading import get_ident
from typing import Any, Final

from odibi_core.bus.subscriptions import HookCall, Subscription, SubscriptionTable
from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.coroutines import is_awaitable, run_awaitable
from odibi_core.errors import STOPS
from odibi_core.events import kinds
from odibi_core.events.clock import iso

FAILURES: Final = frozenset({kinds.NODE_FAILED, kinds.PIPELINE_ERROR, kinds.ERROR, kinds.STAGE_FAILED})
"""Kinds that are errors by themselves."""
_LOCK_TIMEOUT_S: Final = 30.0
"""How long a hook waits for its own call in another thread; after that, two calls at once are better than none."""

_Rounds = deque[tuple[tuple[HookCall, ...], dict[str, Any], bool]]
"""Hooks to call, their fields, and whether to copy them deeply: the events that wait while hooks are being called."""

_within: ContextVar[tuple[_Rounds, ...]] = ContextVar("odibi_core_hooks", default=())
"""The rounds that this code runs inside of, also in threads that a hook started with its context."""


class HookDispatcher:
    """Calls the hooks of a bus and its background handlers; `failed` receives the subscription and the error."""

    def __init__(self, max_workers: int, failed: Callable[[Subscription, BaseException], None]) -> None:
        self.live: dict[str, Any] = {}
        self._max_workers = max_workers
        self._failed = failed
        self.reset_locks()

    def reset_locks(self) -> None:
        """Begin without rounds and threads: at the start, and in a forked child."""
        self._lock = threading.RLock()
        self._rounds: dict[int, _Rounds] = {}
        self._queue: WorkerQueue | None = None

    def deliver(
        self, hooks: tuple[HookCall, ...], kind: str, when: datetime, fields: dict[str, Any], nested: bool = True
    ) -> None:
        """Call the hooks of an event; events that they emit reach hooks after this round.

        `fields` is taken over; `nested` is False if no value in it is a dict or a list.
        """
        fields["timestamp"] = iso(when)
        _add_older_names(kind, fields)
        if kind in kinds.PIPELINE_ENDS:
            fields = {**self.live, **fields}
        thread = get_ident()
        if thread in self._rounds:
            self._rounds[thread].append((hooks, fields, nested))
            return
        rounds: _Rounds = deque()
        self._rounds[thread] = rounds
        outer = _within.set((*_within.get(), rounds))
        try:
            self._call_round(rounds, hooks, fields, nested)
            while rounds:
                self._call_round(rounds, *rounds.popleft())
        finally:
            self._rounds.pop(thread, None)  # fork: the child of a hook has none
            _within.reset(outer)

    def _call_round(self, rounds: _Rounds, hooks: tuple[HookCall, ...], fields: dict[str, Any], nested: bool) -> None:
        for hook, event_type in hooks:
            if hook.run_id is not None and hook.run_id != fields.get("run_id"):
                continue
            own = _copy(fields) if nested else fields.copy()
            own["event_type"] = event_type
            if hook.background:
                self.enqueue(hook, own)
                continue
            lock = hook.lock
            acquired = lock.acquire(False) or self._wait_for(hook)
            try:
                if acquired:
                    hook.rounds = rounds
                self._call(hook, own)
            finally:
                if acquired:
                    lock.release()

    def _wait_for(self, hook: Subscription) -> bool:
        """Acquire the lock of a hook; return False if it is to be called without, from a run that itself started."""
        inside = any(rounds is hook.rounds for rounds in _within.get())
        return not inside and hook.lock.acquire(timeout=_LOCK_TIMEOUT_S)

    def enqueue(self, subscription: Subscription, argument: Any) -> None:
        """Call a background handler on a worker thread, in the context of now."""
        with self._lock:
            if self._queue is None:
                self._queue = WorkerQueue(self._max_workers, name="odibi-hook")
            queue = self._queue
        queue.put(copy_context().run, self._call, subscription, argument)

    def _call(self, subscription: Subscription, argument: Any) -> None:
        try:
            result = subscription.handler(argument)
            if result is not None and is_awaitable(result):
                run_awaitable(result)
            subscription.calls += 1
            subscription.failures_in_a_row = 0
        except STOPS:
            raise
        except BaseException as error:
            self._failed(subscription, error)

    @property
    def dropped(self) -> int:
        """Number of background calls that were dropped because too many were waiting."""
        return self._queue.dropped if self._queue else 0

    def shutdown(self, timeout: float) -> bool:
        """Let background calls finish, for at most `timeout` seconds; return False if some could not."""
        return self._queue.close(timeout) if self._queue else True


class HookMethods:
    """Methods of a bus that find, switch and remove its hooks."""

    _subscriptions: SubscriptionTable

    def get_hooks(self, event_type: str) -> list[Subscription]:
        """Return the hooks registered for a kind, in the order of their calls."""
        return self._subscriptions.hooks(event_type)

    def enable_hook(self, event_type: str, name: str) -> bool:
        """Enable a hook, with a new count of failures; return False if there is none of that kind and name."""
        return self._subscriptions.enable(self._subscriptions.hooks(event_type, name), True)

    def disable_hook(self, event_type: str, name: str) -> bool:
        """Disable a hook, which stays registered; return False if there is none of that kind and name."""
        return self._subscriptions.enable(self._subscriptions.hooks(event_type, name), False)

    def unregister_hook(self, event_type: str, name: str) -> bool:
        """Remove a hook; return False if there is none of that kind and name."""
        return self._subscriptions.remove(self._subscriptions.hooks(event_type, name))

    def clear_hooks(self, event_type: str | None = None) -> None:
        """Remove all hooks, or those of one kind."""
        self._subscriptions.remove(self._subscriptions.hooks(event_type))


def _add_older_names(kind: str, fields: dict[str, Any]) -> None:
    """Add `step_name`, `error_message` and `cache_hit`, which hooks of the older systems read."""
    if "node_name" in fields:
        fields.setdefault("step_name", fields["node_name"])
    if kind in FAILURES and "error" in fields:
        fields.setdefault("error_message", fields["error"])
    if kind == kinds.NODE_COMPLETE:
        fields.setdefault("cache_hit", False)  # the line of a node without a cache has none


def _copy(value: Any) -> Any:
    """Return a value whose dicts and lists, at any depth, a hook may change."""
    if type(value) is dict:
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if type(value) is list else value
