"""SQL steps give exact types, on every engine, or an error that names the column."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.families.columns import values

from odibi_core.checks import between
from odibi_core.errors import EngineError
from odibi_core.plugins import load

BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("sum(n)", [2 * BIG]),
        ("sum(n)::HUGEINT * 1000000", [2 * BIG * 10**6]),
        ("9223372036854775808::HUGEINT", [2**63]),
        ("170141183460469231731687303715884105727::HUGEINT", [2**127 - 1]),
        ("18446744073709551615::UBIGINT", [2**64 - 1]),
        ("18446744073709551615::UHUGEINT", [2**64 - 1]),
        ("1.10::DECIMAL(10,2)", [Decimal("1.10")]),
        ("12345678901234567890.123456789::DECIMAL(38,9)", [Decimal("12345678901234567890.123456789")]),
        ("NULL::DECIMAL(10,2)", [None]),
        ("sum(n) FILTER (n < 0)", [None]),
        ("count(*)", [2]),
        ("avg(n::DOUBLE)", [float(BIG)]),
        ("true", [True]),
        ("NULL::BOOLEAN", [None]),
        ("INTERVAL 1 DAY", [dt.timedelta(1)]),
        ("INTERVAL '1 day 2 hours 3.000004 seconds'", [dt.timedelta(1, 7203, 4)]),
        ("NULL::INTERVAL", [None]),
        ("TIME '01:02:03.000004'", [dt.time(1, 2, 3, 4)]),
        ("TIMESTAMP '2020-01-01 01:02:03.000004'", [dt.datetime.fromisoformat("2020-01-01 01:02:03.000004")]),
        ("TIMESTAMPTZ '2020-01-01 02:00:00+02'", [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)]),
        ("'a\\xFF'::BLOB", [b"a\xff"]),
        ("'text'", ["text"]),
        ("NULL", [None]),
    ],
)
def test_what_sql_computes_is_exact(engine: Any, expression: str, kept: list[Any]) -> None:
    """Sums, decimals, large numbers, intervals and times come back as what they are."""
    found = values(
        engine.sql(f"select {expression} as x from t limit 1", {"t": engine.frame({"n": [BIG, BIG]})})
    )
    assert found == kept
    if isinstance(kept[0], int | float | Decimal | bytes):
        assert [type(v) for v in found] == [type(v) for v in kept]


def test_a_sum_of_whole_numbers_can_be_checked_and_written(engine: Any) -> None:
    """It is a whole number to a check and to JSON."""
    total = engine.sql(
        "select k, sum(n) as x from t group by k order by k", {"t": {"k": [1, 1, 2], "n": [1, 2, BIG]}}
    )
    assert "int64" in str(total["x"].dtype).lower()
    assert between("x", 0, 2 * BIG).check({"out": total}).passed is True
    engine.write(total, "x.jsonl")
    assert values(engine.read("x.jsonl")) == [3, BIG]


@pytest.mark.parametrize(
    ("cast", "values_", "dtype"),
    [
        ("BIGINT", [BIG, None], ("Int64", "Int64")),
        ("TINYINT", [1, None], ("Int8", "Int8")),
        ("UBIGINT", [2**64 - 1, None], ("UInt64", "UInt64")),
        ("INTEGER", [1, 2], ("int32", "Int32")),
        ("HUGEINT", [BIG, None], ("Int64", "Int64")),
        ("HUGEINT", [2**100, None], ("object", "Int128")),
        ("BOOLEAN", [True, None], ("boolean", "Boolean")),
        ("BOOLEAN", [True, False], ("bool", "Boolean")),
    ],
)
def test_missing_values_change_no_type(
    engine: Any, cast: str, values_: list[Any], dtype: tuple[str, str]
) -> None:
    """Whole numbers beside NULL stay whole, and booleans booleans."""
    rows = ", ".join(f"({'NULL' if v is None else v})" for v in values_)
    frame = engine.sql(f"select v::{cast} as x from (values {rows}) as r(v)", {})
    assert values(frame) == values_
    assert str(frame["x"].dtype) == dtype[engine.name != "pandas"]  # Arrow tables are seen as polars frames


def test_an_empty_answer_has_its_types(engine: Any) -> None:
    """No rows, and yet whole numbers, texts and times."""
    columns = "1::BIGINT i, sum(1) h, 1.1::DECIMAL(3,1) d, 'a' s, true b, INTERVAL 1 DAY v, now() t, [1] l"
    text = f"select {columns} where false group by all"
    frame = engine.sql(text, {})
    assert list(frame.columns) == ["i", "h", "d", "s", "b", "v", "t", "l"]
    kinds = [str(frame[name].dtype).lower() for name in "ihb"]
    assert kinds[0] == kinds[1] == "int64"
    assert kinds[2].startswith("bool")


FRAMES: list[tuple[str, Any]] = [
    ("duration", pl.Series([dt.timedelta(1, 2, 3), None])),
    ("duration ms", pl.Series([1500, None]).cast(pl.Duration("ms"))),
    ("duration ns", pl.Series([1_500_000, None]).cast(pl.Duration("ns"))),
    ("int128", pl.Series([2**100, None], dtype=pl.Int128)),
    ("uint64", pl.Series([2**64 - 1, None], dtype=pl.UInt64)),
    ("enum", pl.Series(["b", None], dtype=pl.Enum(["a", "b'c", "b"]))),
    ("decimal", pl.Series([Decimal("1.10"), None])),
    ("date", pl.Series([dt.date(2020, 1, 1), None])),
    ("time", pl.Series([dt.time(1, 2, 3, 4), None])),
    ("ns", pl.Series([1577836800123456789, None]).cast(pl.Datetime("ns"))),
    ("zone", pl.Series([1577836800123456, None]).cast(pl.Datetime("us", "Europe/Paris"))),
    ("list", pl.Series([[BIG, None], None])),
    ("struct", pl.Series([{"a": BIG, "b": "x"}, {"a": None, "b": "y"}])),
    ("binary", pl.Series([b"\xff", None])),
    ("null", pl.Series([None, None])),
    ("bool", pl.Series([True, None])),
]


@pytest.mark.parametrize("series", [s for _, s in FRAMES], ids=[name for name, _ in FRAMES])
@pytest.mark.parametrize("lazy", [False, True])
def test_polars_columns_pass_through_as_they_are(series: Any, lazy: bool) -> None:
    """A column that SQL only passes on is unchanged: its values, and its type as far as SQL knows it."""
    frame = pl.DataFrame({"n": [1, 2], "x": series})
    told = load("engines", "polars")().sql(
        "select * from t order by n", {"t": frame.lazy() if lazy else frame}
    )
    assert told["x"].to_list() == series.to_list()
    kept = told["x"].dtype
    is_integer = series.dtype == pl.Null and duckdb.__version__.startswith("1.")  # a column of NULL alone, to DuckDB 1
    assert kept.base_type() == (pl.Int32 if is_integer else series.dtype.base_type())
    if isinstance(kept, pl.Enum):
        assert kept == series.dtype


PANDAS: list[tuple[str, Any]] = [
    ("Int64", pd.Series([BIG, None], dtype="Int64")),
    ("UInt64", pd.Series([2**64 - 1, None], dtype="UInt64")),
    ("boolean", pd.Series([True, None], dtype="boolean")),
    ("timedelta", pd.Series([pd.Timedelta(1, "D"), None])),
    ("ns", pd.Series([pd.Timestamp("2020-01-01 00:00:00.123456789"), None])),
    ("zone", pd.Series([pd.Timestamp("2020-01-01 00:00:00.123456", tz="Europe/Paris"), None])),
    ("zones of Python", pd.Series([dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None], dtype="object")),
    ("category", pd.Series(["b", None, "a"][:2], dtype="category")),
    ("sparse", pd.Series(pd.arrays.SparseArray([0, 1]))),
    ("decimal", pd.Series([Decimal("1.10"), None])),
    ("large", pd.Series([2**100, 1], dtype="object")),
    ("numpy's numbers", pd.Series([np.int64(BIG), None], dtype="object")),
    ("time", pd.Series([dt.time(1, 2, 3, 4), None])),
    ("uuid", pd.Series([uuid.UUID(int=5), None])),
    ("bytes", pd.Series([b"a\xff", None])),
    ("dicts", pd.Series([{"a": 1}, {"b": "x"}])),
    ("lists", pd.Series([[BIG, None], []])),
    ("text", pd.Series(["a\0b", None])),
]


@pytest.mark.parametrize("series", [s for _, s in PANDAS], ids=[name for name, _ in PANDAS])
def test_pandas_columns_pass_through_as_they_are(series: Any) -> None:
    """Whole numbers, times with a zone (without pytz), nested values: none becomes text or a float."""
    frame = pd.DataFrame({"n": [1, 2], "x": series})
    told = load("engines", "pandas")().sql("select * from t order by n", {"t": frame})
    found = [v.tolist() if hasattr(v, "tolist") else v for v in values(told)]
    wanted = [v.tolist() if hasattr(v, "tolist") else v for v in values(frame)]
    if isinstance(wanted[0], dict):
        found = [{k: v for k, v in row.items() if v is not None} for row in found]
    assert found == wanted


def test_large_numbers_and_late_values_of_objects() -> None:
    """DuckDB looks at a thousand Python objects to find a type; the others are no less exact."""
    frame = pd.DataFrame({"x": pd.Series([1] * 100_000 + [2**70], dtype="object")})
    frame["d"] = pd.Series([Decimal(1)] * 100_000 + [Decimal("12345678901234567890.5")], dtype="object")
    told = load("engines", "pandas")().sql("select x, d from t where x > 1", {"t": frame})
    assert (values(told), values(told, "d")) == ([2**70], [Decimal("12345678901234567890.5")])


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, "a"], dtype="object"),
        pd.Series([BIG, 0.5], dtype="object"),
        pd.Series([2**200], dtype="object"),
        pd.Series([{"a": 1}, {"a": "x"}]),
        pd.Series([[1], ["x"]]),
        pd.Series([[1], {"a": 1}]),
        pd.Series(pd.period_range("2020", periods=1, freq="M")),
        pd.Series(pd.interval_range(0, 1)),
        pd.Series([1j]),
        pd.Series([pd.Timedelta(1, "ns")]).astype("timedelta64[ns]"),
        pd.Series([pd.Timestamp("2020-01-01 00:00:00.123456789", tz="UTC")]),
    ],
)
def test_what_sql_would_change_is_refused_by_column(column: Any) -> None:
    """Where the SQL reads the table; another table is none the worse."""
    engine = load("engines", "pandas")()
    frames = {"t": pd.DataFrame({"odd": column}), "u": {"n": [1]}}
    with pytest.raises(EngineError, match="'t' cannot be a table: column 'odd"):
        engine.sql("select * from t", frames)
    assert values(engine.sql("select n as x from u", frames)) == [1]


def test_polars_durations_of_nanoseconds_are_refused_by_column() -> None:
    """An INTERVAL has microseconds."""
    frame = pl.DataFrame({"odd": pl.Series([1]).cast(pl.Duration("ns"))})
    with pytest.raises(EngineError, match=r"column 'odd'.*nanoseconds"):
        load("engines", "polars")().sql("select * from t", {"t": frame})


@pytest.mark.parametrize(
    "expression",
    [
        "INTERVAL 1 MONTH",
        "INTERVAL 1 YEAR",
        "TIMETZ '01:02:03+01'",
        "'101'::BIT",
        "union_value(k := 1)",
        "[INTERVAL 1 DAY]",
    ],
)
def test_what_no_frame_has_is_refused_by_column(engine: Any, expression: str) -> None:
    """A month has no length, and DuckDB's other types would come out as something else: the cast is named."""
    with pytest.raises(EngineError, match=r"column 'odd' of the answer.*cast it in the SQL"):
        engine.sql(f"select 1 as n, {expression} as odd", {})


def test_names_that_repeat_and_order_are_kept(engine: Any) -> None:
    """The answer is asked for column by column, in one run of the query, and in its order."""
    frame = engine.sql('select 1 as a, 2 as a, 3 as "A", \'x\' as "q""uoted"', {})
    assert list(frame.columns) == ["a", "a_1", "A_2", 'q"uoted']
    many = engine.sql("select i::HUGEINT as x, random() as r from range(200000) as t(i) order by i desc", {})
    assert values(many)[:2] == [199_999, 199_998]
    assert values(many)[-1] == 0
