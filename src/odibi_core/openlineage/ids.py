"""The ids of runs: UUIDs of version 7 that follow from the recorded run, equal during the run and from its record."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANDOM_BITS: Final = 74


def run_uuid(started: datetime, *parts: object) -> str:
    """Return the UUID of a run or of a step of it: the milliseconds of its start, then a hash of `parts`."""
    since = started - _EPOCH
    ms = (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
    digest = sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).digest()
    bits = int.from_bytes(digest[:10], "big") >> (80 - _RANDOM_BITS)
    head, tail = bits >> 62, bits & ((1 << 62) - 1)
    return str(UUID(int=(ms & ((1 << 48) - 1)) << 80 | 7 << 76 | head << 64 | 2 << 62 | tail))
