"""Ids of traces and spans, computed from the run and the node: a replay has the ids that were sent live."""

from __future__ import annotations

from hashlib import blake2b


def trace_id(*parts: object) -> str:
    """Return the 32 hexadecimal digits of a trace."""
    return _digest(16, parts)


def span_id(*parts: object) -> str:
    """Return the 16 hexadecimal digits of a span."""
    return _digest(8, parts)


def _digest(size: int, parts: tuple[object, ...]) -> str:
    """Hash the parts. A zero byte, which no name has, keeps ("a", "bc") and ("ab", "c") apart."""
    return blake2b("\0".join(map(str, parts)).encode("utf-8", "replace"), digest_size=size, person=b"odibi").hexdigest()
