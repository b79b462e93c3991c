"""Looks at Python objects that read no code and call nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType, MappingProxyType, MemberDescriptorType
from typing import Any, Final

_CONTENT: Final[dict[type, Callable[[Any], Any]]] = {
    str: str.__str__, bytes: lambda value: bytes.__getitem__(value, slice(None)), int: int.__int__,
    float: float.__float__, complex: lambda value: complex.__add__(value, 0j),
    list: lambda value: list(list.__iter__(value)), tuple: lambda value: tuple(tuple.__iter__(value)),
    dict: lambda value: dict(dict.items(value)), set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}  # fmt: skip
"""Built-in classes that others derive from, and the way to their content past methods of the derived class."""
_EMPTY: Final = frozenset({"object", "typing.Generic", "typing.Protocol", "abc.ABC"})
"""Base classes without values."""


def content_of(value: Any) -> Any:
    """Return the content that an object has from a built-in class, as an object of that class; None if it has none."""
    return next((_CONTENT[base](value) for base in type(value).__mro__ if base in _CONTENT), None)


def is_known_base(kind: type) -> bool:
    """Return whether objects have no other values from a base class than their content."""
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return kind in _CONTENT or name in _EMPTY


def parts_of_type(value: Any) -> tuple[Any, ...]:
    """Return the class and the arguments of a type such as `list[int]` or `int | None`, or its name."""
    found = (getattr(value, "__origin__", None), *getattr(value, "__args__", ()))
    return found if any(each is not None for each in found) else (repr(value),)


def namespace(value: Any) -> dict[Any, Any]:
    """Return the members of a namespace or of a read-only mapping."""
    return dict(value) if isinstance(value, MappingProxyType) else dict(vars(value))


def cells_of(function: FunctionType) -> tuple[Any, ...]:
    """Return the cells of the closure of a function."""
    return function.__closure__ or ()


def slots_of(kind: type) -> tuple[str, ...]:
    """Return the names of the slots of a class, by which its objects have them: private names are mangled."""
    return tuple(name for name, each in vars(kind).items() if isinstance(each, MemberDescriptorType))


def is_slot(member: Any) -> bool:
    """Return whether a member of a class is the place of a value of its objects: a slot, a field of a named tuple."""
    is_place = inspect.isgetsetdescriptor(member) or inspect.ismemberdescriptor(member)
    return is_place or type(member).__qualname__ == "_tuplegetter"


def defaults_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that have a default, and the defaults."""
    code, given = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    yield from zip(names[len(names) - len(given) :], given, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def named_in_library(value: Any) -> str | None:
    """Return the dotted name of a function that a library makes in C, such as a ufunc of numpy."""
    if type(value).__name__ in (
        "ufunc",
        "wrapper_descriptor",
        "method_descriptor",
        "method-wrapper",
        "_ArrayFunctionDispatcher",
    ):
        owner = getattr(value, "__objclass__", None)
        module = owner.__module__ if owner is not None else getattr(value, "__module__", None) or "numpy"
        return f"{module}.{getattr(value, '__qualname__', value.__name__)}"
    return None
