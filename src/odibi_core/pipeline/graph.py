"""The graph of the dataset keys of steps, and the counters of a run over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

import msgspec

from odibi_core.pipeline.step import Step


class Graph(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Validated steps, referred to by index into `steps`, which keeps the order of the definition.

    `order` is topological and stable: of steps that could run at one time, the one defined first is first.
    `consumers` counts the steps that take each key; 0 for a key that no step takes.
    """

    steps: tuple[Step, ...]
    engine: str
    initial: frozenset[str]
    index: dict[str, int]
    dependencies: list[tuple[int, ...]]
    dependants: list[tuple[int, ...]]
    consumers: dict[str, int]
    order: list[int]

    def __len__(self) -> int:
        return len(self.steps)

    def engine_of(self, index: int) -> str:
        return self.steps[index].engine or self.engine

    def roots(self) -> list[int]:
        """Return the steps without dependencies."""
        return [index for index, needed in enumerate(self.dependencies) if not needed]

    def descendants(self, index: int) -> list[int]:
        """Return every step that cannot run without this one, nearest first."""
        found: dict[int, None] = {}
        waiting = deque(self.dependants[index])
        while waiting:
            step = waiting.popleft()
            if step not in found:
                found[step] = None
                waiting.extend(self.dependants[step])
        return list(found)


class Progress:
    """The state of one run over a graph: the steps that became ready, the frames that are no longer needed.

    Thread-safe. Each step is finished, failed or skipped once, at the cost of its own edges.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._waiting_for = [len(needed) for needed in graph.dependencies]
        self._consumers = dict(graph.consumers)
        self._closed = bytearray(len(graph))
        self._open = len(graph)
        self._lock = Lock()

    @property
    def remaining(self) -> int:
        """The number of steps that have neither finished nor failed nor been skipped."""
        return self._open

    def finish(self, index: int) -> tuple[list[int], list[str]]:
        """Finish a step; return the steps that became ready by it, and the keys that are no longer needed.

        A key of its own is among them if all its consumers were skipped.
        """
        ready = []
        waiting_for = self._waiting_for
        with self._lock:
            freed = self._close(index)
            for dependant in self._graph.dependants[index]:
                waiting_for[dependant] -= 1
                if not waiting_for[dependant]:  # never true for a skipped one, which waits for the failed one
                    ready.append(dependant)
            for key in self._graph.steps[index].outputs.values():
                if not self._consumers[key] and self._graph.consumers[key]:
                    freed.append(key)
        return ready, freed

    def fail(self, index: int) -> tuple[list[int], list[str]]:
        """Fail a step; return the steps that are skipped because of it, and the keys that are no longer needed.

        Some of these keys were never made.
        """
        with self._lock:
            return self._skip(index, self._close(index))

    def fail_late(self, index: int) -> tuple[list[int], list[str]]:
        """Fail a step that was finished before its plan was executed; return what `fail` returns."""
        with self._lock:
            return self._skip(index, [])

    def _skip(self, index: int, freed: list[str]) -> tuple[list[int], list[str]]:
        descendants = self._graph.descendants(index)
        skipped = [step for step in descendants if not self._closed[step]]
        for step in skipped:
            freed += self._close(step)
        return skipped, freed

    def _close(self, index: int) -> list[str]:
        if self._closed[index]:
            raise ValueError(f"step {self._graph.steps[index].name!r} was closed before")
        self._closed[index] = 1
        self._open -= 1
        inputs = self._graph.steps[index].inputs
        if not inputs:
            return []
        freed = []
        for key in dict.fromkeys(inputs.values()):
            self._consumers[key] -= 1
            if not self._consumers[key]:
                freed.append(key)
        return freed


def connect(
    steps: Sequence[Step], makers: dict[str, int]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], dict[str, int]]:
    """Return dependencies, dependants and consumers of steps; `makers` maps each key to its step."""
    dependencies: list[tuple[int, ...]] = []
    dependants: list[list[int]] = [[] for _ in steps]
    consumers = dict.fromkeys(makers, 0)
    for index, step in enumerate(steps):
        if not step.inputs:
            dependencies.append(())
            continue
        keys = dict.fromkeys(step.inputs.values())
        needed: dict[int, None] = {}
        for key in keys:
            consumers[key] = consumers.get(key, 0) + 1
            if key in makers:
                needed[makers[key]] = None
        for maker in needed:
            dependants[maker].append(index)
        dependencies.append(tuple(needed))
    return dependencies, [tuple(each) for each in dependants], consumers


def topological(dependencies: list[tuple[int, ...]], dependants: list[tuple[int, ...]]) -> list[int]:
    """Return the steps in an order in which they can run; steps that wait for each other are left out."""
    waiting_for = [len(needed) for needed in dependencies]
    order = [index for index, count in enumerate(waiting_for) if not count]
    for index in order:  # grows while it is read
        for dependant in dependants[index]:
            waiting_for[dependant] -= 1
            if not waiting_for[dependant]:
                order.append(dependant)
    return order


def cycles(dependencies: list[tuple[int, ...]], order: Iterable[int]) -> list[list[int]]:
    """Return the cycles among the steps that `order` leaves out, each in the direction of the data."""
    stuck = dict.fromkeys(range(len(dependencies)))
    for index in order:
        del stuck[index]
    found = []
    walked: dict[int, int] = {}  # step -> the walk that met it first
    for start in stuck:
        path = []
        step = start
        while step not in walked:
            walked[step] = start
            path.append(step)
            # A step that is stuck has a dependency that is stuck, so the walk ends only where it has been.
            step = next(needed for needed in dependencies[step] if needed in stuck)
        if walked[step] == start:
            ring = path[path.index(step) :][::-1]
            first = ring.index(min(ring))
            found.append(ring[first:] + ring[:first])
    return found


def plan_rows(graph: Graph, source_of: Callable[[Step], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the event `pipeline_plan`, one for each step; `source_of` returns the fields of its source."""
    steps = graph.steps
    return [
        {
            "name": step.name,
            "layer": step.layer,
            "type": step.type,
            "engine": step.engine or graph.engine,
            "inputs": step.inputs,
            "outputs": step.outputs,
            "depends_on": [steps[needed].name for needed in graph.dependencies[index]],
            **source_of(step),
        }
        for index, step in enumerate(steps)
    ]
