"""The cadence of a pipeline, learned from the starts of its runs: when the next is due, and which are missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Final, Literal

import msgspec

from odibi_core.history.noticing.families import LEARNING
from odibi_core.views.wording import duration

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_REGULAR: Final = 0.8
"""The part of the gaps between runs that must fit a cadence."""
_NEAR: Final = 0.25
"""The part of the period by which a gap may differ from it."""
_RERUN: Final = 0.3
"""A run that starts sooner than this part of the period after another is a repetition of it."""
_LATE: Final = 0.1
_STOPPED: Final = 30
"""Periods without a run after which a pipeline counts as stopped, no longer as late."""
_MOST_MISSED: Final = 100

Kind = Literal["every", "days", "irregular", "learning"]


class Cadence(msgspec.Struct, frozen=True):
    """The cadence of a pipeline.

    `every`: one run in each period. `days`: one run on each of `weekdays` at about `at` o'clock, local time of `zone`.
    `irregular`: no rule fits, so no run is ever late. `learning`: fewer than five gaps between runs.
    """

    kind: Kind
    period: timedelta = timedelta()
    tolerance: timedelta = timedelta()
    """The time after which a run that is due is late."""
    weekdays: tuple[int, ...] = ()
    at: time | None = None

    def __str__(self) -> str:
        if self.kind in ("irregular", "learning"):
            return self.kind
        if self.kind == "days":
            names = ", ".join(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day] for day in self.weekdays)
            shown = "Monday to Friday" if self.weekdays == (0, 1, 2, 3, 4) else names
            return f"{shown} at about {self.at:%H:%M}"
        usuals = {_DAY: "daily", _HOUR: "hourly", 7 * _DAY: "weekly"}
        near = next((name for usual, name in usuals.items() if abs(self.period - usual) < 0.02 * usual), None)
        return near or f"every {duration(self.period.total_seconds() * 1e3)}"

    def after(self, last: datetime) -> datetime | None:
        """Return the time at which the run after `last` is due; None without a rule. Use the zone of `last`."""
        if self.kind == "every":
            return last + self.period
        if self.kind != "days" or self.at is None:
            return None
        day = _logical(last, self.at)
        for ahead in range(1, 8):
            if (day + ahead * _DAY).weekday() in self.weekdays:
                return _local(day + ahead * _DAY, self.at, last)
        return None


class Overdue(msgspec.Struct, frozen=True):
    """A run that did not come when it was due; `is_late` if it may still come."""

    due: datetime
    is_late: bool


def learn(starts: Sequence[datetime]) -> Cadence:
    """Return the cadence of runs by their starts, in any order, aware, all in the zone of the scheduler.

    In the zone of the scheduler a daily run stays at its hour when daylight saving begins or ends. In another zone the
    change is an hour, which is within the tolerance of a daily run.
    """
    starts = sorted(starts)
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    if len(gaps) < LEARNING:
        return Cadence("learning")
    kept = _without_repetitions(starts, _RERUN * _middle(gaps))
    gaps = [after - before for before, after in itertools.pairwise(kept)]
    if len(gaps) < LEARNING:
        return Cadence("irregular" if len(starts) > 2 * LEARNING else "learning")
    period = _middle(gaps)
    near = [gap for gap in gaps if abs(gap - period) <= _NEAR * period]
    by_days = _of_days(kept) if abs(period - _DAY) <= _NEAR * _DAY else None
    if len(near) >= _REGULAR * len(gaps) and (by_days is None or len(by_days.weekdays) == 7):
        tolerance = max(2 * max(abs(gap - period) for gap in near), _LATE * period)
        return Cadence("every", _rounded(period), max(tolerance, _HOUR) if period >= 0.8 * _DAY else tolerance)
    return by_days or Cadence("irregular")


def _middle(gaps: Sequence[timedelta]) -> timedelta:
    return sorted(gaps)[len(gaps) // 2]


def _without_repetitions(starts: Sequence[datetime], shortest: timedelta) -> list[datetime]:
    kept: list[datetime] = []
    for start in starts:
        if not kept or start - kept[-1] > shortest:
            kept.append(start)
    return kept


def _rounded(period: timedelta) -> timedelta:
    """Return a period without the jitter of its runs: whole days, hours or minutes if it is near."""
    for unit in (_DAY, _HOUR, timedelta(minutes=1)):
        whole = max(1, round(period / unit)) * unit
        if abs(whole - period) <= 0.02 * period:
            return whole
    return period


def _of_days(starts: Sequence[datetime]) -> Cadence | None:
    """Return the cadence of runs on some weekdays at one time of the day; None if another part of the runs is not."""
    minutes = [60 * start.hour + start.minute for start in starts]
    usual = median((minute - minutes[0] + 720) % 1440 for minute in minutes)
    at_minute = int(usual + minutes[0] - 720) % 1440
    at = time(at_minute // 60, at_minute % 60)
    off = [abs((minute - at_minute + 720) % 1440 - 720) for minute in minutes]
    days = {_logical(start, at) for start in starts}
    first, last = min(days), max(days)
    weeks = max(1.0, ((last - first).days + 1) / 7)
    counts = [sum(day.weekday() == weekday for day in days) for weekday in range(7)]
    weekdays = tuple(weekday for weekday in range(7) if counts[weekday] >= 0.6 * weeks)
    span = [first + number * _DAY for number in range((last - first).days + 1)]
    expected = [day for day in span if day.weekday() in weekdays]
    came = sum(day in days for day in expected)
    inside = sum(day.weekday() in weekdays for day in days)
    if not expected or weeks < 1.5 or came < _REGULAR * len(expected) or inside < _REGULAR * len(days):
        return None
    usual_off = sorted(off)[int(0.9 * (len(off) - 1))]
    tolerance = max(timedelta(minutes=2 * usual_off), 2 * _HOUR)
    return Cadence("days", _DAY, tolerance, weekdays, at) if tolerance <= 0.5 * _DAY else None


def _logical(start: datetime, at: time) -> date:
    """Return the day of the run, also if it started a little after midnight for a time a little before."""
    planned = datetime.combine(start.date(), at, start.tzinfo)
    if start - planned > _DAY / 2:
        return start.date() + _DAY
    return start.date() - _DAY if planned - start > _DAY / 2 else start.date()


def _local(day: date, at: time, like: datetime) -> datetime:
    return datetime.combine(day, at, like.tzinfo)


def overdue(cadence: Cadence, starts: Sequence[datetime], now: datetime, since: datetime) -> Iterator[Overdue]:
    """Yield the runs that were due between `since` and `now` and did not come, the oldest first.

    A pipeline that has not run for 30 periods has stopped: nothing is yielded for the time after its last run.
    """
    known = sorted(start for start in starts if start <= now)
    if not known or cadence.kind in ("irregular", "learning"):
        return
    is_stopped = has_stopped(cadence, known[-1], now)
    count = 0
    for place, start in enumerate(known):
        end = known[place + 1] if place + 1 < len(known) else None
        due = cadence.after(start)
        while due is not None and count < _MOST_MISSED:
            came = end is not None and end <= due + cadence.tolerance
            is_future = now <= due + cadence.tolerance
            if came or is_future or (end is None and is_stopped):
                break
            following = cadence.after(due)
            if due >= since:
                count += 1
                yield Overdue(due, is_late=end is None and following is not None and now < following)
            due = following
            if end is not None and due is not None and due - cadence.period / 2 > end:
                break


def has_stopped(cadence: Cadence, last: datetime, now: datetime) -> bool:
    """Return true if a pipeline has not run for so long that it counts as stopped."""
    return cadence.kind in ("every", "days") and now - last > _STOPPED * max(cadence.period, _HOUR / 4)
