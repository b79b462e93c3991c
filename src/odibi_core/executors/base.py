"""The contract of an executor, which runs numbered tasks and knows no steps and no pipeline.

The orchestrator creates one executor for each run. It calls `run` once, in the thread that runs the pipeline, and
`cancel` from any thread. The constructor may raise ConfigurationError. An executor of processes or of a cluster runs
its tasks in threads of this process too; each of them has its step work in the executor's place, and waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from odibi_core.errors import ConfigurationError

Execute: TypeAlias = Callable[[int], Sequence[int]]
"""Runs one task in the calling thread, and returns the tasks that became ready. An exception is a bug of the
orchestrator: it ends the run, and `run` raises it."""


class Executor(Protocol):
    """Runs the tasks of one run.

    A worker that ends a task continues with the first task that became ready by it, without a change of thread. The
    others go to idle workers, before the tasks that were ready from the start, so that frames are released early.
    Each task runs in its own copy of the context variables of the caller of `run`.
    """

    name: str
    place: Place | None
    """Where steps work, if not in the thread of their task."""

    def __init__(self, max_workers: int = 4) -> None: ...

    def run(self, ready: Sequence[int], execute: Execute) -> None:
        """Run the tasks and all that become ready by them; after `cancel` only those that have begun.

        Raises:
            BaseException: An interrupt of the calling thread, which first cancels and abandons the running tasks, or
                an exception of `execute`.
        """

    def cancel(self, *, abandon: bool = False) -> None:
        """Start no more tasks. May be called from any thread, inside a task, in a signal handler, and before `run`.

        Args:
            abandon: Let `run` return at once, while the running tasks end in the background, if the executor can.
                Otherwise `run` waits for them.
        """


Work: TypeAlias = Callable[[dict[str, Any], Any], tuple[dict[str, Any], Any]]
"""`work(frames, task)` returns the frames that it made, and its report. It is a function of a module."""


class Held:
    """A handle on a frame that stays where it was made. It belongs to one place."""


class Place(Protocol):
    """Worker processes of this machine or of a cluster, where steps work and their frames stay.

    The orchestrator calls `call` in the thread of a task, several threads at a time, `fetch` and `release` in any
    thread, and `close` once, after the last event of the run.
    """

    def call(
        self, work: Work, frames: Mapping[str, Any], task: Any, *, timeout_s: float | None = None
    ) -> tuple[dict[str, Held], Any]:
        """Call `work(frames, task)` in a worker; return handles on the frames that it made, and its report.

        Args:
            work: The function; the worker imports it.
            frames: Values of this process, which are sent, and handles, which the worker resolves.
            task: Sent to the worker; so is the report that comes back.
            timeout_s: Seconds from the start in the worker; then the work is ended, by ending its process if it must.

        Raises:
            BaseException: The exception of the work, with its traceback as a note if it is of another process.
            WorkerLostError: The worker ended before the work did.
            StepTimeoutError: The work took longer than `timeout_s`.
            NotSendableError: A value cannot be sent; names it. The work has not begun.
        """

    def fetch(self, held: Held) -> Any:
        """Return the frame of a handle.

        Raises:
            WorkerLostError: The frame is lost with its worker.
        """

    def release(self, held: Held) -> None:
        """Free a frame that no step needs any more. Never raises."""

    def close(self) -> None:
        """End the workers that belong to the run, and free all frames. Never raises; may be called again."""


class LocalExecutor:
    """The common part of the executors of this process."""

    def __init__(self, max_workers: int = 4) -> None:
        if type(max_workers) is not int or max_workers < 1:
            raise ConfigurationError(f"max_workers must be a whole number, 1 or more, got {str(max_workers)[:80]!r}")
        self.max_workers = max_workers
        self.place: Place | None = None
        self._cancelled = False
