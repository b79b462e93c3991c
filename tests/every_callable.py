"""Every decorator of the package, and every kind of callable of Python; `test_calls` combines them."""

from __future__ import annotations

import asyncio
import functools
import inspect
import multiprocessing
import operator
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from odibi_core import node
from odibi_core.observability import (
    CircuitBreaker,
    LogContext,
    measured_stage,
    performance_monitor,
    track_cli_command,
    track_performance,
    with_error_tracking,
    wrap,
)

DECORATORS: dict[str, Callable[[], Any]] = {
    "@node": lambda: node,
    "@node(name=…)": lambda: node(name="n", layer="store"),
    '@node("n")': lambda: node("n"),  # type: ignore[call-overload]
    "@performance_monitor": lambda: performance_monitor,
    "@performance_monitor()": performance_monitor,
    '@performance_monitor("p")': lambda: performance_monitor("p", tags={"a": 1}),
    "@track_performance": lambda: track_performance,
    '@track_performance("p")': lambda: track_performance("p"),
    "@with_error_tracking": lambda: with_error_tracking,
    "@with_error_tracking()": with_error_tracking,
    "@with_error_tracking({…})": lambda: with_error_tracking({"batch": 7}),
    "@LogContext": lambda: LogContext,
    "@LogContext(…)": lambda: LogContext(operation="import", batch=7),
    "@CircuitBreaker": lambda: CircuitBreaker,
    '@CircuitBreaker("c")': lambda: CircuitBreaker("c"),
    "@measured_stage": lambda: measured_stage,
    "@measured_stage()": measured_stage,
    '@measured_stage("s")': lambda: measured_stage("s"),
    "@track_cli_command": lambda: track_cli_command,
    '@track_cli_command("c")': lambda: track_cli_command("c"),
    "wrap": lambda: wrap,
}


class Halfway(Exception):
    """The error of the failing callables."""


def _check(fail: bool) -> None:
    if fail:
        raise Halfway("half-way")


def function(n: int = 3, *, fail: bool = False) -> list[int]:
    """Counts."""
    _check(fail)
    return list(range(n))


async def coroutine(n: int = 3, *, fail: bool = False) -> list[int]:
    """Counts, later."""
    await asyncio.sleep(0)
    _check(fail)
    return list(range(n))


def generator(n: int = 3, *, fail: bool = False) -> Iterator[int]:
    """Counts, one by one."""
    for i in range(n):
        if i == n - 1:
            _check(fail)
        yield i


async def async_generator(n: int = 3, *, fail: bool = False) -> AsyncIterator[int]:
    """Counts, one by one, later."""
    for i in range(n):
        await asyncio.sleep(0)
        if i == n - 1:
            _check(fail)
        yield i


class Methods:
    """Each kind of method."""

    def method(self, n: int = 3, *, fail: bool = False) -> list[int]:
        return function(n, fail=fail)

    def method_generator(self, n: int = 3, *, fail: bool = False) -> Iterator[int]:
        return (yield from generator(n, fail=fail))

    async def method_coroutine(self, n: int = 3, *, fail: bool = False) -> list[int]:
        return await coroutine(n, fail=fail)

    @classmethod
    def of_class(cls, n: int = 3, *, fail: bool = False) -> list[int]:
        return function(n, fail=fail)

    @staticmethod
    def static(n: int = 3, *, fail: bool = False) -> list[int]:
        return function(n, fail=fail)


class Callable_:
    def __call__(self, n: int = 3, *, fail: bool = False) -> list[int]:
        return function(n, fail=fail)


class CoroutineCallable:
    async def __call__(self, n: int = 3, *, fail: bool = False) -> list[int]:
        return await coroutine(n, fail=fail)


class GeneratorCallable:
    def __call__(self, n: int = 3, *, fail: bool = False) -> Iterator[int]:
        return (yield from generator(n, fail=fail))


class AsyncGeneratorCallable:
    async def __call__(self, n: int = 3, *, fail: bool = False) -> AsyncIterator[int]:
        async for i in async_generator(n, fail=fail):
            yield i


class Constructed(list[int]):
    """A class that is called."""

    def __init__(self, n: int = 3, *, fail: bool = False) -> None:
        super().__init__(function(n, fail=fail))


def returns_generator(n: int = 3, *, fail: bool = False) -> Iterator[int]:
    """Return a generator without being a generator function."""
    return generator(n, fail=fail)


def returns_async_generator(n: int = 3, *, fail: bool = False) -> AsyncIterator[int]:
    """Return an asynchronous generator without being an asynchronous generator function."""
    return async_generator(n, fail=fail)


def returns_coroutine(n: int = 3, *, fail: bool = False) -> Any:
    """Return a coroutine without being a coroutine function."""
    return coroutine(n, fail=fail)


CALLABLES: dict[str, Callable[..., Any]] = {
    "function": function,
    "lambda": lambda n=3, *, fail=False: function(n, fail=fail),
    "coroutine": coroutine,
    "generator": generator,
    "async generator": async_generator,
    "bound method": Methods().method,
    "bound generator method": Methods().method_generator,
    "bound coroutine method": Methods().method_coroutine,
    "bound class method": Methods.of_class,
    "static method": Methods.static,
    "partial": functools.partial(function, 3),
    "partial of a partial": functools.partial(functools.partial(function), 3),
    "partial of a coroutine": functools.partial(coroutine, 3),
    "partial of a generator": functools.partial(generator, 3),
    "partial of an async generator": functools.partial(async_generator, 3),
    "partial of a callable object": functools.partial(CoroutineCallable(), 3),
    "callable object": Callable_(),
    "coroutine callable object": CoroutineCallable(),
    "generator callable object": GeneratorCallable(),
    "async generator callable object": AsyncGeneratorCallable(),
    "class": Constructed,
    "cached function": functools.lru_cache(function),
    "partial of a single dispatch": functools.partial(functools.singledispatch(function), 3),
    "function returning a generator": returns_generator,
    "function returning an async generator": returns_async_generator,
    "function returning a coroutine": returns_coroutine,
}
"""Each counts to three, or raises `Halfway` if asked to."""

BUILT_IN: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "built-in function": (len, ([1, 2],)),
    "built-in method": ([3, 1].count, (3,)),
    "built-in class": (int, ("12",)),
    "method descriptor": (str.upper, ("a",)),
    "operator object": (operator.itemgetter(0), ([5],)),
    "built-in iterator": (map, (str, [1, 2])),
    "built-in sum": (sum, ([1, 2],)),
}
"""Built-in callables, with arguments for each."""


def consumed(result: Any) -> Any:
    """Return the final result of a call of any kind of callable."""
    if inspect.isasyncgen(result):
        return asyncio.run(_drained(result))
    if inspect.iscoroutine(result):
        return asyncio.run(_awaited(result))
    return list(result) if isinstance(result, Iterator) else result


async def _drained(result: Any) -> list[Any]:
    return [item async for item in result]


async def _awaited(result: Any) -> Any:
    return await result


# A worker process finds these by name, as it would the user's own.
@node
def of_node(n: int) -> int:
    return n + 1


@performance_monitor
def of_monitor(n: int) -> int:
    return n + 1


@track_performance("p")
def of_performance(n: int) -> int:
    return n + 1


@with_error_tracking
def of_errors(n: int) -> int:
    return n + 1


@LogContext(operation="import")
def of_context(n: int) -> int:
    return n + 1


@CircuitBreaker("pickled")
def of_breaker(n: int) -> int:
    return n + 1


@measured_stage
def of_stage(n: int) -> int:
    return n + 1


@track_cli_command("c")
def of_command(n: int) -> int:
    return n + 1


@node
class OfClass:
    def __init__(self, n: int) -> None:
        self.n = n

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OfClass) and other.n == self.n

    __hash__ = None  # type: ignore[assignment]


PICKLED: list[Any] = [
    of_node, of_monitor, of_performance, of_errors, of_context, of_breaker, of_stage, of_command,
]  # fmt: skip


def in_processes(method: str) -> list[int]:
    """Each of `PICKLED` called in a worker process begun by this method."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        return [pool.apply(decorated, (1,)) for decorated in PICKLED]
