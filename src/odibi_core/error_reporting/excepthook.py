"""Hooks that record uncaught exceptions before Python reports them; set on request, and restored on request."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from odibi_core._state import STATE
from odibi_core.error_reporting.tracker import ErrorTracker
from odibi_core.errors import STOPS, is_failure
from odibi_core.wrapping.in_context import context_of_failure

if TYPE_CHECKING:
    from asyncio import BaseEventLoop

__all__ = ["setup_exception_hook"]


def setup_exception_hook(*, asyncio: bool = True, unraisable: bool = False) -> Callable[[], None]:
    """Record uncaught exceptions as critical from now on: of the program, of its threads, and of asyncio's loops.

    The previous hooks (Python's traceback on stderr, another tool's hook) are called as before. Ctrl-C and
    `SystemExit` are not recorded.

    Args:
        asyncio: Record the exceptions that asyncio's loops report, too.
        unraisable: Record those that Python can only print, too, such as of `__del__`.

    Returns:
        A function that restores the previous hooks.
    """
    hooks = [_Hook(sys, "excepthook", _of_program), _Hook(threading, "excepthook", _of_thread)]
    if asyncio:
        from asyncio import BaseEventLoop

        # The method, not a handler: it covers every loop, running or made later, and keeps the loop's own handler.
        hooks.append(_Hook(BaseEventLoop, "call_exception_handler", _of_loop))
    if unraisable:
        hooks.append(_Hook(sys, "unraisablehook", _of_finalizer))

    def restore() -> None:
        for hook in hooks:
            hook.restore()

    return restore


class _Hook:
    """A hook that records, and then calls the function that it replaces."""

    def __init__(self, owner: Any, name: str, record: Callable[..., None]) -> None:
        self._owner, self._name = owner, name
        self._before: Callable[..., Any] = getattr(owner, name)
        self._active = True

        def hook(*args: Any) -> Any:
            if self._active:
                try:
                    record(*args)
                except STOPS:
                    raise
                except BaseException:
                    pass  # the previous hook must report the exception in any case
            return self._before(*args)

        self._hook = hook
        setattr(owner, name, hook)

    def restore(self) -> None:
        """Record no more; if another hook was set around this one since, this one stays and only passes on."""
        self._active = False
        if getattr(self._owner, self._name) is self._hook:
            setattr(self._owner, self._name, self._before)


def _record(error: object, context: dict[str, Any]) -> None:
    if isinstance(error, BaseException) and is_failure(error):
        capture = STATE.singleton(ErrorTracker).capture_exception
        context_of_failure(error).run(capture, error, context, "critical", handled=False)


def _of_program(kind: object, error: object, trace: object) -> None:
    _record(error, {"uncaught_in": "the program"})


def _of_thread(given: Any) -> None:
    _record(given.exc_value, {"uncaught_in": "a thread", "thread": getattr(given.thread, "name", None)})


def _of_finalizer(given: Any) -> None:
    where = getattr(given.object, "__qualname__", None) or type(given.object).__name__
    _record(given.exc_value, {"uncaught_in": "a finalizer", "object": where})


def _of_loop(loop: BaseEventLoop, given: dict[str, Any]) -> None:
    """Record the failure of a task that was not awaited, or of a callback, in the context of the task if known."""
    error, message = given.get("exception"), given.get("message")
    task: Any = given.get("task") or given.get("future")
    name = task.get_name() if hasattr(task, "get_name") else None
    about = {"uncaught_in": "an asyncio loop", "message": message, "task": name}
    if error is None:
        STATE.singleton(ErrorTracker).capture_message(message or "an asyncio loop is in trouble", "critical", about)
    elif hasattr(task, "get_context"):  # Python 3.12
        task.get_context().copy().run(_record, error, about)
    else:
        _record(error, about)
