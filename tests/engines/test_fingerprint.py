"""Fingerprints of frames: each difference that code can see changes them, and nothing else does."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.engines import fingerprint as module
from odibi_core.engines.digests import NotDigestibleError, digest_of
from odibi_core.engines.fingerprint import fingerprint


def nan(payload: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000000 | payload))[0])


def each(make: Callable[[Any], Any], values: tuple[Any, ...]) -> list[Callable[[], Any]]:
    """Return a maker of a frame for each value."""
    return [partial(make, value) for value in values]


TIMES = [datetime.fromisoformat(f"2024-01-0{day}") for day in (1, 2)]
TEXT = "caf\u00e9"
DIFFERENT: dict[str, list[Callable[[], Any]]] = {
    "pandas: a value": [lambda: pd.DataFrame({"a": [1, 2]}), lambda: pd.DataFrame({"a": [1, 3]})],
    "pandas: the order of rows": [lambda: pd.DataFrame({"a": [1, 2]}), lambda: pd.DataFrame({"a": [2, 1]})],
    "pandas: the order of columns": [
        lambda: pd.DataFrame({"a": [1], "b": [1]}),
        lambda: pd.DataFrame({"b": [1], "a": [1]}),
    ],
    "pandas: dtypes": each(
        lambda kind: pd.DataFrame({"a": pd.Series([1, 0], dtype=kind)}),
        ("int64", "int32", "uint8", "float64", "float32", "bool", "Int64", "boolean", "Float64", "object"),
    ),
    "pandas: texts": each(
        lambda kind: pd.DataFrame({"a": pd.Series(["x", None], dtype=kind)}), ("str", "string", "object")
    ),
    "pandas: NaN, None, NA, text": each(
        lambda value: pd.DataFrame({"a": pd.Series([value], dtype=object)}),
        (float("nan"), None, "", "nan", 0, 0.0, False),
    ),
    "pandas: the payload of NaN": each(lambda bits: pd.DataFrame({"a": [nan(bits)]}), (0, 1, 2)),
    "pandas: minus zero": [lambda: pd.DataFrame({"a": [0.0]}), lambda: pd.DataFrame({"a": [-0.0]})],
    "pandas: an empty text and none": [
        lambda: pd.DataFrame({"a": ["", "x"]}),
        lambda: pd.DataFrame({"a": [None, "x"]}),
    ],
    "pandas: time zones": each(
        lambda zone: pd.DataFrame({"a": pd.to_datetime(TIMES).tz_localize(zone)}),
        (None, "UTC", "Europe/Berlin", "Europe/Paris"),
    ),
    "pandas: units of time": each(
        lambda unit: pd.DataFrame({"a": np.array(TIMES, f"datetime64[{unit}]")}), ("s", "us", "ns")
    ),
    "pandas: categories": each(
        lambda given: pd.DataFrame({"a": pd.Categorical(["x", "y"], given[0], ordered=given[1])}),
        ((["x", "y"], False), (["y", "x"], False), (["x", "y"], True), (["x", "y", "z"], False)),
    ),
    "pandas: the index": each(
        lambda index: pd.DataFrame({"a": [1, 2]}, index=index),
        (
            None,
            [0, 1],
            [1, 0],
            ["0", "1"],
            pd.Index([0, 1], name="i"),
            pd.RangeIndex(1, 3),
            pd.MultiIndex.from_tuples([(0, 0), (1, 1)]),
            pd.date_range("2020", periods=2),
            pd.DatetimeIndex(["2020-01-01", "2020-01-02"]),
        ),
    ),
    "pandas: names": each(
        lambda name: pd.DataFrame({name: [1]}), (TEXT, unicodedata.normalize("NFD", TEXT), "1", 1, "A", "a")
    ),
    "pandas: attrs": [lambda: pd.DataFrame({"a": [1]}), lambda: _with_attrs()],
    "pandas: cells": each(
        lambda value: pd.DataFrame({"a": pd.Series([value], dtype=object)}),
        ([1], (1,), {"a": 1}, "1", b"1", 1, True, np.int64(1), np.float32(1)),
    ),
    "polars: dtypes": each(
        lambda kind: pl.DataFrame({"a": pl.Series([1, 0], dtype=kind)}),
        (pl.Int64, pl.Int32, pl.UInt8, pl.Float64, pl.Float32, pl.Duration("us"), pl.Duration("ms")),
    ),
    "polars: null and NaN": each(
        lambda value: pl.DataFrame({"a": pl.Series([value], dtype=pl.Float64)}), (None, float("nan"), 0.0, -0.0)
    ),
    "polars: the payload of NaN": each(lambda bits: pl.DataFrame({"a": [nan(bits)]}), (0, 1)),
    "polars: texts": each(
        lambda value: pl.DataFrame({"a": pl.Series(value, dtype=pl.String)}),
        (["", "x"], [None, "x"], ["x", ""], ["x", None], ["ab", "c"], ["a", "bc"]),
    ),
    "polars: time zones": each(
        lambda zone: pl.DataFrame({"a": pl.Series(TIMES, dtype=pl.Datetime("us", zone))}), (None, "UTC", "Asia/Tokyo")
    ),
    "polars: categories": each(
        lambda kind: pl.DataFrame({"a": pl.Series(["x"], dtype=kind)}),
        (pl.String, pl.Categorical, pl.Enum(["x", "y"]), pl.Enum(["y", "x"])),
    ),
    "polars: nested": each(
        lambda value: pl.DataFrame({"a": value}),
        ([[1], [2, 3]], [[1, 2], [3]], [[1, 2, 3], []], [[1, 2, 3], None], [{"x": 1}, {"x": 2}], [{"x": 1}, None]),
    ),
    "polars: rows without columns": [lambda: pl.DataFrame(), lambda: pl.DataFrame({"a": []})],
    "arrow: nullability and metadata": each(
        lambda field: pa.table([pa.array([1])], schema=pa.schema([field])),
        (
            pa.field("a", pa.int64()),
            pa.field("a", pa.int64(), nullable=False),
            pa.field("a", pa.int64(), metadata={"x": "y"}),
        ),
    ),
    "the library": [
        lambda: pd.DataFrame({"a": [1]}),
        lambda: pl.DataFrame({"a": [1]}),
        lambda: pa.table({"a": [1]}),
        lambda: [{"a": 1}],
        lambda: {"a": [1]},
    ],
}


def _with_attrs() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["source"] = "x"
    return frame


@pytest.mark.parametrize("name", DIFFERENT)
def test_each_difference_changes_the_fingerprint(name: str) -> None:
    """All frames of a row differ, and each is equal to itself made again."""
    makers = DIFFERENT[name]
    found = [fingerprint(make()) for make in makers]
    assert len(set(found)) == len(makers)
    assert found == [fingerprint(make()) for make in makers]


CELLS = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5), st.booleans(),
    st.binary(max_size=3), st.datetimes(),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=4)), min_size=2, max_size=12), st.data())
def test_chunks_slices_and_bytes_under_nulls_do_not_matter(values: list[str | None], data: Any) -> None:
    """The same rows in other chunks, as a slice of more rows, and with other bytes where a value is missing."""
    table = pa.table({"a": pa.array(values, pa.string()), "n": pa.array([v or None for v in values])})
    whole, cut = fingerprint(table), data.draw(st.integers(1, len(values) - 1))
    assert fingerprint(pa.concat_tables([table[:cut], table[cut:]])) == whole
    more = pa.concat_tables([table, table]).combine_chunks()
    assert fingerprint(more[: len(values)]) == whole == fingerprint(more[len(values) :])
    frame = pl.DataFrame({"a": pl.Series(values, dtype=pl.String)})
    assert fingerprint(pl.concat([frame[:cut], frame[cut:]], rechunk=False)) == fingerprint(frame)


def test_bytes_under_missing_values_do_not_matter() -> None:
    """Two arrays that differ only where a value is missing are equal."""
    mask = pa.py_buffer(b"\x01")
    one, two = (
        pa.Array.from_buffers(pa.int64(), 2, [mask, pa.py_buffer(struct.pack("<qq", 1, under))]) for under in (7, 8)
    )
    assert fingerprint(pa.table({"a": one})) == fingerprint(pa.table({"a": two}))


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, max_size=6), st.lists(CELLS, max_size=6))
def test_two_lists_of_cells_have_one_fingerprint_only_if_they_are_equal(one: list[Any], two: list[Any]) -> None:
    """Equal means of equal types, too, and each bit of a number."""

    def exact(values: list[Any]) -> list[Any]:
        return [(type(v), struct.pack("<d", v) if type(v) is float else (v, getattr(v, "fold", 0))) for v in values]

    assert (digest_of(one) == digest_of(two)) == (exact(one) == exact(two))
    frames = [pd.DataFrame({"a": pd.Series(values, dtype=object)}) for values in (one, two)]
    assert (fingerprint(frames[0]) == fingerprint(frames[1])) == (exact(one) == exact(two))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(width=64), min_size=1, max_size=8), st.integers(0, 7), st.integers(0, 63))
def test_each_bit_of_a_column_counts(values: list[float], place: int, bit: int) -> None:
    """One flipped bit of one number is another frame, in each library."""
    bits = np.array(values).view(np.uint64)
    flipped = bits.copy()
    flipped[place % len(values)] ^= np.uint64(1) << np.uint64(bit)
    for make in (lambda x: pd.DataFrame({"a": x}), lambda x: pl.DataFrame({"a": x}), lambda x: pa.table({"a": x})):
        assert fingerprint(make(bits.view(np.float64))) != fingerprint(make(flipped.view(np.float64)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.DataFrame({"a": [1]}).lazy(),
        lambda: pl.Series([1]),
        lambda: pl.DataFrame({"a": [object()]}),
        lambda: pd.DataFrame({"a": [object()]}),
        lambda: (n for n in [1]),
        lambda: pa.table({"a": pa.array([[("x", 1)]], pa.map_(pa.string(), pa.int64()))}),
        object,
    ],
)
def test_values_without_a_stable_form_are_refused(make: Callable[[], Any]) -> None:
    """A lazy frame is not run for its fingerprint, and an object has none."""
    with pytest.raises(NotDigestibleError):
        fingerprint(make())


def test_sabotaged_a_fingerprint_of_values_alone_misses_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of differences fail on a fingerprint without dtypes."""
    monkeypatch.setattr(module, "_values", lambda array, digest: digest.bytes(str(list(array))))
    makers = DIFFERENT["pandas: dtypes"]
    assert len({fingerprint(make()) for make in makers}) < len(makers)
