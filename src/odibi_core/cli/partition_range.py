"""The partitions that `--partition` of `odibi backfill` names: a range of dates, or single texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from odibi_core.errors import ConfigurationError, nearest

MOST: Final = 100_000


class _Grain(NamedTuple):
    """The form of a date of one grain, and the next date after it."""

    form: str
    after: Callable[[datetime], datetime]


def _month_after(moment: datetime) -> datetime:
    return (moment.replace(day=1) + timedelta(days=32)).replace(day=1)


_GRAINS: Final = {
    "hour": _Grain("%Y-%m-%dT%H", lambda moment: moment + timedelta(hours=1)),
    "day": _Grain("%Y-%m-%d", lambda moment: moment + timedelta(days=1)),
    "week": _Grain("%Y-%m-%d", lambda moment: moment + timedelta(weeks=1)),
    "month": _Grain("%Y-%m", _month_after),
    "year": _Grain("%Y", lambda moment: moment.replace(year=moment.year + 1)),
}
GRAINS: Final = tuple(_GRAINS)
_BY_LENGTH: Final = {4: "year", 7: "month", 10: "day", 13: "hour"}


def partitions_of(given: list[str], every: str | None = None) -> list[str]:
    """Return the partitions of all values, in order and each once.

    Args:
        given: Texts, or ranges with both ends: `2026-01-01..2026-01-31`, `2026-01..2026-06`, `2025..2026`,
            `2026-01-01T00..2026-01-01T23`.
        every: The grain of ranges; by default that of their ends.

    Raises:
        ConfigurationError: A range is none, or has no partition.
    """
    if every is not None and every not in _GRAINS:
        raise ConfigurationError(f"--every must be one of {', '.join(GRAINS)}, got {every!r}{nearest(every, GRAINS)}")
    found: dict[str, None] = {}
    for each in given:
        start, dots, end = each.partition("..")
        found.update(dict.fromkeys(_range(each, start.strip(), end.strip(), every) if dots else [each.strip()]))
        if len(found) > MOST:
            raise ConfigurationError(f"--partition must name at most {MOST:,} partitions, got more by {each!r}")
    if not found or "" in found:
        raise ConfigurationError("--partition must be a text or a range, such as 2026-01-01..2026-01-31, got nothing")
    return list(found)


def _range(given: str, start: str, end: str, every: str | None) -> Iterator[str]:
    grain = _GRAINS.get(every or _BY_LENGTH.get(len(start), ""))
    written = _GRAINS.get(_BY_LENGTH.get(len(start), ""))
    try:
        if grain is None or written is None or len(start) != len(end):
            raise ValueError(given)
        moment, last = (datetime.strptime(text, written.form).replace(tzinfo=UTC) for text in (start, end))
    except ValueError:
        raise ConfigurationError(
            f"--partition must be a range of two dates of one form, such as 2026-01-01..2026-01-31, got {given!r}"
        ) from None
    if moment > last:
        raise ConfigurationError(f"--partition must be a range from the earlier date to the later one, got {given!r}")
    for _ in range(MOST + 1):
        if moment > last:
            return
        yield moment.strftime(grain.form)
        moment = grain.after(moment)
