"""Values that can be read only once, made into values that every reader sees whole, or refused."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, Final, Literal

from odibi_core.coroutines import collect, is_awaitable
from odibi_core.errors import STOPS, StepError

Kind = Literal["awaitable", "iterator", "async iterator", "endless", "resource"]

PLAIN: Final = frozenset({int, float, str, bool, bytes, type(None)})
_ENDLESS: Final = (itertools.count, itertools.cycle, itertools.repeat)
_MEMBERS: Final = 16
"""Members of a larger collection are rows, and of those the first one stands for all."""


def kind_of(value: object) -> Kind | None:
    """Return how a value is read only once; None if it can be read again.

    A `resource` is an iterator with state of its own, such as an open file or a database's cursor. An object that
    answers to every attribute (a mock) is none of these.
    """
    cls = type(value)
    if cls in PLAIN:
        return None
    if hasattr(cls, "__next__"):
        return _kind_of_iterator(value, cls)
    if hasattr(cls, "__await__"):
        return "awaitable"
    if hasattr(cls, "__anext__"):
        pure = isinstance(value, AsyncGenerator) or not hasattr(value, "close")
        return "async iterator" if pure else "resource" if hasattr(cls, "close") else None
    if hasattr(cls, "__iter__") and not hasattr(cls, "__len__"):
        return "iterator" if _gives_one_iterator(value) else None
    return None


def _kind_of_iterator(value: object, cls: type) -> Kind | None:
    if isinstance(value, Generator):
        return "awaitable" if is_awaitable(value) else "iterator"
    if isinstance(value, _ENDLESS):
        return "endless"
    if any(hasattr(value, name) for name in ("close", "read")):
        return "resource" if hasattr(cls, "close") or hasattr(cls, "read") else None
    return "iterator" if _gives_one_iterator(value) else None


def _gives_one_iterator(value: Any) -> bool:
    """Whether each reader gets the same iterator."""
    try:
        return iter(value) is iter(value)
    except STOPS:
        raise
    except BaseException:
        return False  # it refuses to be read at all, as a column of Spark does


def readable_again(
    value: Any, wait_for: Callable[[Any], Any], where: str, *, outputs: int = 1, connects: bool = False
) -> Any:
    """Return a value that every reader sees whole: the value itself, a list of what it yields, what it gives awaited.

    The members of a small collection count too.

    Args:
        value: What the function of a step returned.
        wait_for: Runs an awaitable to its end.
        where: The step, for the message.
        outputs: How many datasets the step makes; of several, the value holds them.
        connects: Whether cursors and iterators are handed on as they are.

    Raises:
        StepError: if the value has only one reader, or no end.
    """
    while kind_of(value) == "awaitable":
        value = wait_for(value)
    if outputs > 1:
        value = dict(value) if isinstance(value, Mapping) else value
    else:
        value = _settled(value, wait_for, where, connects)
    if not isinstance(value, dict | list | tuple):
        return value
    members = _members(value, max(outputs, _MEMBERS))
    return _with_members(value, {k: _settled(v, wait_for, where, connects) for k, v in members.items()})


def _settled(value: Any, wait_for: Callable[[Any], Any], where: str, connects: bool) -> Any:
    kind = kind_of(value)
    while kind == "awaitable":
        value = wait_for(value)
        kind = kind_of(value)
    if kind is None or (connects and not isinstance(value, Generator | AsyncGenerator)):
        return value
    if kind == "iterator":
        return list(value)
    if kind == "async iterator":
        return wait_for(collect(value))
    raise StepError(f"{where} {refusal(value, kind)}")


def refusal(value: object, kind: Kind) -> str:
    """Return the end of a sentence that says what a value is, why it is refused, and what would be right."""
    name = type(value).__name__
    if kind == "awaitable":
        return f"is a {name}, which can be awaited only once; give what it returns, or a step with its function"
    why = "never ends" if kind == "endless" else "can be read only once"
    return f"is a {name}, which {why}; give a list, so that each step and each attempt sees all of it"


def _members(value: dict[Any, Any] | list[Any] | tuple[Any, ...], limit: int) -> dict[Any, Any]:
    """The members that can be read only once: none in a collection of rows or plain values."""
    if len(value) > limit and kind_of(next(iter(value.values() if isinstance(value, dict) else value))) is None:
        return {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {place: member for place, member in items if kind_of(member) is not None}


def _with_members(value: Any, members: Mapping[Any, Any]) -> Any:
    """The collection, or a copy of it with some of its members replaced."""
    if not members:
        return value
    if isinstance(value, dict):
        return {**value, **members}
    made = [members.get(place, member) for place, member in enumerate(value)]
    return made if isinstance(value, list) else tuple(made)
