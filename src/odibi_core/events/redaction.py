"""Secrets and personal data are taken out here, by the name of a field and by the shape of a value.

Every pattern runs in linear time: it either starts only where a run of its characters starts,
or is bounded in length, so that no crafted text can hold up the program that is observed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from odibi_core.events.normalise import unique

HIDDEN: Final = "[REDACTED]"

_SECRETS: Final = """
    password passwords passwd pwd passphrase passcode secret secrets token tokens apikey authorization auth bearer
    cookie cookies credential credentials session sessions csrf xsrf jwt ssn cvv cvc pin iban sas dsn
"""
_PAIRS: Final = """
    api_key private_key access_key secret_key account_key encryption_key signing_key pass_word pass_phrase
    social_security card_number credit_card connection_string
"""
_QUANTITIES: Final = """
    count total per rate ms seconds duration length size expires expiry ttl max min limit used
"""
_SECRET_WORDS: Final = frozenset(_SECRETS.split())
_SECRET_PAIRS: Final = frozenset(tuple(pair.split("_")) for pair in _PAIRS.split())
_SECRET_ENDINGS: Final = ("password", "passwd", "apikey", "secret", "token")
"""Also where words are written as one: `dbpassword`, `accesstoken`."""
_QUANTITY_WORDS: Final = frozenset(_QUANTITIES.split())
_DIGIT: Final = "0123456789"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret, by its words: `author` and `tokenizer` stay, `auth_token` goes."""
    return _has_secret_word(name.rstrip(_DIGIT))  # so that `step_1` … `step_9999` are looked at once


@lru_cache(maxsize=4096)
def _has_secret_word(name: str) -> bool:
    words = _words(name)
    if any(word.endswith(_SECRET_ENDINGS) for word in words):
        return True
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairwise(words))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


@lru_cache(maxsize=4096)
def is_quantity_name(name: str) -> bool:
    """Whether a secret-sounding name counts something: `tokens_per_s`, `session_count`, `password_length`."""
    words = _words(name)
    return not _QUANTITY_WORDS.isdisjoint(words) or words[-1:] in (["tokens"], ["sessions"])


def hidden(name: str, value: Any) -> bool:
    """Whether the value of the field `name` may not be kept at all."""
    if not is_secret_name(name) or value is None or value is True or value is False:
        return False
    return not (isinstance(value, (int, float)) and is_quantity_name(name))


def redact(value: Any) -> Any:
    """A plain value without secrets; dicts and lists are made anew where something in them had to go."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        clean: dict[str, Any] = {}
        for name, item in value.items():
            label = unique(redact_text(name), clean)
            clean[label] = HIDDEN if hidden(name, item) else redact(item)
        return clean
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, int) and abs(value) >= SMALLEST_CARD and _card_number(str(value)) != str(value):
        return f"{HIDDEN}"
    return value


SMALLEST_CARD: Final = 10**12
"""No smaller number is a card's."""

_SUSPICIOUS: Final = re.compile(
    r"@|-----BEGIN|://|eyJ|AKIA|ASIA|AIza|gh[pousr]_|github_pat_|xox|sk_|rk_|hooks\.slack"
    r"|\d[ -]?\d{2,4}[ -]?\d{3}|[A-Z]{2}\d{2}"
    r"|(?i:pass|pwd|secret|token|key|auth|bearer|basic|cookie|session|csrf|jwt|ssn)"
)
_USER_INFO: Final = re.compile(r"://([^\s\"'<>]+)")
_EMAIL: Final = re.compile(r"(?<![\w.%+-])[\w.%+-]++@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_SHAPES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|(?<![A-Za-z0-9])AIza[\w-]{35}"
    r"|(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,255}"
    r"|(?<![A-Za-z0-9])github_pat_\w{20,255}"
    r"|(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{8,255}"
    r"|(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}"
    r"|(?<![\w-])eyJ[\w-]{5,8192}+\.[\w-]{5,8192}+(?:\.[\w-]{0,8192}+)?"
    r"|hooks\.slack\.com/services/[\w/]{5,255}"
)
_NAMED: Final = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)|pwd|secret|token|api[ _-]?key|access[ _-]?key|private[ _-]?key|authorization"
    r"|cookie|session[ _-]?id|csrf|jwt|ssn)[\w-]{0,32}+[\"']?\s{0,4}+(?:=|:|=>)\s{0,4}+)"
    r"((?:bearer|basic|token)\s{1,4}+)?"
    r"(\"[^\"]{0,4096}+\"?|'[^']{0,4096}+'?|[^\s,;&\"'<>)}\]]{1,4096}+)"
)
_BEARER: Final = re.compile(r"(?i)(?<![A-Za-z0-9_])(bearer|basic)\s{1,4}+[\w.~+/=-]{8,4096}+")
_DIGITS: Final = re.compile(
    r"(?P<uuid>(?<![0-9A-Za-z])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z]))"
    r"|(?<!\d)(?<!\d[ -])(?<![\d.]\.)\d(?:[ -]?\d){11,23}"
)
"""What may be a card's number; a UUID goes first, since it is none, whatever its digits add up to."""
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_CARD_PREFIXES: Final = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|62\d{14,17}|(?:50|5[6-9]|6\d)\d{10,17})"
)


def redact_text(content: str) -> str:
    """A text without the secrets that it spells out; most texts come back as they are, after one look."""
    if not _SUSPICIOUS.search(content):
        return content
    if "-----BEGIN" in content:
        content = _without_pem(content)
    if "://" in content:
        content = _USER_INFO.sub(_without_user_info, content)
    content = _SHAPES.sub(HIDDEN, content)
    content = _BEARER.sub(rf"\1 {HIDDEN}", content)
    content = _NAMED.sub(rf"\1\2{HIDDEN}", content)
    content = _IBAN.sub(_without_iban, content)
    content = _DIGITS.sub(lambda match: match["uuid"] or _card_number(match[0]), content)
    return _EMAIL.sub(HIDDEN, content) if "@" in content else content


def _without_pem(content: str) -> str:
    """Without private-key blocks; one that never ends takes the rest of the text with it."""
    parts = content.split("-----BEGIN")
    kept = [parts[0]]
    for block in parts[1:]:
        label, _, _ = block.partition("-----")
        end = block.find("-----END")
        tail = block[end + 8 :].partition("-----")[2] if end >= 0 else ""
        kept.append(HIDDEN + tail if "PRIVATE" in label[:64] or end < 0 else f"-----BEGIN{block}")
    return "".join(kept)


def _without_user_info(match: re.Match[str]) -> str:
    """`://user:password@host/…` as `://[REDACTED]@host/…`; a password may itself hold `/` or `@`."""
    rest = match[1]
    authority = rest.partition("/")[0]
    if "@" in authority:
        return f"://{HIDDEN}@{rest[authority.rindex('@') + 1 :]}"
    port = authority.partition(":")[2]
    if port and not port.isdigit() and "@" in rest:
        return f"://{HIDDEN}@{rest[rest.rindex('@') + 1 :]}"
    return match[0]


def _card_number(written: str) -> str:
    digits = written.replace(" ", "").replace("-", "")
    if _CARD_PREFIXES.fullmatch(digits) and _luhn(digits):
        return HIDDEN
    return written


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: doubling every second digit from the right, the sum is a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _without_iban(match: re.Match[str]) -> str:
    """ISO 13616: the four first characters moved behind, letters as two digits, the rest modulo 97 is one."""
    compact = match[0].replace(" ", "").replace("-", "")
    moved = compact[4:] + compact[:4]
    return HIDDEN if int("".join(str(int(c, 36)) for c in moved)) % 97 == 1 else match[0]
