"""Callables of every kind: their names, and where the function is in a method, a property or a class."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_text
from odibi_core.events.normalize import to_text

__all__ = ["ClassDecorator", "copy_metadata", "decorate", "is_decorable", "name_of"]


def copy_metadata(function: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """Return `wrapper` with the metadata of `function`, as by `functools.wraps`; a callable object gets a name."""
    wrapper.__name__ = wrapper.__qualname__ = name_of(function)
    return functools.update_wrapper(wrapper, function)


def name_of(function: Any) -> str:
    """Return the qualified name of a callable: of a partial that of its function, of an object that of its class."""
    while isinstance(function, functools.partial | functools.partialmethod):
        function = function.func
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__qualname__


class _DecoratedClass:
    """A class whose every construction is observed; for `isinstance`, inheritance and attributes it is the class."""

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
    """Return true if `decorate` accepts it: then a decorator was used without parentheses."""
    return callable(given) or issubclass(type(given), _DESCRIPTORS)  # `isinstance` runs code of the object


class ClassDecorator:
    """Base of classes that also decorate without parentheses: `@Kind` is `@Kind(<name of the function>)`.

    Only a single argument is decorated; among several, a function is a value as any other.
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _self, *others = inspect.signature(cls.__init__).parameters.values()
        cls.__signature__ = inspect.Signature(others)  # type: ignore[attr-defined]  # else that of __new__

    def __new__(cls, given: Any = None, *others: Any, **named: Any) -> Any:
        if type(given) is not str and not others and not named and is_decorable(given):
            return cls._named_after(given)(given)
        return object.__new__(cls)

    @classmethod
    def _named_after(cls, function: Any) -> Any:
        """Return the decorator of a function that was given without arguments."""
        return cls(name_of(function))


def decorate(decorated: Any, wrap: Callable[[Callable[..., Any]], Any]) -> Any:
    """Return `decorated` with its function wrapped: a function, a method of any kind, a property, or a class."""
    if isinstance(decorated, classmethod | staticmethod):
        return type(decorated)(decorate(decorated.__func__, wrap))
    if isinstance(decorated, property) and decorated.fget is not None:
        return decorated.getter(decorate(decorated.fget, wrap))
    if isinstance(decorated, functools.cached_property):
        return type(decorated)(decorate(decorated.func, wrap))
    if isinstance(decorated, functools.partialmethod):
        return type(decorated)(decorate(decorated.func, wrap), *decorated.args, **decorated.keywords)
    if isinstance(decorated, type):
        return _DecoratedClass(decorated, wrap(decorated))
    if callable(decorated):
        return wrap(decorated)
    raise ConfigurationError(
        "a decorator decorates a function, a method, a property or a class; given was "
        f"{sanitize_text(to_text(decorated, 200))}"
    )
