"""Statistics over all rows, as the query engines compute them."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.engines import stats_pandas
from odibi_core.engines.frame import describe

VALUES = st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=1, max_size=30)


def stats(frame: Any) -> list[dict[str, Any]]:
    found = describe(frame, "stats")
    assert found["not_described"] is None
    return [dict(of) for of in found["stats"]]


@given(VALUES)
def test_they_are_what_python_counts(values: list[int | None]) -> None:
    """Nulls and extremes to the unit, distinct values nearly, for pandas' kinds of numbers and polars."""
    there = [value for value in values if value is not None]
    for frame in (
        pd.DataFrame({"n": values}, dtype="float64"),
        pd.DataFrame({"n": values}, dtype="Int64"),
        pl.DataFrame({"n": values}, schema={"n": pl.Int64}),
    ):
        (told,) = stats(frame)
        assert told["nulls"] == len(values) - len(there)
        assert told.get("min") == min(there, default=None)
        assert told.get("max") == max(there, default=None)
        assert told["distinct"] == pytest.approx(len(set(there)), abs=2)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_null_is_no_distinct_value(make: Any) -> None:
    """In every library, as in SQL."""
    assert [of["distinct"] for of in stats(make({"n": [1, 1, None], "s": ["x", None, "y"]}))] == [1, 2]


def test_many_distinct_values_are_counted_nearly() -> None:
    """Within a tenth."""
    values = np.arange(100_000)
    for frame in (pd.DataFrame({"n": values}), pl.DataFrame({"n": values})):
        assert stats(frame)[0]["distinct"] == pytest.approx(100_000, rel=0.1)


def test_columns_of_one_name_have_their_own_statistics() -> None:
    """By position, not by name."""
    told = stats(pd.DataFrame([[1, "x"], [2, None]], columns=["a", "a"]))
    assert [(of["nulls"], of["max"]) for of in told] == [(0, 2), (1, "x")]


def test_every_kind_of_pandas_column_is_told() -> None:
    """One that DuckDB cannot take does not affect the others."""
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-01-01", "2024-01-03"]),
            "zoned": pd.to_datetime(["2024-01-01", "2024-01-03"], utc=True),
            "kind": pd.Categorical(["b", "a"], categories=["b", "a"]),
            "period": pd.period_range("2024", periods=2, freq="D"),
            "imaginary": [1j, 2j],
            "mixed": [1, "x"],
            "text": pd.Series(["b", "a"], dtype="object"),
            "flag": [True, False],
        }
    )
    told = {of["column"]: of for of in stats(frame)}
    assert [of["nulls"] for of in told.values()] == [0] * 8
    assert [told[name]["distinct"] for name in ("day", "zoned", "kind", "period", "text", "flag")] == [2] * 6
    assert (told["kind"]["min"], told["kind"]["max"]) == ("a", "b")
    assert (told["text"]["min"], told["text"]["max"]) == ("a", "b")
    assert told["day"]["max"] == "2024-01-03T00:00:00"
    assert told["zoned"]["max"].startswith("2024-01-03T00:00:00")
    assert "min" not in told["mixed"]


def test_only_a_column_that_duckdb_does_not_take_is_read_as_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The values of the others, of millions of rows, are not; NaN is null in every column of pandas."""
    read = []

    def column_values(column: Any) -> Any:
        read.append(column.name)
        return original(column)

    original = stats_pandas.column_values
    monkeypatch.setattr(stats_pandas, "column_values", column_values)
    many = {
        "text": ["a", "b"] * 10_000,
        "number": [1.0, None] * 10_000,
        "long": np.array([1.0, np.nan] * 10_000, dtype="longdouble"),
    }
    told = {of["column"]: of for of in stats(pd.DataFrame(many))}
    assert read == ["long"]
    for name in ("number", "long"):
        assert (told[name]["nulls"], told[name].get("nan"), told[name]["distinct"]) == (10_000, None, 1)
    assert told["text"]["top"] == [["a", 10_000], ["b", 10_000]]
