"""Which names are those of a secret: told by their words, however these are joined and spelled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

_SECRETS: Final = """
    password passwords passwd passwds pwd pw passphrase passcode passkey passwort kennwort contrasena senha
    secret secrets token tokens apikey authorization auth oauth bearer cookie cookies credential credentials creds
    session sessions sessid csrf xsrf jwt ssn cvv cvc pin otp totp iban sas dsn
"""
_PAIRS: Final = """
    api_key private_key access_key secret_key account_key encryption_key signing_key master_key shared_key ssh_key
    license_key pass_key pass_word pass_phrase pass_code social_security card_number card_no credit_card cc_number
    cc_num connection_string connection_uri access_signature security_code security_answer recovery_code backup_code
    seed_phrase connect_sid
    db_pass user_pass admin_pass root_pass login_pass smtp_pass mail_pass ftp_pass http_pass proxy_pass sudo_pass
    mysql_pass postgres_pass pg_pass redis_pass mongo_pass ldap_pass
"""
_QUANTITIES: Final = """
    count total per rate ratio percent pct ms seconds minutes hours days age duration length size bytes expires expiry
    ttl max min avg mean limit used usage budget remaining hits misses
"""
_SECRET_WORDS: Final = frozenset(_SECRETS.split())
_SECRET_PAIRS: Final = frozenset(
    (first, form)
    for first, last in (pair.split("_") for pair in _PAIRS.split())
    for form in (last, f"{last}s")
)
_RUN_TOGETHER: Final = re.compile(
    rf"password(?!less)|passwd|passphrase|passcode|passwort|kennwort|credential|sessionid|sessid|sessionkey"
    rf"|(?:{'|'.join(pair.replace('_', '') for pair in _PAIRS.split())})"
    r"|(?:secret|token|cookie)s?$|(?:pwd|jwt|csrf|xsrf|oauth)$|^(?:pwd|jwt|csrf|xsrf)"
)
"""Where words are written as one: `dbpassword`, `accesstoken`, `PHPSESSID`."""
_QUANTITY_WORDS: Final = frozenset(_QUANTITIES.split())
_DIGIT: Final = "0123456789"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
_NUMERAL: Final = re.compile(r"[+-]?[0-9]{1,20}(?:[.,][0-9]{1,20})?")
_NO_SECRETS: Final = frozenset({"", "none", "null", "nil", "true", "false", "nan", "undefined"})
_LABELS: Final = ("name", "key", "argument", "parameter", "option", "variable", "setting", "field", "header")
VALUES: Final = ("value", "values")
"""Fields that hold what another field, one of `_LABELS`, names."""

_own: set[tuple[str, ...]] = set()


def take_names(names: Iterable[str]) -> None:
    """Have these names, in any spelling, be secrets as well, and no others than these."""
    _own.clear()
    _own.update(tuple(words_of(name)) for name in names)
    is_secret.cache_clear()


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: of `userAPIKey`, `user-api-key` and `USER.API_KEY` the same three."""
    return [word.lower() for word in _WORD.findall(name)]


def names_a_secret(name: str) -> bool:
    """Whether a field of this name holds a secret, by its words: `author` and `tokenizer` stay, `auth_token` goes."""
    return is_secret(name.rstrip(_DIGIT))  # so that `step_1` … `step_9999` are looked at once


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """`names_a_secret` of a name without digits behind it, remembered."""
    words = words_of(name)
    if words == ["pass"] or not _SECRET_WORDS.isdisjoint(words):
        return True
    if any((first, second) in _SECRET_PAIRS for first, second in pairwise(words)):
        return True
    return any(map(_RUN_TOGETHER.search, words)) or bool(_own and _is_own(words))


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
    if not _QUANTITY_WORDS.isdisjoint(words) or words == ["pass"]:
        return True
    return bool(words) and words[-1].endswith(("tokens", "sessions"))


def hides(name: str, value: Any) -> bool:
    """Whether the value of the field `name` may not be kept at all: that there is none is no secret, nor a count."""
    if value is None or value is True or value is False or not names_a_secret(name):
        return False
    if isinstance(value, str):
        return value.lower() not in _NO_SECRETS and not (_NUMERAL.fullmatch(value) and is_quantity(name))
    return not (isinstance(value, (int, float)) and is_quantity(name))


def names_its_value(fields: Any) -> bool:
    """Whether a mapping names a secret in one field and holds it in another: `{"argument": "token", "value": …}`."""
    for label in _LABELS:
        name = fields.get(label)
        if type(name) is str and names_a_secret(name[-200:]):
            return True
    return False


def is_option(item: Any) -> bool:
    """Whether the item of a command line after this one is a secret: `--password`, but not `--password=…`."""
    return (
        type(item) is str and item[:1] == "-" and len(item) < 100 and "=" not in item and names_a_secret(item)
    )
