"""Several steps at a time, in threads of this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextvars import copy_context
from threading import Condition, Event, Thread
from typing import Final

from odibi_core.executors.base import Execute, LocalExecutor
from odibi_core.process_end import watch

_LOOK_UP_S: Final = 0.25


class ThreadsExecutor(LocalExecutor):
    """Threads are started as work turns up for them, at most `max_workers`, and end with the run.

    They are daemons, since a step that was abandoned must not keep the interpreter from leaving. The caller
    only waits, so that an interrupt reaches it at once, whatever the steps are at.
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
        # Without a lock, for a signal's handler may call it in a thread that holds one.
        self._cancelled = True
        crew = self._crew
        if crew is not None:
            crew.cancelled = True
            if abandon:
                crew.abandoned = True
                crew.over.set()


class _Crew:
    """The workers of one run. One is idle from when it found no task until somebody wakes it."""

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
        while not self.over.wait(_LOOK_UP_S):
            pass  # the system may hand an interrupt to a worker, and then only the clock wakes this thread for it
        if not self.abandoned:
            for worker in self._workers:
                worker.join()

    def _offer(self, tasks: Sequence[int]) -> None:
        """Under the lock: queue tasks before those that wait already, and see that somebody takes them."""
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
                return  # the system gives no more threads, so those that there are do the work
            watch(worker)
            self._workers.append(worker)

    def _work(self) -> None:
        execute, copy = self._execute, self._context.copy
        task = self._take()
        while task is not None:
            try:
                freed = copy().run(execute, task)
                # The usual case, a chain, needs no lock: nobody else is concerned.
                task = freed[0] if len(freed) == 1 and not self.cancelled else self._next(freed)
            except BaseException as error:
                # A bug of whoever gave us `execute`: it must end the run, not hang it.
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
        """The next task, once there is one; None when there will be none, which the last to look finds."""
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
