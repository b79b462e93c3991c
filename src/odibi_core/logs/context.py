"""What is true of everything a program says from here on: who asked for it, what is being done, under which id.

It follows asyncio tasks, and the threads, steps and hooks that odibi-core starts; `wrap` carries it into threads and
executors of your own, `context_for_workers` into pools of processes, `environment_for_workers` into any program.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, Final, ParamSpec, TypedDict, TypeVar

from odibi_core.events import context
from odibi_core.events.clock import new_id
from odibi_core.events.context import Context, current, enter, put
from odibi_core.events.normalize import to_text
from odibi_core.events.trace_context import traceparent
from odibi_core.process.state import begin_in, take_up_inherited
from odibi_core.process.worker_record import store_of
from odibi_core.settings import environment_with
from odibi_core.wrapping.callables import ClassDecorator, decorate
from odibi_core.wrapping.calls import CallObserver, observe_calls
from odibi_core.wrapping.in_context import wrap_in_context

__all__ = [
    "LogContext",
    "WorkerContext",
    "context_for_workers",
    "environment_for_workers",
    "get_correlation_id",
    "set_correlation_id",
    "set_operation_context",
    "set_user_context",
    "wrap",
]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

_LARGEST: Final = 16 * 1024
"""Characters of a context that are given to another process; what does not fit stays behind."""

_Entry = tuple["LogContext", Context, bool]
"""A context that was entered, what was in force before, and whether it was left already."""

_entered: ContextVar[tuple[_Entry, ...]] = ContextVar("odibi_core_log_contexts", default=())


class LogContext(ClassDecorator):
    """Everything said inside carries these fields: `with LogContext(operation="import", user="ada", batch=7): …`.

    A decorator too, of functions, methods, coroutines, generators and classes. Inside another context it adds to that
    one. Everything inside shares a correlation id: the one given, else the one in force, else a new one. An instance
    may be used again, and by several threads and tasks at once.
    """

    def __init__(
        self,
        operation: str | None = None,
        user: str | None = None,
        correlation_id: str | None = None,
        **fields: Any,
    ) -> None:
        named = {"operation": operation, "user": user, "correlation_id": correlation_id}
        self.fields = {**{name: value for name, value in named.items() if value is not None}, **fields}

    def __enter__(self) -> LogContext:
        take_up_inherited()
        before = current()
        missing = {} if context.correlation_given(before) else {"correlation_id": new_id()}
        _entered.set((*_entered.get(), (self, before, False)))
        put(context.merged(before, {**missing, **self.fields}))
        return self

    def __exit__(self, *_: object) -> None:
        """Back to what was before. One left out of turn, as generators do, ends with those entered after it."""
        entered = list(_entered.get())
        mine = [place for place, (owner, _, left) in enumerate(entered) if owner is self and not left]
        if not mine:
            return
        owner, before, _left = entered[mine[-1]]
        entered[mine[-1]] = (owner, before, True)
        restored = None
        while entered and entered[-1][2]:
            restored = entered.pop()[1]
        _entered.set(tuple(entered))
        if restored is not None:
            put(restored)

    def __call__(self, function: F) -> F:
        """Each call of `function` is inside this context; a generator only while it works, and not its consumer."""
        return observe_calls(function, lambda: _Inside(self))

    @classmethod
    def _named_after(cls, function: Any) -> LogContext:
        return cls()


class _Inside(CallObserver):
    """One call in a context, which holds, with what was set inside, only while the function works."""

    def __init__(self, own: LogContext) -> None:
        self._own = own
        self._inside: tuple[Context, tuple[_Entry, ...]] | None = None

    def resume(self) -> None:
        self._outside = current(), _entered.get()
        if self._inside is None:
            self._own.__enter__()
        else:
            _return_to(self._inside)

    def suspend(self) -> None:
        self._inside = current(), _entered.get()
        _return_to(self._outside)

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> None:
        _return_to(self._outside)


def _return_to(place: tuple[Context, tuple[_Entry, ...]]) -> None:
    context, entered = place
    put(context)
    _entered.set(entered)


def set_correlation_id(id: str | None = None) -> str:
    """From here on, in this thread or task, everything said carries this id, or a new one; gives it as it is kept."""
    take_up_inherited()
    enter(correlation_id=new_id() if id is None else to_text(id))
    return get_correlation_id() or ""


def get_correlation_id() -> str | None:
    """The correlation id in force here; None when there is none."""
    take_up_inherited()
    found = current().standard.get("correlation_id")
    return None if found is None else str(found)


def set_user_context(user_id: str | None, **fields: Any) -> None:
    """From here on, in this thread or task, lines and error reports are on behalf of this user (None: of nobody)."""
    take_up_inherited()
    enter(user=user_id, **fields)


def set_operation_context(operation: str | None, **fields: Any) -> None:
    """From here on, in this thread or task, everything said is part of this operation (None: of none)."""
    take_up_inherited()
    enter(operation=operation, **fields)


def wrap(function: Callable[P, R]) -> Callable[P, R]:
    """`function` in the context of now, wherever and however often it is called: `pool.submit(wrap(load), path)`.

    All context variables go along, so that in another thread too it belongs to the run that it was wrapped in.
    A coroutine function becomes one that runs as a task of its own; a generator of either kind is in it while it works.
    """
    take_up_inherited()
    captured = copy_context()
    carried: Callable[P, R] = decorate(function, lambda inner: wrap_in_context(inner, captured))
    return carried


class WorkerContext(TypedDict):
    """What a pool of processes takes by keyword."""

    initializer: Callable[[dict[str, Any]], None]
    initargs: tuple[dict[str, Any]]


def context_for_workers() -> WorkerContext:
    """The context of now for a pool of processes, however they are started.

    `ProcessPoolExecutor(**context_for_workers())`, `multiprocessing.Pool(4, **context_for_workers())`
    """
    take_up_inherited()
    here = current()
    return {
        "initializer": begin_in,
        "initargs": ({**_portable(context.in_span(here)), **store_of(here.run_id)},),
    }


def environment_for_workers() -> dict[str, str]:
    """The environment for a program that shall begin in the context of now: `subprocess.run(…, env=…)`.

    It takes the context up at its first use of a logger, a run or this module. Inside a span it gets a `TRACEPARENT`
    too, which other software reads.
    """
    take_up_inherited()
    here = context.in_span(current())
    return environment_with(json.dumps(_portable(here)), traceparent(here.fields))


def _portable(here: Context) -> dict[str, Any]:
    """A context as plain values, clean already, and not more than an environment can hold."""
    portable: dict[str, Any] = {}
    room = _LARGEST
    for name, value in {**here.standard, **here.fields}.items():
        room -= len(json.dumps({name: value}))
        if room < 0:
            break
        portable[name] = value
    return portable
