"""A struct from a table of a file, with a sentence for each key that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from odibi_core.errors import nearest

_T = TypeVar("_T", bound=msgspec.Struct)
_WORDS: Final[dict[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list",
    dict: "a table",
}


def read_struct(table: Mapping[str, Any], kind: type[_T], where: str, problems: list[str]) -> _T | None:
    """Return a struct; None, and a sentence for each problem, if a key is unknown, missing or has a wrong value."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    found: dict[str, Any] = {}
    before = len(problems)
    for key, value in table.items():
        if key not in fields:
            problems.append(f"{where}: {key!r} is no key{nearest(key, fields)}; there are: {', '.join(fields)}")
            continue
        try:
            found[key] = msgspec.convert(value, fields[key].type)
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            right = expected(fields[key].type) or str(error)
            hint = _near(fields[key].type, value)
            problems.append(f"{where}: {key} is {value!r:.120}, which cannot be right: {right}{hint}")
    for name, field in fields.items():
        if field.required and name not in table:
            problems.append(f"{where}: {name} is missing: {expected(field.type) or 'it must be given'}")
    if len(problems) > before:
        return None
    try:
        return kind(**found)
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return None


def _near(kind: Any, value: Any) -> str:
    words = [word for word in _words(kind) if isinstance(word, str)]
    return nearest(value, words) if words and isinstance(value, str) else ""


def _words(kind: Any) -> tuple[Any, ...]:
    """Return the words of a Literal, also within a list."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(word for part in get_args(kind) if part is not Ellipsis for word in _words(part))


def expected(kind: Any) -> str:
    """Return a description of the values of a type; an empty text if there is none."""
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    origin = get_origin(kind)
    if origin is Annotated:
        return expected(get_args(kind)[0])
    if origin is Literal:
        return f"it is one of {', '.join(map(str, get_args(kind)))}"
    if origin in (Union, UnionType):
        parts = [text for part in get_args(kind) if part is not type(None) and (text := expected(part))]
        return " or ".join(dict.fromkeys(parts))
    if origin in (tuple, list) and get_args(kind):
        inner = expected(get_args(kind)[0]).removeprefix("it is ")
        return f"it is a list; each element is {inner}" if inner else "it is a list"
    word = _WORDS.get(origin or kind)
    return f"it is {word}" if word else ""
