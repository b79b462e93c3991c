"""Copies of datasets, for code that may change in place what it is given and may be called again."""

from __future__ import annotations

import sys
from typing import Any


def separate(value: Any) -> Any:
    """Return a value that can be changed in place without the original; as cheap as its library makes it.

    polars shares the data of a clone, as does pandas with copy-on-write (always since pandas 3); an older pandas and
    numpy copy it. Of rows as dicts, and of a dict of columns, the collection and its members are copied. Everything
    else is returned as it is, be it unchangeable or unknown.
    """
    if isinstance(value, list):
        return [_member(item) for item in value]
    if type(value) is dict:
        return {key: _member(item) for key, item in value.items()}
    for base in type(value).__mro__:
        library = base.__module__.partition(".")[0]
        if library == "pandas" and base.__name__ in ("DataFrame", "Series"):
            return value.copy(deep=not _copies_on_write())
        if library == "polars" and base.__name__ in ("DataFrame", "Series"):
            return value.clone()
        if library == "numpy" and base.__name__ == "ndarray":
            return value.copy()
    return value


def _member(item: Any) -> Any:
    return item.copy() if type(item) in (dict, list, set) else item


def _copies_on_write() -> bool:
    pandas = sys.modules["pandas"]
    return int(pandas.__version__.partition(".")[0]) >= 3 or pandas.options.mode.copy_on_write is True
