"""What is true of everything said from here on: the run, the node, the correlation id, the user.

A `ContextVar`, so it follows asyncio tasks by itself and never bleeds between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from odibi_core.events.compose import sift


class Context(msgspec.Struct, frozen=True):
    """Standard fields by name, and others; a field that the event itself gives wins over its context."""

    standard: dict[str, Any] = {}
    fields: dict[str, Any] = {}


EMPTY = Context()
_current: ContextVar[Context] = ContextVar("odibi_core_context", default=EMPTY)
current = _current.get


@contextmanager
def bind(**fields: Any) -> Iterator[Context]:
    """Everything said inside carries these fields: `with bind(run_id="r-1", node_name="clean"): …`."""
    token = _current.set(merged(_current.get(), fields))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def enter(**fields: Any) -> None:
    """Bind for the rest of this thread's or task's life."""
    _current.set(merged(_current.get(), fields))


def merged(context: Context, fields: dict[str, Any]) -> Context:
    """A context with more fields; the values are made plain and redacted here, once, and not at every event."""
    standard, rest, _ = sift(dict(fields))
    return Context({**context.standard, **standard}, {**context.fields, **rest} if rest else context.fields)
