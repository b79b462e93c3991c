"""Functions that run in a copied context: its context variables hold in whichever thread or task calls them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.coroutines import is_coroutine
from odibi_core.errors import is_failure
from odibi_core.events.error_id import error_id_of
from odibi_core.events.recent import remember
from odibi_core.wrapping.calls import CallObserver, wrap_callable

__all__ = ["context_of_failure", "wrap_in_context"]

MAX_FAILED: Final = 16
"""Failed calls whose contexts are remembered: the contexts keep the values of their variables alive."""


class _FailedCalls:
    """The contexts of the last wrapped calls that failed, by the ids of their exceptions."""

    def __init__(self) -> None:
        self.contexts: dict[str, Context] = {}


_failed: Final = STATE.part(_FailedCalls)


def wrap_in_context(function: Callable[..., Any], captured: Context) -> Callable[..., Any]:
    """Return `function` as a callable that runs in a copy of `captured` at each call.

    A coroutine function runs as a task of its own. A generator of either kind is in the context while it works.
    """
    as_task = is_coroutine(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[CallObserver, tuple[Any, ...], dict[str, Any]]:
        here = captured.copy()
        return _Carried(here), (here, *args), kwargs

    def call(here: Context, /, *args: Any, **kwargs: Any) -> Any:
        result = here.run(function, *args, **kwargs)
        if as_task:
            from asyncio import create_task  # slow to import, and loaded already where a coroutine runs

            return create_task(result, context=here)
        source = _SOURCES.get(type(result))
        return result if source is None else source(here, result)

    return wrap_callable(function, begin, call=call, source_in=_source_in)


def context_of_failure(error: BaseException) -> Context:
    """Return a copy of the context in which a wrapped function raised `error`; else of the context in force."""
    found = _failed.contexts.get(error_id_of(error))
    return copy_context() if found is None else found.copy()


class _Carried(CallObserver):
    """Remembers the context of a call that failed, which the thread has left when its exception is reported."""

    __slots__ = ("_here",)

    def __init__(self, here: Context) -> None:
        self._here = here

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        if error is not None and is_failure(error):
            identity = error_id_of(error)
            if identity not in _failed.contexts:  # else a nested call failed, whose context is closer
                remember(_failed.contexts, identity, self._here, MAX_FAILED)


class _Steps:
    """An iterator over a generator, each step of which runs in one context."""

    def __init__(self, here: Context, source: Any) -> None:
        self._here, self._source = here, source

    def __iter__(self) -> _Steps:
        return self

    def __next__(self) -> Any:
        return self._here.run(next, self._source)

    def send(self, given: Any) -> Any:
        return self._here.run(self._source.send, given)

    def throw(self, error: BaseException) -> Any:
        return self._here.run(self._source.throw, error)

    def close(self) -> None:
        self._here.run(self._source.close)


class _Awaited:
    """An awaitable that runs in one context, as a part of the task that awaits it."""

    def __init__(self, here: Context, awaitable: Any) -> None:
        self._here, self._awaitable = here, awaitable

    def __await__(self) -> Any:
        return _Steps(self._here, self._awaitable.__await__())


class _AsyncSteps:
    """An async generator, each step of which runs in one context."""

    def __init__(self, here: Context, source: Any) -> None:
        self._here, self._source = here, source

    def asend(self, given: Any) -> _Awaited:
        return _Awaited(self._here, self._source.asend(given))

    def athrow(self, error: BaseException) -> _Awaited:
        return _Awaited(self._here, self._source.athrow(error))

    def aclose(self) -> _Awaited:
        return _Awaited(self._here, self._source.aclose())


_SOURCES: Final[dict[type, Callable[[Context, Any], Any]]] = {
    GeneratorType: _Steps, AsyncGeneratorType: _AsyncSteps, CoroutineType: _Awaited,
}  # fmt: skip


def _source_in(result: Any) -> Any:
    return result if type(result) in (_Steps, _AsyncSteps, _Awaited) else None
