"""The context of events: the run, the node, the correlation id, the user.

It is a `ContextVar`: each asyncio task has its own.
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
    """Sanitized fields that events take over; a field of the event itself wins.

    The usual standard fields are attributes too, because nearly every event takes them from here. `unusual` is true if
    there are more.
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
        """Return this context inside a node; both names must be sanitized."""
        names = {"run_id": run_id, "node_name": node_name}
        return structs.replace(self, run_id=run_id, node_name=node_name, standard={**self.standard, **names})

    def in_operation(self, operation: str | None) -> Context:
        """Return this context inside an operation, whose name must be sanitized."""
        return structs.replace(self, operation=operation, standard={**self.standard, "operation": operation})

    def with_fields(self, fields: dict[str, Any]) -> Context:
        """Return this context with more of the other fields, which must be sanitized."""
        return structs.replace(self, fields={**self.fields, **fields})

    def over(self, other: Context) -> Context:
        """Return both contexts in one, in which the fields of this one win."""
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
"""The event bus of the run in which this code is, None outside any run."""
batch_here: ContextVar[Any] = ContextVar("odibi_core_batch", default=None)
"""The batch of the stage that works here; the bus sets `reported` if the stage publishes `stage_completed` itself."""


def current() -> Context:
    """Return the context in force here."""
    return _root.variable.get(_root.inherited)


def in_span(here: Context) -> Context:
    """Return this context in the active span of OpenTelemetry, or as it is.

    The result is for one event and not to be kept: the span may end before the context does.
    """
    span = active_span()
    return here.with_fields(span) if span else here


def put(context: Context) -> None:
    """Make this the context in force for the rest of the thread or task."""
    _root.variable.set(context)


def inherited() -> Context:
    """Return the context that every thread of this process begins with."""
    return _root.inherited


def inherit(fields: dict[str, Any]) -> None:
    """Begin every thread of this process with these fields, as a worker process does with those of its parent."""
    _root.inherited = merged(EMPTY, fields).with_fields(span_in(fields))


def correlation_given(here: Context) -> str | None:
    """Return the correlation id that was set; None for that of a whole program, which is the id of its run."""
    return None if here.correlation_id == _root.inherited.run_id else here.correlation_id


@contextmanager
def bind(**fields: Any) -> Iterator[Context]:
    """Add fields to all events published inside: `with bind(run_id="r-1", node_name="clean"): …`."""
    token = _root.variable.set(merged(current(), fields))
    try:
        yield current()
    finally:
        _root.variable.reset(token)


@contextmanager
def using_bus(bus: Any) -> Iterator[None]:
    """Publish the lines of program loggers inside on this bus."""
    token = bus_here.set(bus)
    try:
        yield
    finally:
        bus_here.reset(token)


def enter(**fields: Any) -> None:
    """Add fields to all events for the rest of the thread or task."""
    _root.variable.set(merged(current(), fields))


def merged(context: Context, fields: dict[str, Any]) -> Context:
    """Return a context with more fields, which are sanitized here, once, and not for each event."""
    standard, rest, _ = split_fields(dict(fields))
    return _context({**context.standard, **standard}, {**context.fields, **rest} if rest else context.fields)


def _context(standard: dict[str, Any], fields: dict[str, Any]) -> Context:
    usual = {name: standard[name] for name in _USUAL if name in standard}
    return Context(**usual, unusual=len(usual) < len(standard), standard=standard, fields=fields)
