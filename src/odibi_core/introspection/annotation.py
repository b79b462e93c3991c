"""Annotations and default values as text, and the meaning of annotations that are text, without evaluating any.

With `from __future__ import annotations` every annotation is a text. It is parsed, and its names are looked up in the
module of the function. No user code runs, and an annotation without a known meaning stands for any value.
"""

from __future__ import annotations

import ast
import builtins
import collections
import inspect
import typing
from collections import abc
from collections.abc import Iterable, Mapping
from enum import Enum, EnumMeta
from types import ModuleType, NoneType, UnionType
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.events import sanitize_text, sanitize_value

_DEEPEST: Final = 12
_LONGEST: Final = 2000
_MODULES: Final = frozenset({"typing", "types", "typing_extensions", "collections.abc", "_collections_abc"})
LISTS: Final = frozenset(
    {
        list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection, abc.Container, abc.Reversible,
        abc.Iterator, abc.Generator, abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator, collections.deque,
    }
)  # fmt: skip
SETS: Final = frozenset({set, frozenset, abc.Set, abc.MutableSet})
MAPPINGS: Final = frozenset({dict, abc.Mapping, abc.MutableMapping, collections.OrderedDict, collections.defaultdict})


def class_name(kind: type) -> str:
    """Return the name of a class, without calling its metaclass."""
    return sanitize_text(str(type.__dict__["__qualname__"].__get__(kind)).rpartition("<locals>.")[2])


def class_dict(kind: type) -> Mapping[str, Any]:
    """Return the attributes that a class itself defines, by name."""
    found: Mapping[str, Any] = type.__dict__["__dict__"].__get__(kind)
    return found


def class_module(kind: type) -> str | None:
    """Return the name of the module of a class."""
    found = type.__dict__["__module__"].__get__(kind)
    return found if type(found) is str else None


def bases(kind: type) -> tuple[type, ...]:
    """Return a class and its bases, in the order of method resolution."""
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return found


def in_class(kind: type, name: str, otherwise: Any = None) -> Any:
    """Return an attribute of a class or its bases, unbound; attributes of a metaclass are not included."""
    for base in bases(kind):
        if name in class_dict(base):
            return class_dict(base)[name]
    return otherwise


def is_any(kind: Any, kinds: Iterable[Any]) -> bool:
    """Return whether an object is one of these by identity; `in` would call a metaclass."""
    return any(kind is each for each in kinds)


def shareable(name: str, value: Any) -> Any:
    """Return the visible form of a value under this name; a secret is hidden."""
    return next(iter(sanitize_value({name: value}).values()))


def value_text(name: str, value: Any, depth: int = 0) -> str:
    """Return a value as code; of an object that is no plain value, its class, because a repr may do anything."""
    kind = type(value)
    if value is None or is_any(kind, (bool, int, float, str)):
        shown = shareable(name, value)  # a number without a JSON form, such as infinity, becomes text
        return (shown if type(shown) is str and kind is not str else repr(shown))[:200]
    if issubclass(kind, Enum):
        return f"{class_name(kind)}.{sanitize_text(str(object.__getattribute__(value, '_name_')))}"
    if issubclass(kind, type):
        return class_name(value)
    if depth < 3 and is_any(kind, (list, tuple, set, frozenset, dict)) and len(value) <= 8:
        return _container_text(name, value, depth + 1)
    return f"<{class_name(kind)}>"


def _container_text(name: str, value: Any, depth: int) -> str:
    if type(value) is dict:
        pairs = (f"{value_text('', key, depth)}: {value_text(str(key), item, depth)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    inside = ", ".join(value_text(name, item, depth) for item in value)
    match type(value).__name__:
        case "list":
            return f"[{inside}]"
        case "tuple":
            return f"({inside}{',' * (len(value) == 1)})"
        case _:
            return f"{{{inside}}}" if value else f"{type(value).__name__}()"


def annotation_text(annotation: Any, depth: int = 0) -> str:
    """Return an annotation as short code: `list[int]`, `int | None`, `Literal['a', 'b']`."""
    if type(annotation) is str:
        text = " ".join(sanitize_text(annotation).split())[:300]
        is_quoted = text[:1] in ("'", '"') and text.count(text[0]) == 2 and text[-1] == text[0]
        return text[1:-1] if is_quoted else text
    if annotation is None or annotation is NoneType:
        return "None"
    if annotation is Ellipsis:
        return "..."
    if issubclass(type(annotation), type):
        return class_name(annotation)
    if depth > _DEEPEST or not of_typing(annotation):
        return f"<{class_name(type(annotation))}>"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return annotation_text(arguments[0], depth + 1)
    if origin is typing.Literal:
        return f"Literal[{', '.join(value_text('', value) for value in arguments)}]"
    inside = [_argument_text(argument, depth + 1) for argument in arguments]
    if origin in (typing.Union, UnionType):
        return " | ".join(inside)
    outside = annotation_text(origin, depth + 1) if origin is not None else _name_of(annotation)
    return f"{outside}[{', '.join(inside)}]" if inside else outside


def _argument_text(argument: Any, depth: int) -> str:
    """Return the text of an argument of a type; of a Callable, one argument is a list."""
    if type(argument) is list:
        return f"[{', '.join(annotation_text(each, depth) for each in argument)}]"
    return annotation_text(argument, depth)


def _name_of(annotation: Any) -> str:
    for attribute in ("__name__", "_name", "__forward_arg__"):
        name = getattr(annotation, attribute, None)
        if type(name) is str:
            return sanitize_text(name)
    return class_name(type(annotation))


def of_typing(annotation: Any) -> bool:
    """Return whether an object comes from `typing` or `types`, whose attributes run no user code."""
    return class_module(type(annotation)) in _MODULES


def resolved(annotation: Any, namespace: Mapping[str, Any], depth: int = 0) -> Any:
    """Return the type that a text annotation means in its module; `Any` if it has no known meaning."""
    if type(annotation) is typing.ForwardRef:
        annotation = annotation.__forward_arg__
    if type(annotation) is not str:
        return annotation
    if len(annotation) > _LONGEST:
        return Any
    try:
        return _meaning(ast.parse(annotation.strip(), mode="eval").body, namespace, depth + 1)
    except STOPS:
        raise
    except BaseException:  # no Python expression, or a type that rejects its arguments
        return Any


def _meaning(node: ast.expr, namespace: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        return Any
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str() as text):
            return resolved(text, namespace, depth)
        case ast.Name(id=name):
            return namespace.get(name, vars(builtins).get(name, Any))
        case ast.Attribute(value=before, attr=name):
            owner = _meaning(before, namespace, depth + 1)
            return inspect.getattr_static(owner, name, Any) if type(owner) in (ModuleType, type) else Any
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return typing.Union[_meaning(left, namespace, depth + 1), _meaning(right, namespace, depth + 1)]  # noqa: UP007 (a class's own `|` is not asked)
        case ast.Subscript(value=before, slice=inside):
            return _subscripted(_meaning(before, namespace, depth + 1), inside, namespace, depth + 1)
        case _:
            return Any


def _subscripted(outside: Any, inside: ast.expr, namespace: Mapping[str, Any], depth: int) -> Any:
    arguments = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if outside is typing.Literal:
        return outside[tuple(_literal(each, namespace) for each in arguments)]
    if outside is typing.Annotated:
        return _meaning(arguments[0], namespace, depth)
    if is_any(outside, (*LISTS, *SETS, *MAPPINGS, tuple)) or of_typing(outside):
        meant = [Ellipsis if _is_dots(each) else _meaning(each, namespace, depth) for each in arguments]
        return outside[tuple(meant) if len(meant) > 1 else meant[0]]
    return outside


def _is_dots(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _literal(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """Return the value of a literal, or of a member of an Enum."""
    if isinstance(node, ast.Attribute):
        owner = _meaning(node.value, namespace, 1)
        return owner.__members__[node.attr] if issubclass(type(owner), EnumMeta) else None
    return ast.literal_eval(node)
