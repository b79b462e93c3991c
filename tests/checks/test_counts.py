"""Failures counted by expressions are those that the check of the whole frame finds."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core import checks
from odibi_core.checks import Counting
from odibi_core.checks.patterns import portable
from odibi_core.errors import NotCheckedError

FLOATS = st.sampled_from([None, 0.0, -0.0, 1.0, 1.5, 2.0, -3.25, math.nan, math.inf, -math.inf, 1e300])
COLUMNS: dict[str, tuple[Any, Any]] = {
    "i": (pl.Int64, st.sampled_from([None, 0, 1, 2, -5, 2**63 - 1, -(2**63)])),
    "u": (pl.UInt8, st.sampled_from([None, 0, 1, 255])),
    "f": (pl.Float64, FLOATS),
    "g": (pl.Float32, st.sampled_from([None, 0.0, 0.5, 1.5, -2.0, math.nan, math.inf])),
    "s": (pl.String, st.sampled_from([None, "", "a", "a1", "A1", "a\n", "é", "٣", "a b", "12"])),
    "b": (pl.Boolean, st.sampled_from([None, True, False])),
    "d": (pl.Date, st.sampled_from([None, date(2026, 1, 1), date(2025, 12, 31)])),
    "t": (pl.Datetime("us", "UTC"), st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)])),
}
CHECKS = [
    *(checks.not_null(name) for name in COLUMNS),
    *(checks.unique(name) for name in COLUMNS),
    checks.unique("i", "s"),
    checks.no_duplicates(["f", "d"]),
    checks.between("i", 0, 2),
    checks.between("i", -(2**70), 1.5),
    checks.between("u", 1, 1000),
    checks.between("u", -1, Decimal("0.5")),
    checks.between("f", 0, 1.5),
    checks.between("g", 0.5),
    checks.between("s", "a", "b"),
    checks.between("d", "2026-01-01"),
    checks.between("t", None, "2025-12-31T23:00:00+00:00"),
    checks.accepted_values("i", [0, 1.0, 2.5, 2**70, Decimal(-5), True]),
    checks.accepted_values("u", [255, 300]),
    checks.accepted_values("f", [0, 1.5, math.inf]),
    checks.accepted_values("g", [0.5, 1.5]),
    checks.accepted_values("s", ["a", "é", None]),
    checks.accepted_values("d", [date(2026, 1, 1)]),
    checks.matches("s", r"[a-z]\d"),
    checks.matches("s", r"\d+|a.?"),
    checks.matches("s", r"[^a]*"),
    checks.compare("i", "<=", "u"),
    checks.compare("f", "!=", "g"),
    checks.compare("d", "==", "d"),
    checks.references("i", "other.i"),
    checks.expression(nw.col("u") > 0),
    checks.row_count(2, 5),
    checks.not_null("i", mostly=0.5),
]
OTHER = pl.DataFrame({"i": [0, 1]})
LAZY: dict[str, Any] = {
    "polars": lambda frame: frame.lazy(),
    "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
}


def frames() -> Any:
    row = st.tuples(*(values for _, values in COLUMNS.values()))
    return st.lists(row, max_size=8).map(
        lambda rows: pl.DataFrame(rows, schema={name: kind for name, (kind, _) in COLUMNS.items()}, orient="row")
    )


def counted(frame: Any, others: dict[str, Any], asked: list[Any]) -> list[Any]:
    lazy = nw.from_native(frame)
    counting = Counting(asked, lazy.collect_schema(), others)
    made = counting.over(lazy)
    (row,) = (made.collect() if isinstance(made, nw.LazyFrame) else made).rows(named=True)
    return counting.results(row)


@pytest.mark.parametrize("library", LAZY)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(frame=frames())
def test_the_count_is_that_of_the_whole_frame(library: str, frame: pl.DataFrame) -> None:
    """For each check of rows, with nulls, NaN, infinities, zones and 0 rows; only examples are missing."""
    others = {"other": OTHER}
    results = counted(LAZY[library](frame), others, CHECKS)
    for check, found in zip(CHECKS, results, strict=True):
        eager = check.check({"other": OTHER, "out": frame})
        assert found is not None, check.name
        assert found.passed is not None, found.message
        facts = (found.passed, found.failed_rows, found.total_rows, found.message)
        assert facts == (eager.passed, eager.failed_rows, eager.total_rows, eager.message), (check, frame)


def test_a_wrong_count_is_seen() -> None:
    """The comparison of this file fails for a count that leaves out missing values."""
    frame = pl.DataFrame({"i": [1, None]})
    (found,) = counted(frame.lazy(), {}, [checks.between("i", 5, 6)])
    assert found.failed_rows != checks.not_null("i").check({"out": pl.DataFrame({"i": [None, None]})}).failed_rows


LEFT = [
    checks.sql("i > 0"),
    checks.not_null("i", where="i > 0"),
    checks.custom(len),
    checks.matches("s", r"\w+\b"),
    checks.aggregate("i", "sum", 0),
    checks.references(["i", "s"], "other", ["i", "i"]),
    checks.query("SELECT * FROM frame"),
]


@pytest.mark.parametrize("check", LEFT, ids=lambda check: check.name)
def test_what_cannot_be_counted_is_not_checked_with_the_reason(check: Any) -> None:
    """It is neither passed nor 0."""
    (found,) = counted(pl.LazyFrame({"i": [1], "s": ["a"]}), {"other": OTHER}, [check])
    assert (found.passed, found.failed_rows) == (None, None)
    assert "collect=True" in found.message or "executed" in found.message


def test_checks_that_collect_or_take_lazy_frames_are_left_to_the_engine() -> None:
    """Their result is None here; those of other libraries too."""
    asked = [checks.sql("i > 0", collect=True), checks.schema(["i"]), object()]
    assert counted(pl.LazyFrame({"i": [1]}), {}, asked) == [None, None, None]


def test_a_missing_column_fails_by_the_schema_alone() -> None:
    """With the nearest name, and without running anything."""
    (found,) = counted(pl.LazyFrame({"tail": [1]}), {}, [checks.not_null("tial")])
    assert found.passed is False
    assert "did you mean 'tail'" in found.message


def test_names_of_columns_do_not_collide_with_the_counts() -> None:
    """A frame may have a column of any name."""
    frame = pl.LazyFrame({"rows": [1, None], "check 0": [1, 2]})
    assert counted(frame, {}, [checks.not_null("rows")])[0].failed_rows == 1


@pytest.mark.parametrize(
    "pattern", [r"\w", r"\s", r"\bx", r"(?=a)", r"(?i)a", r"(a)\1", r"^a", r"a$", r"[\d]", r"[a&&b]", r"[[:alpha:]]"]
)
def test_patterns_that_engines_read_in_different_ways_are_not_translated(pattern: str) -> None:
    """Counting them would be counting something else."""
    with pytest.raises(NotCheckedError):
        portable(pattern)


def test_pandas_and_pyarrow_can_be_counted_too() -> None:
    """The expressions are those of narwhals."""
    frame = pd.DataFrame({"i": [1.0, None, 7.0]})
    assert [found.failed_rows for found in counted(frame, {}, [checks.not_null("i"), checks.between("i", 0, 5)])] == [
        1,
        1,
    ]
