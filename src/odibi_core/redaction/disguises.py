"""Other spellings of the same text: URL-encoded, escaped, full-width, with invisible characters, with accents.

Each character is folded by itself, which takes linear time; normalizing a whole text may take quadratic time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern

_ACCENTS: Final = lazy_pattern("[\u0300-\u036f]")
_LETTERS: Final = {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"}
"""Letters that Unicode does not take apart."""
_VOICE: Final = lazy_pattern("[\u3046-\u30fd][\u3099\u309a]")
_ENCODED: Final = lazy_pattern(
    r"(?P<bytes>%[89A-Fa-f][0-9A-Fa-f](?:%[89AaBb][0-9A-Fa-f]){1,3})"
    r"|(?:%|\\{1,8}x)(?P<ascii>2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])"
    r"|\\{1,8}u(?P<code>00(?:2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])|00[a-fA-F][0-9A-Fa-f]"
    r"|(?!d[89a-f]|D[89A-F])[0-9A-Fa-f]{2}[0-9A-Fa-f]{2}(?<!00[0-9A-Fa-f]{2}))"
    r"|(?P<space>(?:\\{1,8}u00(?:20|[aA]0)|%20)(?=\\{0,8}[\"']?[ \t]?[=:]))"
    r"|(?P<entity>&(?:quot|apos|lt|gt|amp|colon|equals|nbsp|commat|#[0-9]{2,5}|#[xX][0-9A-Fa-f]{2,4});)"
)
"""Spaces stay encoded, but between a name and its sign: a value's end must not appear where there was none."""
_DISGUISED: Final = lazy_pattern(
    "[\u00a0\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2024\u2028-\u202f"
    "\u205f-\u206f\u2460-\u24ff\u3000\u3164\ufe00-\ufe0f\ufe10-\ufe19\ufe50-\ufe6f\ufeff\uff00-\uffef"
    "\U0001d400-\U0001d7ff\U0001f130-\U0001f149\U000e0000-\U000e0fff]+"
)
"""Characters that look like another one, or like nothing."""


def may_be_disguised(content: str) -> bool:
    """Return whether a text may have another form; a fast check."""
    return "%" in content or "\\" in content or "&" in content or not content.isascii()


def forms_of(content: str) -> Iterator[str]:
    """Yield the decoded text and the text without disguises, if they differ from the original."""
    if "%" in content or "\\" in content or "&" in content:
        decoded = _ENCODED.sub(_decoded, content)
        if decoded != content:
            yield decoded
    if not content.isascii() and _DISGUISED.search(content):
        yield _voiced(_DISGUISED.sub(lambda signs: "".join(map(_plainly, signs[0])), content))


def _decoded(code: re.Match[str]) -> str:
    kind = code.lastgroup
    if kind in ("ascii", "code"):
        return chr(int(code[kind], 16))
    if kind == "bytes":
        return bytes.fromhex(code["bytes"].replace("%", "")).decode("utf-8", "replace")
    return unescape(code["entity"]) if kind == "entity" else ""


@lru_cache(maxsize=4096)
def _plainly(sign: str) -> str:
    if unicodedata.category(sign) in ("Cf", "Mn") or sign in "\u115f\u1160\u3164":
        return ""
    return unicodedata.normalize("NFKC", sign)


def fold(content: str) -> str:
    """Return the text without accents, invisible characters and forms of width: `Contraseña` is `Contrasena`."""
    return content if content.isascii() else _voiced("".join(map(_folded, content)))


def _voiced(content: str) -> str:
    """Combine the two characters of each voiced Japanese syllable."""
    return _VOICE.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), content)


@lru_cache(maxsize=4096)
def _folded(sign: str) -> str:
    if sign in _LETTERS:
        return _LETTERS[sign]
    if unicodedata.category(sign) == "Cf":
        return ""
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", sign))
