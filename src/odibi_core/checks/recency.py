"""The check that a dataset is fresh: its newest time against the clock, a time, or the partition of the run."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, Final, NamedTuple, Unpack
from zoneinfo import ZoneInfo

import msgspec

from odibi_core.checks.base import Check, Finding, Options, frame_check, refuse
from odibi_core.checks.frames import missing_in
from odibi_core.checks.labels import column_label, column_of
from odibi_core.errors import CheckError, NotCheckedError
from odibi_core.events import clock

PARTITION: Final = "partition"
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])")


def freshness(
    column: Hashable,
    within: str | timedelta,
    of: str | date | None = None,
    *,
    zone: str = "UTC",
    **options: Unpack[Options],
) -> Check:
    """Check that the newest time of a column is close to a reference: `freshness("loaded_at", within="1d")`.

    A date counts until its end. A time later than the reference fails too if it is further away than `within`.
    A column without a value fails.

    Args:
        column: A column of dates or times.
        within: The greatest distance: "90m", "12h", "1d", "2d 6h", "1w", or a timedelta.
        of: The reference: None for the clock, "partition" for the end of the run's partition, or a date or time.
        zone: The time zone of dates, of times without one, and of the partition.
    """
    column = column_label(column, "freshness")
    distance = duration(within, "freshness(): within")
    if of is not None and of != PARTITION and not isinstance(of, date):
        raise CheckError(f"freshness(): of must be None for the clock, {PARTITION!r}, a date or a time, got {of!r}")
    try:
        ZoneInfo(zone)
    except (ValueError, TypeError, LookupError, OSError):
        raise CheckError(f"freshness(): zone must be a time zone such as 'Europe/Oslo', got {zone!r}") from None
    at = of if isinstance(of, date) else None
    reference = _Reference(distance, zone, at, lacks_partition=of == PARTITION)
    judge = partial(_judge, column, reference)
    of_run = partial(_of_run, column, reference) if of == PARTITION else None
    return frame_check("freshness", judge, options, column=str(column), of_run=of_run)


def duration(given: Any, what: str) -> timedelta:
    """Return a duration that is given as a timedelta or a text such as "2d 6h".

    Raises:
        CheckError: It is neither, or not more than nothing.
    """
    if isinstance(given, str):
        parts = _DURATION.findall(given)
        if parts and not _DURATION.sub("", given).strip():
            given = sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
    if not isinstance(given, timedelta) or given <= timedelta():
        raise CheckError(f"{what} must be a duration such as '12h', '1d' or '2d 6h', got {given!r}")
    return given


def _of_run(column: Hashable, reference: _Reference, check: Check, partition: str | None) -> Check:
    """Return the check with the end of the run's partition as its reference."""
    if partition is None:
        return check  # its judge has the reason why it cannot be checked
    try:
        end = end_of(partition, ZoneInfo(reference.zone))
    except CheckError as error:
        judge: Any = partial(refuse, str(error))
    else:
        about = f"the end of partition {partition}"
        judge = partial(_judge, column, reference._replace(at=end, about=about, lacks_partition=False))
    return msgspec.structs.replace(check, judge=judge)


def end_of(partition: str, zone: tzinfo) -> datetime:
    """Return the end of a partition that is a year, a month, a day or an hour; a time of more digits is itself.

    Raises:
        CheckError: It is no time.
    """
    text = partition.strip()
    try:
        if re.fullmatch(r"\d{4}", text):
            return datetime(int(text) + 1, 1, 1, tzinfo=zone)
        if month := re.fullmatch(r"(\d{4})-(\d\d)", text):
            year, number = int(month[1]), int(month[2])
            return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CheckError(f"the partition {partition!r} is no date or time") from None
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    if "T" not in text and " " not in text:
        return datetime.combine(found.date() + timedelta(days=1), time.min, found.tzinfo)
    return found + timedelta(hours=1) if re.fullmatch(r".{10}[T ]\d\d", text) else found


class _Reference(NamedTuple):
    """The time that the newest one is compared with: None for the clock; `about` names it."""

    within: timedelta
    zone: str
    at: date | None = None
    about: str | None = None
    lacks_partition: bool = False


def _judge(label: Hashable, reference: _Reference, frame: Any, frames: Mapping[str, Any]) -> Finding:
    column = column_of(frame, label)
    here, within = ZoneInfo(reference.zone), reference.within
    newest = _newest(column, label)
    if reference.lacks_partition:
        raise NotCheckedError(
            "the run has no partition; give it one: Orchestrator(partition=...), odibi run --partition"
        )
    if newest is None:
        return Finding(False, None, len(frame), f"{label} has no value in {len(frame):,} rows, so no newest time")
    if reference.at is None:
        at, about = clock.utc_now(), "now"
    else:
        at, about = moment(reference.at, here), reference.about or str(reference.at)
    found = moment(newest, here)
    ahead = found > at
    distance = found - at if ahead else at - found
    place = "after" if ahead else "before"
    message = f"the newest {label} is {newest}, {_text(distance)} {place} {about}, expected within {_text(within)}"
    return Finding(distance <= within, None, len(frame), message)


def _newest(column: Any, label: Hashable) -> date | None:
    import narwhals

    dated = column.dtype in (narwhals.Date, narwhals.Datetime)
    values = column.filter(~missing_in(column))
    if dated:
        found = values.max() if len(values) else None
    else:
        objects = values.to_list() if column.dtype == narwhals.Object else [None]
        if not all(isinstance(value, date) for value in objects):
            raise CheckError(f"column {label!r} is {column.dtype}, but only dates and times are fresh; parse it before")
        try:
            found = max(objects, default=None)
        except TypeError as error:
            raise CheckError(f"the times of {label!r} have no common order: {error}") from None
    newest: date | None = found
    return newest


def moment(value: date, zone: tzinfo) -> datetime:
    """Return a time with its zone, or with `zone` if it has none; a date is its end."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    return datetime.combine(value + timedelta(days=1), time.min, zone).astimezone(UTC)


def _text(distance: timedelta) -> str:
    """Return a duration as its two largest parts: `2 d 3 h`."""
    seconds = int(distance.total_seconds())
    parts = [(seconds // 86_400, "d"), (seconds // 3_600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    shown = [f"{number:,} {unit}" for number, unit in parts if number]
    return " ".join(shown[:2]) or "0 s"
