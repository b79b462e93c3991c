"""Times as the commands print and accept them, in the local zone."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import utc_now

_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK: Final = re.compile(r"(?P<hour>\d{1,2})(?P<rest>:\d\d(?::.*)?)")
_DAY_OF_YEAR: Final = re.compile(r"\d\d-\d\d(?:[ T]|$)")
_SECONDS: Final = re.compile(r"\d:\d\d:\d\d(?:[.,](?P<fraction>\d{1,6}))?")
_UTC: Final = re.compile(r"\s*(?:UTC|Z)$", re.IGNORECASE)
_SPACED_OFFSET: Final = re.compile(r"\s+(?:UTC)?(?=[+-]\d\d:?\d\d$)", re.IGNORECASE)


def local(at: str | datetime) -> datetime:
    """Return a time of the record in the local zone."""
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone()


def zone(at: str | datetime | None = None) -> str:
    """Return the local zone at that time, or now: `UTC`, or `UTC+02:00`."""
    offset = f"{local(at or utc_now()):%z}"
    return "UTC" if offset in ("+0000", "-0000") else f"UTC{offset[:3]}:{offset[3:5]}"


def at_second(at: str | datetime) -> str:
    """Return a time to the second, as lists show it."""
    return f"{local(at):%Y-%m-%d %H:%M:%S}"


def moment(
    given: str | None, option: str, *, day: date | None = None, to_its_end: bool = False, ahead: bool = False
) -> datetime | None:
    """Return the time that an option gives.

    Args:
        given: A time as a command prints it, with or without date and zone; ISO 8601; or an age, such as `2h`.
        option: The name of the option, for the error.
        day: The day of a time without a date, and the year of a date without one (default: today).
        to_its_end: Return the end of the given second or fraction, so that a line printed with this time is included.
        ahead: An age, such as `2h`, is a time from now on.

    Raises:
        ConfigurationError: The text is not a time.
    """
    if given is None:
        return None
    text = given.strip()
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            distance = timedelta(**{_UNITS[ago[2]]: float(ago[1])})
            return utc_now() + distance if ahead else utc_now() - distance
        found = datetime.fromisoformat(_with_date(_with_offset(text), day)).astimezone()
        return found + _resolution(text) if to_its_end else found
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{option} must be a time such as 04:05:06, 2026-01-31 04:00 or 10m, 2h, 3d, got {given!r}"
        ) from None


def _with_offset(text: str) -> str:
    return _SPACED_OFFSET.sub("", _UTC.sub("+00:00", text))


def _with_date(text: str, day: date | None) -> str:
    given = day or utc_now().astimezone().date()
    if clock := _CLOCK.match(text):
        return f"{given}T{int(clock['hour']):02}{text[clock.end('hour') :]}"
    return f"{given.year:04}-{text}" if _DAY_OF_YEAR.match(text) else text


def _resolution(text: str) -> timedelta:
    seconds = _SECONDS.search(text)
    if seconds is None:
        return timedelta()
    return timedelta(microseconds=10 ** (6 - len(seconds["fraction"] or "")) - 1)
