"""`Digest`: a hash over values, each with its type and its length, so that no two of them run together."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from re import Pattern
from types import EllipsisType, NoneType, NotImplementedType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from odibi_core.errors import EngineError
from odibi_core.plugins import missing_extra

_DEEPEST: Final = 100
_ROWS: Final = 3
"""Levels of plain rows: a list of dicts of lists."""
_MOST_INNER: Final = 200_000
"""Values below them: lists that share their members may hold more than there is time to read."""


class NotDigestibleError(EngineError):
    """A value has no stable form; the message has the reason."""


class TooManyValuesError(NotDigestibleError):
    """A value holds more than there is time to read."""


class Digest:
    """XXH3 of 128 bits. It is fast and not cryptographic: it finds changes, and keeps no secret."""

    def __init__(self, *, nan_bits: bool = True) -> None:
        self.nan_bits = nan_bits
        """False if all NaN count as equal."""
        try:
            from xxhash import xxh3_128
        except ImportError as error:
            raise missing_extra("xxhash", "the step cache") from error
        self._hash = xxh3_128()
        self._inner = 0

    def bytes(self, *parts: Any) -> Digest:
        """Add texts and bytes, each with its length."""
        for part in parts:
            data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            size = len(data) if isinstance(data, bytes) else memoryview(data).nbytes
            self._hash.update(size.to_bytes(8, "little"))
            self._hash.update(data)
        return self

    def stream(self, data: Any) -> None:
        """Add a piece of a sequence, without its length: equal for equal sequences in other pieces."""
        self._hash.update(data)

    def value(self, value: Any) -> Digest:
        """Add a plain value with its type.

        Raises:
            NotDigestibleError: Its type has no stable form.
        """
        self._value(value, 0)
        return self

    def hex(self) -> str:
        return self._hash.hexdigest()

    def _value(self, value: Any, depth: int) -> None:
        kind = type(value)
        if depth > _DEEPEST:
            raise NotDigestibleError("a value is nested too deeply, or contains itself")
        if depth > _ROWS:
            self._inner += 1
            if self._inner > _MOST_INNER:
                raise TooManyValuesError(f"a value holds more than {_MOST_INNER:,} values inside of its rows")
        self.bytes(f"{kind.__module__}.{kind.__qualname__}")
        if kind in _PLAIN:
            self.bytes(_PLAIN[kind](value))
        elif kind in (list, tuple):
            self.bytes(str(len(value)))
            for each in value:
                self._value(each, depth + 1)
        elif kind is dict:
            self.bytes(str(len(value)))
            for key, each in value.items():  # in its order, which code may depend on
                self._value(key, depth + 1)
                self._value(each, depth + 1)
        elif kind in (set, frozenset):
            self.bytes(*sorted(Digest()._of(each, depth + 1) for each in value))
        elif issubclass(kind, PurePath):
            self.bytes(str(value))
        else:
            raise NotDigestibleError(f"a {kind.__module__.partition('.')[0]}.{kind.__name__} has no stable form")

    def _of(self, value: Any, depth: int) -> str:
        self._value(value, depth)
        return self.hex()


def _timezone(zone: Any) -> str:
    if zone is None:
        return ""
    if type(zone) is timezone:
        return f"{zone!r}"
    if type(zone) is ZoneInfo and zone.key is not None:
        return zone.key
    raise NotDigestibleError(f"a time zone of type {type(zone).__module__}.{type(zone).__name__} has no stable form")


def _moment(value: Any) -> str:
    return f"{value.replace(tzinfo=None).isoformat()} {value.fold} {_timezone(value.tzinfo)}"


def _pattern(value: Pattern[Any]) -> bytes:
    text = value.pattern
    return f"{type(text).__name__} {value.flags} {text!r}".encode()


_PLAIN: Final[dict[type, Callable[[Any], str | bytes]]] = {
    NoneType: lambda _: b"", EllipsisType: lambda _: b"", NotImplementedType: lambda _: b"",
    bool: str, int: hex, str: str, bytes: lambda value: value, bytearray: bytes,
    float: lambda value: struct.pack("<d", value),  # -0.0 is not 0.0, and each NaN is itself
    complex: lambda value: struct.pack("<dd", value.real, value.imag),
    Decimal: str, Fraction: str, UUID: str, range: repr, timedelta: repr, date: str,
    datetime: _moment, time: _moment, timezone: _timezone, ZoneInfo: _timezone, Pattern: _pattern,
    slice: repr,
}  # fmt: skip


def digest_of(value: Any) -> str:
    """Return the digest of a plain value; NotDigestibleError if its type has no stable form."""
    return Digest().value(value).hex()
