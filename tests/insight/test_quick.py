"""The quick look at the rows of a step: what is certain is a number, what is not is None."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.insight.quick import main_input, quick

N = 2_000
PANDAS = pd.DataFrame({"id": range(N), "key": [n % 50 for n in range(N)], "word": [f"w{n * 7}" for n in range(N)]})
POLARS = pl.DataFrame(PANDAS.to_dict("list"))
ARROW = POLARS.to_arrow()
OTHER = pd.DataFrame({"key": range(40), "seats": [float(n) for n in range(40)]})

Facts = tuple[int | None, int | None, str]


def facts(made: Any, taken: Any = PANDAS) -> Facts:
    found = quick({"a": taken}, made)
    assert (found.rows_in, found.main) == (N, "a")
    return found.lost, found.gained, found.how


@pytest.mark.parametrize(
    ("taken", "made", "expected"),
    [
        (PANDAS, PANDAS[PANDAS["id"] % 3 == 0], (1_333, 0, "index")),
        (PANDAS, PANDAS.assign(more=1), (0, 0, "index")),
        (PANDAS, PANDAS, (0, 0, "object")),
        (PANDAS, PANDAS.iloc[:0], (N, 0, "empty")),
        (PANDAS, PANDAS.iloc[::-1], (None, None, "count")),
        (PANDAS, PANDAS.sample(frac=1, random_state=1, ignore_index=True), (None, None, "count")),
        (PANDAS, PANDAS[PANDAS["id"] % 3 == 0].reset_index(drop=True), (None, None, "count")),
        (PANDAS, PANDAS.iloc[[0, 0, 1, 2]], (None, None, "count")),
        (PANDAS, PANDAS.groupby("key", as_index=False).sum(), (None, None, "count")),
        (PANDAS, pd.concat([PANDAS, PANDAS]), (None, None, "count")),
        (POLARS, POLARS.with_columns(more=1), (0, 0, "place")),
        (POLARS, POLARS.filter(pl.col("id") > 3), (None, None, "count")),
        (POLARS, POLARS.reverse(), (None, None, "count")),
        (ARROW, ARROW.append_column("more", ARROW["id"]), (0, 0, "place")),
        (ARROW, ARROW.slice(0, 0), (N, 0, "empty")),
    ],
)
def test_lost_and_gained_rows_are_numbers_only_if_they_are_certain(taken: Any, made: Any, expected: Facts) -> None:
    """An order, a repeated label, a lost index and an aggregate leave them unknown."""
    lost, gained, how = expected
    assert facts(made, taken) == (lost, gained, "count" if how == "empty" else how)


def test_labels_that_stand_for_other_rows_are_no_evidence() -> None:
    """After a sort and a new index, the labels are those of other rows: the values of 256 rows differ."""
    made = PANDAS.sort_values("word").reset_index(drop=True).iloc[::2]
    assert facts(made) == (None, None, "count")


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_rows_without_a_match_are_the_nulls_that_a_left_join_brought(convert: Any) -> None:
    """Not those of an inner join, nor of a column that had nulls before or that the step filled."""
    left = convert(PANDAS.merge(OTHER, on="key", how="left"))
    inputs = {"a": convert(PANDAS), "b": convert(OTHER)}
    assert quick(inputs, left).unmatched == {"b": 400}
    assert quick(inputs, convert(PANDAS.merge(OTHER, on="key"))).unmatched == {}
    assert quick(inputs, convert(PANDAS.merge(OTHER, on="key", how="left").fillna({"seats": 0.0}))).unmatched == {}
    holes = convert(OTHER.assign(seats=OTHER["seats"].where(OTHER["key"] > 2)))
    assert quick({**inputs, "b": holes}, left).unmatched == {}


def test_the_main_input_is_the_one_that_shares_most_columns() -> None:
    """Of equal ones the longest; the order of the parameters decides nothing else."""
    names = ["id", "key", "seats", "word"]
    assert main_input({"b": (["key", "seats"], 9), "a": (["id", "key", "word"], 5)}, names) == "a"
    assert main_input({"a": (["key"], 5), "b": (["key"], 9)}, ["key"]) == "b"
    assert main_input({}, ["key"]) == ""


@pytest.mark.parametrize(
    "made",
    [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({0: [1], ("x", 1): [2]}),
        pd.DataFrame({"o": [object()], "l": [[1]]}),
        pd.DataFrame(index=[1, 2]),
        pl.DataFrame(),
        [{"id": 1}],
        {"config": 1},
        None,
        3,
    ],
)
def test_odd_frames_and_other_values_are_no_error(made: Any) -> None:
    """A step may return any value."""
    found = quick({"a": PANDAS, "b": {"x": 1}, "c": None}, made)
    assert not found.causes
    assert quick({"a": made}, PANDAS).lost in (None, 0)
