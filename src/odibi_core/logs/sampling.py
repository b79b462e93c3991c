"""Sampling and repeat suppression: which lines of loggers are published if there are too many.

A line that is not published is neither shown nor recorded, so that console, file and record agree. Sampling is for
debug and info; it keeps or drops all lines of one correlation id. Repeats below error are suppressed and reported in
one `messages_suppressed`. Errors are always published. The counts add up: accepted = published + suppressed (reported)
+ sampled out.
"""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from hashlib import blake2b
from itertools import count
from typing import Any, Final

import msgspec

from odibi_core.bus.bus import EventBus
from odibi_core.events import kinds
from odibi_core.events.clock import SYSTEM, Clock, iso
from odibi_core.events.context import Context, correlation_given, current
from odibi_core.events.kinds import SEVERITY
from odibi_core.events.leveled import UNNAMED
from odibi_core.events.normalize import to_text

_SAMPLED: Final = frozenset({"debug", "info"})
_NEVER_SUPPRESSED: Final = SEVERITY["error"]
_WINDOWS: Final = 1000
"""Different lines that are counted at once; for more, the oldest window ends before its time."""
_KEY_LENGTH: Final = 200
_MESSAGE_LENGTH: Final = 1000


class Window(msgspec.Struct):
    """A published line, and the count of its repeats from then on."""

    bus: EventBus
    component: str
    event_type: str
    level: str
    until: float
    published: int = 1
    suppressed: int = 0
    message: str = ""
    context: Context | None = None
    first: datetime | None = None
    last: datetime | None = None

    def suppress(self, message: Any, now: datetime) -> None:
        """Count a repeat that is not published."""
        if not self.suppressed:
            self.message, self.first = to_text(message or self.event_type, _MESSAGE_LENGTH), now
        self.suppressed += 1
        self.last, self.context = now, current()

    def report(self) -> None:
        """Publish the count of the suppressed repeats in the run that they belong to."""
        if not self.suppressed or self.first is None or self.last is None:
            return
        fields = {
            "component": self.component,
            "count": self.suppressed,
            "suppressed_event": self.event_type,
            "suppressed_message": self.message,
            "first_at": iso(self.first),
            "last_at": iso(self.last),
        }
        message = f"{self.suppressed} more of {self.event_type} were held back"
        self.bus.publish(kinds.MESSAGES_SUPPRESSED, message, level=self.level, fields=fields, context=self.context)


class LogSampler:
    """Decides which lines are published: all, until `configure` limits them. `sampled_out` counts the sampled ones.

    >>> sampler = LogSampler()
    >>> sampler.configure(sample_rate=1.0, repeat_limit=2, repeat_window_s=60)
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self.clock = clock
        self.sampled_out = 0
        self.rate = 1.0
        self.limit = 0
        self._window_s = 60.0
        self.reset()

    def reset(self) -> None:
        """Forget all windows: at the start, and in a forked child, whose parent reports its own."""
        self._lines = count()
        self._windows: dict[tuple[object, ...], Window] = {}
        self._reports_at_worker_end = False
        self._lock = threading.RLock()

    @property
    def is_active(self) -> bool:
        """True if some lines may be left out."""
        return self.rate < 1.0 or bool(self.limit)

    def configure(self, sample_rate: float, repeat_limit: int, repeat_window_s: float) -> None:
        """Change the limits; the repeats suppressed so far are reported when their window ends, or by `report`."""
        self.rate, self.limit, self._window_s = sample_rate, repeat_limit, repeat_window_s

    def admits(self, bus: EventBus, component: str, level: str, event: Any, fields: dict[str, Any]) -> bool:
        """Return whether a line is published; windows that ended are reported before.

        A line of a sample gets its `sample_rate` as a field.
        """
        if self.rate < 1.0 and level in _SAMPLED:
            if not self._in_sample(fields.get("correlation_id") or correlation_given(current())):
                with self._lock:
                    self.sampled_out += 1
                return False
            if "sample_rate" in fields:
                fields["sample_rate_"] = fields.pop("sample_rate")
            fields["sample_rate"] = self.rate
        if not self.limit or SEVERITY[level] >= _NEVER_SUPPRESSED:
            return True
        admitted, ended = self._count(bus, component, level, event, fields)
        for window in ended:
            window.report()
        return admitted

    def _in_sample(self, correlation_id: Any) -> bool:
        key = to_text(correlation_id or next(self._lines), _KEY_LENGTH)
        digest = blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(digest) < self.rate * 2**64

    def _count(
        self, bus: EventBus, component: str, level: str, event: Any, fields: dict[str, Any]
    ) -> tuple[bool, list[Window]]:
        """Return whether the line is published, and the windows that ended before it."""
        kind, message = to_text(event, _KEY_LENGTH), fields.get("message")
        # Lines without a name of their own, such as those of `logging`, are distinguished by their message template.
        template = fields.get("message_template", message) if kind == UNNAMED else ""
        key = (id(bus), component, level, kind, to_text(template, _KEY_LENGTH))
        with self._lock:
            now = self.clock.monotonic()
            ended = self._take_ended(now)
            window = self._windows.get(key)
            if window is None:
                if len(self._windows) >= _WINDOWS:
                    ended.append(self._windows.pop(next(iter(self._windows))))
                self._windows[key] = Window(bus, component, kind, level, until=now + self._window_s)
                return True, ended
            if window.published < self.limit:
                window.published += 1
                return True, ended
            window.suppress(message, self.clock.now())
            if not self._reports_at_worker_end:
                self._reports_at_worker_end = True
                self._report_at_worker_end()
            return False, ended

    def _take_ended(self, now: float) -> list[Window]:
        """Remove and return the windows that are over; they are equally long, so the oldest ends first."""
        ended = []
        while self._windows:
            oldest = next(iter(self._windows))
            if now < self._windows[oldest].until:
                break
            ended.append(self._windows.pop(oldest))
        return ended

    def _report_at_worker_end(self) -> None:
        """Report at the end of a `multiprocessing` worker, which runs its finalizers and no `atexit`."""
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            util.Finalize(None, self.report, exitpriority=0)

    def report(self, run_id: str | None = None) -> None:
        """Report and forget all repeats suppressed so far, or only those of one run."""
        with self._lock:
            ended = {
                key: window
                for key, window in self._windows.items()
                if run_id is None or (window.context is not None and window.context.run_id == run_id)
            }
            for key in ended:
                del self._windows[key]
        for window in ended.values():
            window.report()
