"""What is true of everything said from here on: the run, the node, the correlation id, the user.

A `ContextVar`, so it follows asyncio tasks by itself and never bleeds between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import msgspec
from msgspec import structs

from odibi_core._state import STATE
from odibi_core.events.sanitize import split_fields
from odibi_core.events.trace_context import active_span, span_in


class Context(msgspec.Struct, frozen=True):
    """Standard fields and others; what the event itself gives wins over its context.

    The usual standard fields are attributes too, since nearly every event takes them from here; `unusual` says
    that there are more.
    """

    run_id: str | None = None
    node_name: str | None = None
    correlation_id: str | None = None
    operation: str | None = None
    user: str | None = None
    component: str | None = None
    unusual: bool = False
    standard: dict[str, Any] = {}
    fields: dict[str, Any] = {}

    def at_node(self, run_id: str, node_name: str) -> Context:
        """This one inside a node, whose names must be clean texts: a short way, since each node of a run takes it."""
        return Context(
            run_id=run_id,
            node_name=node_name,
            correlation_id=self.correlation_id,
            operation=self.operation,
            user=self.user,
            component=self.component,
            unusual=self.unusual,
            standard={**self.standard, "run_id": run_id, "node_name": node_name},
            fields=self.fields,
        )

    def in_operation(self, operation: str | None) -> Context:
        """This one inside an operation, whose name must be a clean text: the same short way."""
        return Context(
            run_id=self.run_id,
            node_name=self.node_name,
            correlation_id=self.correlation_id,
            operation=operation,
            user=self.user,
            component=self.component,
            unusual=self.unusual,
            standard={**self.standard, "operation": operation},
            fields=self.fields,
        )

    def saying(self, fields: dict[str, Any]) -> Context:
        """This one with more of the other fields, which must be clean: for who says the same ones again and again."""
        return structs.replace(self, fields={**self.fields, **fields})

    def over(self, other: Context) -> Context:
        """Both, where this one's fields win."""
        return _context({**other.standard, **self.standard}, {**other.fields, **self.fields})


_USUAL: Final = Context.__struct_fields__[:6]
EMPTY = Context()


class _Root:
    """The context variable of this process, and the context with which each of its threads begins."""

    def __init__(self) -> None:
        self.variable: ContextVar[Context] = ContextVar("odibi_core_context", default=EMPTY)
        self.inherited = EMPTY


_root: Final = STATE.part(_Root)

bus_here: ContextVar[Any] = ContextVar("odibi_core_bus", default=None)
"""The bus of the run that we are in, None outside any: set by what runs, read by whoever only wants to speak."""
batch_here: ContextVar[Any] = ContextVar("odibi_core_batch", default=None)
"""The batch of the stage that works here; the bus sets its `told` if the stage says `stage_completed` itself."""


def current() -> Context:
    """The context in force here."""
    return _root.variable.get(_root.inherited)


def in_span(here: Context) -> Context:
    """This context in the span that OpenTelemetry has active; as it is where none is.

    For what is said now, and not to be kept: the span may end before the context does.
    """
    span = active_span()
    return here.saying(span) if span else here


def put(context: Context) -> None:
    """Make this the context in force, as it is, for the rest of this thread's or task's life."""
    _root.variable.set(context)


def inherited() -> Context:
    """The context that every thread of this process begins with."""
    return _root.inherited


def inherit(fields: dict[str, Any]) -> None:
    """Have every thread of this process begin with these fields: what a worker process is given by its parent."""
    _root.inherited = merged(EMPTY, fields).saying(span_in(fields))


def correlation_given(here: Context) -> str | None:
    """The correlation id that somebody gave; that of a whole program is its run's id, and ties nothing together."""
    return None if here.correlation_id == _root.inherited.run_id else here.correlation_id


@contextmanager
def bind(**fields: Any) -> Iterator[Context]:
    """Everything said inside carries these fields: `with bind(run_id="r-1", node_name="clean"): …`."""
    token = _root.variable.set(merged(current(), fields))
    try:
        yield current()
    finally:
        _root.variable.reset(token)


@contextmanager
def speaking_on(bus: Any) -> Iterator[None]:
    """What a program logger says inside goes to this bus."""
    token = bus_here.set(bus)
    try:
        yield
    finally:
        bus_here.reset(token)


def enter(**fields: Any) -> None:
    """Bind for the rest of this thread's or task's life."""
    _root.variable.set(merged(current(), fields))


def merged(context: Context, fields: dict[str, Any]) -> Context:
    """A context with more fields; the values are made plain and redacted here, once, and not at every event."""
    standard, rest, _ = split_fields(dict(fields))
    return _context({**context.standard, **standard}, {**context.fields, **rest} if rest else context.fields)


def _context(standard: dict[str, Any], fields: dict[str, Any]) -> Context:
    usual = {name: standard[name] for name in _USUAL if name in standard}
    return Context(**usual, unusual=len(usual) < len(standard), standard=standard, fields=fields)
