"""Looks at Python objects that read no code and call nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType, MappingProxyType, MemberDescriptorType
from typing import Any


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
