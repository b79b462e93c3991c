"""Ids of traces and spans, computed from the run and the node: a replay has the ids that were sent live."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_RANDOM_DIGITS: Final = 14
"""The digits at the end of a trace id that are random by W3C's standard."""


def trace_id(*parts: object) -> str:
    """Return the 32 hexadecimal digits of a trace."""
    return _digest(16, parts)


def span_id(*parts: object) -> str:
    """Return the 16 hexadecimal digits of a span."""
    return _digest(8, parts)


def is_sampled(trace: str, rate: float) -> bool:
    """Return whether a trace is one of the given share of traces, as W3C's standard and every process decides."""
    return int(trace[-_RANDOM_DIGITS:], 16) < round(rate * 16**_RANDOM_DIGITS)


def _digest(size: int, parts: tuple[object, ...]) -> str:
    """Hash the parts. A zero byte, which no name has, keeps ("a", "bc") and ("ab", "c") apart."""
    return blake2b("\0".join(map(str, parts)).encode("utf-8", "replace"), digest_size=size, person=b"odibi").hexdigest()
