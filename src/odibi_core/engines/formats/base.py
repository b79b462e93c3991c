"""The contract of a format that every engine reads and writes in the same way: by Arrow tables.

Each function runs in the thread of a step, several at a time. A value that a format cannot hold is an EngineError, and
one that will be read back changed a DataChangedWarning, each with the name of the column. Any other error of a library
is converted by the engine: of reading to UnreadableSourceError, of writing to EngineError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from odibi_core.engines.access_facts import Facts

Operation = Literal["read", "write"]
Options = Mapping[str, Any]
Problems = Callable[[Operation, str, Options], list[str]]


def no_problems(operation: Operation, path: str, options: Options) -> list[str]:
    """Return no reason against any operation."""
    return []


class FileFormat(Struct, frozen=True):
    """A format of single files."""

    reads: frozenset[str]
    """The names of the options of `read`."""
    writes: frozenset[str]
    read: Callable[[Any, Options], Any]
    """Return the Arrow table of a path or of a binary stream that can be searched."""
    write: Callable[[Any, Any, Options], None]
    """Write an Arrow table to a path or to a binary stream, which stays open."""
    problems: Problems = no_problems
    """Return the reasons against the values of the options, before anything runs. Never raises."""


class TableFormat(Struct, frozen=True):
    """A format of tables that have versions or belong to a database."""

    reads: frozenset[str]
    writes: frozenset[str]
    read: Callable[[str, Options], tuple[Any, Facts]]
    """Return an Arrow table, and what the record states of the access."""
    write: Callable[[Any, str, Options], Facts]
    """Write an Arrow table in one transaction: after an error the table is as it was."""
    problems: Problems
    shown: Callable[[str], str] = str
    """Return the path without credentials, as messages and the record have it."""
