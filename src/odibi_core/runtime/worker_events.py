"""`WorkerEvents`: what workers of a cluster report to the process of the run, besides the results of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock

from odibi_core.events import decode, kinds
from odibi_core.executors.base import Home, Place
from odibi_core.process.worker_runs import end_run, flush_run
from odibi_core.runtime.record import RunRecord
from odibi_core.store.journal import Journal


class WorkerEvents:
    """Records the lines that workers send, in a segment of their own, and the workers that end."""

    def __init__(self, record: RunRecord, place: Place | None) -> None:
        self._record = record
        self._place = place
        self._lock = Lock()
        self._journal: Journal | None = None
        self._seen: set[tuple[object, object]] = set()

    def open(self, open_record: Callable[[], object]) -> None:
        """Connect the place where steps work, if there is one, and then open the record; if that fails, neither is.

        Raises:
            ConfigurationError: There are no workers, or they do not fit to this process.
        """
        if self._place is not None:
            self._place.open(Home(self._record.run_id, self.receive, self.worker_lost, end_run, flush_run))
        try:
            open_record()
        except BaseException:
            self.close()
            raise

    def receive(self, lines: Sequence[bytes]) -> None:
        """Record lines, each once. Never raises."""
        if self._record.store is None:
            return
        with self._lock, suppress(Exception):
            if self._journal is None:
                self._journal = self._record.store.open(self._record.run_id)
            for line in lines:
                event = decode(line)
                if (writer := (event.writer_id, event.seq)) not in self._seen:
                    self._seen.add(writer)
                    self._journal(event)

    def worker_lost(self, worker: str, again: Sequence[str]) -> None:
        """Publish that a worker ended, and which steps are computed again because it had their frames."""
        message = f"the worker {worker} ended" + (f"; {', '.join(again)} run again" if again else "")
        fields = {"run_id": self._record.run_id, "worker": worker, "steps_again": list(again)}
        self._record.bus.publish(kinds.WORKER_LOST, message, level="warning", fields=fields)

    def close(self) -> None:
        """End the workers and close the segment, so that the end of the run reads it. Never raises."""
        if self._place is not None:
            self._place.close()
        with self._lock:
            if self._journal is not None:
                self._journal.close()
