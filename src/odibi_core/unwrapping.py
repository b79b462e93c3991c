"""`unwrapped`: the function inside partials, methods, decorators and callable objects."""

from __future__ import annotations

import functools
import inspect
from types import FunctionType
from typing import Any, Final

from odibi_core.errors import STOPS

_WRAPPINGS: Final = 20


def unwrapped(function: Any) -> Any:
    """Return the function inside a callable, as far as its wrappings can be followed. Never raises.

    Wrappers may form a cycle, attributes may raise, and a mock has each attribute that it is asked for.
    """
    try:
        for _ in range(_WRAPPINGS):
            inner = _inside(function)
            if inner is function:
                break
            function = inner
    except STOPS:
        raise
    except BaseException:
        pass  # a wrapper whose attributes raise is the innermost that is known
    return function


def _inside(function: Any) -> Any:
    """Return the callable that is one wrapping further inside; the same if there is none."""
    if isinstance(function, functools.partial):
        return function.func
    if inspect.ismethod(function):
        return function.__func__
    if not isinstance(function, type) and "__wrapped__" in getattr(function, "__dict__", ()):
        return function.__wrapped__
    call = _call_of(function)
    return call if isinstance(call, FunctionType) else function


def _call_of(function: Any) -> Any:
    """Return the method that a call of an object of a Python class runs; None for a function and a class."""
    if isinstance(function, (FunctionType, type)):
        return None
    return next((vars(base)["__call__"] for base in type(function).__mro__ if "__call__" in vars(base)), None)
