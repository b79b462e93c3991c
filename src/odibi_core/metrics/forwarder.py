"""Raw measurements on their way to somebody outside: in batches, on a thread of their own, bounded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.views.metrics.series import Sample

Measurement: TypeAlias = tuple[str, str, str, dict[str, str], float]
"""`(kind, metric, name, labels, value)`"""
_log = logging.getLogger("odibi_core")
_BOUND: Final = 100_000
_TAIL_S: Final = 1.0


class Forwarder:
    """One receiver, and what waits for it. Made by `MetricsManager.forward`."""

    def __init__(
        self,
        to: Callable[[list[Measurement]], object],
        settle: Callable[[], object],
        tell: Callable[[BaseException], object],
        bound: int = _BOUND,
    ) -> None:
        self._to = to
        self._settle = settle
        self._tell = tell
        self._bound = bound
        self.dropped = self.failed = 0
        self.begin()

    def begin(self) -> None:
        """With nothing waiting: when made, and in a forked child, whose parent hands on what waited."""
        self.accepted = self.done = 0
        self._closing = False
        self._more = threading.Event()
        self._queue = WorkerQueue(workers=1, bound=self._bound, name="odibi-forward")

    def put(self, notes: Sequence[Sample]) -> None:
        """Take measurements over; called by one thread at a time, and as cheap as it can be."""
        if self.accepted - self.done + len(notes) > self._bound:
            self.dropped += len(notes)
            return
        self.accepted += len(notes)
        self._more.set()
        try:
            self._queue.put(self._deliver, tuple(notes))
        except RuntimeError:
            self.dropped += len(notes)  # the interpreter is ending, and starts no thread any more

    def close(self, timeout: float) -> bool:
        """Hand on what waits; False when that could not be done in time, and is lost."""
        self._closing = True
        self._more.set()
        return self._queue.close(timeout)

    def _deliver(self, notes: Sequence[Sample]) -> None:
        try:
            self._to(
                [(each.kind, each.family.metric, each.name, each.labels(), value) for each, value, _ in notes]
            )
        except BaseException as error:  # SystemExit too: it would end the queue's thread alone
            self.failed += 1
            if self.failed == 1:
                self._tell(error)
                _log.exception("a receiver of measurements failed; further failures are only counted")
        finally:
            self.done += len(notes)
        self._wait_for_more()

    def _wait_for_more(self) -> None:
        """The last notes of a burst are settled by the next call, whenever that is: better by us, soon."""
        self._more.clear()
        if self.accepted == self.done and not self._closing and not self._more.wait(_TAIL_S):
            self._settle()
