"""Runs one step: its inputs, its operation as often as its policy allows, its outputs, its checks; and says it all."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event as Flag
from threading import current_thread
from typing import Any

from odibi_core import plugins
from odibi_core.engines.frame import describe, is_frame, row_count
from odibi_core.errors import StepError, nearest
from odibi_core.event_bus import EventBus
from odibi_core.events import context, kinds
from odibi_core.events.clock import monotonic
from odibi_core.events.failure import describe_failure
from odibi_core.pipeline import Graph, Step
from odibi_core.pipeline.attempts import attempt


class StepRunner:
    """Runs the steps of one graph, from any number of threads, over the datasets in `data`."""

    def __init__(self, graph: Graph, bus: EventBus, run_id: str, data: dict[str, Any], snapshot_level: str) -> None:
        self.graph = graph
        self.data = data
        self.stopped = Flag()
        self.outcomes: dict[str, dict[str, Any]] = {}
        self._bus = bus
        self._run_id = run_id
        self._level = snapshot_level
        self._described: dict[str, dict[str, Any]] = {}
        self._engines = {name: plugins.load("engines", name)() for name in _engines_of(graph)}

    def run(self, index: int) -> bool:
        """Run a step and keep what it makes; False when it failed. Only what is no Exception leaves."""
        step = self.graph.steps[index]
        engine = self.graph.engine_of(index)
        context.enter(run_id=self._run_id, node_name=step.name)
        about = {"node_name": step.name, "layer": step.layer, "engine": engine, "run_id": self._run_id}
        self._bus.say(kinds.NODE_START, fields={**about, "status": "running", "worker": current_thread().name})
        begun = monotonic()
        tries = [1]
        try:
            inputs = {name: self.data[key] for name, key in step.inputs.items()}
            self._snapshots("before", step, step.inputs, inputs)
            made = self._attempt(step, engine, inputs, tries)
            rows = self._keep(step, made)
            self._snapshots("after", step, step.outputs, made)
            self._check(step, {**inputs, **made})
        except BaseException as error:
            self._failed(step, about, error, begun, tries[0])
            if isinstance(error, Exception):
                return False
            raise
        duration = (monotonic() - begun) * 1e3
        self.outcomes[step.name] = {"status": "success", "duration_ms": duration, "row_count": rows, "error": None}
        said = {**about, "status": "success", "duration_ms": duration, "row_count": rows, "cache_hit": False}
        if tries[0] > 1:
            said["attempts"] = tries[0]
        self._bus.say(kinds.NODE_COMPLETE, fields=said)
        return True

    def _attempt(self, step: Step, engine: str, inputs: dict[str, Any], tries: list[int]) -> dict[str, Any]:
        def retry(number: int, error: BaseException, delay_s: float) -> None:
            tries[0] = number + 1
            told = {"attempt": number, "max_attempts": step.retries + 1, "delay_ms": delay_s * 1e3}
            fields = {"node_name": step.name, "layer": step.layer, **told, **describe_failure(error)}
            self._bus.say(kinds.NODE_RETRY, level="warning", fields=fields)

        result, _ = attempt(lambda: self._operate(step, engine, inputs), step.policy, retry, self.stopped)
        return self._by_logical_name(step, result)

    def _operate(self, step: Step, engine: str, inputs: dict[str, Any]) -> Any:
        match step.operation:
            case "call":
                return step.value(**inputs, **step.params)
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
            return dict(zip(names, result, strict=True))
        if not isinstance(result, Mapping):
            raise StepError(
                f"step {step.name!r} makes {len(names)} datasets ({', '.join(names)}), so it must return a dict "
                f"with these names or a tuple of that length; it returned {type(result).__name__}"
            )
        for name in names:
            if result.get(name) is None:
                raise StepError(f"step {step.name!r} did not return {name!r}{nearest(name, map(str, result))}")
        return {name: result[name] for name in names}

    def _is_wanted(self, step: Step) -> bool:
        """Whether somebody counts on the output: a step takes it, or the author named it."""
        return step.outputs != {"out": step.name} or any(self.graph.consumers[key] for key in step.outputs.values())

    def _keep(self, step: Step, made: dict[str, Any]) -> int | None:
        for name, key in step.outputs.items():
            self.data[key] = made[name]
        told = made or {name: self.data[key] for name, key in step.inputs.items()}
        return next((rows for frame in told.values() if (rows := row_count(frame)) is not None), None)

    def _snapshots(self, when: str, step: Step, keys: Mapping[str, str], frames: Mapping[str, Any]) -> None:
        """Describe frames; one that several steps take is described once, when it is made."""
        if self._level == "off":
            return
        for name, frame in frames.items():
            key = keys[name]
            if when == "after" or key not in self._described:
                if not is_frame(frame):
                    continue
                self._described[key] = describe(frame, self._level)
            about = {"node_name": step.name, "layer": step.layer, "when": when, "dataset": key}
            self._bus.say(kinds.SNAPSHOT, fields={**about, **self._described[key]})

    def forget(self, key: str) -> None:
        """Nobody needs this dataset any more."""
        self.data.pop(key, None)
        self._described.pop(key, None)

    def _check(self, step: Step, frames: dict[str, Any]) -> None:
        """Ask every check of the step; those of severity `error` that failed fail the step, all in one message."""
        failed = []
        for check in step.checks:
            begun = monotonic()
            result = check.check(frames if check.on else {**frames, **_main_output(step, frames)})
            fields = {name: getattr(result, name) for name in result.__struct_fields__ if name != "message"}
            status = "success" if result.passed else "failed" if result.passed is False else "skipped"
            fields |= {"node_name": step.name, "layer": step.layer, "status": status}
            fields["duration_ms"] = (monotonic() - begun) * 1e3
            level = "info" if result.passed is not False else "warning" if result.severity == "warn" else "error"
            self._bus.say(kinds.CHECK_RESULT, result.message, level=level, fields=fields)
            if result.passed is False and result.severity == "error":
                failed.append(f"{result.check}: {result.message}")
        if failed:
            raise StepError(f"step {step.name!r} made data that fails {len(failed)} of its checks: {'; '.join(failed)}")

    def _failed(self, step: Step, about: dict[str, Any], error: BaseException, begun: float, tries: int) -> None:
        duration = (monotonic() - begun) * 1e3
        told = describe_failure(error)
        status = "failed" if isinstance(error, Exception) else "cancelled"
        self.outcomes[step.name] = {
            "status": status, "duration_ms": duration, "row_count": None, "error": told["error"],
        }  # fmt: skip
        said = {**about, **told, "status": status, "duration_ms": duration, "attempts": tries}
        self._bus.say(kinds.NODE_FAILED, level="error", fields=said)


def _engines_of(graph: Graph) -> set[str]:
    """The engines that a graph really uses: functions bring their own frames and need none."""
    return {
        graph.engine_of(index) for index, step in enumerate(graph.steps) if step.operation in ("sql", "read", "write")
    }


def _main_output(step: Step, frames: dict[str, Any]) -> dict[str, Any]:
    return {"out": frames[name] for name in list(step.outputs)[:1]}
