"""Checks of whole frames: figures, schemas, references by several columns."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.checks import aggregate, compare, no_duplicates, references, schema
from odibi_core.errors import CheckError

MAKERS = [pl.DataFrame, pd.DataFrame, pa.table, dict]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("statistic", "figure"),
    [("sum", 10), ("mean", 2.5), ("median", 2.0), ("min", 1), ("max", 5), ("distinct", 3), ("std", 1.5)],
)
def test_a_figure_is_the_same_in_every_library(make: Any, statistic: str, figure: Any) -> None:
    """Missing values are left out."""
    frames = {"out": make({"n": [1, 2, 2, 5, None]})}
    assert aggregate("n", statistic, figure, figure).check(frames).passed is True, statistic
    assert aggregate("n", statistic, figure + 0.001).check(frames).passed is False


def test_sums_of_decimals_and_large_numbers_are_exact() -> None:
    """No float between, and no overflow."""
    assert aggregate("n", "sum", 2**64 - 2, 2**64 - 2).check({"out": pl.DataFrame({"n": [2**63 - 1] * 2})}).passed
    frame = {"out": pd.DataFrame({"n": [Decimal("0.10"), Decimal("0.20")]})}
    assert aggregate("n", "sum", 0.3, 0.3).check(frame).passed is True


@pytest.mark.parametrize(("statistic", "passed"), [("sum", True), ("distinct", True), ("mean", None), ("max", None)])
def test_no_value_has_no_mean(statistic: str, passed: bool | None) -> None:
    """It is not checked, and not 0."""
    frame = pl.DataFrame({"n": [None]}, schema={"n": pl.Float64})
    assert aggregate("n", statistic, 0, 0).check({"out": frame}).passed is passed


def test_infinities_and_texts_are_failures_with_the_reason() -> None:
    """A sum that is no number passes no bound."""
    both = aggregate("n", "sum", 0).check({"out": pl.DataFrame({"n": [math.inf, -math.inf]})})
    assert (both.passed, "no number" in both.message) == (False, True)
    assert "has no sum" in aggregate("n", "sum", 0).check({"out": pl.DataFrame({"n": ["a"]})}).message


@pytest.mark.parametrize(
    "given", [("n", "avg", 0), ("n", "sum"), ("n", "sum", 2, 1), ("n", "sum", "1"), ("n", "sum", True)]
)
def test_wrong_figures_are_refused(given: tuple[Any, ...]) -> None:
    """When the check is made."""
    with pytest.raises(CheckError):
        aggregate(*given)


@pytest.mark.parametrize("make", MAKERS)
def test_a_schema_is_compared_by_families(make: Any) -> None:
    """The same in every library; each difference is named."""
    frames = {"out": make({"id": [1], "name": ["a"], "fare": [1.5]})}
    assert schema({"id": "integer", "name": str, "fare": "float64"}, ordered=True).check(frames).passed is True
    assert schema(["fare", "id", "name"]).check(frames).passed is True
    assert "the order is" in schema(["fare", "id", "name"], ordered=True).check(frames).message
    assert "column 'fare' (Float64) is not expected" in schema({"id": int, "name": None}).check(frames).message
    assert schema({"id": "number"}, exact=False).check(frames).passed is True
    wrong = schema({"idd": None, "name": "integer"}, exact=False).check(frames)
    assert "did you mean 'id'" in wrong.message
    assert "column 'name' is String, expected integer" in wrong.message


def test_a_schema_takes_types_of_narwhals_and_lazy_frames() -> None:
    """Parameters count; nothing is run."""
    frame = pl.DataFrame({"t": []}, schema={"t": pl.Datetime("us", "UTC")})
    assert schema({"t": nw.Datetime("us", "UTC")}).check({"out": frame.lazy()}).passed is True
    assert schema({"t": nw.Datetime("us", "Europe/Oslo")}).check({"out": frame}).passed is False
    failing = pl.LazyFrame({"a": [1]}).with_columns(pl.col("a").map_batches(lambda _: 1 / 0, return_dtype=pl.Int64))
    assert schema({"a": "integer"}).check({"out": failing}).passed is True


@pytest.mark.parametrize("columns", ["id", {}, [], 5, {"id": "intger"}, {1: "integer"}, {"id": object()}])
def test_a_schema_that_is_none_is_refused(columns: Any) -> None:
    """When the check is made."""
    with pytest.raises(CheckError, match="schema"):
        schema(columns)


@pytest.mark.parametrize("make", MAKERS)
def test_references_of_several_columns(make: Any) -> None:
    """The values together; a row with a missing one passes."""
    frames = {"planes": make({"x": [1, 1], "y": ["a", "b"]}), "out": make({"n": [1, 2, None], "s": ["a", "b", "z"]})}
    found = references(["n", "s"], "planes", ["x", "y"]).check(frames)
    assert (found.failed_rows, found.examples) == (1, [{"n": 2, "s": "b"}])
    with pytest.raises(CheckError, match="one column"):
        references(["n", "s"], "planes", ["x"])


@pytest.mark.parametrize("make", MAKERS)
def test_columns_are_compared_with_their_like(make: Any) -> None:
    """Missing values pass; text beside numbers is a reason, and no answer."""
    frames = {"out": make({"a": [1.0, 5.0, None, math.nan], "b": [2, 3, 1, 1], "s": ["x"] * 4})}
    assert compare("a", "<=", "b").check(frames).failed_rows == 1
    assert "no order" in compare("a", "<", "s").check(frames).message
    with pytest.raises(CheckError, match="operator"):
        compare("a", "=", "b")
    mixed = pd.DataFrame({"a": pd.Series([1, "x"], dtype="object"), "b": [0, 0]})
    assert compare("a", "<", "b").check({"out": mixed}).passed is False
    assert no_duplicates("b").check(frames).failed_rows == 2
