"""Each test of a rule against plain Python, over pandas, polars and pyarrow."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.insight.base import Rule, Test
from odibi_core.insight.frames.frame import Frame, frame_of
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.tests import complement, evaluate, passing

LIBRARIES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "pandas": lambda frame: frame.to_pandas(),
    "pandas masked": lambda frame: frame.to_pandas().convert_dtypes(),
    "polars": lambda frame: frame,
    "pyarrow": lambda frame: frame.to_arrow(),
}

NUMBERS = st.lists(st.none() | st.integers(-5, 5), min_size=1, max_size=12)
TEXTS = st.lists(st.none() | st.sampled_from(["", "a", "Ab", "abc", "é", "x.*", "N1"]), min_size=1, max_size=12)
MOMENT = st.datetimes(dt.datetime(1969, 1, 1), dt.datetime(2030, 1, 1))  # noqa: DTZ001 (columns without a zone)


def tables(**columns: Any) -> list[Frame]:
    frame = pl.DataFrame(columns, strict=False)
    found = [frame_of(make(frame)) for make in LIBRARIES.values()]
    assert all(found)
    return [table for table in found if table is not None]


def expect(test: Test, rows: list[bool], **columns: Any) -> None:
    """Assert that the rows pass in every library, and the others its complement."""
    for table in tables(**columns):
        assert passing(test, table).tolist() == rows, test
        assert passing(complement(test), table).tolist() == [not row for row in rows]


def lifted(passes: Callable[..., bool], *columns: list[Any]) -> list[bool]:
    """Return the rows that pass a Python function; a null passes nothing."""
    return [None not in row and passes(*row) for row in zip(*columns, strict=True)]


@settings(max_examples=15, deadline=None)
@given(NUMBERS, st.integers(-5, 5), st.integers(-5, 5))
def test_numbers(numbers: list[int | None], a: int, b: int) -> None:
    """A number passes a comparison as in Python, and null passes none."""
    low, high = sorted((a, b))
    cases: dict[str, tuple[Any, Callable[[int], bool]]] = {
        "lt": (a, lambda x: x < a), "le": (a, lambda x: x <= a), "gt": (a, lambda x: x > a),
        "ge": (a, lambda x: x >= a), "eq": (a, lambda x: x == a), "ne": (a, lambda x: x != a),
        "between": ([low, high], lambda x: low <= x <= high), "outside": ([low, high], lambda x: x < low or x > high),
        "in": ([a, b], lambda x: x in (a, b)), "mod": ([3, 1], lambda x: x % 3 == 1),
    }  # fmt: skip
    for op, (value, passes) in cases.items():
        expect(Test(op, ("x",), value), lifted(passes, numbers), x=numbers)
    expect(Test("null", ("x",)), [number is None for number in numbers], x=numbers)


@settings(max_examples=15, deadline=None)
@given(TEXTS, st.sampled_from(["a", "b", "É", "x.*", "1"]))
def test_texts(texts: list[str | None], part: str) -> None:
    """A text passes a comparison as in Python; a pattern is no regular expression."""
    cases: dict[str, tuple[Any, Callable[[str], bool]]] = {
        "starts": (part, lambda x: x.startswith(part)), "ends": (part, lambda x: x.endswith(part)),
        "contains": (part, lambda x: part in x), "contains_any_case": (part, lambda x: part.lower() in x.lower()),
        "eq_any_case": (part, lambda x: part.lower() == x.lower()), "eq": (part, lambda x: x == part),
        "ne": (part, lambda x: x != part), "lt": (part, lambda x: x < part),
        "in": ([part, "a"], lambda x: x in (part, "a")), "length.gt": (1, lambda x: len(x) > 1),
    }  # fmt: skip
    for op, (value, passes) in cases.items():
        expect(Test(op, ("x",), value), lifted(passes, texts), x=texts)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.none() | MOMENT, min_size=1, max_size=8), MOMENT)
def test_moments(moments: list[dt.datetime | None], limit: dt.datetime) -> None:
    """A moment is compared by its time, and each of its parts is the one of Python; Monday is 0."""
    cases: dict[str, tuple[Any, Callable[[dt.datetime], bool]]] = {
        "lt": (limit.isoformat(), lambda x: x < limit), "ge": (limit.isoformat(), lambda x: x >= limit),
        "year.eq": (limit.year, lambda x: x.year == limit.year), "month.in": ([1, 2], lambda x: x.month in (1, 2)),
        "day.le": (15, lambda x: x.day <= 15), "weekday.ge": (5, lambda x: x.weekday() >= 5),
        "quarter.eq": (limit.month // 4 + 1, lambda x: (x.month - 1) // 3 == limit.month // 4),
        "week.le": (limit.isocalendar().week, lambda x: x.isocalendar().week <= limit.isocalendar().week),
        "time.ge": ("12 h", lambda x: x.time() >= dt.time(12)),
        "hour.between": ([6, 12], lambda x: 6 <= x.hour <= 12), "minute.lt": (30, lambda x: x.minute < 30),
        "date.le": (limit.date().isoformat(), lambda x: x.date() <= limit.date()),
    }  # fmt: skip
    for op, (value, passes) in cases.items():
        expect(Test(op, ("x",), value), lifted(passes, moments), x=moments)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3)), min_size=1, max_size=12))
def test_two_columns(pairs: list[tuple[int | None, int | None]]) -> None:
    """Two columns are compared row by row, and their sum, difference, product and ratio with a constant."""
    a, b = ([pair[at] for pair in pairs] for at in (0, 1))
    cases: dict[str, Callable[[int, int], bool]] = {
        "lt": lambda x, y: x < y, "ge": lambda x, y: x >= y, "eq": lambda x, y: x == y, "ne": lambda x, y: x != y,
        "sum.gt": lambda x, y: x + y > 1, "difference.gt": lambda x, y: x - y > 1,
        "product.gt": lambda x, y: x * y > 1, "ratio.gt": lambda x, y: x / y > 1 if y else x > 0,
    }  # fmt: skip
    for op, passes in cases.items():
        expect(Test(op, ("a", "b"), 1 if "." in op else None), lifted(passes, a, b), a=a, b=b)
    expect(Test("null", ("a", "b")), [None in pair for pair in pairs], a=a, b=b)


def test_a_time_zone_counts_for_parts_and_not_for_the_order() -> None:
    """22:30 in UTC is the next day in Berlin; a constant with an offset is a moment."""
    moments = [dt.datetime(2024, 6, 30, 22, 30, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC), None]
    column = pl.Series(moments).dt.convert_time_zone("Europe/Berlin")
    expect(Test("month.eq", ("x",), 7), [True, False, False], x=column)
    expect(Test("ge", ("x",), "2024-07-01T00:30:00+02:00"), [True, False, False], x=column)
    expect(Test("gt", ("x",), "2024-06-30T22:30:00+00:00"), [False, False, False], x=column)


def test_nan_is_a_number_in_polars_and_null_in_pandas() -> None:
    """NaN passes no comparison; it is null in pandas, and in polars and pyarrow a value of its own."""
    columns = {"x": [1.0, float("nan"), None]}
    for frame, nulls, nans in (
        (pd.DataFrame(columns), [False, True, True], [False, False, False]),
        (pl.DataFrame(columns), [False, False, True], [False, True, False]),
        (pa.table(columns), [False, False, True], [False, True, False]),
    ):
        table = frame_of(frame)
        assert table is not None
        assert passing(Test("null", ("x",)), table).tolist() == nulls
        assert passing(Test("nan", ("x",)), table).tolist() == nans
        assert passing(Test("lt", ("x",), 5), table).tolist() == [True, False, False]
        assert passing(Test("valued_not_lt", ("x",), 0), table).tolist() == [True, False, False]


def test_decimals_categories_booleans_and_big_integers() -> None:
    """Each has its own order: decimals that of numbers, categories that of texts, integers beyond 2**53 are exact."""
    expect(Test("ge", ("x",), 1.5), [False, True, False], x=[Decimal("1.49"), Decimal("1.50"), None])
    expect(Test("starts", ("x",), "a"), [True, False, False], x=pl.Series(["ab", "b", None], dtype=pl.Categorical))
    expect(Test("eq", ("x",), True), [True, False, False], x=[True, False, None])
    expect(Test("gt", ("x",), 2**53), [True, False, False], x=[2**53 + 1, 2**53, -(2**63)])


def test_objects_take_part_in_tests_of_nulls_only() -> None:
    """Mixed objects and nested values can be null; another test of them is refused."""
    for frame in (pd.DataFrame({"x": ["a", 1, None]}), pl.DataFrame({"x": [[1], [], None]})):
        table = frame_of(frame)
        assert table is not None
        assert passing(Test("null", ("x",)), table).tolist() == [False, False, True]
        with pytest.raises(CannotEvaluate, match="x must have numbers, moments, texts or booleans"):
            passing(Test("lt", ("x",), 1), table)


def test_objects_of_one_type_are_values_of_that_type() -> None:
    """Texts and dates that pandas keeps as objects are compared as texts and dates."""
    dates = [dt.date(2024, 1, 1), None, dt.date(2025, 1, 1)]
    frame = pd.DataFrame({"s": pd.Series(["ab", None, "b"], dtype=object), "d": dates})
    table = frame_of(frame)
    assert table is not None
    assert passing(Test("starts", ("s",), "a"), table).tolist() == [True, False, False]
    assert passing(Test("ge", ("d",), "2025-01-01"), table).tolist() == [False, False, True]


@pytest.mark.parametrize("library", LIBRARIES)
def test_keys_of_another_input(library: str) -> None:
    """A key is looked up by value, over several columns and in a frame of another library; null is in none."""
    main = pl.DataFrame({"a": ["x", "x", "y", None], "n": [1, 2, 1, 1]})
    other = pd.DataFrame({"a": ["x", "y", "y"], "m": [1.0, 2.0, 1.0]})
    table, right = frame_of(LIBRARIES[library](main)), frame_of(other)
    assert table is not None
    assert right is not None
    both = Test("in_input", ("a", "n"), other="right", keys=("a", "m"))
    assert passing(both, table, {"right": right}).tolist() == [True, False, True, False]
    assert passing(complement(both), table, {"right": right}).tolist() == [False, True, False, True]


def test_places_in_groups() -> None:
    """Ties share the lowest rank, rows are counted in order, and the mean is that of the group."""
    columns = {"g": ["a", "a", "b", "a", None], "v": [1, 3, 5, 3, 9]}
    expect(Test("group_rank.le", ("v", "g"), 1), [False, True, True, True, False], **columns)
    expect(Test("group_rank_asc.le", ("v", "g"), 1), [True, False, True, False, False], **columns)
    expect(Test("group_mean.gt", ("v", "g"), 0), [False, True, False, True, False], **columns)
    expect(Test("group_row.eq", ("g",), 0), [True, False, True, False, False], **columns)
    expect(Test("group_row_end.eq", ("g",), 0), [False, False, True, True, False], **columns)
    expect(Test("group_size.ge", ("g",), 2), [True, True, False, True, False], **columns)
    expect(Test("mean_of_group.gt", ("v", "g"), 3), [False, False, True, False, False], **columns)
    expect(Test("sum_of_group.eq", ("v", "g"), 7), [True, True, False, True, False], **columns)
    expect(Test("least_of_group.lt", ("v", "g"), 2), [True, True, False, True, False], **columns)
    expect(Test("most_of_group.ge", ("v", "g"), 5), [False, False, True, False, False], **columns)
    expect(Test("null_count.ge", ("v", "g"), 1), [False, False, False, False, True], **columns)
    expect(Test("row.lt", (), 2), [True, True, False, False, False], **columns)
    expect(Test("row_end.lt", (), 2), [False, False, False, True, True], **columns)


def test_a_rule_of_other_data_is_refused_with_a_reason() -> None:
    """Yesterday's rule names what is missing today, or what is of another kind."""
    table = tables(x=[1, 2], s=["a", "b"])[0]
    for test, reason in (
        (Test("lt", ("gone",), 1), "no column 'gone'"),
        (Test("lt", ("s",), 1), "s has texts"),
        (Test("lt", ("x",), "2024-01-01"), "x has numbers"),
        (Test("month.eq", ("x",), 1), "x must have moments"),
        (Test("in_input", ("x",), other="gone"), "no input 'gone'"),
        (Test("like", ("x",), 1), "no comparison 'like'"),
    ):
        with pytest.raises(CannotEvaluate, match=reason):
            evaluate(Rule(((test,),)), table, {})


def test_names_that_are_shared_or_no_texts() -> None:
    """A column whose name is a number is named by its digits; columns that share a name are left out."""
    frame = frame_of(pd.DataFrame([[1, 2, 3]], columns=[7, "a", "a"]))
    assert frame is not None
    assert frame.names == ("7", "a", "a.1")
    table = frame.nameable()
    assert table.names == ("7",)
    assert passing(Test("eq", ("7",), 1), table).tolist() == [True]


def test_no_frame_is_changed_and_lazy_ones_are_not_run() -> None:
    """Other values, lazy frames among them, are no tables."""
    assert frame_of(pl.LazyFrame({"x": [1]})) is None
    assert frame_of([1]) is None
    frame = pd.DataFrame({"s": ["a", None]})
    table = frame_of(frame)
    assert table is not None
    table.column("s").text.to_list()
    assert np.array_equal(frame["s"].isna(), [False, True])
