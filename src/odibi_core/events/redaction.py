"""Secrets and personal data are taken out here: by the name of a field, by the shape of a value, by the user's rules.

It fails closed: a value over which a rule breaks is hidden whole, counted in `failures`, and told of once.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from odibi_core.events.normalise import unique
from odibi_core.events.secret_assignments import NAME_PARTS, without_assignments
from odibi_core.events.secret_names import VALUES, hides, is_option, names_a_secret, names_its_value
from odibi_core.events.secret_rules import configure, on_new_rules, own_name_parts, own_patterns, without_own
from odibi_core.events.secret_shapes import (
    HIDDEN,
    TOKEN_BEGINNINGS,
    is_branded_card,
    without_accounts,
    without_addresses,
    without_keys,
    without_logins,
    without_numbers,
    without_schemes,
    without_tokens,
)

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
]

SMALLEST_CARD: Final = 10**14
"""No smaller number is looked at as a card's: shorter ones are more often sums of bytes."""
_BIGGEST_CARD: Final = 10**19

failures: Final[Counter[str]] = Counter()
"""How often a rule broke, by the type of the error; each time, what it was looking at was hidden."""

_BEGINNINGS: Final = tuple(
    (sign, tuple(each for each in TOKEN_BEGINNINGS if (each[-1] if each[-1] in "_-." else "") == sign))
    for sign in ("", "_", "-", ".")
)
_GIVEN: Final = re.compile("[=:'\"`<(]")
_DIGITS: Final = re.compile("[0-9](?:[ \u00a0-]?[0-9]){5}")
_ENCODED: Final = re.compile(r"(?:%|\\x|\\u00)(2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])")
_LAYERS: Final = 3
"""How often a text may be encoded over and over, and its secrets are still found."""


def _has_a_url(content: str) -> bool:
    return "://" in content or ":\\/\\/" in content or ("=" in content and ("?" in content or "&" in content))


def _begins_a_token(content: str) -> bool:
    for sign, beginnings in _BEGINNINGS:
        if sign in content:
            for beginning in beginnings:
                if beginning in content:
                    return True
    return False


def _has_a_scheme(content: str) -> bool:
    return "earer" in content or "asic" in content or "EARER" in content or "ASIC" in content


def _names_a_secret(content: str) -> bool:
    if (
        not _GIVEN.search(content)
        and " -" not in content
        and content[:1] != "-"
        and "dentified" not in content
    ):
        return "DENTIFIED" in content
    lowered = content.lower()
    for part in NAME_PARTS:
        if part in lowered:
            return True
    return any(part in lowered for part in own_name_parts())


_RULES: Final[tuple[tuple[Callable[[str], object], Callable[[str], str]], ...]] = (
    (lambda content: "-----" in content, without_keys),
    (_has_a_url, without_logins),
    (_begins_a_token, without_tokens),
    (_has_a_scheme, without_schemes),
    (_names_a_secret, without_assignments),
    (_DIGITS.search, without_accounts),
    (_DIGITS.search, without_numbers),
    (lambda content: "@" in content, without_addresses),
    (lambda content: own_patterns(), without_own),
)
"""In their order, each behind a quick look at whether it can find anything: most texts need no more than these."""


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret, by its words: `author` and `tokenizer` stay, `auth_token` goes."""
    try:
        return names_a_secret(name)
    except Exception as error:
        return bool(_failed(error))


def hidden(name: str, value: Any) -> bool:
    """Whether the value of the field `name` may not be kept at all."""
    try:
        return hides(name, value)
    except Exception as error:
        return bool(_failed(error))


def redact(value: Any) -> Any:
    """A plain value without secrets; dicts and lists are made anew where something in them had to go."""
    if isinstance(value, str):
        return redact_text(value)
    try:
        if isinstance(value, Mapping):
            return _redacted_fields(value)
        if isinstance(value, (list, tuple)):
            return _redacted_items(value)
        if isinstance(value, (int, float)) and SMALLEST_CARD <= abs(value) < _BIGGEST_CARD:
            return HIDDEN if value == int(value) and is_branded_card(str(abs(int(value)))) else value
    except Exception as error:
        return _failed(error)
    return value


def _redacted_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    held = VALUES if holds_what_it_names(fields) else ()
    for name, item in fields.items():
        label = unique(redact_text(name), clean)
        clean[label] = HIDDEN if hidden(name, item) or name in held else redact(item)
    return clean


def _redacted_items(items: Iterable[Any]) -> list[Any]:
    clean: list[Any] = []
    after_option = False
    for item in items:
        behind = after_option and isinstance(item, str) and not item.startswith("--")
        clean.append(HIDDEN if behind else _redacted_pair(item) if _is_pair(item) else redact(item))
        after_option = is_option(item)
    return clean


def _is_pair(item: Any) -> bool:
    """Whether an item of a list is a name and its value, as headers and `dict.items()` have them."""
    return type(item) in (list, tuple) and len(item) == 2 and type(item[0]) is str


def _redacted_pair(pair: Any) -> list[Any]:
    name, value = pair
    return [redact_text(name), HIDDEN if hidden(name, value) else redact(value)]


def holds_what_it_names(fields: Mapping[str, Any]) -> bool:
    """Whether one field names a secret and another, called `value`, holds it."""
    return ("value" in fields or "values" in fields) and names_its_value(fields)


def redact_text(content: str) -> str:
    """A text without the secrets that it spells out; most texts come back as they are, after one look.

    One in which a secret was URL-encoded, or escaped as JSON does, comes back decoded.
    """
    try:
        return _redacted(content, _LAYERS)
    except Exception as error:
        return _failed(error)


def _redacted(content: str, layers: int) -> str:
    for may_find, rule in _RULES:
        if may_find(content):
            content = rule(content)
    if layers and ("%" in content or "\\" in content) and _ENCODED.search(content):
        # Spaces stay encoded: a value's end must not appear where there was none.
        decoded = _ENCODED.sub(lambda code: chr(int(code[1], 16)), content)
        cleaned = _redacted(decoded, layers - 1)
        return content if cleaned == decoded else cleaned
    return content


def _failed(error: Exception) -> str:
    """A rule broke: counted, told once, and nothing shown of what it was looking at."""
    failures[type(error).__name__] += 1
    if failures.total() == 1:
        logging.getLogger("odibi_core").error(
            "a rule of redaction failed with %s: what it was looking at is hidden, now and from now on",
            type(error).__name__,
        )
    return HIDDEN
