"""Exceptions as sanitized, bounded text; describing one never raises."""

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
from odibi_core.events.trace import LED_TO, TRACEBACK

MAX_TRACEBACK: Final = 48 * 1024
DESCRIPTION: Final = "_odibi_description"
"""Attribute of an exception from another process: the description that was made where it was raised."""
_FRAMES: Final = 12
"""Frames kept at each end of a traceback; the others are counted between them."""
_LINKS: Final = 8
"""Exceptions kept of a chain of causes."""
_MEMBERS: Final = 5
"""Exceptions kept of a group."""
_DEPTH: Final = 2
"""Levels of groups in groups whose members are described."""
_NOTES: Final = 10
"""Notes kept of an exception."""
_MESSAGE: Final = 4 * 1024
_LEAVES: Final = 10
"""Exceptions described one by one of a group and the groups in it."""
_LEAVES_CHARS: Final = 10 * 1024
"""Characters of all of them together."""


def describe_failure(error: BaseException) -> dict[str, Any]:
    """Return the fields that describe an exception. Never raises; if the stack is nearly full, only `error` is there.

    The texts are redacted here and not by the bus alone, because they also go into fingerprints, messages of other
    exceptions and answers.

    Returns:
        `error` (the message), `error_type`, `traceback` (with its causes, the original one first) and `error_id`;
        `notes`, if there are some; `failed_run_id` of a `PipelineError`; of a group its `members`, each with the same
        fields, and the number of `members_left_out`.
    """
    try:
        carried = error.__dict__.get(DESCRIPTION)
        if isinstance(carried, dict):
            return dict(carried)
        described: dict[str, Any] = {
            "error": message_of(error),
            "error_type": _type_of(error),
            "traceback": traceback_of(error),
            "error_id": error_id_of(error),
        }
        if notes := _notes_of(error):
            described["notes"] = notes
        if isinstance(error, BaseExceptionGroup):
            described |= _members(error)
        if isinstance(error, PipelineError) and isinstance(error.result, Mapping):
            run_id = error.result.get("run_id")
            if isinstance(run_id, str) and run_id:
                described["failed_run_id"] = sanitize_text(to_text(run_id, _MESSAGE))
        return described
    except STOPS:
        raise
    except BaseException:
        return {"error": type(error).__name__}


def is_clean_exit(error: BaseException) -> bool:
    """Return true for `sys.exit()` without an error: the end of a successful program."""
    if not isinstance(error, SystemExit):
        return False
    code = error.code  # as the interpreter reads it: any int, also a member of an IntEnum
    return code is None or (isinstance(code, int) and not int.__bool__(code))


def message_of(error: BaseException | str) -> str:
    """Return the message of an exception, of a group with those of its first members; the type if it is empty."""
    if isinstance(error, str):
        return sanitize_text(to_text(error, _MESSAGE))
    message = to_text(error, _MESSAGE)
    if isinstance(error, BaseExceptionGroup):
        first = [f"{_type_of(leaf)}: {message_of(leaf)}" for leaf in _leaves(error)[:_MEMBERS]]
        message = to_text(f"{message}: {'; '.join(first)}", _MESSAGE)
    return sanitize_text(message) if message.strip() else type(error).__name__


def typed_message_of(error: BaseException) -> str:
    """Return the type and the message of an exception."""
    return f"{type(error).__name__}: {message_of(error)}"


def traceback_of(error: BaseException) -> str:
    """Return the tracebacks of an exception and its causes: of each, and of a long chain, the first and the last."""
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
    """Return the original cause first and the exception itself last; a cycle of causes ends where it closes."""
    chain: list[BaseException] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain[::-1]


def _one(error: BaseException, depth: int = 0) -> str:
    """Return one exception without its causes; of a group also its first members, to a depth of two."""
    notes = "".join(f"{note}\n" for note in _notes_of(error))
    written = f"{_type_of(error)}: {message_of(error)}\n{notes}"
    if depth == 0 or error.__traceback__ is not None:
        written = TRACEBACK + _frames(error.__traceback__) + written
    if isinstance(error, BaseExceptionGroup) and depth < _DEPTH:
        members = error.exceptions
        described = [_one(member, depth + 1) for member in members[:_MEMBERS]]
        if len(members) > _MEMBERS:
            described.append(f"… {len(members) - _MEMBERS} more\n")
        written += indent("".join(described), "  | ")
    return written


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """Return the exceptions of a group, those of groups in it in their place."""
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
    described: dict[str, Any] = {"members": [_member(leaf, _LEAVES_CHARS // len(some)) for leaf in some]}
    return described | ({"members_left_out": len(leaves) - _LEAVES} if len(leaves) > _LEAVES else {})


def _member(error: BaseException, limit: int) -> dict[str, Any]:
    """Describe one exception of a group in about `limit` characters; of its traceback the end."""
    notes = [to_text(note, limit // 10) for note in _notes_of(error)[:2]]
    written = traceback_of(error).split(LED_TO)[-1]
    if len(written) > limit // 2:
        written = TRACEBACK + written[-limit // 2 :].partition("\n")[2]
    return {
        "error": to_text(message_of(error), limit // 4),
        "error_type": _type_of(error),
        "traceback": written,
        "error_id": error_id_of(error),
        **({"notes": notes} if notes else {}),
    }


def _notes_of(error: BaseException) -> list[str]:
    """Return the notes that `add_note` added; any code can write to the list."""
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
