"""Checks on sound data: the verdict is Python's own, whatever the column's type and the library."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.checks import CheckResult, accepted_values, between, references, unique
from odibi_core.checks.comparison import not_among

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def columns_of(values: list[Any], kind: str) -> dict[str, Any]:
    """One column in each library, and in each of pandas' representations, of an Arrow type."""
    array = pa.array(values, type=getattr(pa, kind)())
    title = kind.replace("uint", "UInt") if "uint" in kind else kind.capitalize()
    made = {
        "pyarrow": pa.table({"n": array}),
        "pandas on arrow": pd.DataFrame({"n": pd.Series(values, dtype=pd.ArrowDtype(array.type))}),
        "pandas masked": pd.DataFrame({"n": pd.Series(values, dtype=title)}),
        "polars": pl.DataFrame({"n": pl.Series(values, dtype=getattr(pl, title))}),
    }
    if None not in values:
        made["pandas"] = pd.DataFrame({"n": np.array(values, dtype=kind)})
    return made


def verdicts(check: Any, frames: dict[str, Any]) -> dict[str, tuple[bool | None, int | None]]:
    """Return the verdict for each library's frame, or the message if there is none."""
    found: dict[str, CheckResult] = {name: check.check({"out": frame}) for name, frame in frames.items()}
    broken = {name: each.message for name, each in found.items() if each.failed_rows is None}
    assert not broken, broken
    return {name: (each.passed, each.failed_rows) for name, each in found.items()}


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize(
    ("low", "high", "failed"),
    [
        (0, 300, 0),
        (-1, 10, 0),
        (-(2**70), 2**70, 0),
        (None, 2**200, 0),
        (2**70, None, 2),
        (None, -1, 2),
        (1.5, 2.5, 1),
        (Decimal("1.5"), Decimal("2.5"), 1),
        (float("-inf"), float("inf"), 0),
        (np.int64(1), np.float32(2), 0),
        (True, 2, 0),
    ],
)
def test_limits_outside_of_a_type_are_limits_all_the_same(kind: str, low: Any, high: Any, failed: int) -> None:
    """An integer column of any width is compared with any number; a library's overflow is no verdict."""
    found = verdicts(between("n", low, high), columns_of([1, 2, None], kind))
    assert set(found.values()) == {(not failed, failed)}, found


@pytest.mark.parametrize("kind", [*INTEGERS, "float32", "float64"])
@pytest.mark.parametrize(
    ("values", "failed"),
    [
        ([1, 2], 0),
        ([1.0, 2.0, 2.5], 0),
        ([Decimal(1), Decimal(2)], 0),
        ([1, 2, None, "x"], 0),
        ([1, 2, 300, -5, 2**70], 0),
        ([True, 2], 0),
        ([2], 1),
        ([1.5], 2),
    ],
)
def test_accepted_numbers_may_be_of_another_type(kind: str, values: list[Any], failed: int) -> None:
    """1 is 1.0 is Decimal(1): a number of another type is the same value, and one that cannot occur harms nothing."""
    found = verdicts(accepted_values("n", values), columns_of([1, 2, None], kind))
    assert set(found.values()) == {(not failed, failed)}, found


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.one_of(st.integers(-(2**80), 2**80), st.floats(allow_nan=False), st.decimals(allow_nan=False, places=2)),
)
def test_big_integers_are_compared_exactly(value: int, limit: Any) -> None:
    """No number of 64 bits is rounded to a float on the way, in any library."""
    frames = {
        "polars": pl.DataFrame({"n": [value]}),
        "pandas": pd.DataFrame({"n": [value]}),
        "pyarrow": pa.table({"n": [value]}),
    }
    assert set(verdicts(between("n", low=limit), frames).values()) == {(value >= limit, int(value < limit))}
    assert set(verdicts(between("n", high=limit), frames).values()) == {(value <= limit, int(value > limit))}
    assert set(verdicts(accepted_values("n", [limit]), frames).values()) == {(value == limit, int(value != limit))}


def decimals(values: list[Any]) -> dict[str, Any]:
    return {
        "polars": pl.DataFrame({"x": pl.Series(values, dtype=pl.Decimal(10, 2))}),
        "pandas": pd.DataFrame({"x": values}),
        "pyarrow": pa.table({"x": pa.array(values, type=pa.decimal128(10, 2))}),
    }


@pytest.mark.parametrize(
    ("low", "high", "failed"),
    [(1, 3, 0), (1.1, 2.2, 0), (Decimal("1.1"), Decimal("2.20"), 0), (1.105, None, 1), (Fraction(3, 2), None, 1)],
)
def test_decimals_are_compared_as_they_are_written(low: Any, high: Any, failed: int) -> None:
    """A float beside a decimal is the decimal that it prints as: 2.20 is not above 2.2."""
    frames = decimals([Decimal("1.10"), Decimal("2.20"), None])
    if isinstance(low, Fraction):
        low = Decimal(low.numerator) / low.denominator
    found = verdicts(between("x", low, high), frames)
    assert set(found.values()) == {(not failed, failed)}, found


def test_accepted_decimals_may_be_floats() -> None:
    """The same for accepted values."""
    frames = decimals([Decimal("1.10"), Decimal("2.20"), None])
    assert set(verdicts(accepted_values("x", [Decimal("1.1"), Decimal("2.2")]), frames).values()) == {(True, 0)}
    typed = {name: frame for name, frame in frames.items() if name != "pandas"}
    assert set(verdicts(accepted_values("x", [1.1, 2.2]), typed).values()) == {(True, 0)}


def test_a_small_float_is_the_number_that_was_written() -> None:
    """0.1 of 32 bits is within 0 and 0.1, and is an accepted 0.1."""
    frames = columns_of([0.1, 0.5], "float32")
    assert set(verdicts(between("n", 0, 0.5), frames).values()) == {(True, 0)}
    assert set(verdicts(between("n", 0.1, 1), frames).values()) == {(True, 0)}
    assert set(verdicts(accepted_values("n", [0.1, 0.5]), frames).values()) == {(True, 0)}
    assert set(verdicts(between("n", None, 1e300), frames).values()) == {(True, 0)}


OSLO_SUMMER = timezone(timedelta(hours=2))
MOMENT = datetime(2026, 7, 1, 12, tzinfo=UTC).replace(tzinfo=None)
MIDNIGHT = MOMENT - timedelta(hours=12)
TEMPORAL: list[tuple[Any, Any, Any, int]] = [
    (MOMENT, MOMENT - timedelta(days=9), MOMENT + timedelta(days=9), 0),
    (MOMENT, date(2026, 1, 1), date(2026, 12, 31), 0),
    (MOMENT, "2026-01-01", "2026-12-31", 0),
    (MOMENT, date(2026, 7, 1), date(2026, 7, 1), 1),
    (MOMENT.replace(tzinfo=UTC), datetime(2026, 7, 1, 13, tzinfo=OSLO_SUMMER), None, 0),
    (MOMENT.replace(tzinfo=UTC), datetime(2026, 7, 1, 15, tzinfo=OSLO_SUMMER), None, 1),
    (MOMENT.replace(tzinfo=UTC), "2026-07-01T14:00:00+02:00", "2026-07-02T00:00:00Z", 0),
    (date(2026, 7, 1), "2026-07-01", "2026-07-01", 0),
    (date(2026, 7, 1), MIDNIGHT, None, 0),
    (date(2026, 7, 1), MOMENT, None, 1),
    (date(2026, 7, 1), None, MOMENT, 0),
    (time(3), time(1), time(4), 0),
    (timedelta(days=1), timedelta(hours=1), timedelta(days=2), 0),
]


@pytest.mark.parametrize(("value", "low", "high", "failed"), TEMPORAL)
def test_dates_and_times_have_limits_of_any_spelling(value: Any, low: Any, high: Any, failed: int) -> None:
    """Dates, ISO texts and other time zones name moments; a date is its midnight."""
    frames = {
        "polars": pl.DataFrame({"t": [value, None]}),
        "pandas": pd.DataFrame({"t": [value]}),
        "pyarrow": pa.table({"t": [value, None]}),
    }
    found = verdicts(between("t", low, high), frames)
    assert set(found.values()) == {(not failed, failed)}, found


def test_accepted_moments_may_be_in_another_zone() -> None:
    """Two spellings of a moment are one value, which a library's own membership test denies."""
    here = datetime(2026, 7, 1, 14, tzinfo=OSLO_SUMMER)
    for make in (pl.DataFrame, pd.DataFrame, pa.table):
        frame = make({"t": [MOMENT.replace(tzinfo=UTC)]})
        assert accepted_values("t", [here]).check({"out": frame}).passed is True


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table])
def test_what_has_no_common_order_is_told(make: Any) -> None:
    """Text beside numbers, numbers beside dates, a moment without its zone: a reason, never a verdict by accident."""
    frame = {"out": make({"n": [1], "s": ["1"], "t": [MOMENT], "u": [MOMENT.replace(tzinfo=UTC)]})}
    for check, reason in [
        (between("n", "0", "3"), "cannot be compared with '0'"),
        (between("s", 0, 3), "is text, which cannot be compared with 0"),
        (accepted_values("n", ["1"]), "cannot be compared with '1'"),
        (accepted_values("s", [1]), "is text, which cannot be compared with 1"),
        (between("t", 5), "cannot be compared with 5"),
        (between("t", "soon"), "'soon' is no date; write it as 2026-11-29"),
        (between("u", MOMENT), "has no time zone, and the column has UTC"),
        (between("t", MOMENT.replace(tzinfo=UTC)), "has a time zone, and the column has none"),
    ]:
        found = check.check(frame)
        assert (found.passed, found.failed_rows) == (False, None)
        assert reason in found.message


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table])
def test_nested_values_and_booleans_are_compared_by_python(make: Any) -> None:
    """Lists and structs are unique, accepted and missing as other values are; True is 1."""
    frame = {"out": make({"l": [[1], [2], [1], None], "s": [{"a": 1}, {"a": 2}, {"a": 1}, None], "b": [True] * 4})}
    for name, one in (("l", [1]), ("s", {"a": 1})):
        assert unique(name).check(frame).failed_rows == 2
        assert accepted_values(name, [one]).check(frame).failed_rows == 1
    assert accepted_values("b", [1]).check(frame).passed is True
    assert between("b", 0, 1).check(frame).passed is True
    assert between("b", high=0).check(frame).failed_rows == 4


def test_objects_of_several_types_are_told_or_compared() -> None:
    """A pandas column of objects is judged value by value; two that have no order are a reason."""
    mixed = {"out": pd.DataFrame({"x": [Decimal("1.10"), 2, 3.5]}), "bad": pd.DataFrame({"x": [1, "a"]})}
    assert between("x", 1.1, 3.5).check(mixed).passed is True
    assert "cannot be compared" in between("x", 0, on="bad").check(mixed).message


def test_the_index_of_a_pandas_frame_decides_nothing() -> None:
    """Rows keep their places with any index: repeated, sorted otherwise, or of texts."""
    values = [Decimal("1"), Decimal("9"), Decimal("1")]
    frame = pd.DataFrame({"x": values, "l": [[1], [9], [1]]}, index=["b", "b", "a"])
    assert between("x", 0, 5).check({"out": frame}).examples == ["9"]
    assert accepted_values("l", [[1]]).check({"out": frame}).failed_rows == 1
    assert unique("l").check({"out": frame}).failed_rows == 2


def test_references_compare_across_types() -> None:
    """Integers beside floats, decimals beside integers, texts beside texts; text beside numbers is a reason."""
    frames = {
        "a": pl.DataFrame({"n": pl.Series([1, 2], dtype=pl.UInt8), "s": ["1", "2"]}),
        "floats": pd.DataFrame({"n": [1.0, 2.0, None]}),
        "decimals": pa.table({"n": pa.array([Decimal(1), Decimal(2)])}),
    }
    assert references("n", "floats.n", on="a").check(frames).passed is True
    assert references("n", "decimals.n", on="a").check(frames).passed is True
    assert "is text, which cannot be compared" in references("s", "floats.n", on="a").check(frames).message


class Asked:
    """A column that counts how often it is asked for its type: pandas takes as long as for a hundred comparisons."""

    name = "c"

    def __init__(self, values: list[Any]) -> None:
        self._dtype = nw.from_native(pl.Series(values), series_only=True).dtype
        self.times = 0

    @property
    def dtype(self) -> Any:
        self.times += 1
        return self._dtype


@pytest.mark.parametrize(("own", "other"), [(["a"] * 500, "b"), ([1] * 500, 2)])
def test_a_large_set_is_compared_without_a_question_for_each_value(own: list[Any], other: Any) -> None:
    """Values of the column's own type need none; a few others are compared one by one."""
    column = Asked(own)
    decide = not_among(column, own)
    assert (decide(own[0]), decide(other)) == (False, True)
    assert column.times <= 3
    assert not_among(Asked([1]), [1, Decimal(2), 3.0, "x"])(3) is False
