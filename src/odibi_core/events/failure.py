"""An exception as text that can be kept: bounded, whatever it is made of, and never an exception itself."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from textwrap import indent
from types import TracebackType
from typing import Any, Final

from odibi_core.errors import STOPS, PipelineError
from odibi_core.events.error_id import error_id_of
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_text

MAX_TRACEBACK: Final = 48 * 1024
TRACEBACK: Final = "Traceback (most recent call last):\n"
LED_TO: Final = "\nwhich led to:\n\n"
"""What stands before each exception of a chain, and between them; `events.trace` reads it again."""
_FRAMES: Final = 12
"""Frames kept at each end of a traceback; between them stands how many were left out."""
_LINKS: Final = 8
"""Exceptions kept of a chain of causes."""
_MEMBERS: Final = 5
"""Exceptions kept of a group."""
_DEPTH: Final = 2
"""Groups in groups whose members are told."""
_NOTES: Final = 10
"""Notes kept of an exception."""
_MESSAGE: Final = 4 * 1024
_LEAVES: Final = 10
"""Exceptions of a group, groups in it opened, that are told one by one."""
_ROOM: Final = 10 * 1024
"""Characters of all of them together."""


def describe_failure(error: BaseException) -> dict[str, Any]:
    """`error` (its message), `error_type`, `traceback` (with its causes, the original one first), all redacted, and
    the `error_id` of this very exception; of a `PipelineError` also `failed_run_id`, the run whose failure it tells; of
    a group its `members`, each told by the same names, and how many were `members_left_out`; `notes` where it has some.

    Never raises, also not where the stack is as good as full: then there is no more than the type.
    """
    try:
        told: dict[str, Any] = {
            "error": message_of(error),
            "error_type": _type_of(error),
            "traceback": traceback_of(error),
            "error_id": error_id_of(error),
        }
        if notes := _notes_of(error):
            told["notes"] = notes
        if isinstance(error, BaseExceptionGroup):
            told |= _members(error)
        if isinstance(error, PipelineError) and isinstance(error.result, Mapping):
            run_id = error.result.get("run_id")
            if isinstance(run_id, str) and run_id:
                told["failed_run_id"] = sanitize_text(to_text(run_id, _MESSAGE))
        return told
    except STOPS:
        raise
    except BaseException:
        return {"error": type(error).__name__}


def is_clean_exit(error: BaseException) -> bool:
    """Whether it is only `sys.exit()` with nothing to complain of: the end of a program that went well."""
    if not isinstance(error, SystemExit):
        return False
    code = error.code  # as the interpreter reads it: any int, a member of an IntEnum too
    return code is None or (isinstance(code, int) and not int.__bool__(code))


def message_of(error: BaseException | str) -> str:
    """What an exception says, a group also what its first members say; its type where it says nothing."""
    if isinstance(error, str):
        return sanitize_text(to_text(error, _MESSAGE))
    said = to_text(error, _MESSAGE)
    if isinstance(error, BaseExceptionGroup):
        first = [f"{_type_of(leaf)}: {message_of(leaf)}" for leaf in _leaves(error)[:_MEMBERS]]
        said = to_text(f"{said}: {'; '.join(first)}", _MESSAGE)
    return sanitize_text(said) if said.strip() else type(error).__name__


def traceback_of(error: BaseException) -> str:
    """The tracebacks of an exception and its causes: first and last frames of each, first and last of a long chain."""
    try:
        chain = _chain(error)
        left_out = len(chain) - _LINKS
        if left_out > 0:
            half = _LINKS // 2
            parts = [*map(_one, chain[:half]), f"… {left_out} causes left out …\n", *map(_one, chain[-half:])]
        else:
            parts = [_one(link) for link in chain]
        written = LED_TO.join(parts)
        if len(written) > MAX_TRACEBACK:
            half = MAX_TRACEBACK // 2
            written = f"{written[:half]}\n… [cut: {len(written)} characters] …\n{written[-half:]}"
        return sanitize_text(written)
    except STOPS:
        raise
    except BaseException as reason:
        return f"the traceback could not be written: {type(reason).__name__}"


def _chain(error: BaseException) -> list[BaseException]:
    """The original cause first, the exception itself last; a chain that bites its tail ends there."""
    chain: list[BaseException] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain[::-1]


def _one(error: BaseException, depth: int = 0) -> str:
    """One exception without its causes; of a group its first members too, to a depth of two."""
    written = f"{_type_of(error)}: {message_of(error)}\n{_notes(error)}"
    if depth == 0 or error.__traceback__ is not None:
        written = TRACEBACK + _frames(error.__traceback__) + written
    if isinstance(error, BaseExceptionGroup) and depth < _DEPTH:
        members = error.exceptions
        told = [_one(member, depth + 1) for member in members[:_MEMBERS]]
        if len(members) > _MEMBERS:
            told.append(f"… {len(members) - _MEMBERS} more\n")
        written += indent("".join(told), "  | ")
    return written


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """The exceptions that a group is made of, those of the groups in it in their place."""
    leaves: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop()
        if isinstance(error, BaseExceptionGroup):
            waiting += reversed(error.exceptions)
        else:
            leaves.append(error)
    return leaves


def _members(group: BaseExceptionGroup[Any]) -> dict[str, Any]:
    leaves = _leaves(group)
    some = leaves[:_LEAVES]
    told: dict[str, Any] = {"members": [_member(leaf, _ROOM // len(some)) for leaf in some]}
    return told | ({"members_left_out": len(leaves) - _LEAVES} if len(leaves) > _LEAVES else {})


def _member(error: BaseException, room: int) -> dict[str, Any]:
    """One exception of a group, in few words; of its traceback the end, where it was raised."""
    notes = [to_text(note, room // 10) for note in _notes_of(error)[:2]]
    written = traceback_of(error).split(LED_TO)[-1]
    if len(written) > room // 2:
        written = TRACEBACK + written[-room // 2 :].partition("\n")[2]
    return {
        "error": to_text(message_of(error), room // 4),
        "error_type": _type_of(error),
        "traceback": written,
        "error_id": error_id_of(error),
        **({"notes": notes} if notes else {}),
    }


def _notes(error: BaseException) -> str:
    return "".join(f"{note}\n" for note in _notes_of(error))


def _notes_of(error: BaseException) -> list[str]:
    """What `add_note` added; any code can write to the list."""
    notes = getattr(error, "__notes__", None)
    return [sanitize_text(to_text(note, _MESSAGE)) for note in notes[:_NOTES]] if type(notes) is list else []


def _frames(trace: TracebackType | None) -> str:
    steps = list(traceback.walk_tb(trace))
    if len(steps) <= 2 * _FRAMES:
        return "".join(traceback.StackSummary.extract(iter(steps)).format())
    first = traceback.StackSummary.extract(iter(steps[:_FRAMES])).format()
    last = traceback.StackSummary.extract(iter(steps[-_FRAMES:])).format()
    return "".join([*first, f"  … {len(steps) - 2 * _FRAMES} frames left out …\n", *last])


def _type_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
