"""The start and the end of a value in a text: quoted, in brackets, or bare."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import words_of

_QUOTE: Final = lazy_pattern(r"[bBfFrRuU]{0,2}(\\{0,8})(\"\"\"|'''|[\"'`])")
_BEFORE_A_VALUE: Final = frozenset("bBfFrRuU\\\"'`")
_NESTING: Final = lazy_pattern(r"\\.|[\"'{}\[\]()]", re.DOTALL)
_LINE: Final = lazy_pattern(r"[^\r\n]*+")
_BARE: Final = lazy_pattern(
    r"(?i:(?:bearer|basic|digest|token|apikey|negotiate)[ \t]++)?"
    r"(?:[^\s,;&\"'<>)}\]]|[,;&\"'<>)}\]](?![\s,;&\"'<>)}\]/\\]|\Z|[\w.-]{1,64}[ \t]?[=:]))++"
)
"""An unquoted value: up to the next space, or to a sign after which another item starts."""
_WHOLE_LINES: Final = frozenset({"authorization", "cookie", "cookies"})
_PHRASES: Final = frozenset({"passphrase", "password", "phrase", "mnemonic", "passwort", "contrasena", "passe"})
_WORDS: Final = lazy_pattern(r"\S++(?:[ ]\w++){1,30}+(?=[ \t]*+(?:[\r\n]|\Z))")
"""A phrase of several words, which ends its line."""


def value_at(content: str, start: int, name: str, begun: int = -1) -> tuple[int, int]:
    """Return the start and the end of a value without its quotes; `begun` is the start of its name."""
    first = content[start : start + 1]
    quote = _QUOTE.match(content, start) if first in _BEFORE_A_VALUE else None
    if quote:
        return quote.end(), closing_quote(content, quote.end(), quote[1] + quote[2])
    if first and first in "{[(":
        return start, _end_of_nested(content, start)
    if _takes_the_line(name):
        return start, _end_of_line(content, start, begun)
    found = (_phrase_at(content, start, name, begun) if begun >= 0 else None) or _BARE.match(content, start)
    return start, found.end() if found else start


def _end_of_line(content: str, start: int, begun: int) -> int:
    """Return the end of the line, or of the quote that opens before the name: `-H 'Authorization: …'`."""
    line = _LINE.match(content, start)
    end = line.end() if line else start
    quote = content[begun - 1 : begun] if begun > 0 else ""
    if quote not in ("'", '"'):
        return end
    inner = content.find(f"={quote}", start, end) >= 0
    closed = content.rfind(quote, start, end) if inner else content.find(quote, start, end)
    return closed if closed >= 0 else end


def _phrase_at(content: str, start: int, name: str, begun: int) -> re.Match[str] | None:
    """Return the span of several words after the name of a phrase at the start of a line."""
    if not _is_phrase(name):
        return None
    before = content[content.rfind("\n", max(0, begun - 40), begun) + 1 : begun]
    return None if before.strip(" \t-") and begun > 0 else _WORDS.match(content, start)


@lru_cache(maxsize=1024)
def _is_phrase(name: str) -> bool:
    return not _PHRASES.isdisjoint(words_of(name)[-1:])


@lru_cache(maxsize=1024)
def _takes_the_line(name: str) -> bool:
    return not _WHOLE_LINES.isdisjoint(words_of(name))


def closing_quote(content: str, start: int, quote: str) -> int:
    """Return the position of the closing quote: escaped as deeply as the opening one, and not doubled."""
    at = content.find(quote, start)
    while at >= 0:
        end = at + len(quote)
        if at > start and content[at - 1] == "\\":
            at = content.find(quote, at + 1)
        elif len(quote) == 1 and content.startswith(quote, end):
            at = content.find(quote, end + 1)
        else:
            return at
    return len(content)


def _end_of_nested(content: str, start: int) -> int:
    """Return the position after the bracket that closes the one here."""
    depth, quote = 0, ""
    for sign in _NESTING.finditer(content, start):
        if quote:
            quote = "" if sign[0] == quote else quote
        elif sign[0] in "\"'":
            quote = sign[0]
        elif sign[0] in "{[(":
            depth += 1
        elif sign[0] in "}])":
            depth -= 1
            if depth == 0:
                return sign.end()
    return len(content)
