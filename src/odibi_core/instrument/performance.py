"""Timing: `track_performance` around a block, `performance_monitor` on a function.

Each measurement is one event, `operation_complete` or `operation_failed`, with its `operation_id` and, as `parent_id`,
that of the measurement around it; `views.operations` builds a tree of them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from itertools import count
from types import TracebackType
from typing import Any, Final, TypeVar, overload

from odibi_core import _fork
from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus
from odibi_core.errors import is_failure
from odibi_core.events import kinds
from odibi_core.events.clock import monotonic, new_id
from odibi_core.events.context import Context, current, put
from odibi_core.events.failure import describe_failure, is_clean_exit
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_field, sanitize_text
from odibi_core.process.state import current_bus
from odibi_core.wrapping.callables import ClassDecorator, decorate, is_decorable, name_of
from odibi_core.wrapping.calls import CallObserver, wrap_callable

__all__ = ["performance_monitor", "track_performance"]

F = TypeVar("F", bound=Callable[..., Any])

_PROCESSES: Final = 900_000
_SPANS: Final = 1_000_000
_SUCCESS: Final = (kinds.OPERATION_COMPLETE, "info", "success")


def _new_ids() -> count[int]:
    """Return consecutive ids from a random start, so that the ids of two processes differ."""
    return count((1 + int(new_id(8), 16) % _PROCESSES) * _SPANS)


class _Ids:
    """The ids of this process's measurements."""

    def __init__(self) -> None:
        self.renew()
        _fork.in_child(self.renew)

    def renew(self) -> None:
        self.numbers = _new_ids()


_ids: Final = STATE.part(_Ids)
_innermost: ContextVar[_Span | None] = ContextVar("odibi_core_span", default=None)


class _Span(CallObserver):
    """One measurement, of a block or a call; that of a generator is in force only while the generator works."""

    __slots__ = (
        "active", "before", "begun", "bus", "depth", "ended", "fields", "id", "inner", "inside", "operation", "outer",
        "owner", "parent_id", "resumed",
    )  # fmt: skip

    before: _Span | None
    begun: float
    bus: EventBus
    depth: int
    id: int
    inner: Context
    outer: Context
    parent_id: int | None
    resumed: float

    def __init__(self, operation: str, fields: dict[str, Any] | None, owner: object = None) -> None:
        self.operation, self.fields, self.owner = operation, fields, owner
        self.id = 0
        self.ended = False
        self.active: float | None = None
        """Seconds in which a generator worked; None for everything else."""
        self.inside: tuple[_Span | None, Context] | None = None
        """The span and the context in force in a suspended generator, if that was not this span alone."""

    def start_generator(self) -> None:
        self.active = 0.0

    def resume(self) -> None:
        if not self.id:
            self.begin()
            return
        before = link = _innermost.get()
        while link is not None and link is not self:
            link = link.before
        if link is None:  # else the context was copied inside this span, and the chain would become a ring
            self.before = before
        if self.inside is None:
            self._enter()
        else:
            self.outer = current()
            _innermost.set(self.inside[0])
            put(self.inside[1])
            self.inside = None
        self.resumed = monotonic()

    def begin(self) -> None:
        self.id = next(_ids.numbers)
        self.bus = current_bus()
        before = _innermost.get()
        while before is not None and before.ended:
            before = before.before
        self.before = before
        self.parent_id, self.depth = (None, 0) if before is None else (before.id, before.depth + 1)
        self._enter()
        self.begun = self.resumed = monotonic()

    def _enter(self) -> None:
        self.outer = outer = current()
        self.inner = outer.in_operation(self.operation)
        _innermost.set(self)
        put(self.inner)

    def suspend(self) -> None:
        if self.active is not None:
            self.active += monotonic() - self.resumed
        if not self._leave():
            self.inside = _innermost.get(), current()
            _innermost.set(self.before)
            put(self.outer)

    def _leave(self) -> bool:
        """Restore the context around the span, and keep the changes made inside for the rest of the task.

        Return False, and do nothing, if the span is not in force: a span that was entered later restores a context
        further out, and another thread has a context of its own.
        """
        if _innermost.get() is not self:
            return False
        before, outer, here = self.before, self.outer, current()
        while before is not None and before.ended:
            outer = before.outer if outer is before.inner else outer
            before = before.before
        if here is self.inner:
            put(outer)
        elif here.operation == self.operation:
            put(here.in_operation(outer.operation))
        self.before = before
        _innermost.set(before)
        return True

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        """Publish the duration and the outcome."""
        now = monotonic()
        self.ended = True
        kind, level, status = _SUCCESS if error is None else _outcome(error)
        fields: dict[str, Any] = {
            "operation": self.operation, "status": status, "duration_ms": (now - self.begun) * 1e3,
            "operation_id": self.id, "depth": self.depth,
        }  # fmt: skip
        if self.parent_id is not None:
            fields["parent_id"] = self.parent_id
        if self.active is not None:
            fields["active_ms"] = (self.active + now - self.resumed) * 1e3
        if kind is kinds.OPERATION_FAILED and error is not None:
            fields |= describe_failure(error)
        elif partial or isinstance(error, GeneratorExit):
            fields["partial"] = True
        context = current() if self._leave() else self.outer
        if self.fields is not None:
            context = context.with_fields(self.fields)
        self.bus.publish(kind, level=level, fields=fields, context=context)


def _outcome(error: BaseException) -> tuple[str, str, str]:
    """Return kind, level and status; a generator that its consumer left early was successful."""
    if isinstance(error, GeneratorExit) or is_clean_exit(error):
        return _SUCCESS
    if is_failure(error):
        return kinds.OPERATION_FAILED, "error", "failed"
    return kinds.OPERATION_FAILED, "warning", "cancelled"


class track_performance(ClassDecorator):
    """Measure a block: `with track_performance("load", tags={"source": "api"}): …`; also a decorator of functions.

    Publishes `operation_complete`, or `operation_failed` if the block raises, with `duration_ms`; events published
    inside carry the operation. A measurement inside another is a part of it (`odibi timing`). An instance may be used
    again, and by several threads and tasks at once.

    Args:
        operation: Name of the operation.
        tags: Labels of the metrics.
    """

    __slots__ = ("_fields", "_last", "operation", "tags")

    def __init__(self, operation: str, tags: dict[str, Any] | None = None) -> None:
        self.operation = sanitize_text(operation if type(operation) is str else to_text(operation))
        self.tags = tags
        # Cleaned once, and not at each call of a measured function.
        empty = tags is None or (type(tags) is dict and not tags)
        self._fields = None if empty else {"tags": sanitize_field("tags", tags)}
        self._last: _Span | None = None

    def __enter__(self) -> track_performance:
        self._last = span = _Span(self.operation, self._fields, self)
        span.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        span = _innermost.get()
        while span is not None and (span.owner is not self or span.ended):
            span = span.before
        if span is None:  # closed in another thread, as by the garbage collector
            span = self._last
        if span is not None and not span.ended:
            span.finish(error)

    def __call__(self, function: F) -> F:
        """Return `function` with each call measured, as by `performance_monitor`."""
        measured: F = decorate(function, lambda inner: _monitored(inner, self.operation, self.tags))
        return measured


@overload
def performance_monitor(operation: F, tags: dict[str, Any] | None = None) -> F: ...
@overload
def performance_monitor(operation: str | None = None, tags: dict[str, Any] | None = None) -> Callable[[F], F]: ...
def performance_monitor(operation: Any = None, tags: dict[str, Any] | None = None) -> Any:
    """Measure each call of a function: `@performance_monitor`, or with arguments, `@performance_monitor("load")`.

    Decorates functions, methods, coroutines, generators of both kinds and classes. A generator is measured from its
    first value to its end: `duration_ms` is the whole time, `active_ms` the time in which the generator itself worked.

    Args:
        operation: Name of the operation; by default the qualified name of the function.
        tags: Labels of the metrics.
    """
    if is_decorable(operation):
        return decorate(operation, lambda function: _monitored(function, None, tags))
    return lambda decorated: decorate(decorated, lambda function: _monitored(function, operation, tags))


def _monitored(function: Callable[..., Any], operation: Any, tags: Any) -> Callable[..., Any]:
    tracker = track_performance(name_of(function) if operation is None else operation, tags)
    name, fields = tracker.operation, tracker._fields
    return wrap_callable(function, lambda args, kwargs: (_Span(name, fields), args, kwargs))
