"""Files of one glob become one frame: one type a column, null where a file has no such column, or an error."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.families.columns import values

from odibi_core.errors import UnreadableSourceError
from odibi_core.plugins import load

BIG = 2**53 + 1
FORMATS = ["csv", "csv.gz", "jsonl", "ndjson.zip", "parquet"]


def write(suffix: str, *files: dict[str, list[Any]]) -> str:
    """Files a, b, … of these columns, written by polars; gives the glob."""
    for letter, columns in zip("abcdef", files, strict=False):
        load("engines", "polars")().write(pl.DataFrame(columns), f"{letter}.{suffix}")
    return f"*.{suffix}"


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ({"c": [BIG]}, {}, [BIG, None]),
        ({}, {"c": [BIG]}, [None, BIG]),
        ({"c": [BIG, None]}, {"c": [1]}, [BIG, None, 1]),
        ({"c": [BIG]}, {"c": [None]}, [BIG, None]),
        ({"c": [1]}, {"c": [2**63]}, [1, 2**63]),
        ({"c": [True]}, {}, [True, None]),
        ({"c": ["a"]}, {}, ["a", None]),
        ({"c": [1]}, {"c": [2.5]}, [1.0, 2.5]),
        ({"c": [None]}, {"c": ["a"]}, [None, "a"]),
    ],
)
def test_members_that_differ_have_one_type(
    engine: Any, suffix: str, first: dict[str, Any], second: dict[str, Any], kept: list[Any]
) -> None:
    """Whole numbers stay whole beside a file that lacks them, and every digit is kept."""
    rows = [len(columns.get("c", [0])) for columns in (first, second)]
    path = write(suffix, {"n": list(range(rows[0])), **first}, {"n": list(range(rows[1])), **second})
    found = values(engine.read(path), "c")
    assert found == kept
    assert [type(v) for v in found] == [type(v) for v in kept]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("second", [["x"], [True], [0.5]])
def test_types_that_contradict_name_both_files(engine: Any, suffix: str, second: list[Any]) -> None:
    """No text in place of numbers, no number in place of a boolean, no float that a whole number is not."""
    path = write(suffix, {"n": [1], "c": [BIG]}, {"n": [1], "c": [1]}, {"n": [2], "c": second})
    with pytest.raises(UnreadableSourceError, match=r"column 'c' is .*(?i:int).* in 'a\..* and .* in 'c\."):
        engine.read(path)


def test_a_zip_code_of_one_file_makes_text_of_all(engine: Any) -> None:
    """A column of numbers in one member and text in the other is the text that each file holds."""
    Path("a.csv").write_text("zip\n12345\n")
    Path("b.csv").write_text("zip\n01234\n")
    Path("c.csv").write_text("zip\n\n")
    assert values(engine.read("[ab].csv"), "zip") == ["12345", "01234"]


def test_nested_values_of_several_files(engine: Any) -> None:
    """Fields that one file lacks are missing there."""
    Path("a.jsonl").write_text(json.dumps({"d": {"x": BIG}, "l": [1]}) + "\n")
    Path("b.jsonl").write_text(json.dumps({"d": {"y": "t"}, "l": []}) + "\n")
    frame = engine.read("*.jsonl")
    assert [{k: v for k, v in d.items() if v is not None} for d in values(frame, "d")] == [
        {"x": BIG},
        {"y": "t"},
    ]
    assert [list(v) for v in values(frame, "l")] == [[1], []]


def test_widths_units_and_signs_meet_in_what_holds_both(engine: Any) -> None:
    """Parquet files of other whole numbers, floats and times."""
    cases: list[Any] = [("a", pl.Int8, "ms"), ("b", pl.UInt32, "us"), ("c", pl.UInt64, "ns")]
    for name, dtype, unit in cases:
        at = pl.Series([1_577_836_800_123 if unit == "ms" else 1, None]).cast(pl.Datetime(unit))
        pl.DataFrame({"n": pl.Series([7, None], dtype=dtype), "at": at}).write_parquet(f"{name}.parquet")
    frame = engine.read("*.parquet")
    assert values(frame, "n") == [7, None] * 3
    assert [v and pd.Timestamp(v).year for v in values(frame, "at")][::2] == [2020, 1970, 1970]
    assert str(frame["at"].dtype).replace("datetime64[", "").startswith(("ns", "Datetime(time_unit='ns'"))


def test_a_parquet_file_with_missing_whole_numbers_is_exact() -> None:
    """pandas alone would make floats of them, in a single file too."""
    pl.DataFrame({"n": [BIG, None], "f": [0.5, None], "b": [True, None]}).write_parquet("x.parquet")
    frame = load("engines", "pandas")().read("x.parquet")
    assert [str(dtype) for dtype in frame.dtypes] == ["Int64", "float64", "boolean"]
    assert frame["n"].tolist() == [BIG, pd.NA]


def test_members_without_rows_say_nothing_of_types(engine: Any) -> None:
    """A header alone fits all."""
    Path("a.csv").write_text("n,s\n")
    Path("b.csv").write_text("n,s\n1,x\n")
    frame = engine.read("*.csv")
    assert (values(frame, "n"), values(frame, "s")) == ([1], ["x"])
    Path("b.csv").unlink()
    Path("c.csv").write_text("n,s\n")
    assert list(engine.read("*.csv").columns) == ["n", "s"]


def test_categories_and_zones_of_several_files(engine: Any) -> None:
    """Categories that differ are text; times of two zones contradict."""
    for name, value, zone in (("a", "x", "UTC"), ("b", "y", "UTC")):
        at = pl.Series([1]).cast(pl.Datetime("us", zone))
        pl.DataFrame({"c": pl.Series([value], dtype=pl.Categorical), "at": at}).write_parquet(
            f"{name}.parquet"
        )
    frame = engine.read("*.parquet")
    assert [str(v) for v in values(frame, "c")] == ["x", "y"]
    at = pl.Series([1]).cast(pl.Datetime("us", "Asia/Tokyo"))
    pl.DataFrame({"at": at}).write_parquet("c.parquet")
    with pytest.raises(UnreadableSourceError, match=r"column 'at' is .*UTC.* in 'a.parquet' and .*Tokyo"):
        engine.read("*.parquet")
