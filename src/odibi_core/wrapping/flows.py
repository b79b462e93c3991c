"""Functions of every kind, decorated so that they stay what they are.

`wrap_callable` is the one way: a `CallObserver` observes each call, that of a generator while it is consumed, so that
nothing is asked of it ahead.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final, Protocol

from odibi_core.coroutines import is_async_generator, is_coroutine, is_generator
from odibi_core.wrapping.callables import like

__all__ = [
    "Arguments",
    "BlockObserver",
    "CallObserver",
    "Unobserving",
    "flow",
    "observing",
    "passing_async",
    "wrap_callable",
]


class CallObserver(Protocol):
    """Observes one call; only the time between `resume` and `suspend` is the function's own."""

    def flowing(self) -> None:
        """The call is that of a generator, whose values come one by one."""

    def resume(self) -> None:
        """The call begins; or the consumer of a generator asks for something."""

    def suspend(self) -> None:
        """The generator waits for its consumer."""

    def yielded(self, item: Any) -> None:
        """The generator, suspended now, yielded `item`."""

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> bool | None:
        """The call returned `result`, raised, or its consumer left early (`partial`). True suppresses the error.

        Called once, instead of the last `suspend`.
        """


class Unobserving:
    """An observer to inherit from: it observes nothing."""

    __slots__ = ()

    def flowing(self) -> None:
        return

    def resume(self) -> None:
        return

    def suspend(self) -> None:
        return

    def yielded(self, item: Any) -> None:
        return

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> bool | None:
        return None


class BlockObserver(Unobserving):
    """One call as a `with` block: that of a generator is left when it ends, and not while it waits."""

    def __init__(self, block: AbstractContextManager[Any, bool | None]) -> None:
        self._block = block
        self._entered = False

    def resume(self) -> None:
        if not self._entered:
            self._entered = True
            self._block.__enter__()

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> bool | None:
        return self._block.__exit__(None if error is None else type(error), error, None)


Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Begin = Callable[[tuple[Any, ...], dict[str, Any]], tuple[CallObserver, Arguments]]
"""Returns an observer of one call, and the arguments that the function is called with."""

_FLOWS: Final = (GeneratorType, AsyncGeneratorType, CoroutineType)


def _own_flow(result: Any) -> Any:
    return result if type(result) in _FLOWS else None


def observing(make: Callable[[], CallObserver]) -> Begin:
    """Return the `begin` of `wrap_callable` for an observer that needs no arguments."""
    return lambda args, kwargs: (make(), (args, kwargs))


def wrap_callable(
    function: Callable[..., Any], begin: Begin, flow_of: Callable[[Any], Any] = _own_flow
) -> Callable[..., Any]:
    """Return `function`, of the kind that it was, each of whose calls is observed.

    The call of a generator begins when its first value is asked for. A plain function whose result is a generator, a
    coroutine, or what `flow_of` makes one of, is observed until that is consumed.
    """

    def generator(*args: Any, **kwargs: Any) -> Any:
        call, (args, kwargs) = begin(args, kwargs)
        return (yield from flow(function(*args, **kwargs), call))

    def begin_async(*args: Any, **kwargs: Any) -> tuple[AsyncGenerator[Any, Any], CallObserver]:
        call, (args, kwargs) = begin(args, kwargs)
        return function(*args, **kwargs), call

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        call, (args, kwargs) = begin(args, kwargs)
        return await _awaited(functools.partial(function, *args, **kwargs), call)

    def called(*args: Any, **kwargs: Any) -> Any:
        call, (args, kwargs) = begin(args, kwargs)
        call.resume()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            if call.finish(error):
                return None
            raise
        source = flow_of(result)
        if source is not None:
            return _observed(source, call)
        call.finish(result=result)
        return result

    if is_generator(function):
        return like(function, generator)
    if is_async_generator(function):
        return like(function, _flowing_async(begin_async))
    return like(function, coroutine if is_coroutine(function) else called)


def _observed(source: Any, call: CallObserver) -> Any:
    """Return what a plain function returned, observed while it is consumed."""
    call.suspend()
    if isinstance(source, CoroutineType):
        return _awaited(lambda: source, call)
    if isinstance(source, AsyncGeneratorType):
        return _flowing_async(lambda: (source, call))()
    return flow(source, call)


async def _awaited(begin: Callable[[], Any], call: CallObserver) -> Any:
    call.resume()
    try:
        result = await begin()
    except BaseException as error:
        if call.finish(error):
            return None
        raise
    call.finish(result=result)
    return result


def flow(source: Iterator[Any], call: CallObserver) -> Generator[Any, Any, Any]:
    """Yield what `source` yields, with all that a generator can: `send`, `throw`, `close`, and the value it returns.

    It is sent something only where there is something to send, as with `yield from`: else it is asked by `next`.
    """
    send = getattr(source, "send", None)
    step: Any = None
    given: Any = None
    call.flowing()
    while True:
        call.resume()
        try:
            item = next(source) if step is None else step(given)
        except StopIteration as end:
            call.finish(result=end.value)
            return end.value
        except BaseException as error:
            if call.finish(error):
                return None
            raise
        call.suspend()
        call.yielded(item)
        try:
            given = yield item
            step = None if given is None else send
        except GeneratorExit:
            _leave(source, call)
            raise
        except BaseException as error:
            step, given = getattr(source, "throw", _throw), error


def _leave(source: Iterator[Any], call: CallObserver) -> None:
    call.resume()
    try:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    except BaseException as error:
        if call.finish(error):
            return
        raise
    call.finish(partial=True)


def _throw(error: BaseException) -> Any:
    """For an iterator that is no generator: what its consumer throws is raised."""
    raise error


def passing_async(begin: Callable[..., Any]) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Return a function that is an asynchronous generator over the one that `begin` returns, observed by nothing."""
    return _flowing_async(lambda *args, **kwargs: (begin(*args, **kwargs), Unobserving()))


def _flowing_async(begin: Callable[..., tuple[Any, CallObserver]]) -> Callable[..., AsyncGenerator[Any, Any]]:
    """The same of an asynchronous generator: a function that is one, over the source that `begin` gives."""

    async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source, call = begin(*args, **kwargs)
        step: Any = source.asend
        given: Any = None
        call.flowing()
        while True:
            call.resume()
            try:
                item = await step(given)
            except StopAsyncIteration:
                call.finish()
                return
            except BaseException as error:
                if call.finish(error):
                    return
                raise
            call.suspend()
            call.yielded(item)
            try:
                given = yield item
                step = source.asend
            except GeneratorExit:
                await _leave_async(source, call)
                raise
            except BaseException as error:
                step, given = source.athrow, error

    return generator


async def _leave_async(source: AsyncGenerator[Any, Any], call: CallObserver) -> None:
    call.resume()
    try:
        await source.aclose()
    except BaseException as error:
        if call.finish(error):
            return
        raise
    call.finish(partial=True)
