"""Statistics of columns: the same values from every engine and on every path, and those that Python computes."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core.engines import stats_record, stats_sample, stats_series
from odibi_core.engines.frame import describe
from odibi_core.engines.stats_values import MOST_CHARS, QUANTILES, value_stats

Record = dict[str, Any]
PANDAS_TYPES = {"whole": "Int64", "float": "float64", "flag": "boolean", "moment": "datetime64[us, UTC]"}
POLARS_TYPES: dict[str, Any] = {
    "whole": pl.Int64, "float": pl.Float64, "text": pl.String, "flag": pl.Boolean, "day": pl.Date,
    "moment": pl.Datetime("us", "UTC"),
}  # fmt: skip
ARROW_TYPES = {
    "whole": pa.int64(), "float": pa.float64(), "text": pa.string(), "flag": pa.bool_(), "day": pa.date32(),
    "moment": pa.timestamp("us", "UTC"),
}  # fmt: skip
ENGINES: dict[str, Callable[[str, list[Any]], Any]] = {
    "pandas": lambda kind, values: pd.DataFrame({"c": pd.Series(values, dtype=PANDAS_TYPES.get(kind))}),
    "polars": lambda kind, values: pl.DataFrame({"c": pl.Series(values, dtype=POLARS_TYPES[kind])}),
    "pyarrow": lambda kind, values: pa.table({"c": pa.array(values, type=ARROW_TYPES[kind])}),
    "rows": lambda kind, values: [{"c": value} for value in values],
}
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**62), 2**62) | st.integers(-20, 20),
    "float": st.floats(-1e9, 1e9).map(lambda value: round(value, 3)) | st.sampled_from([0.0, 1.0, 2.5]),
    "text": st.text("abé😀", max_size=3),
    "flag": st.booleans(),
    "day": st.dates(date(1990, 1, 1), date(2100, 1, 1)) | st.just(date(2024, 1, 1)),
    "moment": MOMENTS,
}


def expected(values: list[Any]) -> Record:
    """Return the statistics as the standard library computes them."""
    there = sorted(value for value in values if value is not None)
    found: Record = {"nulls": len(values) - len(there), "distinct": len(set(there))}
    if not there:
        return found
    found |= {"min": there[0], "max": there[-1]}
    number = type(there[0]) in (int, float)
    counts = Counter(there)
    codes = not number or (1 < len(counts) <= 50 and all(value == int(value) for value in counts))
    if len(counts) <= len(there) // 2 and codes:
        found["top"] = [[value, n] for value, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5]]
    if type(there[0]) is str:
        lengths = [len(value) for value in there]
        found |= {
            "length_min": min(lengths),
            "length_mean": statistics.fmean(lengths),
            "length_max": max(lengths),
        }
    if number:
        found["mean"] = statistics.fmean(there)
        twentieths = statistics.quantiles(there, n=20, method="inclusive") if len(there) > 1 else there * 19
        found |= {name: float(twentieths[round(share * 20) - 1]) for name, share in QUANTILES.items()}
        if len(there) > 1:
            found["deviation"] = statistics.stdev(there)
    return found


def alike(found: Any, wanted: Any, scale: float = 0.0) -> bool:
    """Return whether two statistics are equal; floats to nine digits of the largest value."""
    if isinstance(wanted, date):
        return bool(found == wanted.isoformat())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    if isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9 * scale)
    return bool(found == wanted)


def assert_alike(found: Record, wanted: Record) -> None:
    numbers = [abs(value) for value in wanted.values() if type(value) in (int, float)]
    scale = float(max(numbers, default=0))
    assert {name: type(value).__name__ for name, value in found.items() if name not in wanted} == {}
    for name, value in wanted.items():
        assert alike(found[name], value, scale), (name, found[name], value)


def stats(frame: Any, level: str) -> Record:
    described = describe(frame, level)
    assert described["not_described"] is None
    assert "stats_skipped" not in described["metadata"]
    (found,) = described["stats"]
    assert found.pop("column") == "c"
    return dict(found)


@pytest.mark.parametrize("path", ["matrix", "values", "query"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_engine_and_every_path_computes_the_same(
    monkeypatch: pytest.MonkeyPatch, kind: str, engine: str, path: str, data: st.DataObject
) -> None:
    """Values by NumPy, by plain Python and by the engine's own query are those of the standard library."""
    values = data.draw(st.lists(st.none() | KINDS[kind], min_size=1, max_size=40))
    with monkeypatch.context() as patch:
        if path == "values":
            patch.setattr(stats_series, "has_numpy", lambda: False)
        if path == "query":
            patch.setattr(stats_record, "SIZES", (0,))
        found = stats(ENGINES[engine](kind, values), "stats" if path == "query" else "auto")
    wanted = expected(values)
    if path == "query":  # an approximate count, here of few values
        assert abs(found.pop("distinct") - wanted.pop("distinct")) <= 1
        if ("top" in found) != ("top" in wanted):  # by which the choice of the most frequent values is made
            found.pop("top", None), wanted.pop("top", None)
    assert_alike(found, wanted)


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_numbers_that_no_float_holds_are_exact(engine: str) -> None:
    """Beyond 2^53 the extremes and the number of distinct values are those of the integers."""
    found = stats(ENGINES[engine]("whole", [2**53, 2**53 + 1, None, 2**62 + 1]), "auto")
    assert (found["min"], found["max"], found["distinct"], found["nulls"]) == (2**53, 2**62 + 1, 3, 1)


@pytest.mark.parametrize("engine", ["polars", "pyarrow", "rows"])
@pytest.mark.parametrize("level", ["auto", "stats"])
def test_nan_is_no_null(monkeypatch: pytest.MonkeyPatch, engine: str, level: str) -> None:
    """It is counted by itself, as one distinct value, and is no extreme and part of no mean."""
    if level == "stats":
        monkeypatch.setattr(stats_record, "SIZES", (0,))
    found = stats(ENGINES[engine]("float", [1.5, math.nan, None, 2.5, math.nan]), level)
    assert (found["nulls"], found["nan"], found["distinct"]) == (1, 2, 3)
    assert (found["min"], found["max"], found["mean"], found["median"]) == (1.5, 2.5, 2.0, 2.0)


def test_nan_of_pandas_is_null() -> None:
    """Because pandas itself writes it for a missing value."""
    found = stats(pd.DataFrame({"c": [1.5, math.nan, 2.5]}), "auto")
    assert (found["nulls"], found["distinct"], found["max"]) == (1, 2, 2.5)
    assert "nan" not in found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("level", ["auto", "stats"])
def test_infinities_are_extremes_and_leave_no_mean(
    monkeypatch: pytest.MonkeyPatch, engine: str, level: str
) -> None:
    """They are values, so they are the extremes; a mean and a deviation of them do not exist."""
    if level == "stats":
        monkeypatch.setattr(stats_record, "SIZES", (0,))
    found = stats(ENGINES[engine]("float", [-math.inf, 0.5, 1.5, 2.5, math.inf]), level)
    assert (found["min"], found["max"], found["distinct"]) == ("-Infinity", "Infinity", 5)
    assert (found["q25"], found["median"], found["q75"]) == (0.5, 1.5, 2.5)
    assert {"mean", "deviation", "q05", "q95", "top"}.isdisjoint(found)


# narwhals names the type of pyarrow's days, and a test below has its own.
@pytest.mark.parametrize(
    ("engine", "kind"), [(engine, kind) for engine in ENGINES for kind in KINDS if (engine, kind) != ("pyarrow", "day")]
)
def test_a_column_of_nulls_alone(engine: str, kind: str) -> None:
    """It has a number of nulls, no distinct value and nothing else."""
    assert stats(ENGINES[engine](kind, [None, None]), "auto") == {"nulls": 2, "distinct": 0}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("level", ["auto", "stats"])
def test_a_frame_without_rows(make: Any, level: str) -> None:
    """It has no nulls and no values, of 0 rows."""
    described = describe(make({"c": [1]})[:0], level)
    assert described["stats"] == [{"column": "c", "nulls": 0, "distinct": 0}]
    assert described["metadata"]["stats_rows"] == 0


def test_times_with_a_zone_are_in_utc() -> None:
    """The same moment has one text in every engine."""
    moment = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    pandas_frame = pd.DataFrame({"c": pd.Series([moment]).dt.tz_convert("Europe/Berlin")})
    polars_frame = pl.DataFrame({"c": pl.Series([moment]).dt.convert_time_zone("Europe/Berlin")})
    for frame in (pandas_frame, polars_frame, [{"c": moment}]):
        assert stats(frame, "auto")["min"] == "2024-01-01T10:00:00+00:00"


def test_decimals_are_numbers_with_exact_extremes() -> None:
    """Their extremes are texts, because a float would round them."""
    values = [Decimal("0.1"), Decimal("0.3"), None]
    for frame in (pl.DataFrame({"c": values}), pd.DataFrame({"c": values}), [{"c": value} for value in values]):
        found = stats(frame, "auto")
        assert (Decimal(found["min"]), Decimal(found["max"])) == (Decimal("0.1"), Decimal("0.3"))
        assert (found["mean"], found["nulls"]) == (0.2, 1)


@pytest.mark.parametrize(
    "values",
    [[[1], None], [{"a": 1}, None], [object(), None], [b"x" * 10, None], [1, "x", None][::-1], [1j, None]],
    ids=["list", "dict", "object", "bytes", "mixed", "complex"],
)
def test_values_without_an_order_have_what_they_have(values: list[Any]) -> None:
    """The nulls always; no extreme that Python would not compute."""
    for frame in (pd.DataFrame({"c": pd.Series(values, dtype=object)}), [{"c": value} for value in values]):
        found = stats(frame, "auto")
        assert found["nulls"] == 1
        assert "min" not in found


def test_code_of_the_program_is_not_run() -> None:
    """A value of a class of the program is neither compared nor hashed: that may have side effects."""

    class Loud:
        def __eq__(self, other: object) -> bool:
            raise AssertionError

        def __hash__(self) -> int:
            raise AssertionError

    assert value_stats([Loud(), Loud()], 0) == {"nulls": 0}


def test_long_texts_are_measured_and_not_compared() -> None:
    """A sample of long documents would take longer to compare than its statistics are worth."""
    found = value_stats(["x" * MOST_CHARS, "y"], 0)
    assert found == {"nulls": 0, "length_min": 1, "length_mean": (MOST_CHARS + 1) / 2, "length_max": MOST_CHARS}
    (polars,) = describe(pl.DataFrame({"c": ["x" * MOST_CHARS, "y", None]}), "auto")["stats"]
    assert polars == {"column": "c", "nulls": 1}


def test_values_of_ids_and_measurements_are_no_most_frequent_ones() -> None:
    """Only values that repeat are listed, and of numbers only few whole ones."""
    ids = [f"id-{n}" for n in range(100)]
    measured = [n / 7 for n in range(20)] * 5
    days = [n % 7 for n in range(100)]
    frame = pl.DataFrame({"i": ids, "m": measured, "d": days})
    found = {each["column"]: each for each in describe(frame, "auto")["stats"]}
    assert "top" not in found["i"]
    assert "top" not in found["m"]
    assert found["d"]["top"] == [[0, 15], [1, 15], [2, 14], [3, 14], [4, 14]]


def test_extreme_numbers_do_not_raise() -> None:
    """Neither an int of 400 digits nor floats whose sum is infinite."""
    assert "mean" not in value_stats([10**400, 1], 0)
    assert "mean" not in value_stats([1e308, 1e308, 1e308], 0)
    described = describe(pd.DataFrame({"c": np.array([1e308] * 3)}), "auto")
    assert "mean" not in described["stats"][0]
    assert described["stats"][0]["max"] == 1e308


def test_a_sample_has_the_sizes_that_are_documented() -> None:
    """10,000 rows at most, 200 at least."""
    assert (stats_sample.SIZES[0], stats_sample.SIZES[-1]) == (10_000, 200)
