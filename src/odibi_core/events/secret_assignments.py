"""Secrets that a text names: `password=…`, `"token": "…"`, `--api-key …`, `IDENTIFIED BY '…'`, `Cookie: …`.

A name in a text is judged as a field's name is; what is given to it goes. What has no end that can be found goes to
the end of the text.
"""

from __future__ import annotations

import re
from typing import Final

from odibi_core.events.secret_names import hides, names_a_secret, words_of
from odibi_core.events.secret_shapes import HIDDEN
from odibi_core.events.secret_statements import of_columns, of_commands
from odibi_core.events.secret_values import value_at

_ASSIGNED: Final = re.compile(
    r"(?<![A-Za-z0-9.-])(?P<option>-{1,2}[A-Za-z][\w.-]*+)[\"']?,?[ \t]++"
    r"|(?<![\w.-])(?:"
    r"(?i:identified[ \t\r\n]++(?:with[ \t\r\n]++[\w.\"'`]++[ \t\r\n]++(?:by|as|using)|by)[ \t\r\n]++)"
    r"|(?P<name>[\w.-]++)(?:"
    r"\]?(?:\\{0,8}[\"'`])?[ \t]*+(?::=|={1,3}>?|:|!=|<>)[ \t]*+"
    r"|(?P<tag>>)"
    r"|(?P<call>\()(?=[\"'])"
    r"|(?P<said>[ \t]++(?:(?i:i?like|in|to|is|was|with|by)[ \t]++)?)(?=[\"'(])"
    r"))"
)
_SAID_BEFORE_QUOTES: Final = frozenset({"password", "passwd", "pwd", "passphrase", "secret", "apikey"})
"""Names of which a quoted text is the value without any sign between: not `unexpected token '}'`."""
_CALLED: Final = frozenset({"password", "old_password"})
"""Functions of SQL whose argument is one."""
_EXCEPTIONS: Final = ("Error", "Exception", "Warning")
_NAME_LOOKED_AT: Final = 200

_PARTS: Final = """
    pass pwd pw secret token key auth bearer cookie cred sess csrf xsrf jwt ssn cvv cvc pin otp iban sas dsn contrasena
    senha kennwort card cc_num ccnum connect secur social code phrase access_sig accesssig identified
    mysql mariadb
"""
NAME_PARTS: Final = tuple(_PARTS.split())
"""One of these is in every name of a secret, or what else gives one, in lower case: a text without them has none."""


def without_assignments(content: str) -> str:
    """Without the values that the names of secrets are given."""
    content = of_commands(of_columns(content))
    parts: list[str] = []
    done = 0
    for match in _ASSIGNED.finditer(content):
        name = _name(match)
        if match.start() < done or not _gives(content, match, name):
            continue
        start, end = value_at(content, match.end(), name)
        inner = _ASSIGNED.match(content, start)
        if inner and inner.end() >= end and _gives(content, inner, _name(inner)):
            continue  # `credentials: token: …`, where the second is the one that is given something
        if end > start and hides(name, content[start:end]):
            parts += content[done:start], HIDDEN
            done = end
    return "".join([*parts, content[done:]])


def _name(match: re.Match[str]) -> str:
    return str(match["option"] or match["name"] or "password")[-_NAME_LOOKED_AT:]


def _gives(content: str, match: re.Match[str], name: str) -> bool:
    """Whether it is a secret that is given something there."""
    return names_a_secret(name) and _is_said(content, match, name)


def _is_said(content: str, match: re.Match[str], name: str) -> bool:
    """Whether what stands between a name and what follows gives the one to the other."""
    if match["tag"]:
        return content[match.start() - 1 : match.start()] == "<"
    if match["call"]:
        return name.lower() in _CALLED
    if name.endswith(_EXCEPTIONS) and _is_type(name) and content[match.end("name") : match.end()].rstrip(" \t") == ":":
        return content[match.end() - 1] == ":"  # else what stands behind `CredentialsError: ` is what it says
    if match["said"] and not match["said"].strip():
        return not _SAID_BEFORE_QUOTES.isdisjoint(words_of(name)[-1:])
    return True


def _is_type(name: str) -> bool:
    """Whether it is written as types are, such as `google.auth.DefaultCredentialsError`."""
    kind = name.rpartition(".")[2]
    return kind[:1].isupper() and not kind.isupper()
