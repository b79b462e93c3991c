"""The match of two frames, against a join that is really made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.engines import join_match
from odibi_core.engines.join_keys import Keys
from odibi_core.engines.join_match import common_keys, expected_s, match, shared_columns, table

Make = Callable[[dict[str, list[Any]]], Any]
LIBRARIES: dict[str, Make] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
K = Keys(("k",), ("k",))


@pytest.fixture(params=LIBRARIES)
def make(request: pytest.FixtureRequest) -> Make:
    """Return the constructor of a library's frames."""
    return LIBRARIES[request.param]


def test_rates_and_fan_out_of_both_sides(make: Make) -> None:
    """The share of rows with a partner, and the mean number of partners of these rows; a null has none."""
    left = table(make({"k": ["a", "a", "b", None], "x": [1, 2, 3, 4]}))
    right = table(make({"k": ["a", "a", "c"], "y": [1, 2, 3]}))
    found = match(left, right, K)
    assert (found.left_rows, found.right_rows, found.rows_sampled) == (4, 3, 7)
    assert (found.left_match_rate, found.fan_out_left, found.fan_out_right) == (0.5, 2.0, 2.0)
    assert found.right_match_rate == pytest.approx(2 / 3)
    assert found.skipped is None


def test_keys_of_several_columns_and_other_names(make: Make) -> None:
    """Times are compared as times, and each column with its partner of the other name."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(4)]
    left = table(make({"origin": ["E", "E", "J", "J"], "hour": hours}))
    right = table(make({"airport": ["E", "J", "J"], "at": [hours[0], hours[2], hours[0]]}))
    found = match(left, right, Keys(("origin", "hour"), ("airport", "at")))
    assert found.left_match_rate == 0.5
    assert found.right_match_rate == pytest.approx(2 / 3)


def test_a_large_side_is_sampled_evenly(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate of a sample is that of all rows; the way of counting changes no figure."""
    monkeypatch.setattr(join_match, "MAX_SAMPLED", 100)
    left = table(make({"k": [number % 10 for number in range(1_000)], "x": list(range(1_000))}))
    right = table(make({"k": [1, 2, 3, 3], "y": [1, 2, 3, 4]}))
    small = match(left, right, K)
    monkeypatch.setattr(join_match, "_COUNTED", 2)
    assert match(left, right, K) == small
    assert small.right_match_rate == 1.0
    assert small.fan_out_right == 100.0


def test_a_side_that_is_too_large_is_not_searched(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate is unknown and the reason is stated; the other rate is measured."""
    monkeypatch.setattr(join_match, "MAX_SCANNED", 3)
    found = match(table(make({"k": [1, 2, 3, 4]})), table(make({"k": [1, 2]})), K)
    assert (found.left_match_rate, found.right_match_rate) == (0.5, None)
    assert found.skipped == "the left input has 4 rows, and at most 3 are searched"


def test_no_partner_at_all(make: Make) -> None:
    """The rate is 0, and without a matched row there is no fan-out. Of no rows there is no rate."""
    found = match(table(make({"k": [1]})), table(make({"k": [2]})), K)
    assert (found.left_match_rate, found.fan_out_left) == (0.0, None)
    empty = table(make({"k": [1]}))
    assert empty is not None
    empty = empty.head(0)
    assert match(empty, table(make({"k": [2]})), K).left_match_rate is None


@pytest.mark.parametrize(
    "value",
    [
        pl.LazyFrame({"k": [1]}),
        [{"k": 1}],
        {"k": [1]},
        1,
        None,
        pd.DataFrame([[1, 2]], columns=["k", "k"]),
        pd.DataFrame([[1]]),
    ],
    ids=["lazy", "rows", "columns", "number", "nothing", "twice the same name", "a number as name"],
)
def test_other_values_are_no_tables(value: Any) -> None:
    """A lazy frame is not run, and columns must have names of their own."""
    assert table(value) is None


def test_common_keys_identify_the_rows_of_one_side(make: Make) -> None:
    """The fewest columns that do; a number with a fraction is no key."""
    left = table(make({"origin": ["E", "E", "J"], "hour": [1, 2, 1], "temp": [1.5, 2.5, 3.5], "x": [1, 2, 3]}))
    right = table(make({"origin": ["E", "J"], "hour": [1, 1], "temp": [1.5, 3.5], "y": [1, 2]}))
    both = table(make({"x": [1], "y": [2]}))
    names = shared_columns(left, right, [both])
    assert names == ["origin", "hour"]
    assert common_keys(left, right, names) == Keys(("origin",), ("origin",))
    wide = table(make({"origin": ["E", "E", "J"], "hour": [1, 2, 1], "y": [1, 2, 3]}))
    assert common_keys(left, wide, names) == Keys(("origin", "hour"), ("origin", "hour"))
    assert common_keys(left, wide, ["hour"]) is None


def test_the_expected_time_follows_from_the_rows_that_are_looked_at(make: Make) -> None:
    """At most a sample of one side, all rows of the other, and no frame that is too large to be searched."""
    small, large = (table(make({"k": list(range(rows))})) for rows in (10, join_match.MAX_SCANNED + 1))
    assert expected_s(small, small, K) < expected_s(large, small, K) < 1e-3
    both = Keys(("k", "k"), ("k", "k"))
    assert expected_s(small, small, both) == pytest.approx(2 * expected_s(small, small, K))


def test_frames_that_are_not_joined_have_no_common_keys(make: Make) -> None:
    """Appended frames have the same columns; a step that makes columns of one side only has joined none."""
    same = table(make({"k": [1, 2], "x": [1, 2]}))
    other = table(make({"k": [1, 2], "y": [1, 2]}))
    assert shared_columns(same, same, [same]) == []
    assert shared_columns(same, other, [same]) == []
    texts = table(make({"k": ["1", "2"], "y": [1, 2]}))
    assert shared_columns(same, texts, [table(make({"x": [1], "y": [2]}))]) == []
