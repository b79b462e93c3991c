"""Functions of every kind, decorated so that they stay what they are.

Generators are measured while they are consumed: nothing is asked of them ahead.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from functools import cached_property, wraps
from typing import Any, Protocol

from odibi_core.errors import ConfigurationError

__all__ = [
    "Meter",
    "flow",
    "flowing_async",
    "is_async_generator",
    "is_coroutine",
    "is_generator",
    "over",
    "within",
]


class Meter(Protocol):
    """What is told of the course of one generator. Only between `resume` and `suspend` is the time the generator's."""

    def resume(self) -> None:
        """The consumer asks for something."""

    def suspend(self) -> None:
        """The consumer got something, and does what it will with it."""

    def finish(self, error: BaseException | None = None, *, partial: bool = False) -> None:
        """It is exhausted, it raised, or the consumer left early; told instead of the last `suspend`."""


def flow(source: Iterator[Any], meter: Meter) -> Generator[Any, Any, Any]:
    """What `source` yields, with all that a generator can: `send`, `throw`, `close`, and the value it returns.

    It is sent something only where there is something to send, as with `yield from`: else it is asked by `next`.
    """
    send = getattr(source, "send", None)
    step: Any = None
    given: Any = None
    while True:
        meter.resume()
        try:
            item = next(source) if step is None else step(given)
        except StopIteration as end:
            meter.finish()
            return end.value
        except BaseException as error:
            meter.finish(error)
            raise
        meter.suspend()
        try:
            given = yield item
            step = None if given is None else send
        except GeneratorExit:
            _leave(source, meter)
            raise
        except BaseException as error:
            step, given = getattr(source, "throw", _throw), error


def _leave(source: Iterator[Any], meter: Meter) -> None:
    meter.resume()
    try:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    except BaseException as error:
        meter.finish(error)
        raise
    meter.finish(partial=True)


def _throw(error: BaseException) -> Any:
    """For an iterator that is no generator: what its consumer throws is raised."""
    raise error


def flowing_async(
    begin: Callable[..., tuple[AsyncGenerator[Any, Any], Meter]],
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """The same of an asynchronous generator: a function that is one, over the source that `begin` gives."""

    async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source, meter = begin(*args, **kwargs)
        step: Any = source.asend
        given: Any = None
        while True:
            meter.resume()
            try:
                item = await step(given)
            except StopAsyncIteration:
                meter.finish()
                return
            except BaseException as error:
                meter.finish(error)
                raise
            meter.suspend()
            try:
                given = yield item
                step = source.asend
            except GeneratorExit:
                await _leave_async(source, meter)
                raise
            except BaseException as error:
                step, given = source.athrow, error

    return generator


async def _leave_async(source: AsyncGenerator[Any, Any], meter: Meter) -> None:
    meter.resume()
    try:
        await source.aclose()
    except BaseException as error:
        meter.finish(error)
        raise
    meter.finish(partial=True)


def within(
    function: Callable[..., Any], block: AbstractContextManager[Any], course: Callable[[], Meter]
) -> Any:
    """`function` with `block` around each of its calls; a generator has a `course()` instead, since it comes and goes.

    `block` is entered by all calls, also by several at once.
    """
    if is_generator(function):

        @wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:
            return (yield from flow(function(*args, **kwargs), course()))

        return generator
    if is_async_generator(function):
        begun = flowing_async(lambda *args, **kwargs: (function(*args, **kwargs), course()))
        return wraps(function)(begun)
    if is_coroutine(function):

        @wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with block:
                return await function(*args, **kwargs)

        return coroutine

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    return called


def over(decorated: Any, wrap: Callable[[Callable[..., Any]], Any]) -> Any:
    """Decorate a function, also one that is a class's or static method already."""
    if isinstance(decorated, classmethod | staticmethod):
        return type(decorated)(wrap(decorated.__func__))
    if callable(decorated) and not isinstance(decorated, type):
        return wrap(decorated)
    if isinstance(decorated, type):
        what = f"the class {decorated.__name__}: decorate its methods instead"
    elif isinstance(decorated, property | cached_property):
        what = f"a {type(decorated).__name__}: put this decorator below it"
    else:
        what = f"{decorated!r:.200}"
    raise ConfigurationError(f"what is decorated is a function or a method; given was {what}")


def is_coroutine(function: object) -> bool:
    """Whether a call gives a coroutine; of an object that can be called, its `__call__` says so."""
    return _is(inspect.iscoroutinefunction, function)


def is_generator(function: object) -> bool:
    """Whether a call gives a generator."""
    return _is(inspect.isgeneratorfunction, function)


def is_async_generator(function: object) -> bool:
    """Whether a call gives an asynchronous generator."""
    return _is(inspect.isasyncgenfunction, function)


def _is(test: Callable[[Any], bool], function: object) -> bool:
    return test(function) or test(getattr(type(function), "__call__", None))  # noqa: B004 (the method is wanted)
