"""The redactor: hides secrets by the name of a field, the shape of a value, and the rules of the user.

It fails closed: if a rule raises an error, the value is hidden whole, counted in `failures`, and logged once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from odibi_core.redaction.addresses import without_addresses, without_logins
from odibi_core.redaction.assignments import may_name_a_secret, without_assignments
from odibi_core.redaction.commands import hidden_words, is_command, may_be_a_command, without_given
from odibi_core.redaction.disguises import forms_of, may_be_disguised
from odibi_core.redaction.keys import NamedItems, Redacted, unique
from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import (
    CREDENTIAL,
    IDENTIFIER,
    ORDINARY,
    PERSONAL,
    VALUES,
    columns_of,
    hides,
    is_option,
    is_word,
    names_a_secret,
    names_its_value,
    role_of,
)
from odibi_core.redaction.numbers import is_card_number, without_accounts, without_numbers
from odibi_core.redaction.rules import configure, on_new_rules, own_patterns, release, reset, switched_off, without_own
from odibi_core.redaction.shapes import HIDDEN, without_keys, without_schemes
from odibi_core.redaction.tokens import may_hold_a_token, without_tokens

__all__ = [
    "HIDDEN",
    "SMALLEST_CARD",
    "configure",
    "failures",
    "hidden",
    "is_secret_name",
    "on_new_rules",
    "redact",
    "redact_text",
    "release",
    "reset",
]

SMALLEST_CARD: Final = 10**14
"""Smaller numbers are not examined, unless the name of the field is that of a card."""

failures: Final[Counter[str]] = Counter()
"""Errors of rules by type; each time, the examined value was hidden."""

_DIGITS: Final = lazy_pattern("[0-9](?:[ \u00a0.-]?[0-9]){8}")
_LAYERS: Final = 3
"""Levels of encoding within which secrets are found."""


def _has_a_login(content: str) -> bool:
    if "://" in content or "@" in content or ":\\/\\/" in content:
        return True
    return "=" in content and ("?" in content or "&" in content)


def _has_a_scheme(content: str) -> bool:
    return "earer" in content or "asic" in content or "EARER" in content or "ASIC" in content


class Rule(NamedTuple):
    """A rule for one kind of secret in texts: a fast check, and the function that hides it."""

    kind: str
    may_find: Callable[[str], object]
    without: Callable[[str, str], str]
    """Takes a text and the role of its field."""


_RULES: Final[tuple[Rule, ...]] = (
    Rule(CREDENTIAL, lambda content: "-----" in content, without_keys),
    Rule(CREDENTIAL, _has_a_login, without_logins),
    Rule(CREDENTIAL, may_hold_a_token, without_tokens),
    Rule(CREDENTIAL, _has_a_scheme, without_schemes),
    Rule(CREDENTIAL, may_be_a_command, without_given),
    Rule("", may_name_a_secret, without_assignments),
    Rule(PERSONAL, _DIGITS.search, lambda content, role: without_numbers(without_accounts(content), role)),
    Rule(PERSONAL, lambda content: "@" in content, without_addresses),
    Rule("", lambda content: own_patterns(), without_own),
)
"""The rules in their order; most texts need only the fast checks."""


def is_secret_name(name: str) -> bool:
    """Return whether a name is that of a secret by its words: `auth_token` is, `author` and `tokenizer` are not."""
    try:
        return names_a_secret(name)
    except Exception as error:
        return bool(_failed(error))


def is_plain_name(name: str) -> bool:
    """Return whether a value without secrets has none in a field of this name either."""
    try:
        return role_of(name) in (ORDINARY, IDENTIFIER)
    except Exception as error:
        return not _failed(error)


def is_silent(item: str) -> bool:
    """Return whether an item of a list has no influence on the items after it."""
    try:
        return not is_option(item) and not is_command(item)
    except Exception as error:
        return not _failed(error)


def hidden(name: str, value: Any) -> bool:
    """Return whether the value of a field must be hidden whole."""
    try:
        return hides(name, value)
    except Exception as error:
        return bool(_failed(error))


def redact(value: Any, role: str = ORDINARY) -> Any:
    """Return a plain value without its secrets; dicts and lists are copied if something in them changes.

    `role` is that of the name of the field.
    """
    return Redactor().of(value, role)


class Redactor:
    """A walk over a value; the function that redacts texts may be replaced by one with a cache."""

    def __init__(self, text: Callable[[str, str], str] | None = None) -> None:
        self.text = text or redact_text

    def of(self, value: Any, role: str = ORDINARY) -> Any:
        """Return the value with its secrets hidden."""
        if isinstance(value, str):
            return str(value) if type(value) is Redacted else self.text(value, role)
        try:
            if isinstance(value, Mapping):
                return self._fields(value, role)
            if isinstance(value, NamedItems):
                return [self.field(name, item, role) for name, item in zip(value.names, value, strict=False)]
            if isinstance(value, (list, tuple)):
                return self._items(value, role)
            if isinstance(value, (int, float)) and is_card_number(value, role):
                return HIDDEN if PERSONAL not in switched_off() else value
        except Exception as error:
            return _failed(error)
        return value

    def field(self, name: str, value: Any, role: str = ORDINARY) -> Any:
        """Return the visible value of a field; an ordinary name takes the role of the enclosing field."""
        if type(value) is Redacted:
            return str(value)
        if hidden(name, value):
            return HIDDEN
        if names_its_second(value) and not is_word(value[1]):
            return self._pair(value, role)
        return self.of(value, role_of(name) or role)

    def rows(self, rows: Any, columns: list[Any]) -> Any:
        """Redact rows by their columns, which another field names; the value still needs `field`."""
        return [self._row(row, columns) for row in rows] if isinstance(rows, (list, tuple)) else rows

    def _row(self, row: Any, columns: list[Any]) -> Any:
        if not isinstance(row, (list, tuple)) or len(row) != len(columns):
            return row
        return [self.field(str(name), item) for name, item in zip(columns, row, strict=True)]

    def _fields(self, fields: Mapping[str, Any], role: str) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        named = named_elsewhere(fields)
        for name, item in fields.items():
            label = unique(self.text(name, ORDINARY), clean)
            if name not in named:
                clean[label] = self.field(name, item, role)
            elif named[name]:
                clean[label] = self.field(name, self.rows(item, named[name]), role)
            else:
                clean[label] = held(item)
        return clean

    def _items(self, items: Sequence[Any], role: str) -> list[Any]:
        clean: list[Any] = []
        after_option = False
        given = hidden_words(items)
        for at, item in enumerate(items):
            behind = after_option and isinstance(item, str) and not item.startswith("--")
            if behind:
                clean.append(HIDDEN)
            elif at in given:
                clean.append(item[: given[at]] + HIDDEN)
            else:
                clean.append(self._pair(item, role) if names_its_second(item) else self.of(item, role))
            after_option = is_option(item)
        return clean

    def _pair(self, pair: Any, role: str) -> list[Any]:
        name, value = pair
        return [self.text(name, ORDINARY), self.field(name, value, role)]


def names_its_second(item: Any) -> bool:
    """Return whether a value is a pair of name and value, as in headers and `dict.items()`, with a relevant name."""
    return type(item) in (list, tuple) and len(item) == 2 and type(item[0]) is str and not is_plain_name(item[0])


def held(value: Any) -> Any:
    """Return the visible form of a value that another field names a secret: None and booleans stay."""
    return value if value is None or isinstance(value, bool) else HIDDEN


def named_elsewhere(fields: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the fields that other fields of a mapping name: rows with their columns, and secrets."""
    if ("value" in fields or "values" in fields) and names_its_value(fields):
        return {name: [] for name in VALUES}
    if "data" in fields or "rows" in fields or "records" in fields:
        rows, columns = columns_of(fields)
        return {rows: columns} if columns else {}
    return _NONE


_NONE: Final[dict[str, list[Any]]] = {}


def redact_text(content: str, role: str = ORDINARY) -> str:
    """Return a text without its secrets; most texts are returned unchanged after fast checks.

    A text with a URL-encoded or JSON-escaped secret is returned decoded. `role` is that of the name of the field.
    """
    try:
        return _redacted(content, role, _LAYERS)
    except Exception as error:
        return _failed(error)


def _redacted(content: str, role: str, layers: int) -> str:
    off = switched_off()
    for kind, may_find, without in _RULES:
        if may_find(content) and kind not in off:
            content = without(content, role)
    if layers and may_be_disguised(content):
        for form in forms_of(content):
            cleaned = _redacted(form, role, layers - 1)
            if cleaned != form:
                return cleaned
    return content


def _failed(error: Exception) -> str:
    """Count the error of a rule, log it once, and return the placeholder for the whole value."""
    failures[type(error).__name__] += 1
    if failures.total() == 1:
        logging.getLogger("odibi_core").error(
            "a rule of redaction failed with %s: the examined values are hidden whole", type(error).__name__
        )
    return HIDDEN
