"""JSON Lines keep every value, on every engine, or the column that cannot be kept is named."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from tests.families.columns import values

from odibi_core.errors import DataChangedWarning, EngineError, UnreadableSourceError
from odibi_core.plugins import load

BIG = 2**53 + 1


def read_of(engine: Any, *lines: str, **options: Any) -> Any:
    Path("x.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return engine.read("x.jsonl", **options)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("zip", ["01234", "18_19", "1.10"]),
        ("created_at", [1577836800, 1]),
        ("timestamp", ["2020-01-01T00:00:00Z", "1"]),
        ("date", ["20200101", "2020"]),
        ("modified", [0, 1577836800000]),
        ("n", [BIG, None]),
        ("n", [2**63, None, 0]),
        ("n", [2**64 + 1, -1]),
        ("f", [1.5e-11, 5e-324, 1.7976931348623157e308, -0.0, 0.1]),
        ("f", [1, 2.5, None]),
        ("b", [True, None, False]),
        ("s", ["true", "null", "NaN", "", " a ", None]),
        ("s", ["a\u0000b", "\u2028", "a\rb", "é\n", "\U0001f600"]),
        ("l", [[BIG, None], [], None]),
        ("d", [{"x": {"y": BIG}}, {"x": {"y": None}}, None]),
        ("d", [[{"x": "01"}], [{"x": "1.10"}]]),
        ("z", [None, None]),
    ],
)
def test_what_a_line_holds_is_read(engine: Any, name: str, kept: list[Any]) -> None:
    """Text stays text whatever it looks like and whatever its column is called; numbers keep every digit."""
    frame = read_of(engine, *(json.dumps({name: value}) for value in kept))
    found = values(frame, name)
    assert found == kept
    assert [type(v) for v in found if not isinstance(v, int)] == [
        type(v) for v in kept if not isinstance(v, int)
    ] or 1 in kept, "a float in place of a whole number, or the other way round"


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "ndjson.zip"])
@pytest.mark.parametrize(
    "kept",
    [
        ["01234", "18_19", "1.10", None],
        [1.5e-11, 1e22, 123456789.12345679, None],
        [BIG, None],
        [2**64 - 1, 0],
        [True, None],
        ["a\u0000b", "\u2028", "a\rb", "é\n"],
        [[1, None], [], None],
        [{"x": 1, "y": "01"}, {"x": None, "y": "a"}],
    ],
)
def test_what_is_written_is_read_back(engine: Any, kept: list[Any], suffix: str) -> None:
    """Bit for bit, packed or not."""
    frame = engine.frame({"c": kept})
    if isinstance(frame, pd.DataFrame) and kept[0] == BIG:
        frame = frame.assign(c=pd.array(kept, dtype="Int64"))
    engine.write(frame, f"x.{suffix}")
    assert values(engine.read(f"x.{suffix}"), "c") == kept


def test_times_keep_every_digit_as_text() -> None:
    """JSON has no times: they are ISO text, down to the nanosecond and with their zone, and stay text."""
    exact = pd.Timestamp("2020-01-01 00:00:00.123456789")
    frame = pd.DataFrame(
        {
            "at": [exact, pd.NaT],
            "utc": [exact.tz_localize("UTC"), pd.NaT],
            "took": [pd.Timedelta(1, "ns"), pd.NaT],
            "day": [dt.date(2020, 1, 1), None],
            "d": [Decimal("1.10"), None],
        }
    )
    engine = load("engines", "pandas")()
    engine.write(frame, "x.jsonl")
    assert [json.loads(line) for line in Path("x.jsonl").read_text().splitlines()] == [
        {
            "at": "2020-01-01T00:00:00.123456789",
            "utc": "2020-01-01T00:00:00.123456789+00:00",
            "took": "P0DT0H0M0.000000001S",
            "day": "2020-01-01",
            "d": "1.10",
        },
        {"at": None, "utc": None, "took": None, "day": None, "d": None},
    ]
    assert values(engine.read("x.jsonl"), "at") == ["2020-01-01T00:00:00.123456789", None]


@pytest.mark.parametrize(
    "bad", [[float("inf"), 1.0], [[1.5, float("-inf")], [1.0]], [b"\xff"], [{"x": b"a"}, {"x": None}]]
)
def test_what_json_cannot_hold_is_refused_by_column(engine: Any, bad: list[Any]) -> None:
    """Infinity and bytes would be lost: the error names the column, and no file is left."""
    with pytest.raises(EngineError, match="column 'odd'"):
        engine.write(engine.frame({"n": list(range(len(bad))), "odd": bad}), "x.jsonl")
    assert not list(Path().iterdir())


def test_nan_is_null_with_a_warning_where_it_is_not_the_missing_value() -> None:
    """To pandas NaN is the missing value; to polars it is a number, which JSON has not."""
    with pytest.warns(DataChangedWarning, match="column 'f'"):
        load("engines", "polars")().write(pl.DataFrame({"f": [float("nan"), 1.5]}), "x.jsonl")
    assert Path("x.jsonl").read_text() == '{"f":null}\n{"f":1.5}\n'


def test_pandas_refuses_what_one_key_cannot_hold() -> None:
    """Two columns of one name, and keys of a dict that are no text."""
    engine = load("engines", "pandas")()
    with pytest.raises(EngineError, match="column 'a' is there twice"):
        engine.write(pd.DataFrame([[1, 2]], columns=["a", "a"]), "x.jsonl")
    with pytest.raises(EngineError, match=r"column 'd'.*key 1"):
        engine.write(pd.DataFrame({"d": [{1: 2}]}), "x.jsonl")


@pytest.mark.parametrize(
    "line", ['{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 2}}', "[1]", "5", '{"a": 1}{"a": 2}']
)
def test_a_line_that_would_lose_something_is_refused(engine: Any, line: str) -> None:
    """A key that is there twice, and what is no object: the message names the line."""
    with pytest.raises(UnreadableSourceError, match="line 2"):
        read_of(engine, '{"a": 0}', line)


@pytest.mark.parametrize("second", ['{"a": "x"}', '{"a": [1]}', '{"a": true}', '{"a": {"b": 1}}'])
def test_values_of_two_types_are_kept_or_refused(engine: Any, second: str) -> None:
    """pandas holds both; polars would make text of the numbers, or nothing, and so refuses the column by name."""
    if engine.name == "pandas":
        assert values(read_of(engine, '{"a": 1}', second), "a") == [1, json.loads(second)["a"]]
    else:
        with pytest.raises(UnreadableSourceError, match=r"'a' holds .* and "):
            read_of(engine, '{"a": 1}', second)


def test_whole_numbers_beside_floats_stay_exact(engine: Any) -> None:
    """A float that equals the number may stand for it; where none does, pandas keeps both and polars refuses."""
    lines = [f'{{"a": {BIG}}}', '{"a": 0.5}']
    assert values(read_of(engine, '{"a": 100000000000000000000}', '{"a": 0.5}'), "a") == [1e20, 0.5]
    if engine.name == "pandas":
        assert values(read_of(engine, *lines), "a") == [BIG, 0.5]
    else:
        with pytest.raises(UnreadableSourceError, match=f"'a' holds floats and {BIG}"):
            read_of(engine, *lines)


def test_a_byte_order_mark_is_no_part_of_the_data(engine: Any) -> None:
    """As Windows writes it; the other encodings are named."""
    Path("x.jsonl").write_bytes(b"\xef\xbb\xbf" + b'{"a": "\xc3\xa9"}\r\n\r\n{"a": null}\r\n')
    assert values(engine.read("x.jsonl"), "a") == ["é", None]


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-16", "utf-16"), ("utf-16-le", "utf-16"), ("cp1252", "cp1252")]
)
@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "csv", "csv.gz"])
def test_another_encoding_is_named_and_can_be_said(
    engine: Any, encoding: str, named: str, suffix: str
) -> None:
    """The message names the option that helps, and the option helps."""
    import gzip

    text = "n,s\n1,é\n" if suffix.startswith("csv") else '{"n": 1, "s": "é"}\n'
    raw = text.encode(encoding)
    Path(f"x.{suffix}").write_bytes(gzip.compress(raw) if suffix.endswith("gz") else raw)
    with pytest.raises(UnreadableSourceError, match=f"encoding='{named}'"):
        engine.read(f"x.{suffix}")
    assert values(engine.read(f"x.{suffix}", encoding=encoding), "s") == ["é"]


def test_options_of_a_reader_change_what_they_say() -> None:
    """pandas: types, dates and rows where they are asked for."""
    Path("x.jsonl").write_text('{"a": 1, "t": "2020-01-01"}\n{"a": 2, "t": "2020-01-02"}\n')
    engine = load("engines", "pandas")()
    Path("y.jsonl").write_text('{"a": 1, "b": "x"}\n{"a": null, "b": null}\n')
    frame = engine.read("y.jsonl", dtype={"a": "str", "b": "str"})
    assert [values(frame, name) for name in "ab"] == [["1", None], ["x", None]]
    frame = engine.read("x.jsonl", dtype={"a": "str"}, convert_dates=["t"], nrows=1)
    assert frame.values.tolist() == [["1", pd.Timestamp("2020-01-01")]]
    assert load("engines", "polars")().read("x.jsonl", schema_overrides={"a": pl.Float64})["a"].to_list() == [
        1.0,
        2.0,
    ]


def test_more_lines_than_are_held_at_once(engine: Any) -> None:
    """A fact of a late line holds for all: a column, a nested field, a float, a large number."""
    lines = ['{"n": 1, "f": 1, "d": {"x": 1}}'] * 50_000
    frame = read_of(engine, *lines, f'{{"n": {2**63}, "f": 0.5, "d": {{"y": "a"}}, "late": 1}}')
    assert values(frame, "n")[-2:] == [1, 2**63]
    assert values(frame, "f")[-2:] == [1.0, 0.5]
    assert values(frame, "late")[-2:] == [None, 1]
    last = values(frame, "d")[-1]
    assert {k: v for k, v in last.items() if v is not None} == {"y": "a"}
    assert nw.from_native(frame, eager_only=True).shape == (50_001, 4)
