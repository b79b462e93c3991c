"""Redaction rules of the user: names, regular expressions and two switches, for the whole process.

A pattern that could take for ever is refused, and a long text is searched in windows: so each takes a bounded time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Final, NamedTuple, TypeVar

from odibi_core.errors import ConfigurationError
from odibi_core.redaction.names import CREDENTIAL, PERSONAL, hide_kinds, take_names, words_of
from odibi_core.redaction.patterns import can_explode, steps
from odibi_core.redaction.shapes import HIDDEN, without_spans

Rule = TypeVar("Rule")

WINDOW: Final = 1024
"""Characters of a long text that a pattern of the user's sees at once."""
OVERLAP: Final = 256
"""Characters that two windows share: a match up to this long is found wherever it stands."""

MOST_STEPS: Final = 4 * WINDOW**2
"""A pattern that may need more in one window is refused."""


class Given(NamedTuple):
    """All rules that were given: names, patterns by their text, and what each source wants of the switches."""

    names: dict[str, None]
    patterns: dict[str, re.Pattern[str]]
    switches: dict[str, dict[str, bool]]


_KINDS: Final = (CREDENTIAL, PERSONAL)

_names: dict[str, None] = {}
_patterns: dict[str, re.Pattern[str]] = {}
_switches: dict[str, dict[str, bool]] = {}
_in_force: list[re.Pattern[str]] = []
_parts: list[str] = []
_off: set[str] = set()
_forgetters: list[Callable[[], None]] = []


def configure(
    names: Iterable[str] = (),
    patterns: Iterable[str] = (),
    *,
    credentials: bool | None = None,
    personal: bool | None = None,
    source: str = "code",
) -> None:
    """Hide these names and patterns too, in the whole process, beside all built-in rules and all given before.

    Rules add up and are never dropped, because something that runs may rely on them. Best called before the first
    event: what was recorded stays as it is.

    Args:
        names: Each is meant in every spelling: `employee_no` also hides `employeeNo` and `EMPLOYEE-NO`, as a field
            and in texts.
        patterns: Regular expressions. Of each, the whole match is hidden.
        credentials: Hide passwords, tokens and keys. One `source` that wants them hidden is enough.
        personal: Hide numbers of cards, accounts and social security, and e-mail addresses. Likewise.
        source: The name under which the two switches are kept; a later call with it replaces them.

    Raises:
        ConfigurationError: A pattern cannot be compiled, matches an empty text, or may take too long. The others are
            in force all the same.

    >>> configure(names=["employee_no"], patterns=[r"EMP-[0-9]+"])
    """
    wrong: list[ConfigurationError] = []
    given = dict.fromkeys(_each(right_name, "names", names, wrong))
    compiled = {pattern.pattern: pattern for pattern in _each(right_pattern, "patterns", patterns, wrong)}
    said = {CREDENTIAL: credentials, PERSONAL: personal}
    _switches.setdefault(source, {}).update({kind: on for kind, on in said.items() if on is not None})
    is_new = not (given.keys() <= _names.keys() and compiled.keys() <= _patterns.keys())
    _names.update(given)
    _patterns.update(compiled)
    if is_new or _unwanted() != _off:
        _put_in_force()
    if wrong:
        raise wrong[0]


def release(source: str) -> None:
    """Forget what a source, such as a run that ended, wanted of the switches."""
    _switches.pop(source, None)
    if _unwanted() != _off:
        _put_in_force()


def reset(rules: Given | None = None) -> Given:
    """Forget all rules that were given, as in a process that just began, or return to those of another time.

    Returns:
        The rules that were in force, to return to.
    """
    switches = {source: said.copy() for source, said in _switches.items()}
    before = Given(_names.copy(), _patterns.copy(), switches)
    _names.clear()
    _patterns.clear()
    _switches.clear()
    if rules:
        _names.update(rules.names)
        _patterns.update(rules.patterns)
        _switches.update(rules.switches)
    if (_names, _patterns) != before[:2] or _unwanted() != _off:
        _put_in_force()
    return before


def _unwanted() -> set[str]:
    """The kinds of which some source said that they need not be hidden, and none that they must."""
    said = {kind: [each[kind] for each in _switches.values() if kind in each] for kind in _KINDS}
    return {kind for kind, wishes in said.items() if wishes and not any(wishes)}


def switched_off() -> set[str]:
    """The kinds of secrets that are not hidden."""
    return _off


def _put_in_force() -> None:
    unwanted = _unwanted()
    _off.clear()
    _off.update(unwanted)
    hide_kinds(kind for kind in _KINDS if kind not in _off)
    take_names(_names)
    _parts[:] = sorted({words_of(name)[0] for name in _names})
    _in_force[:] = _patterns.values()
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


def without_own(content: str, role: str = "") -> str:
    """Without what the user's patterns find."""
    for pattern in _in_force:
        if len(content) <= WINDOW:
            content = pattern.sub(HIDDEN, content)
        else:
            content = without_spans(content, _spans(pattern, content))
    return content


def _spans(pattern: re.Pattern[str], content: str) -> list[tuple[int, int]]:
    """Where a pattern matches in any window of a long text."""
    return sorted(
        (start + match.start(), start + match.end())
        for start in range(0, len(content), WINDOW - OVERLAP)
        for match in pattern.finditer(content[start : start + WINDOW])
        if match.end() > match.start()
    )


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
    if can_explode(parsed):
        raise ConfigurationError(
            f"the redaction pattern {pattern!r} repeats what repeats, which can take for ever on a crafted text; "
            "make the inner repeat possessive: (?:a++,)+ instead of (?:a+,)+"
        )
    if steps(parsed, WINDOW) > MOST_STEPS:
        raise ConfigurationError(
            f"the redaction pattern {pattern!r} has several repeats that can take the same characters, whose time "
            "grows with the cube of a text or worse; make all but the last possessive (a++b+ instead of a+b+), bound "
            "them (a{1,20}), or put between them a character that neither can take"
        )
    return compiled
