"""JSON Schema of annotations, and the reason why a value does not fit one."""

from __future__ import annotations

import collections
import typing
from collections import abc
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, EnumMeta
from numbers import Integral, Real
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Final
from uuid import UUID

from odibi_core.errors import nearest
from odibi_core.introspection.annotation import (
    LISTS,
    MAPPINGS,
    SETS,
    bases,
    class_module,
    class_name,
    is_any,
    of_typing,
    resolved,
    shareable,
    value_text,
)

Schema = dict[str, Any]

_DEEPEST: Final = 12
_ITEMS_LOOKED_AT: Final = 1000
_MOST_SHOWN: Final = 100
_LONGEST_SHOWN: Final = 1000
_OF_CLASS: Final[Mapping[Any, Schema]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
    Decimal: {"type": ["number", "string"]},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    UUID: {"type": "string", "format": "uuid"},
    PurePath: {"type": "string"},
}
_SEVERAL: Final[tuple[Any, ...]] = (tuple, set, frozenset, collections.deque)
_PLAIN: Final = (NoneType, str, int, float, bool)
_OF_PYTHON: Final = frozenset({"datetime", "uuid", "pathlib", "pathlib._local"})
_WORDS: Final = {
    "boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "a text", "null": "null",
    "array": "a list", "object": "a mapping",
}  # fmt: skip


def schema_of(annotation: Any, namespace: Mapping[str, Any], depth: int = 0) -> Schema:
    """Return the JSON Schema of an annotation; `{}`, which allows anything, if JSON has no such type."""
    annotation = resolved(annotation, namespace)
    if annotation is None:
        return {"type": "null"}
    if depth > _DEEPEST:
        return {}
    if issubclass(type(annotation), type):
        return _of_a_class(annotation)
    if not of_typing(annotation):
        return {}
    if type(annotation) is typing.NewType:
        return schema_of(annotation.__supertype__, namespace, depth + 1)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return schema_of(arguments[0], namespace, depth + 1)
    if origin is typing.Literal:
        return _one_of(arguments)
    inner = [{} if each is Ellipsis else schema_of(each, namespace, depth + 1) for each in arguments]
    if origin in (typing.Union, UnionType):
        return {} if {} in inner else {"anyOf": inner}
    return _of_a_container(origin, inner, endless=arguments[1:] == (Ellipsis,))


def _of_a_class(kind: Any) -> Schema:
    if issubclass(type(kind), EnumMeta):
        return _one_of(tuple(kind.__members__.values()))
    for base in bases(kind):
        known = next((schema for each, schema in _OF_CLASS.items() if each is base), None)
        if known is not None:
            return dict(known)
        if is_any(base, (*LISTS, *SETS, *MAPPINGS, tuple)):
            return _of_a_container(base, [], endless=False)
    return {}


def _of_a_container(kind: Any, inner: list[Schema], *, endless: bool) -> Schema:
    if is_any(kind, MAPPINGS):
        return {"type": "object", **({"additionalProperties": inner[1]} if len(inner) == 2 else {})}
    if kind is tuple and inner and not endless:
        return {"type": "array", "prefixItems": inner, "minItems": len(inner), "maxItems": len(inner)}
    if is_any(kind, (*LISTS, *SETS, tuple)):
        unique = {"uniqueItems": True} if is_any(kind, SETS) else {}
        return {"type": "array", **({"items": inner[0]} if inner else {}), **unique}
    return {}


def _one_of(values: tuple[Any, ...]) -> Schema:
    known = [as_json(value) for value in values]
    is_known = all(is_any(type(each), _PLAIN) and shareable("", each) == each for each in known)
    return {"enum": known} if is_known else {}


def as_json(value: Any) -> Any:
    """Return the JSON form of a value; the value itself if it has none."""
    kind = type(value)
    if issubclass(kind, Enum):
        return as_json(object.__getattribute__(value, "_value_"))
    for several in _SEVERAL:
        if issubclass(kind, several):
            return list(several.__iter__(value))
    if issubclass(kind, (date, time, UUID, PurePath)):
        # Subclasses from other libraries have texts of their own, which are not called.
        return str(value) if class_module(kind) in _OF_PYTHON else class_name(kind)
    if not issubclass(kind, (bool, int, float)) and issubclass(kind, (Real, Decimal)):  # for example those of numpy
        return int(value) if issubclass(kind, Integral) else float(value)
    return value


def is_plain(value: Any, depth: int = 0) -> bool:
    """Return whether a value is short and JSON holds it unchanged, without calling any of its code."""
    kind = type(value)
    if is_any(kind, (list, dict)):
        inside = [*value, *value.values()] if kind is dict else value
        return depth < 3 and len(value) <= _MOST_SHOWN and all(is_plain(each, depth + 1) for each in inside)
    return is_any(kind, _PLAIN) and (kind is not str or len(value) <= _LONGEST_SHOWN)


def misfit(what: str, given: Any, schema: Schema) -> str:
    """Return a sentence about why a value for `what` cannot be right; an empty text if it can."""
    value = as_json(given)
    if "anyOf" in schema:
        reasons = [misfit(what, value, each) for each in schema["anyOf"]]
        if not all(reasons):
            return ""
        inside = (reason for reason in reasons if reason.startswith(f"{what}["))
        return next(inside, _unfit(what, given, schema))
    if "enum" in schema:
        fits = any(type(each) is type(value) and each == value for each in schema["enum"])
        return "" if fits else _unfit(what, given, schema)
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(_is(value, each) for each in wanted):
        return _unfit(what, given, schema)
    return _misfit_inside(what, value, schema)


def _misfit_inside(what: str, value: Any, schema: Schema) -> str:
    if issubclass(type(value), list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return f"{what} must have {schema['maxItems']} items, but it has {len(value)}"
        ahead = schema.get("prefixItems", [])
        each_of = [*ahead, *[schema.get("items", {})] * (min(len(value), _ITEMS_LOOKED_AT) - len(ahead))]
        pairs: Any = zip(range(len(each_of)), value, each_of, strict=False)
    elif issubclass(type(value), abc.Mapping) and schema.get("additionalProperties"):
        pairs = ((name, item, schema["additionalProperties"]) for name, item in value.items())
    else:
        return ""
    found = (misfit(f"{what}[{value_text('', name)}]", item, wanted) for name, item, wanted in pairs)
    return next(filter(None, found), "")


def _is(value: Any, wanted: str) -> bool:
    kind = type(value)
    match wanted:
        case "null":
            return value is None
        case "boolean":
            return kind is bool
        case "integer":
            return kind is not bool and issubclass(kind, int)
        case "number":
            return kind is not bool and issubclass(kind, (int, float))
        case "string":
            return issubclass(kind, str)
        case "array":
            return issubclass(kind, list)
        case _:
            return issubclass(kind, abc.Mapping)


def _unfit(what: str, given: Any, schema: Schema) -> str:
    is_choice = "enum" in schema
    shown = value_text(what, given) if is_choice else _kind_of(given)
    texts = [each for each in schema.get("enum", ()) if isinstance(each, str)]
    near = nearest(given, texts, alike=0.5) if type(given) is str else ""  # one of few choices was probably meant
    return f"{what} must be {_wanted(schema)}, but it is {shown}{near}"


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    name = class_name(type(value))
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _wanted(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_wanted, schema["anyOf"])))
    if "enum" in schema:
        return f"one of {', '.join(value_text('', each) for each in schema['enum'])}"
    kinds = schema["type"]
    return " or ".join(_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
