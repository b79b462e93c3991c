"""`StepRunner`: runs single steps with their inputs, attempts, outputs and checks, and publishes their events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import Event as Flag
from typing import Any

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.coroutines import CLEAN_UP_S, AwaitableRun, is_awaitable
from odibi_core.engines.file_watch import unwatched
from odibi_core.engines.frame import row_count
from odibi_core.engines.frame_copy import separate
from odibi_core.errors import StepError, is_stop, nearest
from odibi_core.events import context
from odibi_core.events.clock import monotonic
from odibi_core.pipeline import Graph, Step
from odibi_core.pipeline.attempts import attempt
from odibi_core.pipeline.one_shot import PLAIN, readable_again
from odibi_core.runtime.file_events import FileEvents
from odibi_core.runtime.join_events import JoinEvents
from odibi_core.runtime.node_events import Descriptions, NodeEvents
from odibi_core.runtime.record import RunOverError


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
        self._engines = {name: plugins.load("engines", name)() for name in engines_of(graph)}

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
            taken = _rows_of(inputs) if not step.outputs else None
            made = self._by_logical_name(step, self._attempt(step, inputs, events))
            self._check_running()
            for name, frame in made.items():
                self._snapshot(events, "after", step.outputs[name], frame)
            if self.joins is not None and len(inputs) > 1:
                with_keys = {name: (step.inputs[name], frame) for name, frame in inputs.items()}
                self.joins.of_step(events, with_keys, list(made.values()), step.value)
            rows = _rows_of(made) if step.outputs else taken
            if step.checks:
                self._check(step, {**inputs, **made}, events)
        except BaseException as error:
            self._check_running()
            self._failed(step, events, error)
            if is_stop(error):
                raise
            return False
        for name, frame in made.items():
            self.data[step.outputs[name]] = frame
        events.complete(rows)
        self.outcomes[step.name] = _outcome("success", events.duration_ms, rows)
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
            if self._snapshot(events, "before", key, frame) and step.operation == "call" and step.policy.plain:
                self._descriptions.lend(frame)
        return inputs

    def _attempt(self, step: Step, inputs: dict[str, Any], events: NodeEvents) -> Any:
        self._check_running()
        policy = step.policy
        if policy.plain:
            return self._operate(step, inputs, None)

        def retry(number: int, error: BaseException, delay_s: float) -> None:
            events.retry(number, error, delay_s, policy.retries + 1)

        return attempt(partial(self._operate, step, inputs), policy, retry, self.stopped)[0]

    def _operate(self, step: Step, inputs: dict[str, Any], awaiting: AwaitableRun | None) -> Any:
        operation = step.operation
        if operation == "call":
            if not step.policy.plain:  # an attempt may change its inputs in place, also after its timeout
                inputs = {name: separate(frame) for name, frame in inputs.items()}
            return self._readable_again(step, step.value(**inputs, **step.params), awaiting)
        if operation == "give":
            return step.value
        made = None
        try:
            with unwatched():  # its files are those of the step, whatever the engine opens for it
                made = self._by_engine(step, inputs)
        finally:
            if self.files is not None:
                self.files.of_step(step, made)
        return made if step.outputs else None

    def _by_engine(self, step: Step, inputs: dict[str, Any]) -> Any:
        """Return the frame that the engine of a step makes, reads or writes."""
        engine = self._engines[step.engine or self.graph.engine]
        if step.operation == "sql":
            return engine.sql(step.value, inputs, step.params)
        if step.operation == "read":
            return engine.read(str(step.value), **step.params)
        (frame,) = inputs.values()
        engine.write(frame, str(step.value), **step.params)
        return frame

    def _readable_again(self, step: Step, result: Any, awaiting: AwaitableRun | None) -> Any:
        """Return the result of a function, awaited and consumed, so that this counts to the step and its attempt."""
        if type(result) in PLAIN:
            return result
        return readable_again(
            result,
            partial(self._wait_for, awaiting),
            f"what step {step.name!r} returned",
            outputs=len(step.outputs),
            connects=step.layer == "connect",
        )

    def _wait_for(self, awaiting: AwaitableRun | None, awaitable: Any) -> Any:
        awaiting = awaiting or AwaitableRun()
        self._awaiting.add(awaiting)
        try:
            if self.abandoned:
                awaiting.cancel()
            return awaiting.run(awaitable)
        finally:
            self._awaiting.discard(awaiting)

    def _by_logical_name(self, step: Step, result: Any) -> dict[str, Any]:
        """Return the result of a step by the logical names of its outputs."""
        if not step.outputs:
            return {}
        names = list(step.outputs)
        if len(names) == 1:
            if result is None and self._is_wanted(step):
                raise StepError(
                    f"step {step.name!r} returned nothing, but it must return {step.outputs[names[0]]!r}; "
                    "return the frame at the end of its function"
                )
            return {names[0]: result}
        if isinstance(result, tuple) and len(result) == len(names):
            result = dict(zip(names, result, strict=True))
        if not isinstance(result, Mapping):
            raise StepError(
                f"step {step.name!r} must return a dict of its {len(names)} outputs ({', '.join(names)}) "
                f"or a tuple of that length, got {type(result).__name__}"
            )
        for name in names:
            if result.get(name) is None:
                raise StepError(f"step {step.name!r} did not return {name!r}{nearest(name, map(str, result))}")
        return {name: result[name] for name in names}

    def _is_wanted(self, step: Step) -> bool:
        """Return whether a missing output is an error: a step takes it, or the author named it."""
        return step.outputs != {"out": step.name} or any(self.graph.consumers[key] for key in step.outputs.values())

    def _snapshot(self, events: NodeEvents, when: str, key: str, frame: Any) -> bool:
        """Publish the description of a frame; return False for other values, and if no descriptions are wanted."""
        look = self._descriptions.before if when == "before" else self._descriptions.after
        description = look(key, frame)
        if description is not None:
            events.snapshot(when, key, description)
        return description is not None

    def forget(self, key: str) -> None:
        """Release a dataset that no step needs any more."""
        self.data.pop(key, None)
        self._descriptions.forget(key)

    def _check(self, step: Step, frames: dict[str, Any], events: NodeEvents) -> None:
        """Run every check of the step; raise one error for all that failed with severity `error`."""
        failed = []
        keys = {**step.inputs, **step.outputs}
        of_step = {**{key: frames[name] for name, key in keys.items() if name in frames}, **frames}
        frames = {**{key: value for key, value in self.data.copy().items() if key not in of_step}, **of_step}
        for check in step.checks:
            started = monotonic()
            if (of_run := getattr(check, "of_run", None)) is not None:
                check = of_run(check, self.partition)
            given = frames if check.on or not step.outputs else {**frames, "out": frames[main_output(step)]}
            found = check.check(given)
            if is_awaitable(found):
                found = self._wait_for(None, found)
            duration_ms = (monotonic() - started) * 1e3
            results = found if isinstance(found, list) else [found]  # a suite of another library has many
            for result in results:
                events.check(result, duration_ms / len(results))
                self.check_results.append(result.passed)
                if result.passed is False and result.severity == "error":
                    failed.append(f"{result.check}: {result.message}")
        if failed:
            raise StepError(f"step {step.name!r} failed {len(failed)} of its checks: {'; '.join(failed)}")


def _rows_of(frames: Mapping[str, Any]) -> int | None:
    """Return the rows of the first frame whose rows are known."""
    return next((rows for frame in frames.values() if (rows := row_count(frame)) is not None), None)


def _outcome(
    status: str, duration_ms: float | None = None, rows: int | None = None, error: str | None = None
) -> dict[str, Any]:
    return {"status": status, "duration_ms": duration_ms, "row_count": rows, "error": error}


def engines_of(graph: Graph) -> set[str]:
    """Return the engines that a graph uses: functions bring their own frames and need none."""
    return {
        graph.engine_of(index) for index, step in enumerate(graph.steps) if step.operation in ("sql", "read", "write")
    }


def main_output(step: Step) -> str:
    """Return the logical name of the output that a check examines if it names none."""
    return next(iter(step.outputs))
