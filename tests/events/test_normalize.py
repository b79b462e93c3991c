"""Any value becomes a plain one: bounded, described where it cannot be kept, never an exception."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.hostile import LARGEST, VALUES, Colour, Model, Order, Point, Size, Struct, cycle, deep, frame

from odibi_core.bus.bus import EventBus
from odibi_core.events import encode, to_plain
from odibi_core.events.normalize import MAX_KEY, MAX_TEXT, is_truthy
from odibi_core.testing import RecordingSink


class OfAFrame(pd.DataFrame):
    """As a library makes one of its own."""

HOSTILE = {**VALUES, **LARGEST}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_value_becomes_one_valid_bounded_line(name: str) -> None:
    """As a field, inside a list and as a value in a dict: without an error, one line of at most 1 MB."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    value = HOSTILE[name]()
    bus.publish("log", fields={"value": value, "in": [value], "metadata": {"m": value}})
    line = encode(heard.events[0])
    assert heard.kinds == ["log"]
    assert len(line) < 1 << 20
    assert set(json.loads(line)) > {"value", "in", "metadata"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_field_takes_its_share_of_room_and_no_more(name: str) -> None:
    """64 kB of text a field, with a little for the note that it was cut."""
    assert len(json.dumps(to_plain(HOSTILE[name]()), ensure_ascii=False)) < 4 * MAX_TEXT


def is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(type(name) is str and is_plain(item) for name, item in value.items())
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_but_plain_types_is_left(name: str) -> None:
    """No subclass of str, int or dict reaches a sink, so that every encoder takes it."""
    assert is_plain(to_plain(HOSTILE[name]()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (Decimal("1.10"), "1.10"),
        (Colour.RED, "red"),
        (Size.BIG, 3),
        (Order(1, ["a"]), {"id": 1, "parts": ["a"]}),
        (Struct(1), {"a": 1}),
        (Model(name="a", ratio=0.5), {"name": "a", "ratio": 0.5}),
        (Point(1, 2), [1, 2]),
        (b"ab", "ab"),
        ("a\ud800b", "a\ufffdb"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.float64("nan"), "NaN"),
        (pd.NaT, None),
        (pd.NA, None),
        (np.datetime64("NaT"), None),
        (np.datetime64("2026-01-01T00:00:00.000000001"), "2026-01-01T00:00:00.000000001"),
        (pd.Timestamp("2026-01-01", tz="UTC"), "2026-01-01T00:00:00+00:00"),
        (timedelta(seconds=90), 90.0),
        (pd.Timedelta("1h"), 3600.0),
        (date(2026, 1, 1), "2026-01-01"),
        (UUID(int=1), str(UUID(int=1))),
        (PurePosixPath("/a"), "/a"),
        (ValueError("bad"), "ValueError: bad"),
        (frame(), "<pandas.DataFrame 100000 × 1>"),
        (np.zeros((3, 4)), "<numpy.ndarray 3 × 4>"),
        ({1: "a", "1": "b"}, {"1": "a", "1_2": "b"}),
        ({"": 1}, {"_": 1}),
        (pl.LazyFrame({"a": [1]}), "<polars.LazyFrame>"),
        (np.dtype("int64"), "int64"),
        (np.dtype([("a", "i4")]), "[('a', '<i4')]"),
        (pd.Int64Dtype(), "Int64"),
        (pd.CategoricalDtype(["a"]), "category"),
        (pd.DatetimeTZDtype(tz="UTC"), "datetime64[ns, UTC]"),
        (pd.PeriodDtype("M"), "period[M]"),
        (pd.ArrowDtype(pa.int64()), "int64[pyarrow]"),
        (dict(pd.DataFrame({"a": [1], "b": [1.5]}).dtypes), {"a": "int64", "b": "float64"}),
        (pd.DataFrame({"a": [1], "b": [1.5]}).dtypes, {"a": "int64", "b": "float64"}),
        (pd.Period("2026-01"), "2026-01"),
        (pd.Interval(0, 5, closed="left"), "[0, 5)"),
        (pd.offsets.MonthEnd(2), "<2 * MonthEnds>"),
        (pd.DateOffset(months=1), "<DateOffset: months=1>"),
        (np.ma.masked, None),
        (np.ma.array(5, mask=True), None),
        (np.ma.array(5), 5),
        (np.ma.array([1, 2], mask=[False, True]), "<numpy.MaskedArray 2>"),
        (pa.int64(), "int64"),
        (pa.timestamp("us", "UTC"), "timestamp[us, tz=UTC]"),
        (pa.schema([("a", pa.int64())]), "a: int64"),
        (pa.scalar(5), 5),
        (pa.scalar(None), None),
        (pa.scalar([1, None]), [1, None]),
        (pa.scalar({"a": Decimal("1.50")}), {"a": "1.50"}),
        (pa.scalar(list(range(2000))), "<pyarrow.ListScalar 2000>"),
        (pl.Int64, "Int64"),
        (pl.Int64(), "Int64"),
        (pl.List(pl.Int8), "List(Int8)"),
        (pl.Enum(["a"]), "Enum"),
        (pl.Schema({"a": pl.Int8()}), {"a": "Int8"}),
        (pl.col("a") + 1, '[(col("a")) + (dyn int: 1)]'),
        (pl.Series("a", [1, 2]), "<polars.Series 2 of Int64>"),
        (pd.Series([1, 2]), "<pandas.Series 2 of int64>"),
        (np.add, "<ufunc 'add'>"),
        (OfAFrame({"a": [1]}), "<pandas.OfAFrame 1 × 1>"),
    ],
)
def test_what_a_value_becomes(value: Any, expected: Any) -> None:
    """Scalars by their value, types and expressions by their text, containers by content, frames by shape."""
    assert to_plain(value) == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: (n for n in range(3)),
        lambda: iter([0, 1, 2]),
        lambda: map(int, "012"),
        lambda: zip("ab", "cd", strict=True),
    ],
)
def test_what_can_be_read_once_is_left_unread(make: Any) -> None:
    """A generator that is logged still yields everything to its consumer."""
    untouched, logged = list(make()), make()
    assert to_plain({"x": [logged]})["x"] == [f"<{type(logged).__name__}>"]
    assert list(logged) == untouched


def test_a_lazy_relation_is_not_computed() -> None:
    """To ask DuckDB for the shape of a query would be to run it: this one could only fail."""
    with duckdb.connect() as connection:
        relation = connection.sql("select error('it ran') as e")
        assert to_plain(relation) == "<duckdb.DuckDBPyRelation>"
        del relation


def test_the_length_that_was_cut_is_told() -> None:
    """Of a text, a list and a dict."""
    assert to_plain("x" * 100_000).endswith("[cut: 100000 characters]")
    assert to_plain(list(range(1_000_000)))[-1] == "… [cut: 1000000 items]"
    assert to_plain({str(n): n for n in range(100_000)})["…"] == "[cut: 100000 keys]"
    assert len(next(iter(to_plain({"k" * 100_000: 1})))) < MAX_KEY + 40


def test_a_cycle_and_a_depth_are_named() -> None:
    """A value inside itself is marked, and so is one that is too deep."""
    assert to_plain(cycle()) == {"list": ["<cycle>"]}
    assert "deeper than" in json.dumps(to_plain(deep()))
    shared = [1]
    assert to_plain([shared, shared]) == [[1], [1]]


def test_an_object_that_logs_itself_ends() -> None:
    """Its text logs an event that holds it, whose text logs an event …: every call returns."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)

    class Chatty:
        said = 0

        def __str__(self) -> str:
            Chatty.said += 1
            bus.publish("inner", fields={"me": self})
            return "chatty"

    bus.publish("outer", fields={"it": Chatty()})
    assert heard.events[-1].event_type == "outer"
    assert Chatty.said < 2000


def test_the_callers_value_is_not_changed() -> None:
    """Observing changes nothing: nested containers are copied, also where something had to be redacted."""
    given = {"a": [1, {"password": "hunter2", "n": float("nan")}]}
    before = repr(given)
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.emit("log", given)
    heard.events[0].fields["a"].append("theirs")
    assert repr(given) == before


@pytest.mark.parametrize("name", ["timestamp", "level", "event_type", "writer_id", "seq"])
def test_a_reserved_name_is_kept_beside_the_real_one(name: str) -> None:
    """A field that only the recorder sets cannot be forged, and the given value is not lost."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.publish("log", fields={name: "forged", f"{name}_": "other"})
    event = heard.events[0]
    assert getattr(event, name) != "forged"
    assert sorted(value for value in event.fields.values()) == ["forged", "other"]


def test_colliding_keys_are_all_kept() -> None:
    """Two keys of one spelling get two names, at the top and inside."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.publish("log", fields={1: "a", "1": "b", None: "c", "None": "d", "in": {2: "x", "2": "y"}})  # type: ignore[dict-item]
    assert sorted(str(value) for value in heard.events[0].fields.values()) == sorted(
        ["a", "b", "c", "d", str({"2": "x", "2_2": "y"})]
    )


def test_order_of_fields_is_the_callers() -> None:
    """Also where some of them had to take the long way."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.publish("log", fields={"z": 1, "a": {1, 2}, 5: "five", "b": "x"})  # type: ignore[dict-item]
    assert list(heard.events[0].fields) == ["z", "a", "5", "b"]


@pytest.mark.parametrize(
    "name", ["raises", "not implemented", "frame of pandas", "array", "NA", "none", "false", "empty"]
)
def test_what_refuses_to_answer_says_no(name: str) -> None:
    """Nothing but a clear yes is one."""
    assert is_truthy(VALUES[name]()) is False
    assert is_truthy(1) is True
