"""Runs one step: its inputs, its operation as often as its policy allows, its outputs, its checks; and says it all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import Event as Flag
from typing import Any

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.coroutines import CLEAN_UP_S, AwaitableRun, is_awaitable
from odibi_core.engines.frame import row_count
from odibi_core.engines.frame_copy import separate
from odibi_core.errors import StepError, is_stop, nearest
from odibi_core.events import context
from odibi_core.events.clock import monotonic
from odibi_core.pipeline import Graph, Step
from odibi_core.pipeline.attempts import attempt
from odibi_core.pipeline.one_shot import PLAIN, readable_again
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
        self.verdicts: list[bool | None] = []
        """Whether each check that was asked passed; None for one that could not be checked."""
        self._awaiting: set[AwaitableRun] = set()
        self._bus = bus
        self._run_id = run_id
        self._descriptions = descriptions
        self._engines = {name: plugins.load("engines", name)() for name in _engines_of(graph)}

    def abandon(self) -> None:
        """The run is over: coroutines are cancelled and have a moment to clean up; what else still runs in a thread may
        come to its end, but nothing is said of it or kept.
        """
        self.abandoned = True
        self.stopped.set()
        running, until = tuple(self._awaiting), monotonic() + CLEAN_UP_S
        for each in running:
            each.cancel()
        for each in running:
            each.has_ended(max(0.0, until - monotonic()))

    def run(self, index: int) -> bool:
        """Run a step and keep what it makes; False when it failed. Only a request to stop leaves."""
        step = self.graph.steps[index]
        engine = self.graph.engine_of(index)
        self._refuse_when_over()
        record = NodeEvents(self._bus, self._run_id, step.name, step.layer, engine)
        record.start()
        context.put(record.context)
        try:
            self._refuse_when_over()
            inputs = {}
            for name, key in step.inputs.items():
                inputs[name] = frame = self.data[key]
                if self._tell(record, "before", key, frame) and step.operation == "call" and step.policy.plain:
                    self._descriptions.lend(frame)
            taken = _rows_of(inputs) if not step.outputs else None
            made = self._by_logical_name(step, self._attempt(step, engine, inputs, record))
            self._refuse_when_over()
            rows = self._describe(step, made, record) if step.outputs else taken
            if step.checks:
                self._check(step, {**inputs, **made}, record)
        except BaseException as error:
            self._refuse_when_over()
            stopped = is_stop(error)
            said = record.failed(error, cancelled=stopped)
            status = "cancelled" if stopped else "failed"
            self.outcomes[step.name] = _outcome(status, record.duration_ms, error=said)
            if stopped:
                raise
            return False
        for name, frame in made.items():
            self.data[step.outputs[name]] = frame
        record.complete(rows)
        self.outcomes[step.name] = _outcome("success", record.duration_ms, rows)
        return True

    def _refuse_when_over(self) -> None:
        if self.abandoned:
            raise RunOverError

    def skip(self, index: int, reason: str, because_of: str | None) -> None:
        """A step will not run: say so, and remember it."""
        self._refuse_when_over()
        step = self.graph.steps[index]
        self.outcomes[step.name] = _outcome("skipped", error=reason)
        self._events(index).skipped(reason, because_of)

    def _events(self, index: int) -> NodeEvents:
        step = self.graph.steps[index]
        return NodeEvents(self._bus, self._run_id, step.name, step.layer, self.graph.engine_of(index))

    def _attempt(self, step: Step, engine: str, inputs: dict[str, Any], record: NodeEvents) -> Any:
        self._refuse_when_over()
        policy = step.policy
        if policy.plain:
            return self._operate(step, engine, inputs, None)

        def retry(number: int, error: BaseException, delay_s: float) -> None:
            record.retry(number, error, delay_s, policy.retries + 1)

        return attempt(partial(self._operate, step, engine, inputs), policy, retry, self.stopped)[0]

    def _operate(self, step: Step, engine: str, inputs: dict[str, Any], awaiting: AwaitableRun | None) -> Any:
        match step.operation:
            case "call":
                if not step.policy.plain:  # what an attempt changed in place, or goes on changing, the next one has not
                    inputs = {name: separate(frame) for name, frame in inputs.items()}
                return self._readable_again(step, step.value(**inputs, **step.params), awaiting)
            case "sql":
                return self._engines[engine].sql(step.value, inputs, step.params)
            case "read":
                return self._engines[engine].read(str(step.value), **step.params)
            case "write":
                (frame,) = inputs.values()
                self._engines[engine].write(frame, str(step.value), **step.params)
                return frame if step.outputs else None
            case _:
                return step.value

    def _readable_again(self, step: Step, result: Any, awaiting: AwaitableRun | None) -> Any:
        """What a function returned, with what it has to await or to yield done: within the step, and its attempt."""
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
        """What a step gave, by the logical names of its outputs."""
        if not step.outputs:
            return {}
        names = list(step.outputs)
        if len(names) == 1:
            if result is None and self._is_wanted(step):
                raise StepError(
                    f"step {step.name!r} returned nothing, but it is to make {step.outputs[names[0]]!r}: "
                    "return the frame at the end of its function"
                )
            return {names[0]: result}
        if isinstance(result, tuple) and len(result) == len(names):
            result = dict(zip(names, result, strict=True))
        if not isinstance(result, Mapping):
            raise StepError(
                f"step {step.name!r} makes {len(names)} datasets ({', '.join(names)}), so it must return a dict "
                f"with these names or a tuple of that length; it returned {type(result).__name__}"
            )
        for name in names:
            if result.get(name) is None:
                raise StepError(
                    f"step {step.name!r} did not return {name!r}{nearest(name, map(str, result))}"
                )
        return {name: result[name] for name in names}

    def _is_wanted(self, step: Step) -> bool:
        """Whether somebody counts on the output: a step takes it, or the author named it."""
        return step.outputs != {"out": step.name} or any(
            self.graph.consumers[key] for key in step.outputs.values()
        )

    def _describe(self, step: Step, made: dict[str, Any], record: NodeEvents) -> int | None:
        """Tell what was made; gives the rows of the first frame."""
        for name, frame in made.items():
            self._tell(record, "after", step.outputs[name], frame)
        return _rows_of(made)

    def _tell(self, record: NodeEvents, when: str, key: str, frame: Any) -> bool:
        """Describe a frame in the record; False for what is no frame, or when no descriptions are wanted."""
        look = self._descriptions.before if when == "before" else self._descriptions.after
        description = look(key, frame)
        if description is not None:
            record.snapshot(when, key, description)
        return description is not None

    def forget(self, key: str) -> None:
        """Nobody needs this dataset any more."""
        self.data.pop(key, None)
        self._descriptions.forget(key)

    def _check(self, step: Step, frames: dict[str, Any], record: NodeEvents) -> None:
        """Ask every check of the step; those of severity `error` that failed fail the step, all in one message."""
        failed = []
        by_key = {
            key: frames[name] for name, key in {**step.inputs, **step.outputs}.items() if name in frames
        }
        frames = {**by_key, **frames}
        for check in step.checks:
            begun = monotonic()
            result = check.check(
                frames if check.on or not step.outputs else {**frames, "out": frames[main_output(step)]}
            )
            if is_awaitable(result):
                result = self._wait_for(None, result)
            record.check(result, (monotonic() - begun) * 1e3)
            self.verdicts.append(result.passed)
            if result.passed is False and result.severity == "error":
                failed.append(f"{result.check}: {result.message}")
        if failed:
            raise StepError(
                f"step {step.name!r} made data that fails {len(failed)} of its checks: {'; '.join(failed)}"
            )


def _rows_of(frames: Mapping[str, Any]) -> int | None:
    """The rows of the first frame that knows them."""
    return next((rows for frame in frames.values() if (rows := row_count(frame)) is not None), None)


def _outcome(
    status: str, duration_ms: float | None = None, rows: int | None = None, error: str | None = None
) -> dict[str, Any]:
    return {"status": status, "duration_ms": duration_ms, "row_count": rows, "error": error}


def _engines_of(graph: Graph) -> set[str]:
    """The engines that a graph really uses: functions bring their own frames and need none."""
    return {
        graph.engine_of(index)
        for index, step in enumerate(graph.steps)
        if step.operation in ("sql", "read", "write")
    }


def main_output(step: Step) -> str:
    """The logical name of the output that a check means when it names none."""
    return next(iter(step.outputs))
