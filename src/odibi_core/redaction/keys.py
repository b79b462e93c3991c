"""Names of items: those of a named tuple, and unique ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class NamedItems(list[Any]):
    """The items of a named tuple, with the names by which redaction judges them."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = tuple(names)


def unique(label: str, taken: Mapping[str, Any]) -> str:
    """Return `label`, or the first of `label_2`, `label_3` … that is not taken."""
    if label not in taken:
        return label
    return next(name for n in range(2, len(taken) + 3) if (name := f"{label}_{n}") not in taken)
