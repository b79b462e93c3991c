"""Values that can be read only once: converted to values that each reader gets whole, or refused."""

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
"""Members of a larger collection are rows, and only the first one is inspected."""


def kind_of(value: object) -> Kind | None:
    """Return how a value is read only once; None if it can be read again.

    A `resource` is an iterator with state of its own, such as an open file or a database's cursor. An object that
    has every attribute (a mock) is none of these.
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
        return "iterator" if _has_one_iterator(value) else None
    return None


def _kind_of_iterator(value: object, cls: type) -> Kind | None:
    if isinstance(value, Generator):
        return "awaitable" if is_awaitable(value) else "iterator"
    if isinstance(value, _ENDLESS):
        return "endless"
    if any(hasattr(value, name) for name in ("close", "read")):
        return "resource" if hasattr(cls, "close") or hasattr(cls, "read") else None
    return "iterator" if _has_one_iterator(value) else None


def _has_one_iterator(value: Any) -> bool:
    """Return true if each reader gets the same iterator."""
    try:
        return iter(value) is iter(value)
    except STOPS:
        raise
    except BaseException:
        return False  # it cannot be read at all, as a column of Spark


def readable_again(
    value: Any, wait_for: Callable[[Any], Any], where: str, *, outputs: int = 1, connects: bool = False
) -> Any:
    """Return a value that each reader gets whole: the value itself, a list of its items, or its awaited result.

    The members of a small collection are converted, too.

    Args:
        value: The result of a step's function.
        wait_for: Runs an awaitable to its end.
        where: The step, for the message.
        outputs: How many datasets the step makes; of several, the value holds them.
        connects: Pass cursors and iterators on unchanged.

    Raises:
        StepError: The value can be read only once and not be converted, or has no end.
    """
    while kind_of(value) == "awaitable":
        value = wait_for(value)
    if outputs > 1:
        value = dict(value) if isinstance(value, Mapping) else value
    else:
        value = _readable(value, wait_for, where, connects)
    if not isinstance(value, dict | list | tuple):
        return value
    members = _members(value, max(outputs, _MEMBERS))
    return _with_members(value, {k: _readable(v, wait_for, where, connects) for k, v in members.items()})


def _readable(value: Any, wait_for: Callable[[Any], Any], where: str, connects: bool) -> Any:
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
    """Return the end of a sentence: the type of a value, why it is refused, and what to give instead."""
    name = type(value).__name__
    if kind == "awaitable":
        return f"is a {name}, which can be awaited only once; give what it returns, or a step with its function"
    why = "never ends" if kind == "endless" else "can be read only once"
    return f"is a {name}, which {why}; give a list, so that each step and each attempt sees all of it"


def _members(value: dict[Any, Any] | list[Any] | tuple[Any, ...], limit: int) -> dict[Any, Any]:
    """Return the members that can be read only once; none of a collection of rows or plain values."""
    if len(value) > limit and kind_of(next(iter(value.values() if isinstance(value, dict) else value))) is None:
        return {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {place: member for place, member in items if kind_of(member) is not None}


def _with_members(value: Any, members: Mapping[Any, Any]) -> Any:
    """Return the collection, or a copy of it with replaced members."""
    if not members:
        return value
    if isinstance(value, dict):
        return {**value, **members}
    made = [members.get(place, member) for place, member in enumerate(value)]
    return made if isinstance(value, list) else tuple(made)
