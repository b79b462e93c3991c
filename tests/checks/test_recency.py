"""Freshness: the newest time against a time, the clock and the partition of the run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.checks import CheckResult, freshness
from odibi_core.checks.recency import end_of
from odibi_core.errors import CheckError
from odibi_core.orchestrator import Orchestrator
from odibi_core.step import Step

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def found(values: list[Any], within: Any = "1d", of: Any = NOON, make: Any = pl.DataFrame, **more: Any) -> CheckResult:
    return freshness("t", within, of, **more).check({"out": make({"t": values})})


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, dict])
def test_the_newest_time_decides(make: Any) -> None:
    """Missing ones are left out; the limit itself is fresh."""
    old = NOON - timedelta(days=9)
    assert found([old, NOON - timedelta(days=1), None], make=make).passed is True
    late = found([old, NOON - timedelta(days=1, seconds=1)], make=make)
    assert late.passed is False
    assert "1 d" in late.message


def test_zones_are_compared_as_moments() -> None:
    """A time without a zone, and a date, is in `zone`."""
    there = timezone(timedelta(hours=5))
    assert found([datetime(2026, 3, 1, 17, tzinfo=there)], "1s").passed is True
    naive = [datetime(2026, 3, 1, 13)]  # noqa: DTZ001  what has no zone
    assert found(naive, "1s", zone="Europe/Oslo").passed is True
    assert found(naive, "59m").passed is False


def test_a_date_counts_until_its_end() -> None:
    """Yesterday's date was complete at midnight."""
    assert found([date(2026, 2, 28)], "12h").passed is True
    assert found([date(2026, 2, 28)], "11h").passed is False


def test_a_time_far_ahead_is_not_fresh() -> None:
    """A wrong year is no fresh dataset."""
    ahead = found([datetime(2206, 3, 1, tzinfo=UTC)])
    assert ahead.passed is False
    assert "after" in ahead.message


@pytest.mark.parametrize("values", [[], [None]])
def test_a_column_without_a_value_is_not_fresh(values: list[Any]) -> None:
    """There is no newest time."""
    frame = pl.DataFrame({"t": values}, schema={"t": pl.Datetime("us", "UTC")})
    assert freshness("t", "1d", NOON).check({"out": frame}).passed is False


@pytest.mark.parametrize("values", [["2026-03-01"], [1], [True]])
def test_what_is_no_time_fails_with_the_reason(values: list[Any]) -> None:
    """A text is not parsed by guess."""
    assert "only dates and times" in found(values).message


def test_the_clock_is_the_default() -> None:
    """Now, in UTC."""
    assert found([datetime.now(UTC)], "1h", None).passed is True
    assert found([datetime.now(UTC) - timedelta(hours=2)], "1h", None).passed is False


@pytest.mark.parametrize(
    ("partition", "end"),
    [("2026-03-01", datetime(2026, 3, 2, tzinfo=UTC)), ("2026-12", datetime(2027, 1, 1, tzinfo=UTC)),
     ("2026", datetime(2027, 1, 1, tzinfo=UTC)), ("2026-03-01T06", datetime(2026, 3, 1, 7, tzinfo=UTC)),
     ("2026-03-01T06:30:00+02:00", datetime(2026, 3, 1, 4, 30, tzinfo=UTC))],
)  # fmt: skip
def test_a_partition_ends_with_its_period(partition: str, end: datetime) -> None:
    """A year, a month, a day, an hour; another time is itself."""
    assert end_of(partition, UTC) == end


@pytest.mark.parametrize(
    ("partition", "checks"),
    [("2026-03-01", "passed"), ("2026-03-05", "failed"), (None, "not_checked"), ("eu", "not_checked")],
)
def test_the_partition_is_that_of_the_run(partition: str | None, checks: str) -> None:
    """Without one, or with one that is no time, the check is not checked."""
    check = freshness("t", "1d", "partition", severity="warn")
    steps = [Step(name="a", value=lambda: pl.DataFrame({"t": [NOON]}), checks=[check])]
    assert Orchestrator(steps, store=False, partition=partition).execute()["checks"][checks] == 1


@pytest.mark.parametrize(
    ("within", "more"),
    [
        ("1 fortnight", {}),
        ("", {}),
        (5, {}),
        ("0s", {}),
        (timedelta(), {}),
        ("1d", {"of": "today"}),
        ("1d", {"zone": "Moon"}),
    ],
)
def test_wrong_arguments_are_refused(within: Any, more: dict[str, Any]) -> None:
    """When the check is made."""
    with pytest.raises(CheckError, match="freshness"):
        freshness("t", within, **more)
