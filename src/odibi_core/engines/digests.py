"""`Digest`: a hash over values, each with its type and its length, so that no two of them run together."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from hashlib import blake2b
from pathlib import PurePath
from re import Pattern
from types import EllipsisType, NoneType, NotImplementedType
from typing import Any, Final

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


class Count:
    """The values that were read: of one digest, or of all that make one answer."""

    def __init__(self) -> None:
        self.read = 0

    def add(self, most: int) -> None:
        """Count a value.

        Raises:
            TooManyValuesError: It is one too many.
        """
        self.read += 1
        if self.read > most:
            raise TooManyValuesError(f"a value holds more than {most:,} values")


class Digest:
    """XXH3 of 128 bits. It is fast and not cryptographic: it finds changes, and keeps no secret."""

    _uncounted = _ROWS
    """Levels whose values are not counted."""
    most = _MOST_INNER

    def __init__(self, *, nan_bits: bool = True, count: Count | None = None) -> None:
        self.nan_bits = nan_bits
        """False if all NaN count as equal."""
        self._hash = self._begin()
        self._count = Count() if count is None else count

    def _begin(self) -> Any:
        try:
            from xxhash import xxh3_128
        except ImportError as error:
            raise missing_extra("xxhash", "the step cache") from error
        return xxh3_128()

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
        found: str = self._hash.hexdigest()
        return found

    def _value(self, value: Any, depth: int) -> None:
        kind = type(value)
        if depth > _DEEPEST:
            raise TooManyValuesError("a value is nested too deeply, or contains itself")
        if depth > self._uncounted:
            self._count.add(self.most)
        name = f"{kind.__module__}.{kind.__qualname__}"
        self.bytes(name)
        if (form := _PLAIN.get(kind) or _NAMED.get(name)) is not None:
            self.bytes(form(value))
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
            self.bytes(*sorted(type(self)(count=self._count)._of(each, depth + 1) for each in value))
        elif issubclass(kind, PurePath):
            self.bytes(str(value))
        else:
            raise NotDigestibleError(f"a {kind.__module__.partition('.')[0]}.{kind.__name__} has no stable form")

    def _of(self, value: Any, depth: int) -> str:
        self._value(value, depth)
        return self.hex()


class CodeDigest(Digest):
    """BLAKE2b of 128 bits, for code and its values: of the standard library, and each value counts against a bound."""

    _uncounted = -1
    most = 50_000

    def _begin(self) -> Any:
        return blake2b(digest_size=16)


def _timezone(zone: Any) -> str:
    if zone is None:
        return ""
    if type(zone) is timezone:
        return f"{zone!r}"
    if f"{type(zone).__module__}.{type(zone).__qualname__}" == "zoneinfo.ZoneInfo" and zone.key is not None:
        return str(zone.key)
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
    range: repr, timedelta: repr, date: str, datetime: _moment, time: _moment, timezone: _timezone, Pattern: _pattern,
    slice: repr,
}  # fmt: skip
_NAMED: Final[dict[str, Callable[[Any], str | bytes]]] = {
    "decimal.Decimal": str, "fractions.Fraction": str, "uuid.UUID": str, "zoneinfo.ZoneInfo": _timezone,
}  # fmt: skip
"""By the names of their classes, whose modules most programs never load."""


def digest_of(value: Any) -> str:
    """Return the digest of a plain value; NotDigestibleError if its type has no stable form."""
    return Digest().value(value).hex()
