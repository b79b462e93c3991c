"""The role of a field by the words of its name, in any spelling and many languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import lru_cache
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.redaction import words as secret_words
from odibi_core.redaction.disguises import fold
from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.literals import is_no_secret

CREDENTIAL: Final = "credential"
PERSONAL: Final = "personal"
CARD: Final = "card"
SOCIAL: Final = "social"
ADDRESS: Final = "address"
IDENTIFIER: Final = "identifier"
ORDINARY: Final = ""
"""The roles of a name. The value of the first two is hidden; of the next three, it is examined closely; a number under
an identifier is no card number."""

_Phrases = dict[str, list[tuple[str, ...]]]
_DIGIT: Final = "0123456789"
_WORD: Final = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
_ASCII_WORD: Final = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMERAL: Final = lazy_pattern(r"[+-]?[0-9][0-9.,:/_ ]{0,30}[ ]?(?:%|[A-Za-z]{1,7})?")
NAME_LENGTH: Final = 200
LABELS: Final = (
    "name", "key", "argument", "parameter", "option", "variable", "setting", "field", "header", "property", "param",
    "attribute",
)  # fmt: skip
VALUES: Final = ("value", "values")
"""Fields with the value that another field, one of `LABELS`, names."""
_COLUMNS: Final = ("columns", "header", "fields", "names")
_ROWS: Final = ("data", "rows", "records")
"""A table in parts: the names of its columns, and the rows in the order of these names."""


def _phrases(rows: Iterable[str]) -> _Phrases:
    found: _Phrases = {}
    for phrase in " ".join(rows).split():
        words = tuple(phrase.split("_"))
        found.setdefault(words[0], []).extend([words, (*words[:-1], f"{words[-1]}s")])
    return found


def _together(phrases: _Phrases) -> str:
    return "|".join(sorted({re.escape("".join(words)) for row in phrases.values() for words in row[::2]}))


class _Kind:
    """The words of one kind of secret."""

    def __init__(self, languages: dict[str, tuple[str, str]], together: str, run_together: str = "") -> None:
        self.words = frozenset(" ".join(alone for alone, _ in languages.values()).split())
        self.phrases = _phrases(phrases for _, phrases in languages.values())
        self.together = tuple(map(fold, together.split()))
        self.run = lazy_pattern("|".join([*run_together.split(), _together(self.phrases)]))

    def names(self, words: list[str]) -> bool:
        """Return whether these words name a secret of the kind."""
        if not self.words.isdisjoint(words) or any(self.ends(words)):
            return True
        if any(map(self.run.search, words)):
            return True
        return not "".join(words).isascii() and any(part in "".join(words) for part in self.together)

    def ends(self, words: list[str]) -> Iterator[int]:
        """Yield the end of each phrase in these words."""
        for at, word in enumerate(words):
            for phrase in self.phrases.get(word, ()):
                if tuple(words[at : at + len(phrase)]) == phrase:
                    yield at + len(phrase)


_CREDENTIALS: Final = _Kind(secret_words.CREDENTIALS, secret_words.WRITTEN_TOGETHER, secret_words.RUN_TOGETHER)
_PERSONAL: Final = _Kind(secret_words.PERSONAL, secret_words.PERSONAL_TOGETHER)
_KINDS: Final = ((CREDENTIAL, _CREDENTIALS), (PERSONAL, _PERSONAL))
PHRASE_ENDS: Final = frozenset(
    phrase[-1] for _, named in _KINDS for phrases in named.phrases.values() for phrase in phrases
)
"""The last words of the phrases that name secrets."""
_own: set[tuple[str, ...]] = set()
_hidden_kinds: set[str] = {CREDENTIAL, PERSONAL}


def take_names(names: Iterable[str]) -> None:
    """Replace the names of the user's secrets; each counts in every spelling."""
    _own.clear()
    _own.update(tuple(words_of(name)) for name in names)
    forget()


def hide_kinds(kinds: Iterable[str]) -> None:
    """Set the kinds of secrets that are hidden."""
    _hidden_kinds.clear()
    _hidden_kinds.update(kinds)
    forget()


def forget() -> None:
    """Clear the cached roles of names."""
    for judged in (_role_of, may_end_a_phrase, ends_a_phrase):
        judged.cache_clear()


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: the same three of `userAPIKey`, `user-api-key` and `USER.API_KEY`."""
    return [word.lower() for word in _WORD.findall(fold(name))]


def names_a_secret(name: str) -> bool:
    """Return whether a name is that of a secret by its words: `auth_token` is, `author` and `tokenizer` are not."""
    return role_of(name) in _SECRET_ROLES


@lru_cache(maxsize=4096)
def may_end_a_phrase(name: str) -> bool:
    """Return whether a name is the last word of one of the phrases: `key` is."""
    words = words_of(name)
    return bool(words) and (bool(_own) or words[-1] in PHRASE_ENDS)


@lru_cache(maxsize=4096)
def ends_a_phrase(written: str) -> bool:
    """Return whether the last words of a text are those of a secret: `my api key`, `le mot de passe`."""
    words = words_of(written)
    kinds = [named for kind, named in _KINDS if kind in _hidden_kinds]
    if any(words[-len(own) :] == list(own) for own in _own):
        return True
    return any(end == len(words) for named in kinds for end in named.ends(words))


def role_of(name: str) -> str:
    """Return the role of a field of this name."""
    return _role_of(name[-NAME_LENGTH:].rstrip(_DIGIT))  # `step_1` … `step_9999` share one cache entry


_OWN: Final = "own"
_SECRET_ROLES: Final = frozenset({CREDENTIAL, PERSONAL, _OWN})


@lru_cache(maxsize=4096)
def _role_of(name: str) -> str:
    words = words_of(name)
    if _own and _is_own(words):
        return _OWN
    if not _only_describes(words):
        for kind, named in _KINDS:
            if kind in _hidden_kinds and (_is_alone(words, kind) or named.names(words)):
                return kind
    return number_under(words) if name.isascii() else _role_of_script(name, words)


def _role_of_script(name: str, words: list[str]) -> str:
    """Return the role by the ASCII words of a name with letters of another script: `üapi_key`."""
    ascii_words = [word.lower() for word in _ASCII_WORD.findall(name)]
    return _role_of(" ".join(ascii_words)) if ascii_words else number_under(words)


def _is_alone(words: list[str], kind: str) -> bool:
    return kind == CREDENTIAL and len(words) == 1 and words[0] in secret_words.ALONE


def _only_describes(words: list[str]) -> bool:
    """Return whether a name describes a property of a secret: `token_type`, `has_password`, `oauth_client_id`."""
    if len(words) < 2:
        return False
    if words[-1] in secret_words.DESCRIBES or words[0] in secret_words.ASKS:
        return True
    if words[-2:] == ["session", "number"]:
        return True
    return (words[-1] == "id" and words[-2] in secret_words.OWNERS) or (
        words[-1] in ("url", "uri") and words[-2] in secret_words.SERVED
    )


def number_under(words: list[str]) -> str:
    """Return the role of a number under a name, by the last word that has one."""
    for word in reversed(words):
        if word in secret_words.ADDRESSES:
            return ADDRESS
        if word in secret_words.IDENTIFIERS:
            return IDENTIFIER
        if word in secret_words.SOCIAL:
            return SOCIAL
        if word in secret_words.CARDS:
            return CARD
    return ORDINARY


def _is_own(words: list[str]) -> bool:
    """Return whether these words contain a name of the user, as separate words or joined."""
    return any(
        "".join(own) in words or any(tuple(words[at : at + len(own)]) == own for at in range(len(words)))
        for own in _own
    )


@lru_cache(maxsize=4096)
def is_quantity(name: str) -> bool:
    """Return whether a name like that of a secret is a quantity: `tokens_per_s`, `session_count`, `password_length`."""
    words = words_of(name)
    if not secret_words.QUANTITIES.isdisjoint(words) or words == ["pass"]:
        return True
    return bool(words) and words[-1].endswith(("tokens", "sessions"))


def hides(name: str, value: Any) -> bool:
    """Return whether the value of a field must be hidden whole; None, booleans and counts are no secrets."""
    if value is None or value is True or value is False or not names_a_secret(name):
        return False
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value).decode("utf-8", "replace")
    if isinstance(value, str):
        return not is_no_secret(value) and not (is_quantity(name) and _NUMERAL.fullmatch(value))
    if isinstance(value, (int, float)):
        return value == value and not is_quantity(name)  # NaN is a missing number
    return not is_no_secret(value) and not _are_numbers_of_tokens(name, value)


def _are_numbers_of_tokens(name: str, value: Any) -> bool:
    """Return whether a value is the tokens of a language model: `token_ids=[101, 7592]`."""
    return (
        isinstance(value, (list, tuple))
        and name.lower().endswith(("tokens", "token_ids", "tokenids"))
        and all(type(item) is int for item in value)
    )


def names_its_value(fields: Any) -> bool:
    """Return whether one field of a mapping names the secret in another: `{"argument": "token", "value": …}`."""
    for label in LABELS:
        name = fields.get(label)
        if name is not None and names_a_secret(name if type(name) is str else _text_of(name)):
            return True
    return False


def columns_of(fields: Any) -> tuple[str, list[Any]]:
    """Return the field with the rows of a table in parts, and the names of its columns; empty if it is no table."""
    columns = next((fields[name] for name in _COLUMNS if isinstance(fields.get(name), (list, tuple))), ())
    rows = next((name for name in _ROWS if isinstance(fields.get(name), (list, tuple))), "")
    return rows, list(columns) if rows else []


def is_option(item: Any) -> bool:
    """Return whether the next item of a command line is a secret: after `--password`, but not after `--password=…`."""
    return type(item) is str and item[:1] == "-" and len(item) < 100 and "=" not in item and names_a_secret(item)


def is_word(item: Any) -> bool:
    """Return whether an item may be one of two words of a list, which then are no name and value."""
    return isinstance(item, str) and item.replace("_", "").isalpha() and item == item.lower()


def _text_of(name: Any) -> str:
    """Return the start of the text of a name that is no string, such as the label of a column that is a tuple.

    A container is no name, so that its normalized form is none either.
    """
    try:
        if isinstance(name, (list, tuple)):
            return ".".join(_text_of(item) for item in name[:NAME_LENGTH] if not isinstance(item, (list, tuple)))
        if isinstance(name, (Mapping, Set)):
            return ""
        return (name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name))[:NAME_LENGTH]
    except STOPS:
        raise
    except BaseException:
        return ""
