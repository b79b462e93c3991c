"""The cadence of a pipeline: learned from the starts of its runs, and the runs that are late or missing by it."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from odibi_core.history.noticing.cadence import Cadence, has_stopped, learn, overdue

START = datetime(2026, 1, 5, 4, tzinfo=UTC)  # a Monday
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def starts(period: timedelta, runs: int, jitter: float = 0.02, seed: int = 1) -> list[datetime]:
    """Make starts with a delay of up to `jitter` periods."""
    draw = random.Random(seed)
    return [START + (number + draw.uniform(0, jitter)) * period for number in range(runs)]


def weekdays(runs: int) -> list[datetime]:
    """Make daily starts from Monday to Friday."""
    return [start for start in starts(DAY, runs * 2) if start.weekday() < 5][:runs]


def missing(known: list[datetime], now: datetime, since: datetime = START) -> list[tuple[date, bool]]:
    """Return the days on which a run was due and did not come, and whether it is only late."""
    return [(each.due.date(), each.is_late) for each in overdue(learn(known), known, now, since)]


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (starts(DAY, 20), "daily"),
        (starts(HOUR, 20), "hourly"),
        (starts(7 * DAY, 8), "weekly"),
        (starts(HOUR / 4, 20), "every 15 min 00 s"),
        (weekdays(20), "Monday to Friday at about 04:"),
        (starts(DAY, 4), "learning"),
        (starts(DAY, 1), "learning"),
        ([], "learning"),
    ],
)
def test_the_cadence_is_learned(known: list[datetime], shown: str) -> None:
    """Hourly, daily, weekly and weekday schedules are recognised; below five gaps nothing is known."""
    assert str(learn(known)).startswith(shown)
    assert learn(known) == learn(known[::-1])


def test_runs_by_hand_are_irregular_and_never_late() -> None:
    """Starts without a rule are reported as irregular."""
    draw = random.Random(7)
    known = [START + timedelta(hours=draw.expovariate(1 / 20)) * number for number in range(1, 30)]
    assert str(learn(known)) == "irregular"
    assert missing(known, max(known) + 90 * DAY) == []


def test_a_run_that_is_due_is_first_late_and_then_missed() -> None:
    """Nothing within the tolerance, late afterwards, missed when the next one is due."""
    known = starts(DAY, 20)
    due = START + 20 * DAY
    assert missing(known, due + timedelta(minutes=30)) == []
    assert missing(known, due + 6 * HOUR) == [(due.date(), True)]
    assert missing(known, due + 30 * HOUR) == [(due.date(), False), ((due + DAY).date(), True)]


def test_a_hole_in_the_past_is_missed_once_and_the_run_after_it_is_not() -> None:
    """Every day of a hole is named; days before `since` are not."""
    known = [start for place, start in enumerate(starts(DAY, 30)) if place not in (10, 11, 20)]
    days = [(START + number * DAY).date() for number in (10, 11, 20)]
    now = known[-1] + HOUR
    assert missing(known, now) == [(day, False) for day in days]
    assert missing(known, now, START + 15 * DAY) == [(days[2], False)]


def test_weekends_of_a_weekday_schedule_are_not_missed() -> None:
    """Friday is followed by Monday."""
    known = weekdays(25)
    assert missing(known, known[-1] + 2 * DAY) == []
    hole = [start for start in known if start.date() != date(2026, 1, 20)]
    assert missing(hole, known[-1] + HOUR) == [(date(2026, 1, 20), False)]


def test_a_repetition_is_no_run_of_the_schedule() -> None:
    """A run that was started again after a failure neither changes the cadence nor replaces the next run."""
    known = starts(DAY, 20)
    again = [*known, *(start + HOUR for start in known[5:15:3])]
    assert str(learn(again)) == "daily"
    assert missing(again, known[-1] + 6 * HOUR) == []


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
def test_the_end_of_daylight_saving_is_no_delay(zone: str) -> None:
    """A run at four o'clock in New York is an hour later in UTC from November on; it is due and not late."""
    local = ZoneInfo("America/New_York")
    known = [datetime(2026, 10, 15, 4, tzinfo=local) + number * DAY for number in range(30)]
    seen = [start.astimezone(ZoneInfo(zone)) for start in known]
    assert missing(seen, seen[-1] + HOUR) == []


def test_a_pipeline_that_stopped_long_ago_has_stopped() -> None:
    """A month after its last daily run a pipeline is no longer reported as late each day."""
    known = starts(DAY, 20)
    assert len(missing(known, known[-1] + 10 * DAY)) >= 9
    assert missing(known, known[-1] + 45 * DAY) == []
    assert has_stopped(learn(known), known[-1], known[-1] + 45 * DAY)
    assert not has_stopped(learn(known), known[-1], known[-1] + 3 * DAY)


def test_starts_in_the_future_are_left_out() -> None:
    """A clock that was ahead wrote starts that have not come yet: they hide no missing run."""
    known = [*starts(DAY, 20), START + 400 * DAY]
    now = START + 21 * DAY + 6 * HOUR
    assert (START + 20 * DAY).date() in {day for day, _ in missing(known, now)}


def test_a_hundred_clean_schedules_have_no_missing_run() -> None:
    """Jitter of a fifth of the period, as in a busy cluster, is no absence; sabotage: without tolerance it is."""
    alarms = without = 0
    for seed in range(100):
        known = starts(DAY, 40, jitter=0.2, seed=seed)
        cadence = learn(known)
        alarms += bool(list(overdue(cadence, known, known[-1] + HOUR, START)))
        strict = Cadence(cadence.kind, cadence.period, timedelta(), cadence.weekdays, cadence.at)
        without += bool(list(overdue(strict, known, known[-1] + HOUR, START)))
    assert alarms == 0
    assert without > 50
