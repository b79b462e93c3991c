"""Where a value that a text gives to a name begins and ends: quoted, in brackets, or bare."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from odibi_core.events.secret_names import words_of

_QUOTE: Final = re.compile(r"[bBfFrRuU]{0,2}(\\{0,8})(\"\"\"|'''|[\"'`])")
_NESTING: Final = re.compile(r"\\.|[\"'{}\[\]()]", re.DOTALL)
_LINE: Final = re.compile(r"[^\r\n]*+")
_BARE: Final = re.compile(
    r"(?i:(?:bearer|basic|digest|token|apikey|negotiate)[ \t]++)?"
    r"(?:[^\s,;&\"'<>)}\]]|[,;&\"'<>)}\]](?![\s,;&\"'<>)}\]/\\]|\Z|[\w.-]{1,64}[ \t]?[=:]))++"
)
"""What is not quoted: to the next space, or to a sign after which something else begins."""
_WHOLE_LINES: Final = frozenset({"authorization", "cookie", "cookies"})


def value_at(content: str, start: int, name: str) -> tuple[int, int]:
    """Where the value that begins here begins and ends, without its quotes."""
    quote = _QUOTE.match(content, start)
    if quote:
        return quote.end(), closing_quote(content, quote.end(), quote[1] + quote[2])
    if content[start : start + 1] in ("{", "[", "("):
        return start, _end_of_nested(content, start)
    found = (_LINE if _takes_the_line(name) else _BARE).match(content, start)
    return start, found.end() if found else start


@lru_cache(maxsize=1024)
def _takes_the_line(name: str) -> bool:
    return not _WHOLE_LINES.isdisjoint(words_of(name))


def closing_quote(content: str, start: int, quote: str) -> int:
    """Where the quote closes: one as deeply escaped as the opening one, and not doubled, which is one inside."""
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
    """Behind the bracket that closes the one that stands here."""
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
