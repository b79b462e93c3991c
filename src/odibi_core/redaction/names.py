"""What a name says of its value: told by its words, however these are joined and spelled, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.redaction import words as secret_words
from odibi_core.redaction.disguises import fold
from odibi_core.redaction.literals import says_no_secret

CREDENTIAL: Final = "credential"
PERSONAL: Final = "personal"
CARD: Final = "card"
SOCIAL: Final = "social"
ADDRESS: Final = "address"
IDENTIFIER: Final = "identifier"
ORDINARY: Final = ""
"""What a name may be of. Of the first two, the value is hidden; of the next three, it is looked at more closely; of
an identifier, a number is no card's."""

_Phrases = dict[str, list[tuple[str, ...]]]
_DIGIT: Final = "0123456789"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
_ASCII_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMERAL: Final = re.compile(r"[+-]?[0-9][0-9.,:/_ ]{0,30}[ ]?(?:%|[A-Za-z]{1,7})?")
_NAME_LOOKED_AT: Final = 200
_LABELS: Final = (
    "name", "key", "argument", "parameter", "option", "variable", "setting", "field", "header", "property", "param",
    "attribute",
)  # fmt: skip
VALUES: Final = ("value", "values")
"""Fields that hold what another field, one of `_LABELS`, names."""
_COLUMNS: Final = ("columns", "header", "fields", "names")
_ROWS: Final = ("data", "rows", "records")
"""A table in parts: the names of its columns, and beside them the rows that stand in their order."""


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
        self.run = re.compile("|".join([*run_together.split(), _together(self.phrases)]))

    def names(self, words: list[str]) -> bool:
        """Whether these words name a secret of the kind."""
        if not self.words.isdisjoint(words) or any(self.ends(words)):
            return True
        if any(map(self.run.search, words)):
            return True
        return not "".join(words).isascii() and any(part in "".join(words) for part in self.together)

    def ends(self, words: list[str]) -> Iterator[int]:
        """Where the phrases end that stand in these words."""
        for at, word in enumerate(words):
            for phrase in self.phrases.get(word, ()):
                if tuple(words[at : at + len(phrase)]) == phrase:
                    yield at + len(phrase)


_CREDENTIALS: Final = _Kind(
    secret_words.CREDENTIALS, secret_words.WRITTEN_TOGETHER, secret_words.RUN_TOGETHER
)
_PERSONAL: Final = _Kind(secret_words.PERSONAL, secret_words.PERSONAL_TOGETHER)
_KINDS: Final = ((CREDENTIAL, _CREDENTIALS), (PERSONAL, _PERSONAL))
PHRASE_ENDS: Final = frozenset(
    phrase[-1] for _, named in _KINDS for phrases in named.phrases.values() for phrase in phrases
)
"""Words with which a phrase ends that is the name of a secret."""
_own: set[tuple[str, ...]] = set()
_hidden_kinds: set[str] = {CREDENTIAL, PERSONAL}


def take_names(names: Iterable[str]) -> None:
    """Have these names, in any spelling, be secrets as well, and no others than these."""
    _own.clear()
    _own.update(tuple(words_of(name)) for name in names)
    forget()


def hide_kinds(kinds: Iterable[str]) -> None:
    """Have the values be hidden that are of these kinds, and of no others."""
    _hidden_kinds.clear()
    _hidden_kinds.update(kinds)
    forget()


def forget() -> None:
    """Judge every name anew."""
    for judged in (_role_of, may_end_a_phrase, ends_a_phrase):
        judged.cache_clear()


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: of `userAPIKey`, `user-api-key` and `USER.API_KEY` the same three."""
    return [word.lower() for word in _WORD.findall(fold(name))]


def names_a_secret(name: str) -> bool:
    """Whether a field of this name holds a secret, by its words: `author` and `tokenizer` stay, `auth_token` goes."""
    return role_of(name) in _SECRET_ROLES


@lru_cache(maxsize=4096)
def may_end_a_phrase(name: str) -> bool:
    """Whether a name is the last word of one of the phrases: `key` is."""
    words = words_of(name)
    return bool(words) and (bool(_own) or words[-1] in PHRASE_ENDS)


@lru_cache(maxsize=4096)
def ends_a_phrase(written: str) -> bool:
    """Whether the last words of a text are those of a secret: `my api key`, `le mot de passe`."""
    words = words_of(written)
    kinds = [named for kind, named in _KINDS if kind in _hidden_kinds]
    if any(words[-len(own) :] == list(own) for own in _own):
        return True
    return any(end == len(words) for named in kinds for end in named.ends(words))


def role_of(name: str) -> str:
    """What a field of this name holds."""
    return _role_of(
        name[-_NAME_LOOKED_AT:].rstrip(_DIGIT)
    )  # so that `step_1` … `step_9999` are looked at once


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
    """The role by its words in ASCII, where a letter of another script stands beside one: `üapi_key`."""
    ascii_words = [word.lower() for word in _ASCII_WORD.findall(name)]
    return _role_of(" ".join(ascii_words)) if ascii_words else number_under(words)


def _is_alone(words: list[str], kind: str) -> bool:
    return kind == CREDENTIAL and len(words) == 1 and words[0] in secret_words.ALONE


def _only_describes(words: list[str]) -> bool:
    """Whether the name is of something about a secret: `token_type`, `has_password`, `oauth_client_id`."""
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
    """What a number under the name is, by the last word that says so."""
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
    """Whether a name that the user gave stands in these words, in a row or written as one."""
    return any(
        "".join(own) in words or any(tuple(words[at : at + len(own)]) == own for at in range(len(words)))
        for own in _own
    )


@lru_cache(maxsize=4096)
def is_quantity(name: str) -> bool:
    """Whether a secret-sounding name counts something: `tokens_per_s`, `session_count`, `password_length`."""
    words = words_of(name)
    if not secret_words.QUANTITIES.isdisjoint(words) or words == ["pass"]:
        return True
    return bool(words) and words[-1].endswith(("tokens", "sessions"))


def hides(name: str, value: Any) -> bool:
    """Whether the value of the field `name` may not be kept at all: that there is none is no secret, nor a count."""
    if value is None or value is True or value is False or not names_a_secret(name):
        return False
    if isinstance(value, str):
        return not says_no_secret(value) and not (is_quantity(name) and _NUMERAL.fullmatch(value))
    if isinstance(value, (int, float)):
        return not is_quantity(name)
    return not says_no_secret(value) and not _are_numbers_of_tokens(name, value)


def _are_numbers_of_tokens(name: str, value: Any) -> bool:
    """Whether it is what a language model makes of a text: `token_ids=[101, 7592]`."""
    return (
        isinstance(value, (list, tuple))
        and name.lower().endswith(("tokens", "token_ids", "tokenids"))
        and all(type(item) is int for item in value)
    )


def names_its_value(fields: Any) -> bool:
    """Whether a mapping names a secret in one field and holds it in another: `{"argument": "token", "value": …}`."""
    for label in _LABELS:
        name = fields.get(label)
        if name is not None and names_a_secret(
            name if type(name) is str else _text_of(name)
        ):
            return True
    return False


def columns_of(fields: Any) -> tuple[str, list[Any]]:
    """Of a table in parts: the field that holds its rows, and the names of its columns; none if it is none."""
    columns = next((fields[name] for name in _COLUMNS if isinstance(fields.get(name), (list, tuple))), ())
    rows = next((name for name in _ROWS if isinstance(fields.get(name), (list, tuple))), "")
    return rows, list(columns) if rows else []


def is_option(item: Any) -> bool:
    """Whether the item of a command line after this one is a secret: `--password`, but not `--password=…`."""
    return (
        type(item) is str and item[:1] == "-" and len(item) < 100 and "=" not in item and names_a_secret(item)
    )


def _text_of(name: Any) -> str:
    """Return the beginning of the text of a name that is none, such as a column's label that is a tuple."""
    try:
        return (name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name))[:_NAME_LOOKED_AT]
    except STOPS:
        raise
    except BaseException:
        return ""
