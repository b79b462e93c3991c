"""Items in groups of a limited weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


def groups_by_weight(items: Iterable[_Item], weight_of: Callable[[_Item], int], limit: int) -> Iterator[list[_Item]]:
    """Yield items in groups, in their order; an item that is heavier than the limit is a group of its own."""
    group: list[_Item] = []
    total = 0
    for item in items:
        weight = weight_of(item)
        if group and total + weight > limit:
            yield group
            group, total = [], 0
        group.append(item)
        total += weight
    if group:
        yield group
