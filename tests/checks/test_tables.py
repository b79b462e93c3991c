"""Checks on frames as a whole, and between them."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.checks import references, row_count
from odibi_core.errors import CheckError

MAKERS: list[Callable[[Any], Any]] = [pd.DataFrame, pl.DataFrame]


def test_row_count_says_what_was_expected() -> None:
    """Either bound alone, or both."""
    frame = {"out": pl.DataFrame({"n": range(1_500)})}
    assert row_count(2_000).check(frame).message == "1,500 rows, expected at least 2,000"
    assert row_count(at_most=10).check(frame).message == "1,500 rows, expected at most 10"
    assert row_count(1_500, 1_500).check(frame).passed is True


@pytest.mark.parametrize("left", MAKERS)
@pytest.mark.parametrize("right", MAKERS)
def test_references_cross_libraries_and_number_types(left: Callable[[Any], Any], right: Callable[[Any], Any]) -> None:
    """Whole numbers beside nulls are floats in pandas, and still refer to whole numbers."""
    frames = {
        "flights": left({"id": [1, None, 9], "t": ["a", None, "z"]}),
        "planes": right({"id": [1, 2], "t": ["a", "b"]}),
    }
    found = references("id", "planes.id", on="flights").check(frames)
    assert (found.failed_rows, found.examples) == (1, [9])
    assert found.message == "1 value of id missing from planes.id in 3 rows"
    assert references("t", "planes.t", on="flights").check(frames).examples == ["z"]


def test_a_whole_number_column_may_refer_to_a_fractional_one() -> None:
    """1 is not in a column of 1.5, whichever of the two has the fractions."""
    frames = {"a": pl.DataFrame({"n": [1, 2]}), "b": pl.DataFrame({"n": [1.5, 2.0]})}
    assert references("n", "b.n", on="a").check(frames).examples == [1]


def test_dots_in_names_are_decided_by_the_frames() -> None:
    """`raw.planes.tailnum` is the column `tailnum` of `raw.planes` where there is such a frame."""
    frames = {"f": pl.DataFrame({"t": ["a"]}), "raw.planes": pl.DataFrame({"t.n": ["a"]})}
    assert references("t", "raw.planes.t.n", on="f").check(frames).passed is True


def test_a_target_without_its_frame_or_column_is_told() -> None:
    """Each with the nearest name."""
    frames = {"f": pl.DataFrame({"t": ["a"]}), "planes": pl.DataFrame({"tail": ["a"]})}
    assert "did you mean 'planes'" in references("t", "plane.tail", on="f").check(frames).message
    assert "did you mean 'tail'" in references("t", "planes.tial", on="f").check(frames).message


@pytest.mark.parametrize("build", [lambda: row_count(), lambda: row_count(5, 1), lambda: references("t", "planes")])
def test_a_check_that_cannot_hold_is_refused_at_once(build: Callable[[], Any]) -> None:
    """When it is put together."""
    with pytest.raises(CheckError):
        build()


@pytest.mark.parametrize("bound", ["1", -1, 1.5, True, float("nan")])
def test_a_bound_that_is_no_number_of_rows_is_refused_at_once(bound: Any) -> None:
    """When the check is made, with the value given."""
    for name in ("at_least", "at_most"):
        with pytest.raises(CheckError, match=f"{name} must be a whole number from 0, got"):
            row_count(**{name: bound})


def test_a_target_that_is_no_text_is_refused_at_once() -> None:
    """With the form that is right."""
    with pytest.raises(CheckError, match=r"target must be 'frame\.column', got 5"):
        references("a", 5)  # type: ignore[arg-type]
