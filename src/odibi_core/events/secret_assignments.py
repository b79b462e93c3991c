"""Secrets that a text names: `password=…`, `"token": "…"`, `--api-key …`, `IDENTIFIED BY '…'`, `Cookie: …`.

A name in a text is judged as a field's name is; what is given to it goes. What has no end that can be found goes to
the end of the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from odibi_core.events.secret_names import hides, names_a_secret, words_of
from odibi_core.events.secret_shapes import HIDDEN

_ASSIGNED: Final = re.compile(
    r"(?<![A-Za-z0-9.-])(?P<option>-{1,2}[A-Za-z][\w.-]*+)[\"']?,?[ \t]++"
    r"|(?<![\w.-])(?:"
    r"(?i:identified[ \t\r\n]++by[ \t\r\n]++)"
    r"|(?P<name>[\w.-]++)(?:"
    r"\]?(?:\\{0,8}[\"'`])?[ \t]*+(?::=|={1,3}>?|:|!=|<>)[ \t]*+"
    r"|(?P<tag>>)"
    r"|(?P<said>[ \t]++(?:(?i:i?like|in|to|is|was|with|by)[ \t]++)?)(?=[\"'(])"
    r"))"
)
_QUOTE: Final = re.compile(r"[bBfFrRuU]{0,2}(\\{0,8})(\"\"\"|'''|[\"'`])")
_NESTING: Final = re.compile(r"\\.|[\"'{}\[\]()]", re.DOTALL)
_LINE: Final = re.compile(r"[^\r\n]*+")
_BARE: Final = re.compile(
    r"(?i:(?:bearer|basic|digest|token|apikey|negotiate)[ \t]++)?"
    r"(?:[^\s,;&\"'<>)}\]]|[,;&\"'<>)}\]](?![\s,;&\"'<>)}\]/\\]|\Z|[\w.-]{1,64}[ \t]?[=:]))++"
)
"""What is not quoted: to the next space, or to a sign after which something else begins."""
_WHOLE_LINES: Final = frozenset({"authorization", "cookie", "cookies"})
_SAID_BEFORE_QUOTES: Final = frozenset({"password", "passwd", "pwd", "passphrase", "secret", "apikey"})
"""Names of which a quoted text is the value without any sign between: not `unexpected token '}'`."""
_NAME_LOOKED_AT: Final = 200

_PARTS: Final = """
    pass pwd pw secret token key auth bearer cookie cred sess csrf xsrf jwt ssn cvv cvc pin otp iban sas dsn contrasena
    senha kennwort card cc_num ccnum connect secur social code phrase access_sig accesssig identified
"""
NAME_PARTS: Final = tuple(_PARTS.split())
"""One of these is in every name of a secret, in lower case: a text without them names none."""


def without_assignments(content: str) -> str:
    """Without the values that the names of secrets are given."""
    parts: list[str] = []
    done = 0
    for match in _ASSIGNED.finditer(content):
        if match.start() < done or not _gives(content, match):
            continue
        start, end = _value(content, match.end(), _name(match))
        inner = _ASSIGNED.match(content, start)
        if inner and inner.end() >= end and _gives(content, inner):
            continue  # `credentials: token: …`, where the second is the one that is given something
        if end > start and hides(_name(match), content[start:end]):
            parts += content[done:start], HIDDEN
            done = end
    return "".join([*parts, content[done:]])


def _name(match: re.Match[str]) -> str:
    return str(match["option"] or match["name"] or "password")[-_NAME_LOOKED_AT:]


def _gives(content: str, match: re.Match[str]) -> bool:
    """Whether it is a secret that is given something there."""
    name = _name(match)
    return names_a_secret(name) and _is_said(content, match, name)


def _is_said(content: str, match: re.Match[str], name: str) -> bool:
    """Whether what stands between a name and what follows gives the one to the other."""
    if match["tag"]:
        return content[match.start() - 1 : match.start()] == "<"
    if match["said"] and not match["said"].strip():
        return not _SAID_BEFORE_QUOTES.isdisjoint(words_of(name)[-1:])
    return True


def _value(content: str, start: int, name: str) -> tuple[int, int]:
    """Where the value that begins here begins and ends, without its quotes."""
    quote = _QUOTE.match(content, start)
    if quote:
        return quote.end(), _closing_quote(content, quote.end(), quote[1] + quote[2])
    if content[start : start + 1] in ("{", "[", "("):
        return start, _end_of_nested(content, start)
    found = (_LINE if _takes_the_line(name) else _BARE).match(content, start)
    return start, found.end() if found else start


@lru_cache(maxsize=1024)
def _takes_the_line(name: str) -> bool:
    return not _WHOLE_LINES.isdisjoint(words_of(name))


def _closing_quote(content: str, start: int, quote: str) -> int:
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
