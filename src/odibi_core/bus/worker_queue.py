"""A bounded queue of calls with worker threads, for slow work."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from odibi_core.events.clock import monotonic, process_id
from odibi_core.process_end import leave_if_forked, watch

_log = logging.getLogger("odibi_core")
_Job = tuple[Callable[..., object], tuple[Any, ...]]


class WorkerQueue:
    """Runs calls on `workers` daemon threads, which do not delay the end of the program.

    If `bound` calls wait, a new one is dropped and counted.

    >>> jobs = WorkerQueue(workers=1, bound=10)
    >>> jobs.put(print, "hello")
    True
    """

    def __init__(self, workers: int = 4, bound: int = 10_000, name: str = "odibi-worker-queue") -> None:
        self.workers = max(1, workers)
        self.name = name
        self.accepted = self.dropped = self.failed = self.done = 0
        self.bound = max(1, bound)
        # Reentrant, both the queue and the lock: a signal's handler may queue a call at any moment.
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        watch(self)

    def is_alive(self) -> bool:
        """Return whether a call waits or runs."""
        return bool(self._threads) and self.done < self.accepted

    def put(self, call: Callable[..., object], *arguments: Any) -> bool:
        """Queue `call(*arguments)`; return False if the queue is full and the call was dropped.

        It runs inline if no worker thread can start, because Python 3.12 forbids it at the end of the program.
        """
        with self._lock:
            if self._jobs.qsize() >= self.bound:
                self.dropped += 1
                return False
            self._jobs.put((call, arguments))
            self.accepted += 1
            jobs, has_worker = self._jobs, self._start_worker()
        if not has_worker:
            jobs.put(None)
            self._work(jobs)
        return True

    def _start_worker(self) -> bool:
        """Start a thread unless all run; return False if there is none, and none can start."""
        if len(self._threads) < self.workers:
            thread = threading.Thread(
                target=self._work, args=(self._jobs,), name=f"{self.name}-{len(self._threads)}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return bool(self._threads)
            self._threads.append(thread)
        return True

    def drain(self, timeout: float = 5.0) -> bool:
        """Wait for all accepted calls, for at most `timeout` seconds; return False if some did not end."""
        deadline = monotonic() + timeout
        with self._idle:
            while self.done < self.accepted:
                if not self._idle.wait(deadline - monotonic()) and monotonic() >= deadline:
                    return False
        return True

    def close(self, timeout: float = 5.0) -> bool:
        """Wait as `drain` does, then release the threads; a later call starts new ones."""
        drained = self.drain(timeout)
        with self._lock:
            # Threads that hang keep their queue: when they continue, they empty it and end.
            threads, self._threads = self._threads, []
            jobs, self._jobs = self._jobs, queue.SimpleQueue()
        for _ in threads:
            jobs.put(None)
        return drained

    def _work(self, jobs: queue.SimpleQueue[_Job | None]) -> None:
        owner = process_id()
        while (job := jobs.get()) is not None:
            call, arguments = job
            try:
                call(*arguments)
                leave_if_forked(owner)
            except BaseException as error:  # SystemExit too: it would end this thread, not the program
                leave_if_forked(owner, error if isinstance(error, SystemExit) else None)
                self.failed += 1
                _log.exception("%s: a queued call failed", self.name)
            with self._idle:
                self.done += 1
                self._idle.notify_all()
