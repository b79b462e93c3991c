"""What the orchestrator asks of an executor, which gets numbers, never steps: it knows no pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from odibi_core.errors import ConfigurationError

T = TypeVar("T")

Execute: TypeAlias = Callable[[int], Sequence[int]]
"""Carries out one task in the thread that calls it, and gives the tasks that became ready by it. What happens
in a task it keeps to itself: an exception that leaves it is a bug, ends the run and is raised by `run`."""


class Executor(Protocol):
    """Drives one run at a time.

    A worker that ends a task goes on with the first one that became ready by it, without a hop to another
    thread; the others are offered to workers that have nothing to do, before tasks that were ready from the
    start, so that what was begun is ended and its frames are freed. Every task sees the context variables of
    whoever called `run`, each in a copy of its own.
    """

    name: str

    def __init__(self, max_workers: int = 4) -> None: ...

    def run(self, ready: Sequence[int], execute: Execute) -> None:
        """Carry out the tasks and all that become ready by them, or those begun before `cancel`, then return.

        An interrupt of the calling thread cancels, abandons what runs, and is raised.
        """

    def cancel(self, *, abandon: bool = False) -> None:
        """From any thread, also from within a task, also before `run`: start nothing more, for good.

        `run` waits for the tasks that are begun, or else abandons them: then it returns at once and they come
        to their end in the background, where that is possible at all.
        """

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """For `execute`: call a function where this executor has its work done, and wait for what it gives.

        Here that is the calling thread; for executors of processes or a cluster it is over there, and the
        function, its arguments and its result must be able to travel.
        """


class LocalExecutor:
    """What the executors of this process have in common."""

    def __init__(self, max_workers: int = 4) -> None:
        if type(max_workers) is not int or max_workers < 1:
            raise ConfigurationError(
                f"max_workers must be a whole number, 1 or more, but it is {str(max_workers)[:80]!r}"
            )
        self.max_workers = max_workers
        self._cancelled = False

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        return function(*args, **kwargs)
