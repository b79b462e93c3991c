"""Functions that make coroutines and generators; awaitables run from synchronous code, beside a running loop too."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from threading import Event, Thread
from types import GeneratorType
from typing import Any, Final, TypeGuard

CLEAN_UP_S: Final = 2.0
"""Seconds that a cancelled awaitable has for its `finally` blocks before the caller goes on without it."""


def is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Return whether a value can be awaited; the type decides, so an object that has every attribute cannot."""
    if hasattr(type(value), "__await__"):
        return True
    return isinstance(value, GeneratorType) and bool(value.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def is_coroutine(function: object) -> bool:
    """Return whether a call returns a coroutine; for a callable object, its `__call__` decides."""
    return _is(inspect.iscoroutinefunction, function)


def is_generator(function: object) -> bool:
    """Return whether a call returns a generator."""
    return _is(inspect.isgeneratorfunction, function)


def is_async_generator(function: object) -> bool:
    """Return whether a call returns an asynchronous generator."""
    return _is(inspect.isasyncgenfunction, function)


def _is(test: Callable[[Any], bool], function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, type):
        return False
    return test(function) or test(getattr(type(function), "__call__", None))  # noqa: B004 (the method is wanted)


def is_any_generator(function: object) -> bool:
    """Return whether a call only creates a generator, plain or asynchronous, without running its body."""
    return is_generator(function) or is_async_generator(function)


def run_awaitable(awaitable: Awaitable[Any]) -> Any:
    """Return the result of an awaitable, run in an event loop of its own."""
    return AwaitableRun().run(awaitable)


async def collect(source: AsyncIterator[Any]) -> list[Any]:
    """Return everything that an asynchronous iterator yields."""
    return [item async for item in source]


class AwaitableRun:
    """Runs awaitables, each in an event loop of its own; another thread can cancel the run.

    As with `asyncio.run`, tasks that an awaitable leaves behind are cancelled and waited for. If a loop runs in the
    calling thread already, as in a notebook, the awaitable runs in a thread of its own and the caller waits.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._ended = Event()
        self._task: tuple[Any, Any] | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Return the result of the awaitable.

        Raises:
            BaseException: The error of the awaitable; `CancelledError` if the run was cancelled.
        """
        self._ended.clear()
        try:
            return self._beside(awaitable) if _loop_runs_here() else self._here(awaitable)
        finally:
            self._ended.set()

    def cancel(self) -> None:
        """Cancel the running awaitable, or the next one. May be called from any thread."""
        self.cancelled = True  # before the task is read: `_awaited` sets the task first and reads this next
        if self._task is not None:
            loop, task = self._task
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                pass  # the loop was closed meanwhile

    def has_ended(self, within_s: float = CLEAN_UP_S) -> bool:
        """Wait for the end of the cancelled awaitable; return False if none ran or if it still runs."""
        return self._task is not None and self._ended.wait(within_s)

    def _here(self, awaitable: Awaitable[Any]) -> Any:
        import asyncio  # as slow to import as the whole package

        with asyncio.Runner() as runner:
            return runner.run(self._awaited(awaitable))

    async def _awaited(self, awaitable: Awaitable[Any]) -> Any:
        import asyncio

        self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self.cancelled:
            getattr(awaitable, "close", int)()  # else Python warns that it was never awaited
            raise asyncio.CancelledError("cancelled before it began")
        return await awaitable

    def _beside(self, awaitable: Awaitable[Any]) -> Any:
        results: list[Any] = []
        failures: list[BaseException] = []
        done = Event()  # `Thread.join` takes the thread for ended after an interrupt

        def work() -> None:
            try:
                results.append(self._here(awaitable))
            except BaseException as error:
                failures.append(error)
            done.set()

        thread = Thread(target=copy_context().run, args=(work,), name="odibi-coroutine", daemon=True)
        try:
            thread.start()  # an interrupt may come while it starts, too
            done.wait()
        except BaseException:  # an interrupt of the thread that waits
            self.cancel()
            done.wait(CLEAN_UP_S)
            raise
        if failures:
            raise failures[0]
        return results[0]


def _loop_runs_here() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
