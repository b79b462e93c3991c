"""The lookup of stored sources that folds take: a function from the hash of a text to the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

SourceOf: TypeAlias = Callable[[str], str | None]
"""Returns the text of a source by its hash, redacted; None if it is not stored."""


def no_source(content_hash: str) -> str | None:
    """Return None, for runs without stored sources."""
    return None
