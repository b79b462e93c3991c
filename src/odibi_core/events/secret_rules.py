"""The user's own rules for what is a secret: names, and regular expressions, for the whole process.

Nobody can promise how long a pattern of the user's takes. One that could take for ever (a repeat inside a repeat) is
refused, and the others see a long text only in windows, so that even a poor one takes a bounded time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from re import _constants as sre  # type: ignore[attr-defined]  # no public way leads to a pattern's parts
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Final, TypeVar

from odibi_core.errors import ConfigurationError
from odibi_core.events.secret_names import take_names, words_of
from odibi_core.events.secret_shapes import HIDDEN

Rule = TypeVar("Rule")

WINDOW: Final = 1024
"""Characters of a long text that a pattern of the user's sees at once."""
OVERLAP: Final = 256
"""Characters that two windows share: a match up to this long is found wherever it stands."""

_names: dict[str, tuple[str, ...]] = {}
_patterns: dict[str, tuple[re.Pattern[str], ...]] = {}
_in_force: list[re.Pattern[str]] = []
_parts: list[str] = []
_forgetters: list[Callable[[], None]] = []


def configure(names: Iterable[str] = (), patterns: Iterable[str] = (), *, source: str = "code") -> None:
    """Have these names and regular expressions be secrets too, in the whole process, beside all built-in rules.

    A name is meant in every spelling: `employee_no` also hides `employeeNo` and `EMPLOYEE-NO`, as a field and in
    texts. Of a pattern, the whole match is hidden. A second call replaces the first; what the settings say is kept
    apart, as another `source`. Best called before anything is said: what was recorded stays as it is. Raises
    `ConfigurationError` for a pattern that cannot be compiled, that matches an empty text, or that repeats what
    repeats; the others are in force all the same.

    >>> configure(names=["employee_no"], patterns=[r"EMP-[0-9]+"])
    """
    wrong: list[ConfigurationError] = []
    given = tuple(_each(right_name, "names", names, wrong))
    compiled = tuple(_each(right_pattern, "patterns", patterns, wrong))
    if (given, compiled) != (_names.get(source, ()), _patterns.get(source, ())):
        _names[source], _patterns[source] = given, compiled
        _put_in_force()
    if wrong:
        raise wrong[0]


def _put_in_force() -> None:
    every_name = [name for names in _names.values() for name in names]
    take_names(every_name)
    _parts[:] = sorted({words_of(name)[0] for name in every_name})
    _in_force[:] = [pattern for patterns in _patterns.values() for pattern in patterns]
    for forget in _forgetters:
        forget()


def on_new_rules(forget: Callable[[], None]) -> None:
    """Have `forget` called whenever the rules change: what was found clean may be so no more."""
    _forgetters.append(forget)


def own_patterns() -> list[re.Pattern[str]]:
    """The user's patterns that are in force."""
    return _in_force


def own_name_parts() -> list[str]:
    """The first word of each name that the user gave: a text without them holds none of these names."""
    return _parts


def without_own(content: str) -> str:
    """Without what the user's patterns find."""
    for pattern in _in_force:
        if len(content) <= WINDOW:
            content = pattern.sub(HIDDEN, content)
        else:
            content = _without_spans(content, _spans(pattern, content))
    return content


def _spans(pattern: re.Pattern[str], content: str) -> list[tuple[int, int]]:
    """Where a pattern matches in any window of a long text."""
    return sorted(
        (start + match.start(), start + match.end())
        for start in range(0, len(content), WINDOW - OVERLAP)
        for match in pattern.finditer(content[start : start + WINDOW])
        if match.end() > match.start()
    )


def _without_spans(content: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            parts += content[done:start], HIDDEN
        done = max(done, end)
    return "".join([*parts, content[done:]])


def _each(
    read: Callable[[str], Rule], what: str, given: Iterable[str], wrong: list[ConfigurationError]
) -> Iterator[Rule]:
    """Those that are right; what is wrong with the others goes to `wrong`."""
    for item in ("",) if isinstance(given, str) else given:
        try:
            if isinstance(given, str) or not isinstance(item, str):
                raise ConfigurationError(f"the {what} of redaction are a list of texts; given was {given!r}")
            yield read(item)
        except ConfigurationError as error:
            wrong.append(error)


def right_name(name: str) -> str:
    """The name, if it can be a rule. Raises `ConfigurationError`."""
    if not words_of(name):
        raise ConfigurationError(
            f"{name!r} is no name to redact: it has no word; give one such as 'employee_no'"
        )
    return name


def right_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern, if it can be a rule. Raises `ConfigurationError`."""
    try:
        compiled = re.compile(pattern)
        parsed = sre_parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigurationError(
            f"the redaction pattern {pattern!r} is no regular expression: {error}"
        ) from None
    if compiled.search("") is not None:
        raise ConfigurationError(
            f"the redaction pattern {pattern!r} matches where there is nothing, so it would hide everything"
        )
    if _can_explode(parsed, repeated=False):
        raise ConfigurationError(
            f"the redaction pattern {pattern!r} repeats what repeats, which can take for ever on a crafted text; "
            "make the inner repeat possessive: (?:a++,)+ instead of (?:a+,)+"
        )
    return compiled


def _can_explode(parts: Any, *, repeated: bool) -> bool:
    """Whether something that varies stands inside a repeat: the one way in which a pattern's time is exponential."""
    for kind, about in parts:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, inner = about
            if (least != most and repeated) or _can_explode(inner, repeated=repeated or most > 1):
                return True
        elif kind is sre.BRANCH:
            if repeated and not _differ_at_once(about[1]):
                return True
            if any(_can_explode(branch, repeated=repeated) for branch in about[1]):
                return True
        elif kind in (sre.POSSESSIVE_REPEAT, sre.ATOMIC_GROUP):
            if _can_explode(about if kind is sre.ATOMIC_GROUP else about[2], repeated=False):
                return True
        elif kind in (sre.SUBPATTERN, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF_EXISTS):
            inner_parts = [part for part in about if isinstance(part, sre_parser.SubPattern)]
            if any(_can_explode(inner, repeated=repeated) for inner in inner_parts):
                return True
    return False


def _differ_at_once(branches: Any) -> bool:
    """Whether the first letters of alternatives tell them apart."""
    firsts = [branch[0] if len(branch) else None for branch in branches]
    letters = {about for kind, about in filter(None, firsts) if kind is sre.LITERAL}
    return len(letters) == len(firsts)
