"""The contract of an executor, which runs numbered tasks and knows no steps and no pipeline.

The orchestrator creates one executor for each run. It calls `run` once, in the thread that runs the pipeline, and
`cancel` from any thread. `execute` calls `call` in the thread of a task. The constructor may raise ConfigurationError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from odibi_core.errors import ConfigurationError

T = TypeVar("T")

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

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call a function where this executor does its work, and return its result or raise its exception.

        A local executor calls it in the calling thread. An executor of processes or of a cluster sends it there: the
        function, its arguments and its result must be picklable.
        """


class LocalExecutor:
    """The common part of the executors of this process."""

    def __init__(self, max_workers: int = 4) -> None:
        if type(max_workers) is not int or max_workers < 1:
            raise ConfigurationError(f"max_workers must be a whole number, 1 or more, got {str(max_workers)[:80]!r}")
        self.max_workers = max_workers
        self._cancelled = False

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        return function(*args, **kwargs)
