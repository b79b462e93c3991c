"""`Forwarder`: raw measurements for a receiver outside, in batches, on a worker thread, with a bounded queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.views.metrics.series import Sample
from odibi_core.views.metrics.types import Measurement

_log = logging.getLogger("odibi_core")
_BOUND: Final = 100_000
_TAIL_S: Final = 1.0


class Forwarder:
    """One receiver and its queue; created by `MetricsManager.forward`.

    Args:
        receiver: Called with each batch, on the worker thread.
        apply_due: Called if no batch follows within a second, so that pending samples do not wait for the next call.
        on_error: Called with the first error of the receiver; further errors are counted in `failed`.
        bound: Measurements in the queue; further ones are dropped, and counted in `dropped`.
    """

    def __init__(
        self,
        receiver: Callable[[list[Measurement]], object],
        apply_due: Callable[[], object],
        on_error: Callable[[BaseException], object],
        bound: int = _BOUND,
    ) -> None:
        self._receiver = receiver
        self._apply_due = apply_due
        self._on_error = on_error
        self._bound = bound
        self.dropped = self.failed = 0
        self.begin()

    def begin(self) -> None:
        """Create an empty queue: at construction, and in a forked child, because the parent delivers its own queue."""
        self.accepted = self.done = 0
        self._closing = False
        self._more = threading.Event()
        self._queue = WorkerQueue(workers=1, bound=self._bound, name="odibi-forward")

    def put(self, samples: Sequence[Sample]) -> None:
        """Queue a batch; called by one thread at a time."""
        if self.accepted - self.done + len(samples) > self._bound:
            self.dropped += len(samples)
            return
        self.accepted += len(samples)
        self._more.set()
        try:
            self._queue.put(self._deliver, tuple(samples))
        except RuntimeError:
            self.dropped += len(samples)  # the interpreter is ending, and starts no thread

    def close(self, timeout: float) -> bool:
        """Deliver the queue within `timeout` seconds; return False if measurements were left, and are lost."""
        self._closing = True
        self._more.set()
        return self._queue.close(timeout)

    def _deliver(self, samples: Sequence[Sample]) -> None:
        try:
            self._receiver(
                [(each.kind, each.family.metric, each.name, each.labels(), value) for each, value, _ in samples]
            )
        except BaseException as error:  # SystemExit too: it would end the worker thread alone
            self.failed += 1
            if self.failed == 1:
                self._on_error(error)
                _log.exception("a receiver of measurements failed; further failures are only counted")
        finally:
            self.done += len(samples)
        self._more.clear()
        if self.accepted == self.done and not self._closing and not self._more.wait(_TAIL_S):
            self._apply_due()
