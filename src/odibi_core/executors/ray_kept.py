"""Processes of a Ray cluster that one run holds until its end: a step costs Ray half of what a task costs it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import ray

from odibi_core.errors import ConfigurationError, WorkerLostError
from odibi_core.executors.ray_worker import KeptProcess


class Kept(NamedTuple):
    """A process of the cluster, and its name."""

    process: Any
    name: str


class KeptWorkers:
    """As many processes as steps ran at the same time, each for one step after the other.

    Args:
        options: The needs of each process, as `ray.remote` takes them; one CPU, unless they have another number.

    Raises:
        ConfigurationError: Ray does not take one of the options for a process that stays.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        try:
            self._make = ray.remote(**{"num_cpus": 1, **options, "max_restarts": 0})(KeptProcess)
        except (TypeError, ValueError, AssertionError) as error:
            raise ConfigurationError(
                f"task_options must be options of an actor of Ray with keep_workers, got {options!r}: {error}"
            ) from error
        self._lock = Lock()
        self._idle: deque[Kept] = deque()
        self._all: list[Any] = []
        self._ended = False

    def take(self) -> Kept:
        """Return a process without a step: one that the run holds, else a new one, once the cluster has room for it.

        Raises:
            WorkerLostError: The run has ended its processes.
            RayActorError: The process ended before it began.
        """
        with suppress(IndexError):
            return self._idle.pop()
        with self._lock:
            if self._ended:
                raise WorkerLostError("the workers of the run have ended")
            process = self._make.remote()
            self._all.append(process)
        return Kept(process, str(ray.get(process.where.remote())))

    def give_back(self, kept: Kept) -> None:
        """Keep a process for the next step."""
        self._idle.append(kept)

    def end(self, kept: Kept) -> None:
        """End a process, whatever it does. Never raises."""
        with self._lock, suppress(ValueError):
            self._all.remove(kept.process)
        with suppress(Exception):
            ray.kill(kept.process)

    def end_all(self) -> None:
        """End all processes, whatever they do. Never raises."""
        with self._lock:
            self._ended = True
            processes, self._all = self._all, []
            self._idle.clear()
        for process in processes:
            with suppress(Exception):
                ray.kill(process)
