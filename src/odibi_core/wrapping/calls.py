"""Observed calls: `wrap_callable` wraps functions, coroutine functions, generators and async generators.

A `CallObserver` observes one call. A generator is observed while it is consumed, and no value is requested ahead.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final, TypeVar

from odibi_core.coroutines import is_async_generator, is_coroutine, is_generator
from odibi_core.wrapping.callables import copy_metadata, decorate

__all__ = [
    "UNOBSERVED",
    "Begin",
    "BlockObserver",
    "CallObserver",
    "observe_calls",
    "wrap_async_generator",
    "wrap_callable",
    "wrap_generator",
]

F = TypeVar("F", bound=Callable[..., Any])


class CallObserver:
    """An observer of one call that does nothing: subclasses override the steps that they need.

    The function itself works only between `resume` and `suspend`, or `resume` and `finish`.
    """

    __slots__ = ()

    def start_generator(self) -> None:
        """Note that the call is that of a generator, before its first value is requested."""

    def resume(self) -> None:
        """Note that the call starts, or that the consumer of a generator requests a value."""

    def suspend(self) -> None:
        """Note that the generator waits for its consumer."""

    def yielded(self, item: Any) -> None:
        """Note that the generator, suspended now, yielded `item`."""

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> bool | None:
        """Note that the call returned `result`, raised `error`, or was left early by its consumer (`partial`).

        Called once, instead of the last `suspend`. Return True to suppress the error.
        """
        return None


UNOBSERVED: Final = CallObserver()


class BlockObserver(CallObserver):
    """One call as a `with` block, which a generator leaves when it ends, and not while it waits."""

    __slots__ = ("_block", "_entered")

    def __init__(self, block: AbstractContextManager[Any, bool | None]) -> None:
        self._block = block
        self._entered = False

    def resume(self) -> None:
        if not self._entered:
            self._entered = True
            self._block.__enter__()

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> bool | None:
        return self._block.__exit__(None if error is None else type(error), error, None)


Begin = Callable[[tuple[Any, ...], dict[str, Any]], tuple[CallObserver, tuple[Any, ...], dict[str, Any]]]
"""Takes the arguments of a call; returns its observer, and the arguments that the function is called with."""

_SOURCES: Final = (GeneratorType, AsyncGeneratorType, CoroutineType)


def _source_in(result: Any) -> Any:
    return result if type(result) in _SOURCES else None


def observe_calls(decorated: F, make: Callable[[], CallObserver]) -> F:
    """Return `decorated` with each call observed by an observer of its own, made by `make()`."""
    wrapped: F = decorate(
        decorated, lambda function: wrap_callable(function, lambda args, kwargs: (make(), args, kwargs))
    )
    return wrapped


def wrap_callable(
    function: Callable[..., Any],
    begin: Begin,
    *,
    call: Callable[..., Any] | None = None,
    source_in: Callable[[Any], Any] = _source_in,
) -> Callable[..., Any]:
    """Return a callable of the kind, name and signature of `function`, each call of which is observed.

    The call of a generator starts when its first value is requested.

    Args:
        function: Function, coroutine function, generator, async generator, or callable object.
        begin: Makes the observer of a call.
        call: Called instead of `function`, with the arguments that `begin` returns.
        source_in: Returns the iterator, async generator or awaitable in the result of a plain function, which is
            observed until it is consumed; None if the call has ended.
    """
    target = function if call is None else call

    def call_generator(*args: Any, **kwargs: Any) -> Any:
        observer, args, kwargs = begin(args, kwargs)
        return (yield from wrap_generator(target(*args, **kwargs), observer))

    def start_async_generator(*args: Any, **kwargs: Any) -> tuple[Any, CallObserver]:
        observer, args, kwargs = begin(args, kwargs)
        return target(*args, **kwargs), observer

    async def call_coroutine(*args: Any, **kwargs: Any) -> Any:
        observer, args, kwargs = begin(args, kwargs)
        return await _wrap_awaitable(functools.partial(target, *args, **kwargs), observer)

    def call_function(*args: Any, **kwargs: Any) -> Any:
        observer, args, kwargs = begin(args, kwargs)
        observer.resume()
        try:
            result = target(*args, **kwargs)
        except BaseException as error:
            if observer.finish(error):
                return None
            raise
        source = source_in(result)
        if source is not None:
            return _wrap_source(source, observer)
        observer.finish(result=result)
        return result

    if is_generator(function):
        return copy_metadata(function, call_generator)
    if is_async_generator(function):
        return copy_metadata(function, _async_generator_of(start_async_generator))
    return copy_metadata(function, call_coroutine if is_coroutine(function) else call_function)


def _wrap_source(source: Any, observer: CallObserver) -> Any:
    """Return the source that a plain function returned, observed while it is consumed."""
    observer.suspend()
    if hasattr(source, "__await__"):
        return _wrap_awaitable(lambda: source, observer)
    if hasattr(source, "asend"):
        return wrap_async_generator(source, observer)
    return wrap_generator(source, observer)


async def _wrap_awaitable(start: Callable[[], Any], observer: CallObserver) -> Any:
    observer.resume()
    try:
        result = await start()
    except BaseException as error:
        if observer.finish(error):
            return None
        raise
    observer.finish(result=result)
    return result


def wrap_generator(source: Iterator[Any], observer: CallObserver) -> Generator[Any, Any, Any]:
    """Yield the values of `source`, and pass on `send`, `throw`, `close` and its return value.

    As with `yield from`, an iterator without `send` is only asked for its next value.
    """
    step: Any = None
    given: Any = None
    observer.start_generator()
    while True:
        observer.resume()
        try:
            item = next(source) if step is None else step(given)
        except StopIteration as end:
            observer.finish(result=end.value)
            return end.value
        except BaseException as error:
            if observer.finish(error):
                return None
            raise
        observer.suspend()
        observer.yielded(item)
        try:
            given = yield item
            step = None if given is None else getattr(source, "send", None)
        except GeneratorExit:
            _close(source, observer)
            raise
        except BaseException as error:
            step, given = getattr(source, "throw", _throw), error


def _close(source: Iterator[Any], observer: CallObserver) -> None:
    observer.resume()
    try:
        if (close := getattr(source, "close", None)) is not None:
            close()
    except BaseException as error:
        if observer.finish(error):
            return
        raise
    observer.finish(partial=True)


def _throw(error: BaseException) -> Any:
    """Raise the error that a consumer throws into an iterator that is no generator."""
    raise error


def wrap_async_generator(source: Any, observer: CallObserver) -> AsyncGenerator[Any, Any]:
    """Return an async generator over `source`, which has `asend`, `athrow` and `aclose`; as `wrap_generator`."""
    return _async_generator_of(lambda: (source, observer))()


def _async_generator_of(start: Callable[..., tuple[Any, CallObserver]]) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Return an async generator function over the source that `start` returns at the first request."""

    async def call_async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source, observer = start(*args, **kwargs)
        step: Any = source.asend
        given: Any = None
        observer.start_generator()
        while True:
            observer.resume()
            try:
                item = await step(given)
            except StopAsyncIteration:
                observer.finish()
                return
            except BaseException as error:
                if observer.finish(error):
                    return
                raise
            observer.suspend()
            observer.yielded(item)
            try:
                given = yield item
                step = source.asend
            except GeneratorExit:
                await _close_async(source, observer)
                raise
            except BaseException as error:
                step, given = source.athrow, error

    return call_async_generator


async def _close_async(source: Any, observer: CallObserver) -> None:
    observer.resume()
    try:
        await source.aclose()
    except BaseException as error:
        if observer.finish(error):
            return
        raise
    observer.finish(partial=True)
