"""Kinds of plain Python values: one kind for a column, nested ones included, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

_NAMES = {bool: "bool", int: "int", float: "float", str: "text", list: "list", dict: "record"}


class Kind(NamedTuple):
    """`name` is null, bool, int, float, text, list, record or a class; `low` and `high` bound the whole numbers.

    `inner` maps the fields of a record to their kinds; the items of a list are its field "".
    """

    name: str
    inner: Mapping[str, Kind] = MappingProxyType({})
    low: int = 0
    high: int = 0


class MixedKindsError(ValueError):
    """A column holds values that no single type can hold exactly."""


def kind_of(values: Sequence[Any], path: str) -> Kind:
    """Return the kind that holds each of `values` exactly; None fits every kind.

    Raises:
        MixedKindsError: naming `path`, below which the values do not fit together, and what they are.
    """
    types = set(map(type, values)) - {type(None)}
    if not types:
        return Kind("null")
    if types == {int, float}:
        refuse_inexact((value for value in values if type(value) is int), path)
        return Kind("float")
    if len(types) > 1:
        raise MixedKindsError(f"{path!r} holds {' and '.join(sorted(t.__name__ for t in types))}")
    only = types.pop()
    name = _NAMES.get(only, only.__name__)
    there = [value for value in values if value is not None] if name in ("int", "list", "record") else []
    if name == "int":
        return Kind(name, low=min(there), high=max(there))
    if name == "list":
        return Kind(name, {"": kind_of(list(chain.from_iterable(there)), f"{path}[]")})
    if name == "record":
        fields = dict.fromkeys(chain.from_iterable(there))
        return Kind(name, {field: kind_of([v.get(field) for v in there], f"{path}.{field}") for field in fields})
    return Kind(name)


def plain_column(value: list[Any] | dict[Any, Any], name: Any) -> list[Any]:
    """Return the values of one column of rows as dicts, or of a dict of lists; empty if it has none of its own."""
    if isinstance(value, dict):
        there = value.get(name)
        return list(there) if isinstance(there, list | tuple) else []
    return [row.get(name) for row in value if isinstance(row, dict)]


def refuse_inexact(values: Iterable[int], path: str) -> None:
    """Raise MixedKindsError for a whole number among floats that no float is equal to."""
    for value in values:
        if not is_exact(value):
            raise MixedKindsError(f"{path!r} holds floats and {value}, which no float equals")


def is_exact(value: int) -> bool:
    """Return whether a float holds this whole number."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False
