"""The contract of an executor, which runs numbered tasks and knows no steps and no pipeline.

The orchestrator creates one executor for each run. It calls `run` once, in the thread that runs the pipeline, and
`cancel` from any thread. The constructor may raise ConfigurationError. An executor of processes or of a cluster runs
its tasks in threads of this process too; each of them has its step work in the executor's place, and waits for it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from inspect import signature
from typing import Any, NamedTuple, Protocol, TypeAlias

from odibi_core import plugins
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


class Batch(list[tuple[int, Any]]):
    """Results of several items of a mapped step with their positions, which travel as one value."""


class Held:
    """A handle on a frame that stays where it was made. It belongs to one place."""


class Home(NamedTuple):
    """The run as its place knows it. The calls may come from any thread, and never raise."""

    run_id: str
    receive: Callable[[Sequence[bytes]], object]
    """Records lines of the record that a worker sent, because it cannot see the folder of the run."""
    worker_lost: Callable[[str, Sequence[str]], object]
    """Records that a worker ended: its name, and the steps whose frames are computed again."""
    end_in_worker: Callable[[str, int], list[bytes]]
    """A function of a module: ends the run in a worker, which sent so many lines, and returns all if that is wrong."""
    flush_in_worker: Callable[[str], list[bytes]]
    """A function of a module: writes what a worker recorded; returns that if the worker does not see the folder."""


send_line: ContextVar[Callable[[bytes], object] | None] = ContextVar("odibi_core_send_line", default=None)
"""Sends a line of the record from a worker to the process of the run; None where there is no such way."""


class Place(Protocol):
    """Worker processes of this machine or of a cluster, where steps work and their frames stay.

    The orchestrator calls `open` once, `call` in the thread of a task, several threads at a time, `fetch` and `release`
    in any thread, and `close` once. `close` comes before the last event of the run, which counts the workers' events.
    """

    shared: bool
    """True if the workers may serve other runs too, after this one and beside it."""
    batch_s: float
    """Seconds of short items of a mapped step that go there in one call; 0 for one item a call."""

    def open(self, home: Home) -> None:
        """Connect to the workers, before the record of the run is opened.

        Raises:
            ConfigurationError: There are no workers, or they do not fit to this process.
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
            BaseException: The exception of the work. One of another process has the description of its traceback as
                the attribute `DESCRIPTION` names.
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


def worker_command(module: str) -> list[str]:
    """Return the command of a worker, which imports from the folders of this process and calls `main` of a module.

    More arguments may follow.
    """
    code = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import main; main()"
    return [sys.executable, "-c", code, json.dumps(sys.path)]


def executor_maker(name: str, options: Mapping[str, Any]) -> Callable[[int], Executor]:
    """Return a function of `max_workers` that makes an executor with these options.

    Raises:
        ConfigurationError: The executor does not take one of the options.
        PluginError: There is no executor of that name.
    """
    made: Callable[..., Executor] = plugins.load("executors", name)
    try:
        signature(made).bind(1, **options)
    except TypeError as error:
        raise ConfigurationError(f"executor_options do not fit the executor {name!r}: {error}") from error
    return partial(made, **options)


class LocalExecutor:
    """The common part of the executors of this process."""

    def __init__(self, max_workers: int = 4) -> None:
        if type(max_workers) is not int or max_workers < 1:
            raise ConfigurationError(f"max_workers must be a whole number, 1 or more, got {str(max_workers)[:80]!r}")
        self.max_workers = max_workers
        self.place: Place | None = None
        self._cancelled = False
