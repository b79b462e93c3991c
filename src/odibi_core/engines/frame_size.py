"""The size and the column names of a value, as far as they are known without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from odibi_core.errors import STOPS

_MOST_RECORDS: Final = 10_000


def estimated_bytes(value: object) -> int | None:
    """Return about how many bytes a frame takes; None if that is unknown. Never raises."""
    try:
        found: Any = value
        if hasattr(found, "memory_usage"):
            return int(found.memory_usage(index=True).sum())
        if hasattr(found, "estimated_size"):
            return int(found.estimated_size())
        size = getattr(found, "nbytes", None)
        return size if isinstance(size, int) else None
    except STOPS:
        raise
    except BaseException:
        return None


def column_names(value: object) -> list[str]:
    """Return the names of the columns of a frame, and of the keys in lists and dicts, nested ones included."""
    found: dict[str, None] = {}
    columns: Any = getattr(value, "column_names", None)  # of a pyarrow table, whose `columns` are its data
    if columns is None:
        columns = getattr(value, "columns", None)
    if columns is not None and not isinstance(value, dict) and isinstance(columns, Iterable):
        for name in columns:
            found.update(dict.fromkeys(map(str, name if isinstance(name, tuple) else (name,))))
        return list(found)
    waiting: list[Any] = [value]
    while waiting and len(found) < _MOST_RECORDS:
        each = waiting.pop()
        if isinstance(each, dict):
            found.update(dict.fromkeys(map(str, each)))
            waiting += each.values()
        elif isinstance(each, (list, tuple)):
            waiting += each
    return list(found)
