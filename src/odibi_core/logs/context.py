"""The context of log lines and events: the operation, the user, the correlation id and other fields.

It follows asyncio tasks, and the threads, steps and hooks that odibi-core starts. `wrap` carries it into other threads
and executors, `context_for_workers` into pools of processes, and `environment_for_workers` into any program.
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

_MAX_LENGTH: Final = 16 * 1024
"""Characters of a context that another process inherits; fields beyond them are left out."""

_Entry = tuple["LogContext", Context, bool]
"""An entered context, the one in force before, and whether it was left already."""

_entered: ContextVar[tuple[_Entry, ...]] = ContextVar("odibi_core_log_contexts", default=())


class LogContext(ClassDecorator):
    """Adds fields to every line and event inside: `with LogContext(operation="import", user="ada", batch=7): …`.

    It is also a decorator of functions, methods, coroutines, generators and classes. A nested context adds to the outer
    one. All lines inside share a correlation id: the given one, else the one in force, else a new one. An instance may
    be used again, and by several threads and tasks at once.
    """

    def __init__(
        self, operation: str | None = None, user: str | None = None, correlation_id: str | None = None, **fields: Any
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
        """Restore the context from before. One that is left early, as by a generator, ends with the later ones."""
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
        """Return a function whose calls are in this context; a generator only while it works, not its consumer."""
        return observe_calls(function, lambda: _Inside(self))

    @classmethod
    def _named_after(cls, function: Any) -> LogContext:
        return cls()


class _Inside(CallObserver):
    """One call in a context, which applies, with the fields set inside, only while the function works."""

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

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        _return_to(self._outside)


def _return_to(place: tuple[Context, tuple[_Entry, ...]]) -> None:
    context, entered = place
    put(context)
    _entered.set(entered)


def set_correlation_id(id: str | None = None) -> str:
    """Set the correlation id, or a new one, for the rest of this thread or task; return it as it is kept."""
    take_up_inherited()
    enter(correlation_id=new_id() if id is None else to_text(id))
    return get_correlation_id() or ""


def get_correlation_id() -> str | None:
    """Return the current correlation id; None if there is none."""
    take_up_inherited()
    found = current().standard.get("correlation_id")
    return None if found is None else str(found)


def set_user_context(user_id: str | None, **fields: Any) -> None:
    """Set the user of lines and error reports, and other fields, for the rest of this thread or task (None: none)."""
    take_up_inherited()
    enter(user=user_id, **fields)


def set_operation_context(operation: str | None, **fields: Any) -> None:
    """Set the operation of lines and events, and other fields, for the rest of this thread or task (None: none)."""
    take_up_inherited()
    enter(operation=operation, **fields)


def wrap(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with the current context for all its calls: `pool.submit(wrap(load), path)`.

    All context variables are captured, so that a call in another thread belongs to the current run. A coroutine
    function runs as a task of its own. A generator is in the context while it works.
    """
    take_up_inherited()
    captured = copy_context()
    wrapped: Callable[P, R] = decorate(function, lambda inner: wrap_in_context(inner, captured))
    return wrapped


class WorkerContext(TypedDict):
    """The keyword arguments of a pool of processes."""

    initializer: Callable[[dict[str, Any]], None]
    initargs: tuple[dict[str, Any]]


def context_for_workers() -> WorkerContext:
    """Return the current context for a pool of processes, for every start method.

    `ProcessPoolExecutor(**context_for_workers())`, `multiprocessing.Pool(4, **context_for_workers())`
    """
    return {"initializer": begin_in, "initargs": (worker_context(),)}


def worker_context() -> dict[str, Any]:
    """Return the current context, with the store of its run, for `begin_in` in another process."""
    take_up_inherited()
    here = current()
    return {**_portable(context.in_span(here)), **store_of(here.run_id)}


def environment_for_workers() -> dict[str, str]:
    """Return the environment of a program that begins in the current context: `subprocess.run(…, env=…)`.

    The program applies the context at its first use of a logger, a run or this module. Inside a span the environment
    has a `TRACEPARENT` too, which other software reads.
    """
    take_up_inherited()
    here = context.in_span(current())
    return environment_with(json.dumps(_portable(here)), traceparent(here.fields))


def _portable(here: Context) -> dict[str, Any]:
    """Return the plain, sanitized values of a context, as many as an environment can hold."""
    portable: dict[str, Any] = {}
    remaining = _MAX_LENGTH
    for name, value in {**here.standard, **here.fields}.items():
        remaining -= len(json.dumps({name: value}))
        if remaining < 0:
            break
        portable[name] = value
    return portable
