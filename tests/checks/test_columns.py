"""The finer points of checks on columns."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.checks import accepted_values, between, matches, not_null, unique
from odibi_core.errors import CheckError

MAKERS: list[Callable[[Any], Any]] = [pd.DataFrame, pl.DataFrame]


@pytest.mark.parametrize("make", MAKERS)
def test_nan_is_missing(make: Callable[[Any], Any]) -> None:
    """For polars as for pandas: it fails not_null and nothing else. The examples are the rows' numbers."""
    frame = {"out": make({"x": [1.0, float("nan"), None]})}
    found = not_null("x").check(frame)
    assert (found.failed_rows, found.examples) == (2, [1, 2])
    assert found.message == "2 missing values of x in 3 rows"
    assert between("x", 0, 2).check(frame).passed is True
    assert accepted_values("x", [1.0]).check(frame).passed is True


@pytest.mark.parametrize("make", MAKERS)
def test_several_columns_are_unique_together(make: Callable[[Any], Any]) -> None:
    """A combination repeats, not its parts."""
    frame = {"out": make({"a": [1, 1, 2], "b": ["x", "y", "x"]})}
    assert unique("a", "b").check(frame).passed is True
    assert unique("a").check(frame).failed_rows == 2
    assert unique("b").check(frame).examples == ["x"]


@pytest.mark.parametrize("make", MAKERS)
def test_ends_may_be_open_and_of_any_kind(make: Callable[[Any], Any]) -> None:
    """Dates and text have an order too; text beside a number is refused, not compared."""
    frame = {"out": make({"n": [1, 9], "s": ["a", "m"]})}
    assert between("n", low=2).check(frame).examples == [1]
    assert between("n", high=2).check(frame).examples == [9]
    assert between("s", "a", "f").check(frame).examples == ["m"]
    assert "text" in between("s", 0, 5).check(frame).message
    days = {"out": pl.DataFrame({"d": [date(2024, 1, 1), date(2025, 1, 1)]})}
    assert between("d", date(2024, 6, 1)).check(days).examples == ["2024-01-01"]


@pytest.mark.parametrize("make", MAKERS)
def test_categories_are_the_text_they_stand_for(make: Callable[[Any], Any]) -> None:
    """For accepted values and for patterns."""
    frame = make({"c": ["a", "b", "b"]})
    frame = frame.astype({"c": "category"}) if isinstance(frame, pd.DataFrame) else frame.cast({"c": pl.Categorical})
    assert accepted_values("c", ["a"]).check({"out": frame}).examples == ["b"]
    assert matches("c", "a").check({"out": frame}).failed_rows == 2


@pytest.mark.parametrize("make", MAKERS)
def test_a_pattern_must_match_the_whole_text(make: Callable[[Any], Any]) -> None:
    """As `re.fullmatch` has it, look-aheads included; a number has no text."""
    frame = {"out": make({"s": ["ab", "abc", "ab\n"], "n": [1, 2, 3]})}
    assert matches("s", "ab|x").check(frame).examples == ["abc", "ab\n"]
    assert matches("s", "(?=a)ab").check(frame).failed_rows == 2
    assert "only text" in matches("n", "1").check(frame).message


@pytest.mark.parametrize(
    "build",
    [
        lambda: unique(),
        lambda: between("n"),
        lambda: between("n", 5, 1),
        lambda: accepted_values("s", "abc"),
        lambda: accepted_values("s", []),
        lambda: between("n", float("nan"), 1),
        lambda: between("n", 1, "x"),
        lambda: between("n", [1], [2]),
        lambda: between("n", None, pd.NaT),
        lambda: between("n", 1j),
        lambda: accepted_values("s", 5),  # type: ignore[arg-type]
        lambda: accepted_values("s", {"a": 1}),
        lambda: matches("s", "("),
        lambda: matches("s", 5),  # type: ignore[arg-type]
        lambda: matches("s", b"x"),  # type: ignore[arg-type]
        lambda: unique("a", "a"),
        lambda: not_null("a", on=5),  # type: ignore[arg-type]
        lambda: not_null("a", collect="no"),  # type: ignore[arg-type]
    ],
)
def test_a_check_that_cannot_hold_is_refused_at_once(build: Callable[[], Any]) -> None:
    """When it is put together, not when the data has been made."""
    with pytest.raises(CheckError):
        build()


@given(st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=1, max_size=20))
def test_libraries_agree_with_plain_python(values: list[int | None]) -> None:
    """Counts of every check are those that Python counts, for pandas, polars and rows as dicts."""
    there = [value for value in values if value is not None]
    expected = [
        (not_null("n"), len(values) - len(there)),
        (unique("n"), sum(there.count(value) > 1 for value in there)),
        (between("n", -1, 1), sum(abs(value) > 1 for value in there)),
        (accepted_values("n", [0, 1]), sum(value not in (0, 1) for value in there)),
    ]
    plain = {"n": values}
    typed = pl.DataFrame(plain, schema={"n": pl.Int64})
    for frame in (pd.DataFrame(plain, dtype="Int64"), pd.DataFrame(plain, dtype="float64"), typed):
        for check, failed in expected:
            assert check.check({"out": frame}).failed_rows == failed
