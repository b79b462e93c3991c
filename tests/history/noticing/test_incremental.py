"""Columns that advance with each load: no alarm for a new day, month or year; one for a load that stays or jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from tests.history.noticing.loads import ADVANCING, STEADY, Row, load

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import Finding, judge

FIRST = date(2026, 11, 20)
EVERYTHING = {**ADVANCING, **STEADY}
Columns = Mapping[str, Callable[[Row], Any]]


@cache
def days_of(days_a_week: int, runs: int = 50) -> list[date]:
    """Return the days of runs from Monday on: of a week, the first five or all."""
    days = (FIRST + timedelta(days=number) for number in range(2 * runs))
    return [day for day in days if day.weekday() < days_a_week][:runs]


@cache
def loads(window: int, days_a_week: int = 7, rows: int = 40) -> list[RunFigures]:
    """Return fifty loads over the ends of two months and of a year."""
    return [load(day, EVERYTHING, first=FIRST, window=window, rows=rows) for day in days_of(days_a_week)]


def roots(columns: Columns, window: int, runs: int = 30, rows: int = 40) -> list[Finding]:
    """Judge a load with other columns after so many without a fault."""
    current = load(days_of(7)[runs], {**EVERYTHING, **columns}, first=FIRST, window=window, rows=rows)
    found = judge(current, loads(window, rows=rows)[:runs]).findings
    return [each for each in found if each.follows_from is None]


@pytest.mark.parametrize("days_a_week", [5, 7])
@pytest.mark.parametrize("window", [1, 2, 7, 30])
def test_loads_of_new_days_are_usual(window: int, days_a_week: int) -> None:
    """Days, months, weeks, batches and ids as text, dates and numbers, from the sixth run on."""
    runs = loads(window, days_a_week)
    found = [each.message for place, run in enumerate(runs) for each in judge(run, runs[:place]).findings]
    assert found == []


def test_each_kind_of_column_alone_is_usual_whenever_it_starts() -> None:
    """Six runs before the end of a month or of a year, where only five are known."""
    for start in (date(2026, 11, 26), date(2026, 12, 26), date(2027, 2, 23)):
        days = [start + timedelta(days=number) for number in range(10)]
        runs = [load(day, EVERYTHING, first=start, rows=40) for day in days]
        assert [each.message for place in range(5, 10) for each in judge(runs[place], runs[:place]).findings] == []


@pytest.mark.parametrize("runs", [8, 30])
@pytest.mark.parametrize("window", [1, 7])
def test_a_new_category_beside_them_is_found(window: int, runs: int) -> None:
    """Of a column whose values stay, a new value in a tenth of the rows is a finding; those that advance hide none."""
    found = roots(
        {"origin": lambda row: "HPN" if row[1] % 10 == 0 else STEADY["origin"](row)}, window, runs, 300 // window
    )
    assert [(each.family, each.series) for each in found] == [("categories", "load.origin.share[HPN]")]


@pytest.mark.parametrize("name", ["day", "month", "file", "week", "batch_id"])
def test_a_value_of_another_form_is_found(name: str) -> None:
    """A column of days with `n/a` in a tenth of the rows."""
    found = roots({name: lambda row: "n/a" if row[1] % 10 == 0 else ADVANCING[name](row)}, 1, rows=300)
    assert [(each.column, each.family) for each in found] == [(name, "categories")]
    assert "of the values are 'n/a', expected 0 %" in found[0].message


@pytest.mark.parametrize("name", ["day", "day_date", "day_number", "day_digits", "batch", "seen_at", "epoch", "id"])
@pytest.mark.parametrize("window", [1, 7])
def test_a_jump_is_found(name: str, window: int) -> None:
    """A year that is mistyped in one row, a number that is a hundred times as large."""

    def far(row: Row) -> Any:
        value = ADVANCING[name](row)
        if row[1] % 40:
            return value
        if isinstance(value, date):
            return value.replace(year=2062)
        return 100 * value if not isinstance(value, str) else value.replace("202", "206")

    found = roots({name: far}, window)
    assert [(each.column, each.series.rpartition(".")[2]) for each in found] == [(name, "max")]


@pytest.mark.parametrize("name", ["day", "day_date", "day_number", "batch", "batch_id", "load_id", "file", "partition"])
def test_a_column_that_stays_is_found(name: str) -> None:
    """The other columns advance, this one has the value of the last run."""
    last = days_of(7)[29]
    found = roots({name: lambda row: ADVANCING[name]((last, *row[1:]))}, 1)
    assert [each.column for each in found] == [name]
    assert "is still" in found[0].message


def test_a_load_that_is_repeated_is_one_finding() -> None:
    """All that advances stays: it follows from the content of the last run."""
    again = load(days_of(7)[29], EVERYTHING, first=FIRST, rows=40)
    found = judge(load_with_id(again, "again"), loads(1)[:30]).findings
    assert [each.family for each in found if each.follows_from is None] == ["content"]


def load_with_id(run: RunFigures, run_id: str) -> RunFigures:
    """Return the figures as those of another run, a day later."""
    return RunFigures(run_id, run.pipeline_name, run.started + timedelta(days=1), run.status, run.figures)


@pytest.mark.parametrize(("usual", "other"), [("EUR", "USD"), (200, 500), (0, 1), (False, True), ("K1", "K7")])
def test_a_value_that_does_not_follow_the_usual_one_is_found(usual: Any, other: Any) -> None:
    """A column that always had one value is no calendar: another one in a tenth of the rows is a finding."""
    earlier = [load(day, {"code": lambda row: usual}, first=FIRST) for day in days_of(7)[:20]]
    current = load(days_of(7)[20], {"code": lambda row: usual if row[1] % 10 else other}, first=FIRST)
    assert {each.column for each in judge(current, earlier).findings} == {"code"}


def test_a_pause_is_no_jump() -> None:
    """After three weeks without a run, the days advance by three weeks."""
    later = load(FIRST + timedelta(days=51), EVERYTHING, first=FIRST, rows=40)
    assert [each.message for each in judge(later, loads(1)[:30]).findings] == []
