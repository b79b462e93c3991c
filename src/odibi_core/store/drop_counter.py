"""The count of the lines that a store could not write, with a notice on stderr once a minute."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from odibi_core.events.clock import utc_now

_NOTICE_EVERY: Final = timedelta(minutes=1)


class DropCounter:
    """The dropped lines of one store, by reason. `what` names them in the notice: `event(s) of nightly`."""

    def __init__(self, what: str) -> None:
        self.by_reason: Counter[str] = Counter()
        self._what = what
        self._notice_due = datetime(1970, 1, 1, tzinfo=UTC)

    def add_error(self, lines: int, error: BaseException) -> None:
        """Count lines that an error dropped: by the name of its number, such as `ENOSPC`, or by its type."""
        if isinstance(error, OSError):
            self.add(lines, errno.errorcode.get(error.errno or 0, "OSError"), error.strerror or str(error))
        else:
            self.add(lines, type(error).__name__, str(error))

    def add(self, lines: int, reason: str, detail: str) -> None:
        """Count dropped lines. Never raises."""
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
