"""Redaction rules of the user: names, regular expressions and two switches, for the whole process.

A pattern that could take for ever is refused, and a long text is searched in windows: so each takes a bounded time.
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
"""Characters of a long text that a pattern of the user's sees at once."""
OVERLAP: Final = 256
"""Characters that two windows share: a match up to this long is found wherever it stands."""

MOST_STEPS: Final = 4 * WINDOW**2
"""A pattern that may need more in one window is refused."""


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
    _rules.switches.setdefault(source, {}).update({kind: on for kind, on in said.items() if on is not None})
    _rules.names.update(given)
    for text, pattern in compiled.items():
        _rules.patterns.setdefault(text, pattern)
    _rules.renewed()
    if wrong:
        raise wrong[0]


def release(source: str) -> None:
    """Forget what a source, such as a run that ended, wanted of the switches."""
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
    """Have `forget` called whenever the rules change: what was found clean may be so no more."""
    _forgetters.append(forget)


def own_patterns() -> tuple[re.Pattern[str], ...]:
    """Return the patterns of the user."""
    return _in_force.patterns


def own_name_parts() -> tuple[str, ...]:
    """Return the first word of each name of the user: a text without any of them holds none of these names."""
    return _in_force.parts


def without_own(content: str, role: str = "") -> str:
    """Without what the user's patterns find."""
    for pattern in _in_force.patterns:
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
