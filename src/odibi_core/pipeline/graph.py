"""The graph that the dataset keys of steps make, and the counters that say what may run next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

import msgspec

from odibi_core.pipeline.step import Step


class Graph(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Steps that fit together. Everything is by index into `steps`, which keeps the author's order.

    `order` is topological, and stable: of steps that could run at one time, the one written first is first.
    `consumers` counts the steps that take a key (not the logical names), also for keys that nobody takes: 0.
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
        """The steps that wait for nobody."""
        return [index for index, needed in enumerate(self.dependencies) if not needed]

    def descendants(self, index: int) -> list[int]:
        """Every step that cannot run without this one, nearest first."""
        found: dict[int, None] = {}
        waiting = deque(self.dependants[index])
        while waiting:
            step = waiting.popleft()
            if step not in found:
                found[step] = None
                waiting.extend(self.dependants[step])
        return list(found)


class Progress:
    """The state of one run over a graph: which steps became ready, which frames nobody needs any more.

    Safe to call from any thread. Each step is finished, failed or skipped once; the cost is its own edges.
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
        """Steps that have neither finished nor failed nor been skipped."""
        return self._open

    def finish(self, index: int) -> tuple[list[int], list[str]]:
        """The step is done: the steps that became ready by it, and the keys that nobody waits for any more.

        Those may be keys of its own, when all who would have taken them were skipped.
        """
        ready = []
        waiting_for = self._waiting_for
        with self._lock:
            freed = self._close(index)
            for dependant in self._graph.dependants[index]:
                waiting_for[dependant] -= 1
                if not waiting_for[
                    dependant
                ]:  # never for a skipped one: it waits for the failed one for ever
                    ready.append(dependant)
            for key in self._graph.steps[index].outputs.values():
                if not self._consumers[key] and self._graph.consumers[key]:
                    freed.append(key)
        return ready, freed

    def fail(self, index: int) -> tuple[list[int], list[str]]:
        """The step failed: the steps that it takes down and no other took before, and the keys freed.

        Some of these keys were never made.
        """
        descendants = self._graph.descendants(index)
        with self._lock:
            freed = self._close(index)
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
    """Dependencies, dependants and consumers of steps, given who makes each key."""
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
    """The steps in an order that they can run in; shorter than the steps when some wait for each other."""
    waiting_for = [len(needed) for needed in dependencies]
    order = [index for index, count in enumerate(waiting_for) if not count]
    for index in order:  # grows while it is read
        for dependant in dependants[index]:
            waiting_for[dependant] -= 1
            if not waiting_for[dependant]:
                order.append(dependant)
    return order


def cycles(dependencies: list[tuple[int, ...]], order: Iterable[int]) -> list[list[int]]:
    """The rings among the steps that `order` could not place, each along the data from its first step."""
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


def plan_rows(graph: Graph) -> list[dict[str, Any]]:
    """What the event `pipeline_plan` says of each step."""
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
        }
        for index, step in enumerate(steps)
    ]
