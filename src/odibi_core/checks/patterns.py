"""Regular expressions of checks: Python's, and the part of them that every engine reads alike."""

from __future__ import annotations

import re
from typing import Any

from odibi_core.checks.planned import is_planned
from odibi_core.errors import NotCheckedError

_PORTABLE = re.compile(
    r"""(?x) (?:
        \\[.\\/^$*+?()\[\]{}|@&~#-]                 # an escaped sign
        | \\d                                         # a digit, of any script
        | \[ \^? (?: [^\\\[\]&~|-] | [\w]-[\w] | \\[.\\/^$*+?()\[\]{}|@&~#-] | -(?=\]) )+ \]
        | \( (?:\?: | (?!\?)) | \) | \| | \.
        | [*+?] \?? (?![*+?{]) | \{ \d+ (?:,\d*)? \} \?? (?![*+?{])
        | [^\\\[\](){}*+?|^$.]                       # a sign that stands for itself
    )*""",
    re.ASCII,
)
_PARTS = re.compile(r"\\.|\[[^\]\\]*(?:\\.[^\]\\]*)*\]|\.", re.DOTALL)


def pattern_mask(column: Any, pattern: str) -> Any:
    """Return which texts do not match a pattern as a whole: a function for one, or an expression if it is planned.

    Raises:
        NotCheckedError: The column is planned, and engines read the pattern in different ways.
    """
    if is_planned(column):
        return ~column.expression.str.contains(portable(pattern))
    # By Python on the different values: libraries disagree on regular expressions, down to what `$` means.
    whole = re.compile(pattern).fullmatch
    return lambda value: not whole(value)


def portable(pattern: str) -> str:
    """Return a pattern that Rust, RE2 and Java match in a whole text exactly as Python's `fullmatch`.

    Raises:
        NotCheckedError: It uses more than classes, groups, alternatives and repetition.
    """
    if not _PORTABLE.fullmatch(pattern):
        raise NotCheckedError(
            f"engines read the pattern {pattern!r} in different ways, so it cannot be counted while a lazy frame is"
            " executed; collect=True runs it"
        )
    return rf"\A(?:{_PARTS.sub(_translated, pattern)})\z"


def _translated(part: re.Match[str]) -> str:
    """Return a digit and a dot as every engine has them: of any script, and anything but the end of a line."""
    return {r"\d": r"\p{Nd}", ".": r"[^\n]"}.get(part[0], part[0])
