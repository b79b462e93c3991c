"""Callables of every kind: their names, and how each is decorated and stays what it was.

`over` finds the function in a method, a property or a class; `flows.wrap_callable` observes its calls.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from odibi_core.errors import ConfigurationError
from odibi_core.events import clean_text
from odibi_core.events.normalise import text

__all__ = [
    "bare",
    "is_decorable",
    "like",
    "name_of",
    "over",
]

K = TypeVar("K", bound=type)


def like(function: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """Have `wrapper` look like `function`, as `functools.wraps` does; one without a name has that of what it calls."""
    wrapper.__name__ = wrapper.__qualname__ = name_of(function)
    return functools.update_wrapper(wrapper, function)


def name_of(function: Any) -> str:
    """Return the qualified name of what can be called: a partial's is that of its function, an object's its class's."""
    while isinstance(function, functools.partial | functools.partialmethod):
        function = function.func
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__qualname__


class _DecoratedClass:
    """A class whose every construction is observed; in all else, `isinstance` and inheritance included, the class."""

    def __init__(self, kind: type, construct: Callable[..., Any]) -> None:
        self.__dict__["_construct"] = construct
        self.__dict__["__wrapped__"] = kind
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            self.__dict__[name] = getattr(kind, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._construct(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__wrapped__"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self.__wrapped__,)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.__wrapped__)

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, self.__wrapped__)

    def __getitem__(self, item: Any) -> Any:
        return self.__wrapped__[item]

    def __or__(self, other: Any) -> Any:
        return self.__wrapped__ | other

    def __ror__(self, other: Any) -> Any:
        return other | self.__wrapped__

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> str:
        return str(self.__qualname__)


_DESCRIPTORS: Final = (
    classmethod, staticmethod, property, functools.cached_property, functools.partialmethod,
)  # fmt: skip


def is_decorable(given: Any) -> bool:
    """Return true if `over` can decorate it: then a decorator was used without parentheses."""
    return callable(given) or issubclass(type(given), _DESCRIPTORS)  # `isinstance` would ask the object itself


def bare(make: Callable[[Any], Any]) -> Callable[[K], K]:
    """Have a class decorate without parentheses, too: `@Kind` on a function is `@make(function)` on it.

    Only a single argument is what is decorated; among several, a function is a value as any other.
    """

    def decorate(kind: K) -> K:
        signature = inspect.signature(kind)

        def new(cls: Any, given: Any = None, *others: Any, **named: Any) -> Any:
            if type(given) is not str and not others and not named and is_decorable(given):
                return make(given)(given)
            return object.__new__(cls)

        kind.__new__ = staticmethod(new)  # type: ignore[method-assign,assignment]
        kind.__signature__ = signature  # type: ignore[attr-defined]
        return kind

    return decorate


def over(decorated: Any, wrap: Callable[[Callable[..., Any]], Any]) -> Any:
    """Decorate a function, also one that is a class's or static method, a property's getter, or a class to call."""
    if isinstance(decorated, classmethod | staticmethod):
        return type(decorated)(over(decorated.__func__, wrap))
    if isinstance(decorated, property) and decorated.fget is not None:
        return decorated.getter(over(decorated.fget, wrap))
    if isinstance(decorated, functools.cached_property):
        return type(decorated)(over(decorated.func, wrap))
    if isinstance(decorated, functools.partialmethod):
        return type(decorated)(over(decorated.func, wrap), *decorated.args, **decorated.keywords)
    if isinstance(decorated, type):
        return _DecoratedClass(decorated, wrap(decorated))
    if callable(decorated):
        return wrap(decorated)
    raise ConfigurationError(
        "a decorator decorates a function, a method, a property or a class; given was "
        f"{clean_text(text(decorated, 200))}"
    )
