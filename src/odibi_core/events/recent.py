"""A dict of the last names, bounded: for names that may come without end."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def remember(kept: dict[K, T], name: K, value: T, limit: int) -> None:
    """Put a value last, and remove the first if there are more than `limit`."""
    try:
        kept.pop(name, None)
        if len(kept) >= limit:
            kept.pop(next(iter(kept)), None)
    except RuntimeError:
        pass  # another thread changed the dict: one more is kept for a while
    kept[name] = value
