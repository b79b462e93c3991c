"""One event, one line: what goes in comes back, whatever it was."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.bus.bus import EventBus
from odibi_core.events import COLUMNS, Event, decode, encode, from_dict, to_dict
from odibi_core.testing import FakeClock, RecordingSink, an_event

CONTRACT_ORDER = [
    "timestamp",
    "level",
    "event_type",
    "message",
    "node_name",
    "layer",
    "engine",
    "status",
    "duration_ms",
    "error",
    "cache_hit",
    "row_count",
    "memory_mb",
    "user",
    "metadata",
    "run_id",
    "correlation_id",
    "operation",
    "component",
    "writer_id",
    "seq",
]

NAMES = st.text() | st.sampled_from(
    ["node_name", "seq", "fields", "␟", "timestamp", "", "row_count", "a\nb", "metadata"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.dates()
    | st.datetimes()
    | st.uuids()
    | st.timedeltas()
    | st.complex_numbers()
    | st.sampled_from(["\ud800", "\x00", "‮"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def composed(kind: Any, fields: dict[Any, Any], **more: Any) -> Event:
    """The event that a bus makes of it."""
    bus, heard = EventBus(clock=FakeClock()), RecordingSink()
    bus.subscribe(heard)
    bus.publish(kind, fields=fields, **more)
    return heard.events[0]


def strictly(line: bytes) -> Any:
    """A line as RFC 8259 has it: UTF-8, one value, no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(line.decode("utf-8"), parse_constant=refuse)


@given(st.text(), st.dictionaries(NAMES, VALUES, max_size=6), st.text() | st.none())
def test_whatever_is_said_comes_back_from_its_line(
    kind: str, fields: dict[str, Any], message: str | None
) -> None:
    """sanitize → encode → decode gives the very event, in one valid line of JSON."""
    event = composed(kind, fields, message=message)
    line = encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert isinstance(strictly(line), dict)
    assert decode(line) == event
    assert encode(decode(line)) == line


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_the_flat_dict_reads_as_the_line_does(fields: dict[str, Any]) -> None:
    """`to_dict` and the line hold the same fields in the same order, and `from_dict` undoes it."""
    event = composed("log", fields)
    flat, line = to_dict(event), strictly(encode(event))
    assert list(flat) == list(line)
    assert {**flat, "timestamp": None} == {**line, "timestamp": None}
    assert from_dict(flat) == event


def test_the_standard_fields_stand_in_the_contracts_order_and_others_behind_them() -> None:
    """Readers of the file see the same columns in the same place in every line."""
    values: dict[str, Any] = dict.fromkeys(CONTRACT_ORDER[3:-2], "x")
    values |= {"duration_ms": 1.5, "cache_hit": True, "row_count": 3, "memory_mb": 9.0, "metadata": {"k": 1}}
    event = composed("node_complete", {"zebra": 1, **values, "apple": 2})
    assert tuple(CONTRACT_ORDER) == COLUMNS
    assert list(strictly(encode(event))) == [*CONTRACT_ORDER, "zebra", "apple"]


def test_what_is_unknown_is_absent() -> None:
    """A field that was not given takes no room in the line."""
    assert list(strictly(encode(an_event("batch")))) == ["timestamp", "level", "event_type"]


@pytest.mark.parametrize("kind", ["never_heard_of", "", "ünïcode", "with space", "*"])
def test_a_kind_that_nobody_knows_survives(kind: str) -> None:
    """The vocabulary is open."""
    assert decode(encode(an_event(kind, answer=42))).event_type == kind


def test_a_field_called_as_the_seam_cannot_break_the_line() -> None:
    """The encoder cuts at a seam; a caller's key or text that looks like it is only data."""
    event = composed(
        "log", {"␟": {"a": 1}, "x": ',"␟":{', "metadata": {"␟": {"b": 2}}, "y": {"z": 1, "␟": {"c": 3}}}
    )
    line = strictly(encode(event))
    assert line["x"] == ',"␟":{'
    assert decode(encode(event)) == event
    assert "␟" not in line


@pytest.mark.parametrize(
    "line", [b"", b"5", b"[]", b"null", b'"x"', b"{", b'{"a":1} {}', b'{"a":1}x', b"\xff", b"{'a':1}"]
)
def test_what_is_no_object_is_refused_with_a_value_error(line: bytes) -> None:
    """A reader counts it as damage; it must know."""
    with pytest.raises(ValueError, match=r".+"):
        decode(line)


@pytest.mark.parametrize("stamp", [None, 5, "yesterday", "", [], "9999-12-31T23:59:59-12:00"])
def test_a_timestamp_that_cannot_be_read_does_not_lose_the_line(stamp: Any) -> None:
    """The event is there, at the epoch."""
    event = decode(msgspec.json.encode({"timestamp": stamp, "event_type": "x", "a": 1}))
    assert event.timestamp.year == 1970
    assert event.fields == {"a": 1}


def test_a_line_of_another_writer_is_read_with_its_own_names() -> None:
    """System C's lines have `event`; a missing level is info; a naive time is UTC."""
    event = decode(b'{"timestamp":"2026-01-01T00:00:00","event":"stage_completed","recordsIn":200}')
    assert (event.event_type, event.level) == ("stage_completed", "info")
    assert event.timestamp.isoformat() == "2026-01-01T00:00:00+00:00"
    assert event.fields == {"event": "stage_completed", "recordsIn": 200}


def test_numbers_keep_their_value() -> None:
    """Floats to the last bit, ints up to 63 bits as numbers and larger ones as text."""
    event = composed("log", {"f": 0.1 + 0.2, "i": 2**63 - 1, "big": 2**64, "pi": math.pi})
    line = strictly(encode(event))
    assert (line["f"], line["i"], line["big"], line["pi"]) == (0.1 + 0.2, 2**63 - 1, str(2**64), math.pi)
