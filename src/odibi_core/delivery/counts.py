"""`Counts`: where the items of a delivery are, to the unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """The items of one delivery: `accepted == sent + queued + spooled + dropped.total()` at every moment."""

    accepted: int = 0
    """Items that were put, and those that an ended process left in the spool."""
    sent: int = 0
    queued: int = 0
    """Items in memory, those being sent included."""
    spooled: int = 0
    """Items on disk, those being sent included."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Lost items by reason."""

    @property
    def is_whole(self) -> bool:
        """Return whether every accepted item is in one of the four places."""
        return self.accepted == self.sent + self.queued + self.spooled + self.dropped.total()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        places = {"accepted": self.accepted, "sent": self.sent, "queued": self.queued, "spooled": self.spooled}
        return {**places, "dropped": dict(self.dropped)}
