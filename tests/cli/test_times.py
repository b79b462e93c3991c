"""Times as they are printed and as they are taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from odibi_core.cli.times import at_second, moment, zone
from odibi_core.errors import ConfigurationError

DAY = date(2026, 1, 31)


@pytest.fixture(params=["UTC", "Europe/Oslo", "America/St_Johns", "Asia/Kathmandu"])
def local_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of the machine."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_a_time_is_taken_as_it_is_printed(local_zone: str) -> None:
    """With its date or without, with its zone or without: it is the moment that was printed."""
    at = datetime(2026, 1, 31, 12, 5, 6, 123_456, tzinfo=UTC)
    printed = f"{at.astimezone():%H:%M:%S.%f}"[:-3]
    for given in (printed, f"{DAY} {printed}", f"{DAY}T{printed}", f"{DAY} {printed} {zone(at)}"):
        since, until = moment(given, "--since", day=DAY), moment(given, "--until", day=DAY, to_its_end=True)
        assert since is not None
        assert until is not None
        assert since <= at <= until
        assert until - since == timedelta(microseconds=999)
    assert moment(at_second(at), "--since") == at.replace(microsecond=0)
    assert moment(at_second(at)[5:], "--since", day=DAY) == at.replace(microsecond=0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-31T04:00:00Z", datetime(2026, 1, 31, 4, tzinfo=UTC)),
        ("2026-01-31 04:00 UTC", datetime(2026, 1, 31, 4, tzinfo=UTC)),
        ("2026-01-31 04:00:00 +02:00", datetime(2026, 1, 31, 2, tzinfo=UTC)),
        ("2026-01-31 04:00:00 UTC+02:00", datetime(2026, 1, 31, 2, tzinfo=UTC)),
        ("4:05 UTC", datetime(2026, 1, 31, 4, 5, tzinfo=UTC)),
    ],
)
def test_a_zone_that_is_said_holds(given: str, expected: datetime, local_zone: str) -> None:
    """In any zone of the machine."""
    assert moment(given, "--since", day=DAY) == expected


@pytest.mark.parametrize(
    ("given", "room"),
    [
        ("2026-01-31 04:00:00", 999_999),
        ("2026-01-31 04:00:00.1", 99_999),
        ("2026-01-31 04:00:00.123456", 0),
        ("2026-01-31 04:00", 0),
        ("2026-01-31", 0),
    ],
)
def test_an_end_is_the_end_of_what_is_said(given: str, room: int) -> None:
    """A line that is printed with this second is not after it."""
    begin, end = moment(given, "--until"), moment(given, "--until", to_its_end=True)
    assert begin is not None
    assert end is not None
    assert (end - begin) == timedelta(microseconds=room)


def test_so_long_ago() -> None:
    """Seconds to weeks, before now."""
    hours, minutes = moment("2h", "--since"), moment("150 m", "--since")
    assert hours is not None
    assert minutes is not None
    assert abs((hours - minutes).total_seconds() - 1800) < 60


@pytest.mark.parametrize(
    "wrong", ["yesterday", "2y", "99999999999999w", "", "25:00", "4", "04:00 MOON", "2026-02-30"]
)
def test_anything_else_is_refused_by_the_options_name(wrong: str) -> None:
    """With what would be right."""
    with pytest.raises(ConfigurationError, match="--since must be a time such as"):
        moment(wrong, "--since")



def test_a_zone_is_called_by_its_distance_from_utc(local_zone: str) -> None:
    """As ISO 8601 writes it, so that it can be given back."""
    at = datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=9)))
    assert zone(at) == {
        "UTC": "UTC", "Europe/Oslo": "UTC+01:00", "America/St_Johns": "UTC-03:30", "Asia/Kathmandu": "UTC+05:45",
    }[local_zone]  # fmt: skip
