"""What nobody catches, recorded before Python tells of it: only when asked, and given back when asked."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from odibi_core.error_reporting.tracker import ErrorTracker
from odibi_core.errors import STOPS, is_failure
from odibi_core.process.state import singleton
from odibi_core.wrapping.in_context import context_of_failure

if TYPE_CHECKING:
    from asyncio import BaseEventLoop

__all__ = ["setup_exception_hook"]


def setup_exception_hook(*, asyncio: bool = True, unraisable: bool = False) -> Callable[[], None]:
    """From here on record uncaught exceptions as critical: of the program, of its threads, and of asyncio's loops.

    Whatever was there (Python's own traceback on stderr, another tool's hook) is called as before. With `unraisable`
    also those that Python can only print, of `__del__` and the like. Ctrl-C and `SystemExit` are left alone.
    What it returns takes the hooks away again.
    """
    hooks = [_Hook(sys, "excepthook", _of_program), _Hook(threading, "excepthook", _of_thread)]
    if asyncio:
        from asyncio import BaseEventLoop

        # The method and not a handler: it is every loop's, those that run and those to come, and keeps their handlers.
        hooks.append(_Hook(BaseEventLoop, "call_exception_handler", _of_loop))
    if unraisable:
        hooks.append(_Hook(sys, "unraisablehook", _of_finalizer))

    def restore() -> None:
        for hook in hooks:
            hook.restore()

    return restore


class _Hook:
    """One function of Python's, with ours before it."""

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
                    pass  # the program is in trouble enough: what was there before tells of it
            return self._before(*args)

        self._ours = hook
        setattr(owner, name, hook)

    def restore(self) -> None:
        """Record no more. Where another hook was put around ours since, ours stays, and does nothing."""
        self._active = False
        if getattr(self._owner, self._name) is self._ours:
            setattr(self._owner, self._name, self._before)


def _record(error: object, context: dict[str, Any]) -> None:
    if isinstance(error, BaseException) and is_failure(error):
        capture = singleton(ErrorTracker).capture_exception
        context_of_failure(error).run(capture, error, context, "critical", handled=False)


def _of_program(kind: object, error: object, trace: object) -> None:
    _record(error, {"uncaught_in": "the program"})


def _of_thread(told: Any) -> None:
    _record(told.exc_value, {"uncaught_in": "a thread", "thread": getattr(told.thread, "name", None)})


def _of_finalizer(told: Any) -> None:
    where = getattr(told.object, "__qualname__", None) or type(told.object).__name__
    _record(told.exc_value, {"uncaught_in": "a finalizer", "object": where})


def _of_loop(loop: BaseEventLoop, told: dict[str, Any]) -> None:
    """A task nobody waited for, a callback that raised; told in the context of the task, where it can be had."""
    error, message = told.get("exception"), told.get("message")
    task: Any = told.get("task") or told.get("future")
    name = task.get_name() if hasattr(task, "get_name") else None
    about = {"uncaught_in": "an asyncio loop", "message": message, "task": name}
    if error is None:
        singleton(ErrorTracker).capture_message(message or "an asyncio loop is in trouble", "critical", about)
    elif hasattr(task, "get_context"):  # Python 3.12
        task.get_context().copy().run(_record, error, about)
    else:
        _record(error, about)
