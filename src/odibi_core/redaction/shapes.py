"""Which texts are secrets by their frame: private keys between their lines, what follows `Bearer` and `Basic`.

Every pattern is linear: it starts only where a run of its characters starts, takes what it takes possessively, and
has nothing behind an unbounded part that could fail. So no crafted text can hold up the program that is observed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "[REDACTED]"

_SCHEMED: Final = re.compile(
    r"(?i)(?<![A-Za-z0-9_])(bearer|basic)([ \t]++)(?![a-z]{0,19}(?![\w.~+/=-]))[\w.~+/=-]{8,}+"
)


def without_keys(content: str, role: str = "") -> str:
    """Without private-key blocks; one of which an end is missing takes the text on that side with it."""
    head, *blocks = content.split("-----BEGIN")
    kept = [_before_an_end(head)]
    for block in blocks:
        label = block.partition("-----")[0]
        end = block.find("-----END")
        if "PRIVATE" in label[:64] or (end < 0 and not _is_public(label)):
            tail = block[end + 8 :].partition("-----")[2] if end >= 0 else ""
            kept.append(HIDDEN + _before_an_end(tail))
        else:
            kept.append(f"-----BEGIN{block}")
    return "".join(kept)


def _is_public(label: str) -> bool:
    return "CERTIFICATE" in label[:64] or "PUBLIC" in label[:64]


_KEY_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\\r\n"


def _before_an_end(content: str) -> str:
    """A text without the second halves of keys that it begins with: what stands before their `-----END`."""
    parts = content.split("-----END")
    for at, after in enumerate(parts[1:]):
        if "PRIVATE" in after.partition("-----")[0][:64]:
            parts[at] = parts[at].rstrip(_KEY_LETTERS) + HIDDEN
    return "-----END".join(parts)


def without_schemes(content: str, role: str = "") -> str:
    """Without what follows `Bearer` and `Basic`, unless it is a plain word."""
    return _SCHEMED.sub(rf"\1\2{HIDDEN}", content)


def without_spans(content: str, spans: Iterable[tuple[int, int]]) -> str:
    """Without what stands in these places, given in their order; where two overlap, both go as one."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if end - start <= len(HIDDEN) and content.startswith(HIDDEN, start):
            continue  # hidden already
        if start >= done:
            parts += content[done:start], HIDDEN
        done = max(done, end)
    return "".join([*parts, content[done:]]) if parts else content
