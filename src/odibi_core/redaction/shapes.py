"""Secrets with a frame: private keys between their lines, and the text after `Bearer` and `Basic`.

Every pattern is linear: it starts only at the start of a run of its characters, takes them possessively, and has no
part after an unbounded one that could fail. So no crafted text can delay the observed program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern

HIDDEN: Final = "[REDACTED]"

_SCHEMED: Final = lazy_pattern(
    r"(?i)(?<![A-Za-z0-9_])(bearer|basic)([ \t]++)(?![a-z]{0,19}(?![\w.~+/=-]))[\w.~+/=-]{8,}+"
)


def without_keys(content: str, role: str = "") -> str:
    """Return the text without private keys; if one end of a key is missing, the text on that side is hidden too."""
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
    """Return the text without the second half of a key at its start: everything before `-----END`."""
    parts = content.split("-----END")
    for at, after in enumerate(parts[1:]):
        if "PRIVATE" in after.partition("-----")[0][:64]:
            parts[at] = parts[at].rstrip(_KEY_LETTERS) + HIDDEN
    return "-----END".join(parts)


def without_schemes(content: str, role: str = "") -> str:
    """Return the text without the credentials after `Bearer` and `Basic`; a plain word stays."""
    return _SCHEMED.sub(rf"\1\2{HIDDEN}", content)


def without_spans(content: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with these spans hidden; they are ordered, and overlapping ones are merged."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if end - start <= len(HIDDEN) and content.startswith(HIDDEN, start):
            continue  # hidden already
        if start >= done:
            parts += content[done:start], HIDDEN
        done = max(done, end)
    return "".join([*parts, content[done:]]) if parts else content
