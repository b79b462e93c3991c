"""The function that any callable calls in the end, and its signature, found without calling either.

Attributes are read statically (`getattr_static`), so that no property, no `__getattr__` and no metaclass runs. A
signature is read from the code of a function, and not from its `__signature__`.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Mapping
from inspect import Parameter, Signature, getattr_static
from typing import Any, Final, NamedTuple

from odibi_core.introspection.annotation import class_name, in_class, is_any

_NAMED: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_WRAPPERS_FOLLOWED: Final = 100
_MISSING: Final = object()
BUILTINS: Final = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.ClassMethodDescriptorType,
)  # fmt: skip


class Callee(NamedTuple):
    """The function that is called in the end, and the parameters that are already bound."""

    function: Any
    skip: int = 0
    """How many of the first ones Python gives: `self`, `cls`."""
    args: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = {}


def is_class(thing: Any) -> bool:
    """Return whether an object is a class, whatever its `__class__` returns."""
    return issubclass(type(thing), type)


def has(thing: Any, name: str) -> bool:
    """Return whether an object has an attribute, without reading it."""
    return _attribute(thing, name) is not _MISSING


def _attribute(thing: Any, name: str) -> Any:
    return in_class(thing, name, _MISSING) if is_class(thing) else getattr_static(thing, name, _MISSING)


def callee_of(thing: Any, depth: int = 0) -> Callee | None:
    """Return the function that a call of `thing` runs; None if `thing` is not callable."""
    kind = type(thing)
    if depth > _WRAPPERS_FOLLOWED or is_any(kind, BUILTINS):
        return Callee(thing)
    if kind is types.FunctionType:
        around = thing.__dict__.get("__wrapped__") if "__signature__" not in thing.__dict__ else None
        return (callee_of(around, depth + 1) if around is not None else None) or Callee(thing)
    if is_any(kind, (staticmethod, classmethod, types.MethodType)):
        found = callee_of(thing.__func__, depth + 1)
        return found and found._replace(skip=found.skip + (kind is not staticmethod))
    if kind is functools.partial:
        found = callee_of(thing.func, depth + 1)
        return found and found._replace(args=found.args + thing.args, keywords={**found.keywords, **thing.keywords})
    if issubclass(kind, type):
        return _of_a_class(thing, depth)
    around = getattr_static(thing, "__wrapped__", None)
    if around is not None and has(kind, "__call__"):
        return callee_of(around, depth + 1)
    return bound_method(thing, "__call__", depth + 1) if has(kind, "__call__") else None


def _of_a_class(kind: Any, depth: int) -> Callee:
    for name in ("__init__", "__new__"):
        maker = in_class(kind, name)
        if is_any(type(maker), (types.FunctionType, staticmethod)):
            found = callee_of(maker, depth + 1)
            if found is not None:
                return found._replace(skip=found.skip + 1)
    takes_nothing = in_class(kind, "__init__") is object.__init__ and in_class(kind, "__new__") is object.__new__
    return Callee(_nothing) if takes_nothing else Callee(in_class(kind, "__init__"), skip=1)


def _nothing() -> None:
    pass


def bound_method(thing: Any, name: str, depth: int = 0) -> Callee | None:
    """Return the function that `thing.name(…)` calls; of a class, that of an instance."""
    owner = thing if is_class(thing) else type(thing)
    method = _attribute(owner if name == "__call__" else thing, name)
    found = callee_of(method, depth)
    gets_self = (
        in_class(owner, name) is method
        and has(type(method), "__get__")
        and not is_any(type(method), (staticmethod, classmethod, types.MethodType))
    )
    return found._replace(skip=found.skip + 1) if found is not None and gets_self else found


def signature_of(callee: Callee) -> Signature:
    """Return the signature without the bound parameters. Raises ValueError or TypeError if it cannot be read."""
    whole = _whole_signature(callee.function)
    parameters = list(whole.parameters.values())
    for _ in range(callee.skip + len(callee.args)):
        if parameters and parameters[0].kind in _NAMED:
            parameters.pop(0)
    return whole.replace(parameters=_with_keywords(parameters, callee.keywords))


def _whole_signature(function: Any) -> Signature:
    if is_any(type(function), BUILTINS):
        return inspect.signature(function)
    if type(function) is not types.FunctionType:
        raise TypeError(f"it ends at a {class_name(type(function))}")
    declared = function.__dict__.get("__signature__")
    if type(declared) is Signature:
        return declared
    if declared is not None:
        raise TypeError(f"its __signature__ is a {class_name(type(declared))}")
    # A copy has the code, but none of the attributes that user code may have set.
    bare = types.FunctionType(function.__code__, {}, "bare", function.__defaults__, function.__closure__)
    bare.__kwdefaults__ = function.__kwdefaults__
    bare.__annotations__ = function.__annotations__
    return inspect.signature(bare)


def _with_keywords(parameters: list[Parameter], given: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters with the keywords of a partial as defaults; the later ones become keyword-only."""
    by_name = False
    made = []
    for parameter in parameters:
        if parameter.name in given and parameter.kind in (*_NAMED, Parameter.KEYWORD_ONLY):
            by_name = True
            parameter = parameter.replace(default=given[parameter.name], kind=Parameter.KEYWORD_ONLY)
        elif by_name and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
            parameter = parameter.replace(kind=Parameter.KEYWORD_ONLY)
        if not (by_name and parameter.kind is Parameter.VAR_POSITIONAL):
            made.append(parameter)
    return made
