"""Values of an answer as bytes and back, each of the Python type that DuckDB returns.

msgpack has numbers, text, bytes, lists and maps; other values are extensions, of which only these types can be read
back, so that a child process cannot make the parent build anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

_INTEGERS: Final = range(-(2**63), 2**64)
_PLAIN: Final = frozenset({float, str, bool, bytes, type(None)})


def _interval(text: str) -> timedelta:
    days, seconds, microseconds = map(int, text.split())
    return timedelta(days, seconds, microseconds)


def _of_interval(value: timedelta) -> str:
    return f"{value.days} {value.seconds} {value.microseconds}"


# The place of a type in this list is its code.
_EXTENSIONS: Final[tuple[tuple[type, Callable[[Any], str], Callable[[str], Any]], ...]] = (
    (datetime, datetime.isoformat, datetime.fromisoformat),
    (date, date.isoformat, date.fromisoformat),
    (time, time.isoformat, time.fromisoformat),
    (timedelta, _of_interval, _interval),
    (Decimal, str, Decimal),
    (UUID, str, UUID),
    (int, hex, lambda text: int(text, 16)),
)
_CODES: Final = {kind: code for code, (kind, _, _) in enumerate(_EXTENSIONS)}
_TUPLE: Final = len(_EXTENSIONS)
_DICT: Final = _TUPLE + 1


def pack(row: Sequence[Any]) -> bytes:
    """Return a row as bytes."""
    return msgspec.msgpack.encode([_plain(value) for value in row])


def unpack(data: bytes | msgspec.Raw) -> list[Any]:
    """Return the row of `pack`."""
    row: list[Any] = msgspec.msgpack.decode(data, ext_hook=_revive)
    return row


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN or (kind is int and value in _INTEGERS):
        return value
    if kind in _CODES:
        code = _CODES[kind]
        return msgspec.msgpack.Ext(code, _EXTENSIONS[code][1](value).encode())
    if isinstance(value, dict):
        return msgspec.msgpack.Ext(_DICT, pack([*value, *value.values()]))  # keys may be of any type
    if isinstance(value, tuple):
        return msgspec.msgpack.Ext(_TUPLE, pack(value))
    return [_plain(each) for each in value] if isinstance(value, list) else str(value)


def _revive(code: int, data: memoryview) -> Any:
    if code == _TUPLE:
        return tuple(unpack(bytes(data)))
    if code == _DICT:
        both = unpack(bytes(data))
        half = len(both) // 2
        return dict(zip(both[:half], both[half:], strict=True))
    return _EXTENSIONS[code][2](bytes(data).decode())
