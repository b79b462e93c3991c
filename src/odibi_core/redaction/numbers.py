"""Numbers of cards, accounts and social security, found by issuer, length, checksum and the words before them.

Many numbers have a valid checksum by chance, so that a card number also needs its usual groups, or a name.
"""

from __future__ import annotations

import re
from typing import Any, Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import CARD, IDENTIFIER, ORDINARY, SOCIAL, number_under, words_of
from odibi_core.redaction.shapes import without_spans

_UUID: Final = r"(?P<uuid>(?<![0-9A-Za-z])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z]))"
"""Goes before numbers: it is none, whatever its digits add up to."""
_GROUPED: Final = lazy_pattern(
    r"(?<![0-9A-Za-z_])(?<![0-9A-Fa-f]-)(?=(?P<card>"
    r"[0-9]{4}(?P<sign>[ \u00a0.-])[0-9]{4}(?P=sign)[0-9]{4}(?P=sign)[0-9]{4}(?:(?P=sign)[0-9]{3})?"
    r"|[0-9]{4}(?P<wide>[ \u00a0.-])[0-9]{6}(?P=wide)[0-9]{4,5})(?![0-9A-Za-z]))"
)
"""Looked for at the beginning of every group: the one before may belong to something else."""
_RUN: Final = lazy_pattern(
    rf"{_UUID}|(?<![\w.-])(?<![0-9][ \u00a0])[0-9](?:[ \u00a0-]?[0-9]){{11,18}}(?![\w])(?!\.[0-9])"
)
_SOCIAL_SECURITY: Final = lazy_pattern(
    r"(?<![\w-])(?!000|666|9)[0-9]{3}(?P<sign>[ \u00a0-]?)(?!00)[0-9]{2}(?P=sign)(?!0000)[0-9]{4}(?![\w-])"
)
_BEFORE: Final = 48
_BEHIND: Final = 16
_CLAUSE: Final = lazy_pattern(r"[\r\n;|]|[.!?]\s")
_WORDS_BEFORE: Final = 5
_DIGITS: Final = lazy_pattern(r"[0-9]+")
_ISSUERS: Final = lazy_pattern(
    r"4[0-9]{15}|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|62[0-9]{14,17}|220[0-4][0-9]{12}"
)
"""Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay, Mir."""
_ISSUERS_IF_NAMED: Final = lazy_pattern(
    r"4[0-9]{12}(?:[0-9]{6})?|(?:50|5[6-9]|6[0-9])[0-9]{10,17}|(?:81|82)[0-9]{14}|9792[0-9]{12}"
)
"""So many numbers look like these that they count only under a name."""
_DOUBLED: Final = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_VALUE_OF: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_IBAN: Final = lazy_pattern(rf"{_UUID}|(?<![A-Za-z0-9])(?P<country>[A-Za-z]{{2}})[0-9]{{2}}(?=[ -]?[A-Za-z0-9])")
_IBAN_REST: Final = lazy_pattern(r"(?:[ -]?[A-Za-z0-9]){0,30}")
_LENGTHS: Final = """
    15 NO, 16 BE, 18 DK FI FK FO GL NL SD, 19 MK SI, 20 AT BA EE KZ LT LU MN XK, 21 CH HR LI LV,
    22 BG BH CR DE GB GE IE ME RS VA, 23 AE GI IL IQ OM SO TL, 24 AD CZ ES MD PK RO SA SE SK TN VG, 25 LY PT ST,
    26 IS TR, 27 BI DJ FR GR IT MC MR SM, 28 AL AZ BY CY DO GT HU LB NI PL SV, 29 BR EG PS QA UA, 30 JO KW MU YE,
    31 MT SC, 32 LC, 33 RU
"""
"""ISO 13616: how long the account numbers of each country are."""
_LENGTH_OF: Final = {
    country: int(length) for length, *countries in map(str.split, _LENGTHS.split(",")) for country in countries
}


def without_accounts(content: str) -> str:
    """Return the text without IBANs, found by country, length and checksum, in groups or not."""
    spans = []
    done = 0
    for start in _IBAN.finditer(content):
        end = _end_of_iban(content, start) if start.start() >= done else 0
        if end:
            spans.append((start.start(), end))
            done = end
    return without_spans(content, spans)


def _end_of_iban(content: str, start: re.Match[str]) -> int:
    """Return the end of the IBAN that starts here; 0 if there is none."""
    length = _LENGTH_OF.get((start["country"] or "").upper())
    rest = _IBAN_REST.match(content, start.end())
    if length is None or rest is None:
        return 0
    compact, end = start[0], start.end()
    for sign in rest[0]:
        if len(compact) == length:
            break
        end += 1
        compact += sign if sign.isalnum() else ""
    if len(compact) != length or content[end : end + 1].isalnum():
        return 0
    # The four first characters moved behind, letters as two digits, the rest modulo 97 is one.
    moved = compact[4:] + compact[:4]
    return end if int("".join(str(int(c, 36)) for c in moved)) % 97 == 1 else 0


def without_numbers(content: str, role: str = ORDINARY) -> str:
    """Return the text without card and social-security numbers; `role` is that of the field."""
    spans = [
        *_spans(content, role, _GROUPED, "card"),
        *_spans(content, role, _RUN, 0),
        *_spans(content, role, _SOCIAL_SECURITY, 0),
    ]
    return without_spans(content, sorted(spans)) if spans else content


def _spans(content: str, role: str, shape: re.Pattern[str], group: str | int) -> list[tuple[int, int]]:
    """Return the start and the end of each number of a shape to hide."""
    return [
        (match.start(), match.start() + len(match[group]))
        for match in shape.finditer(content)
        if _goes(content, role, shape, match, str(match[group]))
    ]


def _goes(content: str, role: str, shape: re.Pattern[str], match: re.Match[str], written: str) -> bool:
    if shape is _SOCIAL_SECURITY:
        return _role_at(content, role, match.start(), written) == SOCIAL
    if shape is _RUN and match["uuid"]:
        return False
    digits = "".join(_DIGITS.findall(written))
    if not adds_up(digits):
        return False
    found = _role_at(content, role, match.start(), written)
    if found == IDENTIFIER:
        return False
    is_named = shape is _GROUPED or found == CARD or _is_named_after(content, match.end())
    return bool(is_named and _ISSUERS.fullmatch(digits)) or bool(found == CARD and _ISSUERS_IF_NAMED.fullmatch(digits))


def _role_at(content: str, role: str, start: int, written: str) -> str:
    """Return the role of a number by the nearest word before it, otherwise by the name of its field."""
    before = _CLAUSE.split(content[max(0, start - _BEFORE) : start])[-1]
    found = number_under(words_of(before)[-_WORDS_BEFORE:])
    if found in (CARD, IDENTIFIER, SOCIAL):
        return found
    if role == IDENTIFIER and content.strip() != written:
        return ORDINARY
    return role


def _is_named_after(content: str, end: int) -> bool:
    """Return whether the words after a number name a card."""
    return number_under(words_of(content[end : end + _BEHIND])[:2]) == CARD


def is_card_number(value: Any, role: str) -> bool:
    """Return whether a number in a field of this role is a card number."""
    if role != CARD or value != value or not 10**11 <= abs(value) < 10**19 or value != int(value):
        return False
    digits = str(abs(int(value)))
    return adds_up(digits) and bool(_ISSUERS.fullmatch(digits) or _ISSUERS_IF_NAMED.fullmatch(digits))


def adds_up(digits: str) -> bool:
    """Return whether the checksum of ISO/IEC 7812-1, annex B, is right: the Luhn sum is a multiple of ten."""
    values = digits.encode().translate(_VALUE_OF)
    return (sum(values[::-2]) + sum(values[-2::-2].translate(_DOUBLED))) % 10 == 0
