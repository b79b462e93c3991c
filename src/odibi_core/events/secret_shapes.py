"""Which texts are secrets by their shape: tokens, keys, logins in URLs, numbers of cards and accounts, e-mail.

Every pattern is linear: it starts only where a run of its characters starts, takes what it takes possessively, and
has nothing behind an unbounded part that could fail. So no crafted text can hold up the program that is observed.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "[REDACTED]"

# What services put before their tokens, and what follows. The beginnings are also what a text is first searched for.
_TOKENS: Final[tuple[tuple[str, str], ...]] = (
    ("AKIA", r"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    ("ASIA", r"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    ("ghp_", r"[A-Za-z0-9]{20,}+"),
    ("gho_", r"[A-Za-z0-9]{20,}+"),
    ("ghu_", r"[A-Za-z0-9]{20,}+"),
    ("ghs_", r"[A-Za-z0-9]{20,}+"),
    ("ghr_", r"[A-Za-z0-9]{20,}+"),
    ("github_pat_", r"\w{20,}+"),
    ("glpat-", r"[\w-]{16,}+"),
    ("xox", r"[a-z]-[A-Za-z0-9-]{8,}+"),
    ("xapp-", r"[A-Za-z0-9-]{8,}+"),
    ("hooks.slack", r"\.com/(?:services|workflows|triggers)/[\w/-]{5,}+"),
    ("sk_live_", r"[A-Za-z0-9]{10,}+"),
    ("sk_test_", r"[A-Za-z0-9]{10,}+"),
    ("rk_live_", r"[A-Za-z0-9]{10,}+"),
    ("rk_test_", r"[A-Za-z0-9]{10,}+"),
    ("whsec_", r"[A-Za-z0-9+/=]{10,}+"),
    ("AIza", r"[\w-]{35,}+"),
    ("ya29.", r"[\w-]{20,}+"),
    ("GOCSPX-", r"[\w-]{20,}+"),
    ("sk-", r"[\w-]{20,}+"),
    ("hf_", r"[A-Za-z0-9]{30,}+"),
    ("npm_", r"[A-Za-z0-9]{30,}+"),
    ("pypi-", r"[\w-]{50,}+"),
    ("dapi", r"[0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])"),
    ("SG.", r"[\w-]{16,}+\.[\w-]{16,}+"),
    ("hvs.", r"[\w-]{20,}+"),
    ("eyJ", r"(?:[A-Za-z0-9]{5,}+|(?<![\w-]...)[\w-]{5,}+)\.[\w-]{5,}+(?:\.[\w-]*+){0,3}"),
)
TOKEN_BEGINNINGS: Final = tuple(beginning for beginning, _ in _TOKENS)
_TOKEN: Final = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(re.escape(beginning) + rest for beginning, rest in _TOKENS)})"
)
_AWS_ID: Final = re.compile(r"(?<![A-Za-z0-9])A[KS]IA[0-9A-Z]{16}(?![0-9A-Za-z])")
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
_SCHEME: Final = re.compile(r"[^\s\"'<>`]*+")
_SIGNATURE: Final = re.compile(
    r"(?i)([?&;](?:sig|signature|x-(?:amz|goog)-(?:signature|credential))=)[^\s&\"'<>]++"
)
_SCHEMED: Final = re.compile(
    r"(?i)(?<![A-Za-z0-9_])(bearer|basic)([ \t]++)(?![a-z]{0,19}(?![\w.~+/=-]))[\w.~+/=-]{8,}+"
)
_LOGIN: Final = re.compile(r"(?<![\w.%+-])[\w.%+-]++:[^\s@:/\\\"'<>(){}\[\],;]{1,256}+@(?=\w)")
_EMAIL: Final = re.compile(
    r"(?:(?<![\w.%+-])(?<!\w')[\w.%+-]++(?:'[\w.%+-]++)*+|\"[^\"\n@]{1,64}+\")@[^\W_](?:[\w.-]{0,252}[^\W_])?"
)
_UUID: Final = (
    r"(?P<uuid>(?<![0-9A-Za-z])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z]))"
)
"""Goes before numbers: it is none, whatever its digits add up to."""
_NUMBERS: Final = re.compile(
    rf"{_UUID}|(?<![0-9])(?<![0-9][ \u00a0-])(?<![0-9.]\.)[0-9](?:[ \u00a0-]?[0-9]){{8,}}+"
)
"""What may hold a card's number, or a social-security one."""
_GROUP: Final = re.compile(r"[0-9]+")
_SOCIAL_SECURITY: Final = re.compile(
    r"(?<![0-9-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9-])"
)
_BRANDS: Final = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35[0-9]{14}|62[0-9]{14,17}"
)
_MAESTRO: Final = re.compile(r"(?:50|5[6-9]|6[0-9])[0-9]{10,17}")
"""So many numbers look like these that they count only where they stand alone."""
_LONGEST_CARD: Final = 19
_DOUBLED: Final = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_VALUE_OF: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_IBAN: Final = re.compile(
    rf"{_UUID}|(?<![A-Za-z0-9])(?P<country>[A-Za-z]{{2}})[0-9]{{2}}(?=[ -]?[A-Za-z0-9])"
)
_IBAN_REST: Final = re.compile(r"(?:[ -]?[A-Za-z0-9]){0,30}")
_LENGTHS: Final = """
    15 NO, 16 BE, 18 DK FI FK FO GL NL SD, 19 MK SI, 20 AT BA EE KZ LT LU MN XK, 21 CH HR LI LV,
    22 BG BH CR DE GB GE IE ME RS VA, 23 AE GI IL IQ OM SO TL, 24 AD CZ ES MD PK RO SA SE SK TN VG, 25 LY PT ST,
    26 IS TR, 27 BI DJ FR GR IT MC MR SM, 28 AL AZ BY CY DO GT HU LB NI PL SV, 29 BR EG PS QA UA, 30 JO KW MU YE,
    31 MT SC, 32 LC, 33 RU
"""
"""ISO 13616: how long the account numbers of each country are."""
_LENGTH_OF: Final = {
    country: int(length)
    for length, *countries in map(str.split, _LENGTHS.split(","))
    for country in countries
}


def without_keys(content: str) -> str:
    """Without private-key blocks; one of which an end is missing takes the text on that side with it."""
    head, *blocks = content.split("-----BEGIN")
    kept = [_before_an_end(head)]
    for block in blocks:
        label = block.partition("-----")[0]
        end = block.find("-----END")
        if "PRIVATE" in label[:64] or end < 0:
            tail = block[end + 8 :].partition("-----")[2] if end >= 0 else ""
            kept.append(HIDDEN + _before_an_end(tail))
        else:
            kept.append(f"-----BEGIN{block}")
    return "".join(kept)


_KEY_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\\r\n"


def _before_an_end(content: str) -> str:
    """A text without the second halves of keys that it begins with: what stands before their `-----END`."""
    parts = content.split("-----END")
    for at, after in enumerate(parts[1:]):
        if "PRIVATE" in after.partition("-----")[0][:64]:
            parts[at] = parts[at].rstrip(_KEY_LETTERS) + HIDDEN
    return "-----END".join(parts)


def without_logins(content: str) -> str:
    """`://user:password@host/…` as `://[REDACTED]@host/…`, for every URL of a text, and signatures in their queries."""
    for separator in ("://", ":\\/\\/"):
        if separator in content:
            first, *rests = content.split(separator)
            content = separator.join([first, *map(_without_login, rests)])
    return _SIGNATURE.sub(rf"\1{HIDDEN}", content)


def _without_login(rest: str) -> str:
    """What stands behind a `://`; a password may itself hold `/` or `@`."""
    end = _SCHEME.match(rest)
    url = end[0] if end else ""
    authority = url.partition("/")[0]
    port = authority.partition(":")[2]
    if "@" in authority:
        return f"{HIDDEN}{rest[authority.rindex('@') :]}"
    if port and not port.isdigit() and "@" in url:
        return f"{HIDDEN}{rest[url.rindex('@') :]}"
    return rest


def without_tokens(content: str) -> str:
    """Without the tokens of services; beside an AWS key's id, also without the secret that goes with it."""
    if _AWS_ID.search(content):
        content = _AWS_SECRET.sub(HIDDEN, content)
    return _TOKEN.sub(HIDDEN, content)


def without_schemes(content: str) -> str:
    """Without what follows `Bearer` and `Basic`, unless it is a plain word."""
    return _SCHEMED.sub(rf"\1\2{HIDDEN}", content)


def without_addresses(content: str) -> str:
    """Without e-mail addresses, and `user:password` before a host."""
    return _EMAIL.sub(HIDDEN, _LOGIN.sub(f"{HIDDEN}@", content))


def without_accounts(content: str) -> str:
    """Without IBANs: known by country, length and checksum, in groups or not."""
    parts: list[str] = []
    done = 0
    for start in _IBAN.finditer(content):
        end = _end_of_iban(content, start) if start.start() >= done else 0
        if end:
            parts += content[done : start.start()], HIDDEN
            done = end
    return "".join([*parts, content[done:]])


def _end_of_iban(content: str, start: re.Match[str]) -> int:
    """Where the IBAN that begins here ends; 0 when it is none."""
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
    # The four first characters moved behind, letters as two digits, the rest modulo 97 is one.
    moved = compact[4:] + compact[:4]
    return end if len(compact) == length and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1 else 0


def without_numbers(content: str) -> str:
    """Without card and social-security numbers."""
    return _NUMBERS.sub(_without_number, content)


def _without_number(match: re.Match[str]) -> str:
    """A run of digits, in groups, without the groups that together are a card's number."""
    written = match[0]
    if match["uuid"]:
        return written
    written = _SOCIAL_SECURITY.sub(HIDDEN, written)
    if is_card("".join(_GROUP.findall(written))):
        return HIDDEN
    groups = [each.span() for each in _GROUP.finditer(written) if each.end() - each.start() > 1]
    parts: list[str] = []
    done = 0
    for first in range(len(groups)):
        end = _end_of_card(written, groups, first) if groups[first][0] >= done else 0
        if end:
            parts += written[done : groups[first][0]], HIDDEN
            done = end
    return "".join([*parts, written[done:]])


def _end_of_card(written: str, groups: list[tuple[int, int]], first: int) -> int:
    """Where the card's number that begins with this group ends; 0 when none does."""
    digits = ""
    for start, end in groups[first : first + _LONGEST_CARD // 2]:
        digits += written[start:end]
        if len(digits) > _LONGEST_CARD:
            break
        if len(digits) > 12 and is_branded_card(digits):
            return end
    return 0


def is_card(digits: str) -> bool:
    """Whether these digits, and no others with them, are a card's number."""
    return is_branded_card(digits) or bool(_MAESTRO.fullmatch(digits) and _adds_up(digits))


def is_branded_card(digits: str) -> bool:
    """Whether they are one of a brand whose numbers are rare enough that they are told anywhere."""
    return _BRANDS.fullmatch(digits) is not None and _adds_up(digits)


def _adds_up(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: doubling every second digit from the right, the sum is a multiple of ten."""
    values = digits.encode().translate(_VALUE_OF)
    return (sum(values[::-2]) + sum(values[-2::-2].translate(_DOUBLED))) % 10 == 0
