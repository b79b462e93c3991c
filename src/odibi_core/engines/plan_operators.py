"""The rows after each operator of a plan, as an engine counted them in the execution that the pipeline needs anyway.

An engine notes them for the record, if they are wanted; both are in one thread.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from odibi_core.redaction import HIDDEN, Redactor

Stage = dict[str, Any]
"""`operator`, `detail` (a condition, the keys of a join or a group, a limit), `rows` (None: unknown), and `rows_in`:
those of its first input, if they are known."""

MOST: Final = 60
"""Operators of one plan that are recorded."""
WITHIN: Final = "the plan was executed only within that of a later step, or not at all"
"""A reason for unknown operators."""
_LONGEST: Final = 300
"""Characters of a detail."""
_TEXT: Final = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*\"""")
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d[\w.]*")


class Operators(NamedTuple):
    """The operators of the plan of one frame, each after those that it reads; none for the reason."""

    stages: tuple[Stage, ...] = ()
    reason: str = ""


class _Noted(threading.local):
    is_wanted = False

    def __init__(self) -> None:
        self.by_frame: dict[int, Operators] = {}


_noted: Final = _Noted()


@contextmanager
def wanted() -> Iterator[None]:
    """Let engines note the operators of the plans that they execute inside, in this thread."""
    before, _noted.is_wanted, _noted.by_frame = _noted.is_wanted, True, {}
    try:
        yield
    finally:
        _noted.is_wanted = before


def are_wanted() -> bool:
    """Return whether the operators of a plan that is executed in this thread are recorded."""
    return _noted.is_wanted


def note(frame: object, operators: Operators) -> None:
    """Note the operators of the plan whose rows a frame has."""
    _noted.by_frame[id(frame)] = operators


def take(frames: Mapping[str, object]) -> dict[str, Operators]:
    """Return the noted operators of frames, by their names, once. The frames must be those of the last executions."""
    noted, _noted.by_frame = _noted.by_frame, {}
    return {name: noted[id(frame)] for name, frame in frames.items() if id(frame) in noted}


def stage(operator: str, detail: str = "", rows: int | None = None, rows_in: int | None = None) -> Stage:
    """Return one operator."""
    found = {"operator": operator, "detail": detail[:_LONGEST], "rows": rows}
    return found if rows_in is None else {**found, "rows_in": rows_in}


def is_secret(column: str) -> bool:
    """Return whether values are hidden because of the name of their column."""
    redactor = Redactor()
    return any(redactor.field(column, value) != value for value in ("text", 12))


def without_constants(condition: str, columns: Collection[str]) -> str:
    """Return a condition over columns; without its constants if one of the columns has the name of a secret."""
    if not any(map(is_secret, columns)):
        return condition
    return _NUMBER.sub(HIDDEN, _TEXT.sub(HIDDEN, condition))
