"""Code of the project that a library reaches by an attribute of its frames: registered accessors, added methods."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

_CLASSES: Final = {
    "pandas": ("DataFrame", "Series", "Index"),
    "polars": ("DataFrame", "LazyFrame", "Series", "Expr"),
    "pyarrow": ("Table",),
    "narwhals": ("DataFrame", "LazyFrame", "Series", "Expr"),
}
_INSIDE: Final = ("_accessor", "_ns", "accessor")
"""Attributes of a registered accessor that have its class."""


def added(attribute: str) -> Iterator[Any]:
    """Yield what frames of the loaded libraries have under a name: a function or a class, perhaps of a library."""
    for library, names in _CLASSES.items():
        module = sys.modules.get(library)
        for name in names:
            kind = getattr(module, name, None)
            found = None if kind is None else _member(kind, attribute)
            if found is None:
                continue
            yield found.fget if isinstance(found, property) else getattr(found, "__func__", found)
            yield from (inner for each in _INSIDE if isinstance(inner := getattr(found, each, None), type))


def _member(kind: type, name: str) -> Any:
    """Return a member of a class without its own access to it; None if it has none."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
