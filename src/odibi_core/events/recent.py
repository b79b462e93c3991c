"""A dict that remembers only the last so many names: for what may come without end."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def remember(kept: dict[str, T], name: str, value: T, limit: int) -> None:
    """Put it last; when there are more than `limit`, the first goes."""
    try:
        kept.pop(name, None)
        if len(kept) >= limit:
            kept.pop(next(iter(kept)), None)
    except RuntimeError:
        pass  # another thread was quicker: then one more is kept for a while
    kept[name] = value
