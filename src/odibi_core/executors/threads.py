"""An executor that runs several steps at a time, in threads of this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextvars import copy_context
from threading import Condition, Event, Thread
from typing import Final

from odibi_core.executors.base import Execute, LocalExecutor
from odibi_core.process_end import watch

_WAKE_S: Final = 0.25


class ThreadsExecutor(LocalExecutor):
    """Runs tasks in at most `max_workers` threads, which are started on demand and end with the run.

    The threads are daemons, because an abandoned step must not keep the interpreter from exiting. The calling thread
    only waits, so that an interrupt reaches it at once.
    """

    name = "threads"

    def __init__(self, max_workers: int = 4) -> None:
        super().__init__(max_workers)
        self._crew: _Crew | None = None

    def run(self, ready: Sequence[int], execute: Execute) -> None:
        crew = self._crew = _Crew(self.max_workers, execute)
        if self._cancelled:
            crew.cancelled = True
            return
        try:
            crew.carry_out(ready)
        except BaseException:
            self.cancel(abandon=True)
            raise
        finally:
            self._crew = None
        if crew.error is not None:
            raise crew.error

    def cancel(self, *, abandon: bool = False) -> None:
        # Without a lock: a signal handler may call it in a thread that holds one (deadlock).
        self._cancelled = True
        crew = self._crew
        if crew is not None:
            crew.cancelled = True
            if abandon:
                crew.abandoned = True
                crew.over.set()


class _Crew:
    """The workers of one run. A worker that finds no task is idle until it is notified."""

    def __init__(self, size: int, execute: Execute) -> None:
        self.cancelled = False
        self.abandoned = False
        self.error: BaseException | None = None
        self.over = Event()
        self._size = size
        self._execute = execute
        self._context = copy_context()
        self._changed = Condition()
        self._queue: deque[int] = deque()
        self._workers: list[Thread] = []
        self._idle = 0

    def carry_out(self, ready: Sequence[int]) -> None:
        if not ready:
            return
        with self._changed:
            self._offer(ready)
        while not self.over.wait(_WAKE_S):
            pass  # the system may deliver an interrupt to a worker: then only this timeout wakes the main thread
        if not self.abandoned:
            for worker in self._workers:
                worker.join()

    def _offer(self, tasks: Sequence[int]) -> None:
        """Queue tasks before those that wait already, and wake or start workers for them. Called under the lock."""
        self._queue.extendleft(reversed(tasks))
        woken = min(len(tasks), self._idle)
        if woken:
            self._idle -= woken
            self._changed.notify(woken)
        for _ in range(min(len(tasks) - woken, self._size - len(self._workers))):
            worker = Thread(target=self._work, name=f"odibi-worker-{len(self._workers) + 1}", daemon=True)
            try:
                worker.start()
            except RuntimeError:
                if not self._workers:
                    raise
                return  # no more threads can be started: the existing ones do the work
            watch(worker)
            self._workers.append(worker)

    def _work(self) -> None:
        task = self._take()
        while task is not None:
            try:
                freed = self._context.copy().run(self._execute, task)
                # A chain, the usual case, needs no lock: no other worker is involved.
                task = freed[0] if len(freed) == 1 and not self.cancelled else self._next(freed)
            except BaseException as error:
                # A bug of `execute` must end the run, not hang it.
                self.error = self.error or error
                self.cancelled = True
                task = self._take()

    def _next(self, freed: Sequence[int]) -> int | None:
        if not freed or self.cancelled:
            return self._take()
        with self._changed:
            self._offer(freed[1:])
        return freed[0]

    def _take(self) -> int | None:
        """Wait for the next task and return it; None at the end of the run, which the last idle worker detects."""
        with self._changed:
            while not self.over.is_set():
                if self._queue and not self.cancelled:
                    return self._queue.popleft()
                self._idle += 1
                if self._idle == len(self._workers):
                    self.over.set()
                else:
                    self._changed.wait()
            self._changed.notify_all()
        return None
