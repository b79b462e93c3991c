"""The fingerprint of an error: a short id, the same in all runs, on all machines and for all values of the data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.events.clock import as_id
from odibi_core.events.normalize import to_text
from odibi_core.events.trace import Frame, read_trace

_LENGTH: Final = 16
_FRAMES: Final = 3
"""Innermost functions of the program that count."""
_MESSAGE: Final = 500
"""Characters of a message that count."""
_VARYING: Final = re.compile(
    r"(?<!\w)'[^'\n]{0,200}+'|(?<!\w)\"[^\"\n]{0,200}+\"|`[^`\n]{0,200}+`"  # quoted text
    r"|[A-Za-z]{2,12}+://\S++|(?<![\w.~-])(?:[A-Za-z]:)?[\w.~-]*+(?:[\\/][\w.@%+~-]++)++"  # addresses and paths
    r"|(?<![0-9A-Za-z])(?:0x[0-9A-Fa-f]++|[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}|[0-9a-f]{8,}+)(?!\w)"
    r"|\d++(?:[.,:_-]\d++)*+"
)


def fingerprint(error_type: Any, message: Any, traceback: Any = None, place: Any = None) -> str:
    """Return 16 hexadecimal digits of an error's type, its message without varying parts, and its place.

    The place is the program's own innermost functions with the base names of their files, or the innermost functions
    of any code if none is its own. Line numbers do not count.

    Args:
        error_type: The qualified name of the class.
        message: The message; numbers, ids, paths, addresses and quoted text in it do not count.
        traceback: The text of a `traceback` field.
        place: The place of an error without a traceback, such as the node's name.
    """
    where = _where(traceback) or [to_text(place or "", _MESSAGE)]
    parts = [to_text(error_type or "", _MESSAGE), shape_of(message), *where]
    written = "\0".join(parts).encode("utf-8", "replace")
    return as_id(hashlib.sha256(written).hexdigest()[:_LENGTH])


def fingerprint_of_failure(told: Mapping[str, Any], message: Any, place: Any = None) -> str:
    """Return the fingerprint of a failure that `describe_failure` described.

    A group has the fingerprint of its members if they are all the same error, else one of all their fingerprints.
    """
    members = told.get("members")
    if isinstance(members, list) and members:
        marks = {
            fingerprint(member.get("error_type"), member.get("error"), member.get("traceback"), place)
            for member in members
            if isinstance(member, Mapping)
        }
        if len(marks) == 1:
            return marks.pop()
        if marks:
            return fingerprint(told.get("error_type"), None, None, " ".join(sorted(marks)))
    return fingerprint(told.get("error_type"), message, told.get("traceback"), place)


def shape_of(message: Any) -> str:
    """Return a message with a `*` for each number, id, path, address and quoted text: `row * of *: no column *`."""
    return " ".join(_VARYING.sub("*", to_text(message or "", 2 * _MESSAGE)[:_MESSAGE]).split())


def _where(traceback: Any) -> list[str]:
    """Return the innermost functions, sorted: a runaway recursion of two functions stops in either of them."""
    raised = read_trace(traceback)
    frames = raised[-1].frames if raised else []
    own = [frame for frame in frames if frame.in_app] or frames
    distinct = dict.fromkeys(_name(frame) for frame in reversed(own))
    return sorted(list(distinct)[:_FRAMES])


def _name(frame: Frame) -> str:
    return f"{frame.file}:{frame.function}"
