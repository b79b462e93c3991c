"""`StepRunner`: runs single steps with their inputs, attempts, outputs and checks, and publishes their events."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event as Flag
from typing import Any, Final

import msgspec

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.coroutines import CLEAN_UP_S, AwaitableRun
from odibi_core.errors import StepError, is_stop
from odibi_core.events import context
from odibi_core.events.clock import monotonic
from odibi_core.executors.base import Held, Place
from odibi_core.logs.context import worker_context
from odibi_core.pipeline import Graph, Step
from odibi_core.pipeline.attempts import Call, attempt
from odibi_core.pipeline.step import Policy
from odibi_core.runtime.file_events import FileEvents
from odibi_core.runtime.join_events import JoinEvents
from odibi_core.runtime.node_events import Descriptions, NodeEvents
from odibi_core.runtime.record import RunOverError
from odibi_core.runtime.step_work import OTHER, Beside, Outcome, StepTask, StepWork, work_of_step

_NOTHING: Final = Beside({}, None)


class StepRunner:
    """Runs the steps of one graph, from any number of threads, over the datasets in `data`."""

    def __init__(
        self, graph: Graph, bus: EventBus, run_id: str, data: dict[str, Any], descriptions: Descriptions
    ) -> None:
        self.graph = graph
        self.data = data
        self.stopped = Flag()
        self.abandoned = False
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.check_results: list[bool | None] = []
        """For each check: True if it passed, False if it failed, None if it could not be checked."""
        self._awaiting: set[AwaitableRun] = set()
        self._bus = bus
        self._run_id = run_id
        self._descriptions = descriptions
        self.files: FileEvents | None = None
        self.joins: JoinEvents | None = None
        self.partition: str | None = None
        """The partition of the run, for checks that depend on it."""
        self.place: Place | None = None
        """Where steps work, if not in the thread that runs them."""
        for name in engines_of(graph):
            plugins.load("engines", name)

    def abandon(self) -> None:
        """End the run: cancel coroutines and wait a moment for their clean-up.

        Other code in threads runs to its end, but nothing of it is published or kept.
        """
        self.abandoned = True
        self.stopped.set()
        running, until = tuple(self._awaiting), monotonic() + CLEAN_UP_S
        for each in running:
            each.cancel()
        for each in running:
            each.has_ended(max(0.0, until - monotonic()))

    def run(self, index: int) -> bool:
        """Run a step and keep what it makes; return False if it failed. Only a request to stop is raised."""
        self._check_running()
        step, events = self.graph.steps[index], self._events(index)
        events.start()
        context.put(events.context)
        try:
            inputs = self._inputs(step, events)
            made, outcome = self._made(index, inputs, events)
            self._check_running()
            self.check_results.extend(outcome.checks)
            if outcome.failed:
                failed = "; ".join(outcome.failed)
                raise StepError(f"step {step.name!r} failed {len(outcome.failed)} of its checks: {failed}")
        except BaseException as error:
            self._check_running()
            self._failed(step, events, error)
            if is_stop(error):
                raise
            return False
        for name, frame in made.items():
            self.data[step.outputs[name]] = frame
        events.complete(outcome.rows)
        self.outcomes[step.name] = _outcome("success", events.duration_ms, outcome.rows)
        return True

    def _failed(self, step: Step, events: NodeEvents, error: BaseException) -> None:
        stopped = is_stop(error)
        message = events.failed(error, cancelled=stopped)
        status = "cancelled" if stopped else "failed"
        self.outcomes[step.name] = _outcome(status, events.duration_ms, error=message)

    def _check_running(self) -> None:
        if self.abandoned:
            raise RunOverError

    def skip(self, index: int, reason: str, because_of: str | None) -> None:
        """Publish and keep that a step does not run."""
        self._check_running()
        self.outcomes[self.graph.steps[index].name] = _outcome("skipped", error=reason)
        self._events(index).skipped(reason, because_of)

    def _events(self, index: int) -> NodeEvents:
        step = self.graph.steps[index]
        engine, overhead = self.graph.engine_of(index), self._descriptions.overhead
        return NodeEvents(self._bus, self._run_id, step.name, step.layer, engine, overhead=overhead)

    def _inputs(self, step: Step, events: NodeEvents) -> dict[str, Any]:
        """Return the input frames by their logical names; the frames that the step may change in place are noted."""
        inputs = {}
        for name, key in step.inputs.items():
            inputs[name] = frame = self.data[key]
            description = self._descriptions.before(key, frame)
            if description is None:
                continue
            events.snapshot("before", key, description)
            if step.operation == "call" and step.policy.plain and not isinstance(frame, Held):
                self._descriptions.lend(frame)
        return inputs

    def _made(self, index: int, inputs: dict[str, Any], events: NodeEvents) -> tuple[dict[str, Any], Outcome]:
        """Return the frames that a step makes, by logical name, and the outcome of its checks."""
        step = self.graph.steps[index]
        if self.place is not None and step.layer != "connect":  # a connection belongs to the process that opened it
            return self._made_there(index, inputs, events)
        beside = Beside(self.data.copy(), self.partition) if step.checks else _NOTHING
        work = StepWork(
            step, self.graph.engine_of(index), beside,
            wanted=self._is_wanted(step), wait=self._wait_for, files=self.files,
        )  # fmt: skip
        copied = not step.policy.plain  # an attempt may change its inputs in place, also after its timeout
        made = self._attempt(step.policy, lambda awaiting: work.operate(inputs, awaiting, copied=copied), events)
        self._check_running()
        return made, work.examine(inputs, made, events, self._descriptions, self.joins)

    def _made_there(self, index: int, inputs: dict[str, Any], events: NodeEvents) -> tuple[dict[str, Any], Outcome]:
        """Return handles on the frames that a step makes in a worker, which also examines them."""
        step, place, looks = self.graph.steps[index], self.place, self._descriptions
        assert place is not None
        task = StepTask(
            step, self.graph.engine_of(index), self._is_wanted(step), self._run_id, worker_context(), self.partition,
            looks.level, looks.rows, joins=self.joins is not None, files=None if self.files is None else self.files.ask,
        )  # fmt: skip
        needed = {key for check in step.checks for key in getattr(check, "needs", ())}
        others = {OTHER + key: self.data[key] for key in needed.difference(inputs) if key in self.data}
        made, report = self._attempt(
            msgspec.structs.replace(step.policy, timeout_s=None),
            lambda _: place.call(work_of_step, {**inputs, **others}, task, timeout_s=step.timeout_s),
            events,
        )
        self._check_running()
        for key, description in report.descriptions().items():
            looks.keep(key, description)
        report.publish(events)
        return made, report.outcome

    def _attempt(self, policy: Policy, call: Call, events: NodeEvents) -> Any:
        self._check_running()
        if policy.plain:
            return call(None)

        def retry(number: int, error: BaseException, delay_s: float) -> None:
            events.retry(number, error, delay_s, policy.retries + 1)

        return attempt(call, policy, retry, self.stopped)[0]

    def _wait_for(self, awaiting: AwaitableRun | None, awaitable: Any) -> Any:
        awaiting = awaiting or AwaitableRun()
        self._awaiting.add(awaiting)
        try:
            if self.abandoned:
                awaiting.cancel()
            return awaiting.run(awaitable)
        finally:
            self._awaiting.discard(awaiting)

    def _is_wanted(self, step: Step) -> bool:
        """Return whether a missing output is an error: a step takes it, or the author named it."""
        return step.outputs != {"out": step.name} or any(self.graph.consumers[key] for key in step.outputs.values())

    def fetch(self, keys: Iterable[str]) -> None:
        """Bring the datasets of these keys to this process.

        Raises:
            StepError: One of them is lost.
        """
        for key in keys:
            frame = self.data.get(key)
            if self.place is not None and isinstance(frame, Held):
                self.data[key] = self.place.fetch(frame)
                self.place.release(frame)

    def forget(self, key: str) -> None:
        """Release a dataset that no step needs any more."""
        frame = self.data.pop(key, None)
        if self.place is not None and isinstance(frame, Held):
            self.place.release(frame)
        self._descriptions.forget(key)


def _outcome(
    status: str, duration_ms: float | None = None, rows: int | None = None, error: str | None = None
) -> dict[str, Any]:
    return {"status": status, "duration_ms": duration_ms, "row_count": rows, "error": error}


def engines_of(graph: Graph) -> set[str]:
    """Return the engines that a graph uses: functions bring their own frames and need none."""
    return {
        graph.engine_of(index) for index, step in enumerate(graph.steps) if step.operation in ("sql", "read", "write")
    }
