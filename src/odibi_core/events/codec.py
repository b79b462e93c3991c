"""The codec of events: one line of flat JSON for each (RFC 8259, UTF-8, `\\n` at its end)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from odibi_core.events.clock import iso, read_iso
from odibi_core.events.event import COLUMNS, FIELDS_ON_THE_WIRE, Event

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(dict[str, Any])
_SEAM: Final = f',"{FIELDS_ON_THE_WIRE}":{{'.encode()
_COLUMNS: Final = frozenset(COLUMNS)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def encode(event: Event) -> bytes:
    """Return the line of an event; sanitized values always encode.

    The encoder writes `fields` as a nested object at the end. Cutting the seam flattens it, three times as fast as
    building a flat dict first (benchmark: one event line).
    """
    line = _encoder.encode(event)
    return line.replace(_SEAM, b",", 1)[:-1] + b"\n" if event.fields else line + b"\n"


def decode(line: bytes | str) -> Event:
    """Return the event of a line.

    Raises:
        ValueError: The line is not one whole JSON object (msgspec's DecodeError is a ValueError).
    """
    return from_dict(_decoder.decode(line))


def from_dict(record: dict[str, Any]) -> Event:
    """Return the event of a flat dict; other fields and unknown kinds are kept, an unreadable time is the epoch."""
    standard = {name: value for name, value in record.items() if name in _COLUMNS}
    stamp, kind = standard.pop("timestamp", None), standard.pop("event_type", None)
    return Event(
        timestamp=read_iso(str(stamp)) or _EPOCH,
        level=str(standard.pop("level", None) or "info"),
        event_type=str(record.get("event") or "log") if kind is None else str(kind),
        **standard,
        fields={name: value for name, value in record.items() if name not in _COLUMNS},
    )


def to_dict(event: Event) -> dict[str, Any]:
    """Return the flat dict of an event, as its line has it: the timestamp as ISO text, no empty standard field."""
    record: dict[str, Any] = {}
    for name in COLUMNS:
        value = getattr(event, name)
        if value is not None:
            record[name] = value
    record["timestamp"] = iso(event.timestamp)
    record.update(event.fields)
    return record
