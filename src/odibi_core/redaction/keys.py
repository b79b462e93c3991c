"""Names of items (those of a named tuple, and unique ones), and texts that need no redaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class NamedItems(list[Any]):
    """The items of a named tuple, with the names by which redaction judges them."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = tuple(names)


class Redacted(str):
    """A text whose secrets were removed where its structure was known: the bus keeps it as it is.

    Only code of odibi makes one. It reaches the record as a plain text.
    """

    __slots__ = ()


def unique(label: str, taken: Mapping[str, Any]) -> str:
    """Return `label`, or the first of `label_2`, `label_3` … that is not taken."""
    if label not in taken:
        return label
    return next(name for n in range(2, len(taken) + 3) if (name := f"{label}_{n}") not in taken)
