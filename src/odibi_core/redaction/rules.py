"""Redaction rules of the user: names, regular expressions and two switches, for the whole process.

The time of a pattern is bounded: one with unbounded time is refused, and a long text is searched in windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Final, TypeVar

from odibi_core._state import STATE
from odibi_core.errors import ConfigurationError
from odibi_core.redaction.names import CREDENTIAL, PERSONAL, hide_kinds, take_names, words_of
from odibi_core.redaction.patterns import can_explode, steps
from odibi_core.redaction.shapes import HIDDEN, without_spans

Rule = TypeVar("Rule")

WINDOW: Final = 1024
"""Characters of a long text that a user's pattern searches at a time."""
OVERLAP: Final = 256
"""Characters that two windows share: a match of at most this length is always found."""

MOST_STEPS: Final = 4 * WINDOW**2
"""Maximum of the steps of a pattern in one window."""


_KINDS: Final = (CREDENTIAL, PERSONAL)


class _Rules:
    """All rules that were given: names, patterns by their text, and the switches of each source."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.patterns: dict[str, re.Pattern[str]] = {}
        self.switches: dict[str, dict[str, bool]] = {}

    def renewed(self) -> None:
        """Put the rules in force, unless they are."""
        off, patterns, names = self._unwanted(), tuple(self.patterns.values()), tuple(self.names)
        if (off, patterns, names) != (_in_force.off, _in_force.patterns, _in_force.names):
            _in_force.off, _in_force.patterns, _in_force.names = off, patterns, names
            _in_force.parts = tuple(sorted({words_of(name)[0] for name in names}))
            hide_kinds(kind for kind in _KINDS if kind not in off)
            take_names(names)
            for forget in _forgetters:
                forget()

    def _unwanted(self) -> frozenset[str]:
        """Return the kinds of secrets that some source leaves visible and no source wants hidden."""
        given = {kind: [each[kind] for each in self.switches.values() if kind in each] for kind in _KINDS}
        return frozenset(kind for kind, wishes in given.items() if wishes and not any(wishes))


class _InForce:
    """The rules as redaction applies them, computed from those that were given."""

    off: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


_forgetters: Final[list[Callable[[], None]]] = []
"""Clear the caches of what was judged by the rules."""
_in_force: Final = _InForce()
_rules: Final = STATE.part(_Rules)


def configure(
    names: Iterable[str] = (),
    patterns: Iterable[str] = (),
    *,
    credentials: bool | None = None,
    personal: bool | None = None,
    source: str = "code",
) -> None:
    """Add names and patterns to the rules of the process.

    Rules add up and are never removed, because a running pipeline may rely on them. Call it before the first event:
    recorded events do not change.

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
    _rules.switches.setdefault(source, {}).update({kind: on for kind, on in said.items() if on is not None})
    _rules.names.update(given)
    for text, pattern in compiled.items():
        _rules.patterns.setdefault(text, pattern)
    _rules.renewed()
    if wrong:
        raise wrong[0]


def release(source: str) -> None:
    """Remove the switches of a source, such as a run that ended."""
    _rules.switches.pop(source, None)
    _rules.renewed()


def reset() -> None:
    """Forget all rules that were given, as in a process that has just begun."""
    vars(_rules).update(vars(_Rules()))
    _rules.renewed()


def switched_off() -> frozenset[str]:
    """Return the kinds of secrets that are not hidden."""
    return _in_force.off


def on_new_rules(forget: Callable[[], None]) -> None:
    """Call `forget` when the rules change, because cached results may be wrong then."""
    _forgetters.append(forget)


def own_patterns() -> tuple[re.Pattern[str], ...]:
    """Return the patterns of the user."""
    return _in_force.patterns


def own_name_parts() -> tuple[str, ...]:
    """Return the first word of each name of the user: a text without any of them holds none of these names."""
    return _in_force.parts


def without_own(content: str, role: str = "") -> str:
    """Return the text with the matches of the user's patterns hidden."""
    for pattern in _in_force.patterns:
        if len(content) <= WINDOW:
            content = pattern.sub(HIDDEN, content)
        else:
            content = without_spans(content, _spans(pattern, content))
    return content


def _spans(pattern: re.Pattern[str], content: str) -> list[tuple[int, int]]:
    """Return the spans of a pattern in every window of a long text."""
    return sorted(
        (start + match.start(), start + match.end())
        for start in range(0, len(content), WINDOW - OVERLAP)
        for match in pattern.finditer(content[start : start + WINDOW])
        if match.end() > match.start()
    )


def _each(
    read: Callable[[str], Rule], what: str, given: Iterable[str], wrong: list[ConfigurationError]
) -> Iterator[Rule]:
    """Yield the valid items, and append an error for each of the others to `wrong`."""
    for item in ("",) if isinstance(given, str) else given:
        try:
            if isinstance(given, str) or not isinstance(item, str):
                raise ConfigurationError(f"the {what} of redaction are a list of texts; given was {given!r}")
            yield read(item)
        except ConfigurationError as error:
            wrong.append(error)


def right_name(name: str) -> str:
    """Return the name if it is a valid rule. Raises `ConfigurationError`."""
    if not words_of(name):
        raise ConfigurationError(f"{name!r} is no name to redact: it has no word; give one such as 'employee_no'")
    return name


def right_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that is a valid rule. Raises `ConfigurationError`."""
    try:
        compiled = re.compile(pattern)
        parsed = sre_parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigurationError(f"the redaction pattern {pattern!r} is no regular expression: {error}") from None
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
