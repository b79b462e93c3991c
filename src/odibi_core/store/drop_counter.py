"""What a store could not keep: counted by reason, and told on stderr once a minute, since the log itself cannot."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from odibi_core.events.clock import utc_now

_NOTICE_EVERY: Final = timedelta(minutes=1)


class DropCounter:
    """The losses of one store; `what` names it in the notice: `event(s) of nightly`."""

    def __init__(self, what: str) -> None:
        self.by_reason: Counter[str] = Counter()
        self._what = what
        self._notice_due = datetime(1970, 1, 1, tzinfo=UTC)

    def add(self, lines: int, reason: str, detail: str) -> None:
        """So many lines are lost. Never raises."""
        if not lines:
            return
        self.by_reason[reason] += lines
        now = utc_now()
        if now < self._notice_due or reason == "closed":
            return
        self._notice_due = now + _NOTICE_EVERY
        try:
            total = self.by_reason.total()
            what = self._what.replace("(s)", "" if total == 1 else "s", 1)
            sys.stderr.write(f"odibi-core: {total} {what} could not be kept ({reason}: {detail})\n")
        except Exception:
            return
