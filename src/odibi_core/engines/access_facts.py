"""Facts about the last access of a table, from the engine to the record of the step: both are in one thread."""

from __future__ import annotations

import threading
from typing import Final

from msgspec import Struct


class Facts(Struct, frozen=True):
    """The facts of an access besides its path; None if unknown."""

    uri: str
    """The table, without credentials."""
    format: str
    operation: str
    """read, query, append, overwrite, merge, replace or upsert."""
    dataset: str | None = None
    version: str | None = None
    """The version of a Delta table, or the id of a snapshot."""
    row_count: int | None = None
    """Rows read or written, if they are not those of the frame."""
    files: int | None = None
    """Files that were read, or that a write added."""
    bytes: int | None = None


class _Noted(threading.local):
    facts: Facts | None = None


_noted: Final = _Noted()


def note(facts: Facts | None) -> None:
    """Keep the facts of this thread's access; None forgets those of an earlier one."""
    _noted.facts = facts


def noted() -> Facts | None:
    """Return the facts of this thread's last access, once; None if it was of a plain file."""
    found, _noted.facts = _noted.facts, None
    return found
