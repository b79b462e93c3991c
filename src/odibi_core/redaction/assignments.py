"""Secrets that a text names: `password=…`, `"token": "…"`, `--api-key …`, `("Authorization", "…")`, `Cookie: …`.

A name in a text is judged like the name of a field. Its value is hidden; a value without a visible end is hidden to
the end of the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from odibi_core.redaction.comparisons import may_compare, of_comparisons
from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.lines import may_have_blocks, of_lines
from odibi_core.redaction.literals import is_no_secret
from odibi_core.redaction.markup import may_be_markup, of_markup
from odibi_core.redaction.names import (
    LABELS,
    NAME_LENGTH,
    VALUES,
    ends_a_phrase,
    hides,
    is_word,
    may_end_a_phrase,
    names_a_secret,
    words_of,
)
from odibi_core.redaction.rules import on_new_rules, own_name_parts
from odibi_core.redaction.sentences import of_sentences
from odibi_core.redaction.shapes import without_spans
from odibi_core.redaction.statements import of_columns
from odibi_core.redaction.values import value_at
from odibi_core.redaction.words import word_set

_ASSIGNED: Final = lazy_pattern(
    r"(?<![A-Za-z0-9.-])(?P<option>-{1,2}[A-Za-z][\w.-]*+)[\"']?,?[ \t]++"
    r"|(?<![\w.-])(?:"
    r"(?i:identified[ \t\r\n]++(?:with[ \t\r\n]++[\w.\"'`]++[ \t\r\n]++(?:by|as|using)|by)[ \t\r\n]++)"
    r"|(?P<name>[\w.-]++)(?:"
    r"(?P<pair>\\{0,8}[\"'][ \t]*+,[ \t]*+)(?=[bBuUrR]?\\{0,8}[\"']|[0-9])"
    r"|(?:\\{0,8}[\"'`])?\]?(?:\\{0,8}[\"'`])?[ \t]*+(?P<sign>[:?+]=|={1,3}>?|:|!=|<>|->)[ \t]*+"
    r"|(?P<call>\()(?=[\"'])"
    r"|(?P<said>[ \t]++(?:(?i:i?like|in|to|is|was|with|by|default)[ \t]++)?)(?=[\"'(])"
    r"))"
)


_SAID_BEFORE_QUOTES: Final = frozenset({"password", "passwd", "pwd", "passphrase", "secret", "apikey"})
"""Names of which a quoted text is the value without any sign between: not `unexpected token '}'`."""
_CALLED: Final = frozenset({"password", "old_password"})
"""Functions of SQL whose argument is one."""
_SETS: Final = word_set(
    """
    set put add option options header headers param property env getenv setenv putenv setdefault get conf config
    text string secret attr append setattr update with cookie field form setitem insert environ default variable
    """
)
"""Functions that are given a name and its value."""
_VALUES: Final = frozenset({*VALUES, "default"})
MOST: Final = 2_000
"""Maximum of separate secrets in one text; a text with more is crafted, and must not take longer."""
_NEAR: Final = 200
_ANOTHER: Final = lazy_pattern(r"\}|\n[ \t]*+(?:\r?\n|- )")
"""The text between two entries that do not name each other."""
_TYPED: Final = lazy_pattern(r"[ \t]*+=[ \t]*+")
_EXPRESSION: Final = lazy_pattern(
    r"(?:\$\{\{?[^{}\r\n:]{1,200}+\}{1,2}|\{\{[^{}\r\n]{1,200}+\}\}|\{[a-z_]{1,60}+\}|\$\("
    r"|(?:os\.)?environ\[[^\]\r\n]{1,100}+\]"
    r"|<[A-Za-z][A-Za-z _-]{0,60}+>"
    r"|(?:await )?[A-Za-z_][\w.]{0,100}+"
    r"\((?:[\w., =*\[\]]|(?<==)(?:\"[^\"\r\n]{0,99}+\"|'[^'\r\n]{0,100}+')){0,200}+\)"
    r"|(?P<lookup>(?:await )?(?:\w{1,60}+\.){0,5}+(?:get|read|load|fetch|create|generate|make|new|build|find|lookup"
    r"|resolve|decrypt|request|retrieve|input|prompt|pop|Depends|Field)\w{0,40}+\([^()\r\n]{0,200}+\)))"
    r"(?:\.\w{1,40}+(?:\(\))?){0,3}+(?![\w-])"
)
"""An expression that computes a value or looks it up: a call with names only, or a call of a lookup."""
_KEYWORD: Final = lazy_pattern(r"[a-z_]{1,40}=")
_RENAMED: Final = lazy_pattern(r"(?:columns|rename|mapping|aliases|names)[ ]{0,4}[=(][ ]{0,4}\{[^{}]*$")
_DATA: Final = lazy_pattern(r"\.(?:csv|tsv|parquet|jsonl?|txt|xlsx?|log|ya?ml|md|html|arrow|feather|avro|orc|gz|zip)$")
_EXPRESSIVE: Final = frozenset("$({[<")
_STATEMENT: Final = lazy_pattern(r"(?:^|\s)(?:if|elif|while|not|in|and|or|with|lambda|except|case|is|as)[ ]$")
_SOURCE: Final = lazy_pattern(r"\.(?:py|java|scala|kt|go|rs|js|ts|jsx|tsx|rb|cs|c|cc|cpp|h|php|sql|sh|pl|swift|ex|ml)$")
_LISTED: Final = lazy_pattern(
    r"\(\s{0,20}+(?:select\b|with\b)|\((?:\s*+(?:\?|%s|:\w++|\$\d++|@\w++|null)\s*+,?+)++\)", re.IGNORECASE
)
_INDEXED: Final = lazy_pattern(r"[\w)\]]\[$")
_CALLER: Final = lazy_pattern(r"\w{1,40}$")
_SHORT: Final = lazy_pattern(r"\\{0,4}[\"'](?P<quoted>[\w./ -]{1,100}+)|(?P<bare>[\w./-]{1,100}+)")
_SHORT_VALUE: Final = lazy_pattern(r"(?:\\{0,4}[\"'](?P<it>[^\"'\\\r\n]{1,200}+))")
_EXCEPTIONS: Final = ("Error", "Exception", "Warning")

_PARTS: Final = """
    pass pw secre token key auth bearer cook cred sess srf jwt ssn cv pin otp iban sas dsn wort card conn secur social
    code phrase signature identified mnemonic keytab psk webhook
    contrase clave codigo llave mdp jeton cle_ clef geheim schlus schlues sleutel wachtw toegang inlog zugang anmelde
    kennung freischalt hasl sekret tajn klucz poswiad senha segre chave frase codice cod_ parola chiave credenz sifre
    anahtar losen adgang salasana heslo jelszo lozinka geslo matkhau mat_khau sandi pesel cpf bsn kart cart tarjeta
    seguro steuer passport insurance tax_id cc_n ficha kennwo wacht hasel sozialv kaart burger
"""
NAME_PARTS: Final = (*_PARTS.split(), "cle ")
"""One of these is in every name of a secret that is written in letters of ASCII: a text without them has none."""
_GIVEN: Final = lazy_pattern("['\"`<(]")


def _may_assign(content: str) -> bool:
    """Return whether a text may assign a value to a name, with one of the usual signs or without."""
    return (
        "=" in content
        or ":" in content
        or " -" in content
        or content[:1] == "-"
        or " is " in content
        or " was " in content
        or "with" in content
        or "using" in content
        or " es" in content
        or " ist " in content
        or " jest " in content
        or "set" in content
        or "dentified" in content
        or "DENTIFIED" in content
        or "ENV " in content
        or "ARG " in content
    )


def may_name_a_secret(content: str) -> bool:
    """Return whether a text may assign a value to the name of a secret; a fast check."""
    if not content.isascii():
        return True
    if not _may_assign(content) and not _GIVEN.search(content):
        return False
    lowered = content.lower()
    for part in NAME_PARTS:
        if part in lowered:
            return True
    return any(part in lowered for part in own_name_parts())


def without_assignments(content: str, role: str = "") -> str:
    """Return the text without the values that are assigned to names of secrets."""
    content = of_columns(content)
    if may_compare(content):
        content = of_comparisons(content)
    if may_have_blocks(content):
        content = of_lines(content)
    if may_be_markup(content):
        content = of_markup(content)
    content = of_sentences(content)
    return without_spans(content, sorted(_Reader(content).read()))


class _Reader:
    """One pass over the assignments of a text."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.spans: list[tuple[int, int]] = []
        self.done = 0
        self.named_at = -_NEAR
        """Where an entry such as `"name": "password"` ends, whose value stands beside it."""
        self.held: tuple[int, int] | None = None
        """The value that stood last before such an entry."""

    def read(self) -> list[tuple[int, int]]:
        """Return the start and the end of each secret; after a maximum number, the rest of the text is one."""
        for match in _ASSIGNED.finditer(self.content):
            name = match["name"] or match["option"] or "password"
            if match.start() < self.done or not _may_matter(name):
                continue
            if len(self.spans) >= MOST:
                self.spans.append((match.start(), len(self.content)))
                break
            self._look(match, name[-NAME_LENGTH:])
        return self.spans

    def _look(self, match: re.Match[str], name: str) -> None:
        if match["pair"]:
            self._pair(match, name)
        elif not self._assignment(match, name):
            self._entry(match, name.lower())

    def _entry(self, match: re.Match[str], name: str) -> None:
        """Handle an entry that names the value beside it, or that the entry beside it names."""
        if name in LABELS and (match["sign"] or match["said"]):
            self._label(match)
        elif name in _VALUES and match["sign"]:
            self._value(match)

    def _assignment(self, match: re.Match[str], name: str) -> bool:
        """Hide the value that is assigned to the name of a secret; return whether there is one."""
        if not names_a_secret(name):
            name = self._phrase(match, name)
        gives = bool(name) and _assigns(self.content, match, name)
        if gives:
            self._take(match, name)
        return gives

    def _phrase(self, match: re.Match[str], name: str) -> str:
        """Return the name with the words before it, if they form one name: `api key: …`; otherwise an empty text."""
        if not match["name"] or not may_end_a_phrase(name):
            return ""
        begun = match.start()
        before = self.content[max(0, begun - 48) : begun]
        if before[-1:] in ("'", "’") and before[-2:-1].isalpha():  # `clé d'accès`, `parola d'ordine`
            before = f"{before[:-1]} "
        *words, last = before.split(" ")[-4:]
        phrase = " ".join([*words, name])[-NAME_LENGTH:]
        return phrase if words and not last and ends_a_phrase(phrase) else ""

    def _take(self, match: re.Match[str], name: str) -> None:
        """Hide the value of a name, unless it is no secret or belongs to a later name."""
        content = self.content
        first = content[match.end() : match.end() + 1]
        if first in ("\n", "\r", "") or (first == "(" and _LISTED.match(content, match.end())):
            return
        if self._is_about_it(match):
            return
        start, end = value_at(content, match.end(), name, match.start())
        if start == match.end() and self._says_nothing(match, name, start, end):
            return
        if names_a_secret(content[start:end]) or content.startswith("-", start):
            inner = _ASSIGNED.match(content, start)
            if inner and inner.end() >= end and self._gives(inner):
                return  # `credentials: token: …`, where the second is the one that is given something
        typed = _TYPED.match(content, end) if match["sign"] == ":" and start == match.end() else None
        if typed:
            start, end = value_at(content, typed.end(), name)
        self._hide(name, start, end)

    def _hide(self, name: str, start: int, end: int) -> None:
        if end > start and hides(name, self.content[start:end]):
            self.spans.append((start, end))
            self.done = end

    def _says_nothing(self, match: re.Match[str], name: str, start: int, end: int) -> bool:
        """Return whether a value without quotes is a program's expression, an address, or a word about the secret."""
        value = self.content[start:end]
        if self._is_code(match, name, value):
            return True
        if value.isalnum():
            return value.isalpha() and _is_other_name(value, name)
        if not _EXPRESSIVE.isdisjoint(value):
            expression = _EXPRESSION.match(self.content, start)
            if expression and expression.end() >= end:
                self.done = expression.end() if expression["lookup"] else self.done
                return True
        if len(value) < 4 and not any(map(str.isalnum, value)):
            return True
        if value[-1:] in (".", "!") and is_no_secret(value.rstrip(".!")):
            return True
        return _is_other_name(value, name)

    def _is_about_it(self, match: re.Match[str]) -> bool:
        """Return whether the text declares, renames or comments on the name, and assigns nothing."""
        if match["option"]:
            return "," in match[0] and _KEYWORD.match(self.content, match.end()) is not None
        before = self.content[max(0, match.start() - 40) : match.start()]
        if match["sign"] == ":":
            return "{" in before and _RENAMED.search(before) is not None
        return match["said"] is not None and before.lower().endswith("comment on column ")

    def _is_code(self, match: re.Match[str], name: str, value: str) -> bool:
        """Return whether the sign assigns nothing: a scheme, a place in a program, a statement, a comparison."""
        if match["sign"] in ("==", "!=", "<>"):
            return value.isidentifier() and value.replace("_", "").isalpha()
        if match["sign"] != ":":
            return False
        before = self.content[max(0, match.start() - 80) : match.start()]
        return (
            value.startswith("//")
            or _DATA.search(name) is not None
            or (value.replace(":", "").isdigit() and _SOURCE.search(name) is not None)
            or _STATEMENT.search(before) is not None
            or (before[-1:] == ":" and "arn:" in before)
        )

    def _gives(self, match: re.Match[str]) -> bool:
        """Return whether a value is assigned to the name of a secret here."""
        name = str(match["option"] or match["name"] or "password")[-NAME_LENGTH:]
        return not match["pair"] and names_a_secret(name) and _assigns(self.content, match, name)

    def _pair(self, match: re.Match[str], name: str) -> None:
        """Hide the value of `("password", "…")`: a pair among other pairs, or the arguments of a setter."""
        content, at = self.content, match.start() - 1
        while at >= 0 and content[at] in "\\\"'bBuU" and match.start() - at < 12:
            at -= 1
        opened = content[at : at + 1].strip() or content[at - 1 : at]
        before = content[max(0, at - 60) : at].rstrip()
        if opened == "," and "(" in before and ")" not in before.rpartition("(")[2]:
            opened, before = "(", before.rpartition("(")[0]  # `cfg.set("db", "password", "…")`
        if opened not in ("(", "[") or not names_a_secret(name):
            return
        start, end = value_at(content, match.end(), name)
        behind = content[end : end + 12].lstrip("\\\"'").lstrip()[:1]
        caller = words_of(before)[-1:] if before[-1:].isalnum() or before[-1:] == "_" else []
        if caller:
            value = content[start:end]
            sets = not _SETS.isdisjoint(words_of(_CALLER.search(before)[0]))  # type: ignore[index]
            goes = (sets and behind in (")", ",")) or (behind == ")" and any(map(str.isdigit, value)))
        else:
            goes = behind == (")" if opened == "(" else "]") and (
                (before[-1:] in ("[", ",", "(", "{") and not _INDEXED.search(before)) or not is_word(content[start:end])
            )
        if goes:
            self._hide(name, start, end)

    def _label(self, match: re.Match[str]) -> None:
        """Return an entry that may name the value of the entry beside it."""
        named = _SHORT.match(self.content, match.end())
        name = (named["quoted"] or named["bare"]) if named else ""
        if not named or not names_a_secret(name):
            return
        self.named_at = named.end()
        if self.held and self._are_near(self.held[1], match.start()):
            self._hide(name, *self.held)
            self.done = max(self.done, named.end())
            self.held = None

    def _value(self, match: re.Match[str]) -> None:
        """Return an entry that may hold the value that the entry beside it names."""
        if self._are_near(self.named_at, match.start()):
            self._take(match, "password")
            self.named_at = -_NEAR
        else:
            short = _SHORT_VALUE.match(self.content, match.end())
            self.held = short.span("it") if short else None

    def _are_near(self, first: int, second: int) -> bool:
        return 0 <= second - first < _NEAR and not _ANOTHER.search(self.content, first, second)


@lru_cache(maxsize=4096)
def _looked_at(name: str) -> bool:
    lowered = name.lower()
    return names_a_secret(name) or may_end_a_phrase(name) or lowered in LABELS or lowered in _VALUES


def _may_matter(name: str) -> bool:
    """Return whether the value of a name may be a secret, or may name the value of another field."""
    return _looked_at(name) if len(name) <= NAME_LENGTH else _looked_at(name[-NAME_LENGTH:])


on_new_rules(_looked_at.cache_clear)


def _is_other_name(value: str, name: str) -> bool:
    """Return whether a value is the name of a variable or column: `self._token = token`, `a.token = b.token`."""
    if "." in value:
        return value.replace(".", "").isidentifier() and names_a_secret(value.rpartition(".")[2])
    bare = value.replace("_", "")
    if not (bare.isalpha() and bare.isascii()):
        return False
    if bare.lower() in (name.lower(), *_last_word(name)):
        return True
    return "_" in value.strip("_") and value == value.lower() and names_a_secret(value)


@lru_cache(maxsize=1024)
def _last_word(name: str) -> tuple[str, ...]:
    return tuple(words_of(name)[-1:])


def _assigns(content: str, match: re.Match[str], name: str) -> bool:
    """Return whether the text between a name and the next word assigns the word to the name."""
    if match["call"]:
        return name.lower() in _CALLED
    if name.endswith(_EXCEPTIONS) and _is_type(name) and content[match.end("name") : match.end()].rstrip(" \t") == ":":
        return content[match.end() - 1] == ":"  # the text after `CredentialsError: ` is the message of the error
    if match["said"] and not match["said"].strip():
        return not _SAID_BEFORE_QUOTES.isdisjoint(words_of(name)[-1:])
    return True


def _is_type(name: str) -> bool:
    """Return whether a value is written like a type, such as `google.auth.DefaultCredentialsError`."""
    kind = name.rpartition(".")[2]
    return kind[:1].isupper() and not kind.isupper()
