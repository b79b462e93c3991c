"""The listing of a shared store: the days that may have new objects, and no others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from odibi_core.history.remote.objects import Found, Objects
from odibi_core.history.remote.parts import HOT, day_of, is_day

_GROWING: Final = timedelta(days=1)
"""The clocks of hosts and time zones of midnights: the last day but one may still grow."""
_ALL_EVERY: Final = timedelta(days=1)
"""A host whose clock is days late writes into a day that is over: it is found by listing all days so often."""


class Listing(Struct):
    """The days that were listed, and the last time that all were."""

    days: set[str] = field(default_factory=set)
    all_listed: datetime | None = None

    def new(self, objects: Objects, now: datetime) -> list[Found]:
        """Return the objects of unknown days and of those that may still grow; of all days once a day."""
        days = [name for name in objects.folders(HOT) if is_day(name)]
        is_full = self.all_listed is None or not timedelta() <= now - self.all_listed < _ALL_EVERY
        newest = min(max(days, default=""), day_of(now))  # a clock that is early must not hide today
        growing = day_of(datetime.fromisoformat(newest.removeprefix("date=")) - _GROWING) if newest else ""
        found = [
            each
            for day in days
            if is_full or day not in self.days or day >= growing
            for each in objects.find(f"{HOT}/{day}")
        ]
        self.days.update(days)
        self.all_listed = now if is_full else self.all_listed
        return found

    def forget(self) -> bool:
        """List all days the next time; return False if the last listing had them all."""
        was_partial = bool(self.days) and self.all_listed is not None
        self.all_listed = None
        return was_partial
