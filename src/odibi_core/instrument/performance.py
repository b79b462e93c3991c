"""How long things take: `track_performance` around a block, `performance_monitor` on a function.

Each measurement is one event, `operation_complete` or `operation_failed`, with its `operation_id`, and with that of the
measurement around it as `parent_id`; `views.operations` makes a tree of them. What is measured notices nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from itertools import count
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar, overload

from odibi_core import _fork
from odibi_core._state import STATE
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

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

_PROCESSES: Final = 900_000
_SPANS: Final = 1_000_000
_NAMES_KEPT: Final = 256
_SUCCESS: Final = (kinds.OPERATION_COMPLETE, "info", "success")


def _new_ids() -> count[int]:
    """Ids from a random place on, so that processes do not share theirs; numbers, which need no closer look."""
    return count((1 + int(new_id(8), 16) % _PROCESSES) * _SPANS)


class _Ids:
    """The ids of this process's measurements."""

    def __init__(self) -> None:
        self.numbers = _new_ids()
        _fork.in_child(self._after_fork)

    def _after_fork(self) -> None:
        self.numbers = _new_ids()


_ids: Final = STATE.part(_Ids)
_inside: dict[str, tuple[Context, Context]] = {}
"""The context that was last in force around an operation of that name, and the one inside it: mostly it is the same."""
_innermost: ContextVar[_Span | None] = ContextVar("odibi_core_span", default=None)


class _Span:
    """One measurement: in force from the moment it is made."""

    __slots__ = (
        "active", "before", "begun", "bus", "depth", "ended", "fields", "id", "inner", "operation", "outer", "owner",
        "parent_id",
    )  # fmt: skip

    before: _Span | None
    outer: Context
    inner: Context

    def __init__(self, operation: str, fields: dict[str, Any] | None, owner: object = None) -> None:
        self.operation = operation
        self.fields = fields
        self.owner = owner
        self.id = next(_ids.numbers)
        self.ended = False
        self.active: float | None = None
        self.bus = current_bus()
        self.enter()
        parent = self.before
        self.parent_id = None if parent is None else parent.id
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.begun = monotonic()

    def enter(self) -> None:
        """From here on, everything said is part of it."""
        before = _innermost.get()
        while before is not None and before.ended:
            before = before.before
        self.before = before
        self._take_over()

    def resume(self, inside: tuple[_Span | None, Context] | None) -> None:
        """Be in force again, with what was in force `inside` when it was suspended."""
        before = link = _innermost.get()
        while link is not None and link is not self:
            link = link.before
        # Where we are inside of it already, in a context that was copied there, it stays: no ring may come of it.
        if link is None:
            self.before = before
        if inside is None:
            self._take_over()
        else:
            self.outer = current()
            _innermost.set(inside[0])
            put(inside[1])

    def _take_over(self) -> None:
        self.outer = outer = current()
        known = _inside.get(self.operation)
        if known is not None and known[0] is outer:
            self.inner = known[1]
        else:
            self.inner = _inside_of(self.operation, outer)
        _innermost.set(self)
        put(self.inner)

    def leave(self) -> bool:
        """Back to what was before; what was set inside for the rest of the task stays.

        Does nothing, and says False, where it is not in force: with another one entered since, which will go back
        further by itself, and in another thread.
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

    def end(self, error: BaseException | None = None, partial: bool = False) -> None:
        """Say how long it took, and how it ended."""
        duration_ms = (monotonic() - self.begun) * 1e3
        self.ended = True
        kind, level, status = _SUCCESS if error is None else _outcome(error)
        fields: dict[str, Any] = {
            "operation": self.operation,
            "status": status,
            "duration_ms": duration_ms,
            "operation_id": self.id,
            "depth": self.depth,
        }
        if self.parent_id is not None:
            fields["parent_id"] = self.parent_id
        if self.active is not None:
            fields["active_ms"] = self.active * 1e3
        if kind is kinds.OPERATION_FAILED and error is not None:
            fields |= describe_failure(error)
        elif partial or isinstance(error, GeneratorExit):
            fields["partial"] = True
        context = current() if self.leave() else self.outer
        if self.fields is not None:
            context = context.saying(self.fields)
        self.bus.publish(kind, level=level, fields=fields, context=context)


def _inside_of(operation: str, outer: Context) -> Context:
    inner = outer.in_operation(operation)
    if len(_inside) >= _NAMES_KEPT:
        _inside.clear()
    _inside[operation] = outer, inner
    return inner


def _outcome(error: BaseException) -> tuple[str, str, str]:
    """Kind, level and status. A generator that its consumer needs no further did what it was asked to."""
    if isinstance(error, GeneratorExit) or is_clean_exit(error):
        return _SUCCESS
    if is_failure(error):
        return kinds.OPERATION_FAILED, "error", "failed"
    return kinds.OPERATION_FAILED, "warning", "cancelled"


class track_performance(ClassDecorator):
    """Measure a block: `with track_performance("load", tags={"source": "api"}): …`; also a decorator of functions.

    Says `operation_complete`, or `operation_failed` when the block raises, with `duration_ms`; what is said inside
    carries the operation. One inside another is its part (`odibi timing`). May be used again, by several threads and
    tasks at once.
    """

    __slots__ = ("_fields", "_last", "operation", "tags")

    def __init__(self, operation: str, tags: dict[str, Any] | None = None) -> None:
        self.operation = sanitize_text(operation if type(operation) is str else to_text(operation))
        self.tags = tags
        # Cleaned here, and not at each call of a function that is measured a million times.
        empty = tags is None or (type(tags) is dict and not tags)
        self._fields = None if empty else {"tags": sanitize_field("tags", tags)}
        self._last: _Span | None = None

    def __enter__(self) -> track_performance:
        self._last = _Span(self.operation, self._fields, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        span = _innermost.get()
        while span is not None and (span.owner is not self or span.ended):
            span = span.before
        if span is None:  # closed in another thread, as what is collected as garbage may be
            span = self._last
        if span is not None and not span.ended:
            span.end(error)

    def __call__(self, function: F) -> F:
        """Each call of `function` is measured, as by `performance_monitor`."""
        measured: F = decorate(function, lambda inner: _monitored(inner, self.operation, self.tags))
        return measured


@overload
def performance_monitor(operation: F, tags: dict[str, Any] | None = None) -> F: ...
@overload
def performance_monitor(
    operation: str | None = None, tags: dict[str, Any] | None = None
) -> Callable[[F], F]: ...
def performance_monitor(operation: Any = None, tags: dict[str, Any] | None = None) -> Any:
    """Measure each call of a function: `@performance_monitor`, or with arguments, `@performance_monitor("load")`.

    Functions, methods, coroutines, generators of both kinds and classes; the operation is the function's qualified
    name unless given. A generator is measured from the first value asked for to its end: `duration_ms` is all of that,
    `active_ms` the part in which the generator itself worked.
    """
    if is_decorable(operation):
        return decorate(operation, lambda function: _monitored(function, None, tags))
    return lambda decorated: decorate(decorated, lambda function: _monitored(function, operation, tags))


def _monitored(function: Callable[..., Any], operation: object, tags: Any) -> Callable[..., Any]:
    name = name_of(function) if operation is None else operation
    tracker = track_performance(name, tags)  # type: ignore[arg-type]  # of any type: it takes what it gets
    return wrap_callable(function, lambda args, kwargs: (_Measured(tracker), args, kwargs))


class _Measured(CallObserver):
    """The measurement of one call; that of a generator is in force only while it works."""

    __slots__ = ("_flowing", "_inside", "_resumed", "_span", "_tracker")

    def __init__(self, tracker: track_performance) -> None:
        self._tracker = tracker
        self._flowing = False
        self._span: _Span | None = None
        self._resumed = 0.0
        self._inside: tuple[_Span | None, Context] | None = None
        """What was in force in the generator when it was suspended, if that was not its own measurement alone."""

    def start_generator(self) -> None:
        self._flowing = True

    def resume(self) -> None:
        if self._span is None:
            self._span = _Span(self._tracker.operation, self._tracker._fields)
        else:
            self._span.resume(self._inside)
            self._inside = None
        self._resumed = monotonic()

    def suspend(self) -> None:
        span = self._worked()
        if not span.leave():
            self._inside = _innermost.get(), current()
            _innermost.set(span.before)
            put(span.outer)

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> None:
        self._worked().end(error, partial)

    def _worked(self) -> _Span:
        span = self._span
        assert span is not None  # told of an end before a beginning
        if self._flowing:
            span.active = (span.active or 0.0) + monotonic() - self._resumed
        return span
