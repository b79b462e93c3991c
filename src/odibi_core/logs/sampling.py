"""Which lines of loggers are said at all when there are too many: a share of them, and not the same one all over.

What is not said is neither shown nor recorded, so that console, file and record agree. Sampling is for debug and info,
and keeps or drops all that belongs to one correlation id. Repeats are held back below error, and told of in one
`messages_suppressed`. Errors are always said. To the unit: accepted = said + held back (told) + sampled out.
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
_NEVER_HELD: Final = SEVERITY["error"]
_WINDOWS: Final = 1000
"""Different lines that are counted at once; of more, the oldest window ends before its time."""
_KEY_LENGTH: Final = 200
_MESSAGE_LENGTH: Final = 1000


class Window(msgspec.Struct):
    """The lines that are equal to one that was said, from that one on."""

    bus: EventBus
    component: str
    event_type: str
    level: str
    until: float
    said: int = 1
    held: int = 0
    message: str = ""
    context: Context | None = None
    first: datetime | None = None
    last: datetime | None = None

    def hold(self, message: Any, now: datetime) -> None:
        """One more that is not said."""
        if not self.held:
            self.message, self.first = to_text(message or self.event_type, _MESSAGE_LENGTH), now
        self.held += 1
        self.last, self.context = now, current()

    def tell(self) -> None:
        """Say how many there were, in the run that they belong to."""
        if not self.held or self.first is None or self.last is None:
            return
        fields = {
            "component": self.component,
            "count": self.held,
            "suppressed_event": self.event_type,
            "suppressed_message": self.message,
            "first_at": iso(self.first),
            "last_at": iso(self.last),
        }
        said = f"{self.held} more of {self.event_type} were held back"
        self.bus.publish(kinds.MESSAGES_SUPPRESSED, said, level=self.level, fields=fields, context=self.context)


class Gate:
    """Lets lines through, or not; open until `configure` says otherwise. `sampled_out` counts those that sampling took.

    >>> gate = Gate()
    >>> gate.configure(sample_rate=1.0, repeat_limit=2, repeat_window_s=60)
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self.clock = clock
        self.sampled_out = 0
        self.rate = 1.0
        self.limit = 0
        self._window_s = 60.0
        self.begin()

    def begin(self) -> None:
        """Nothing is held back: at the start, and in the child of a fork, whose parent tells of what it held."""
        self._lines = count()
        self._windows: dict[tuple[object, ...], Window] = {}
        self._is_told_at_end = False
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether every line passes."""
        return self.rate >= 1.0 and not self.limit

    def configure(self, sample_rate: float, repeat_limit: int, repeat_window_s: float) -> None:
        """From here on so; what is held back already is told with its window's end, or by `tell`."""
        self.rate, self.limit, self._window_s = sample_rate, repeat_limit, repeat_window_s

    def admits(self, bus: EventBus, component: str, level: str, event: Any, fields: dict[str, Any]) -> bool:
        """Whether a line is said; one of a sample is given its `sample_rate`. Windows that ended are told of first."""
        if self.rate < 1.0 and level in _SAMPLED:
            if not self._in_sample(fields.get("correlation_id") or correlation_given(current())):
                with self._lock:
                    self.sampled_out += 1
                return False
            if "sample_rate" in fields:
                fields["sample_rate_"] = fields.pop("sample_rate")
            fields["sample_rate"] = self.rate
        if not self.limit or SEVERITY[level] >= _NEVER_HELD:
            return True
        passes, ended = self._count(bus, component, level, event, fields)
        for window in ended:
            window.tell()
        return passes

    def _in_sample(self, correlation_id: Any) -> bool:
        told_by = to_text(correlation_id or next(self._lines), _KEY_LENGTH)
        digest = blake2b(told_by.encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(digest) < self.rate * 2**64

    def _count(
        self, bus: EventBus, component: str, level: str, event: Any, fields: dict[str, Any]
    ) -> tuple[bool, list[Window]]:
        """Whether the line passes, and the windows that ended before it came."""
        kind, message = to_text(event, _KEY_LENGTH), fields.get("message")
        # Lines without a name of their own, as those of `logging`, are told apart by what they say.
        words = fields.get("message_template", message) if kind == UNNAMED else ""
        key = (id(bus), component, level, kind, to_text(words, _KEY_LENGTH))
        with self._lock:
            now = self.clock.monotonic()
            ended = self._ended(now)
            window = self._windows.get(key)
            if window is None:
                if len(self._windows) >= _WINDOWS:
                    ended.append(self._windows.pop(next(iter(self._windows))))
                self._windows[key] = Window(bus, component, kind, level, until=now + self._window_s)
                return True, ended
            if window.said < self.limit:
                window.said += 1
                return True, ended
            window.hold(message, self.clock.now())
            if not self._is_told_at_end:
                self._is_told_at_end = True
                self._tell_at_a_workers_end()
            return False, ended

    def _ended(self, now: float) -> list[Window]:
        """Take the windows that are over: all are equally long, so they end in the order in which they began."""
        ended = []
        while self._windows:
            oldest = next(iter(self._windows))
            if now < self._windows[oldest].until:
                break
            ended.append(self._windows.pop(oldest))
        return ended

    def _tell_at_a_workers_end(self) -> None:
        """Worker processes of `multiprocessing` run no `atexit`, but what is registered with it, once they are up."""
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            util.Finalize(None, self.tell, exitpriority=0)

    def tell(self, run_id: str | None = None) -> None:
        """Tell of all that is held back now, or only of what belongs to a run that ends."""
        with self._lock:
            wanted = [
                key for key, window in self._windows.items() if run_id is None or _is_of(window, run_id)
            ]
            ended = [self._windows.pop(key) for key in wanted]
        for window in ended:
            window.tell()


def _is_of(window: Window, run_id: str) -> bool:
    return window.context is not None and window.context.run_id == run_id
