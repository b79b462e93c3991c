"""`LateFacts`: steps whose frames are plans, and whose facts a later execution brings that the pipeline needs anyway.

This is for an engine that counts while it executes, and keeps no rows in this process (`late` in `engines.base`). The
node of such a step stays open until then, with the time of its own function. A plan that is never executed leaves its
rows unknown and its checks not made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import Any

from odibi_core.engines.plan_operators import Operators
from odibi_core.events import context, sanitize_text
from odibi_core.pipeline import Step
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.step_runner import NotMadeError, StepRunner
from odibi_core.runtime.step_work import Outcome, StepWork, main_output

_COUNTED = ("counts", "sample", "auto", "stats")
"""The levels of descriptions that have rows."""


@dataclass(frozen=True, eq=False)
class OpenStep:
    """A step whose function has returned, and whose node ends later."""

    number: int
    events: NodeEvents
    work: StepWork
    inputs: dict[str, Any]
    made: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Open(OpenStep):
    """One whose node ends when its facts are there."""

    late: list[tuple[list[Any], Any]]
    """The checks of each frame, and its late facts."""

    def is_known(self) -> bool:
        return all(late.is_known for _, late in self.late)

    def has_failed(self) -> bool:
        """Return whether a check has failed, whatever else is unknown."""
        results = [result for _, late in self.late for result in late.results or () if result is not None]
        return any(result.passed is False and result.severity == "error" for result in results)


class LateFacts:
    """The open steps of one run; its methods may be called from any thread."""

    def __init__(self, runner: StepRunner, level: str) -> None:
        self._runner = runner
        self._graph = runner.graph
        self._level = level
        self._open: list[_Open] = []
        self._failed: list[int] = []
        self._lost: dict[int, str] = {}
        """By step that takes the frames of a failed one, directly or not: the name of the failed one."""
        self._engines: list[Any] = []
        self._lock = RLock()

    def takes(self, index: int) -> bool:
        """Return whether `run` is to run a step: its engine counts late, and there is something to count."""
        step = self._graph.steps[index]
        if step.operation not in ("call", "read", "sql") or step.map is not None or self._runner.is_elsewhere(step):
            return False
        if self._runner.cache is not None or any(map(_collects, step.checks)):
            return False
        if not hasattr(self._runner.engines.of_plans(self._graph.engine_of(index)), "late"):
            return False
        is_taken = any(self._graph.consumers[key] for key in step.outputs.values())
        return bool(step.checks) or (is_taken and self._level in _COUNTED)

    def blocks(self, index: int) -> bool:
        """Return whether a step cannot run, because it takes frames of a step whose checks failed late."""
        return index in self._lost

    def run(self, index: int) -> bool:
        """Run a step; return False if it failed. Its node stays open if its facts are late."""
        runner = self._runner
        events = runner.begin(index)

        def make() -> tuple[dict[str, Any], Outcome | None]:
            step, inputs, work = self._graph.steps[index], runner.inputs_of(index, events), runner.work_of(index)
            copied = not step.policy.plain

            def retry(number: int, error: BaseException, delay_s: float) -> None:
                events.retry(number, error, delay_s, step.retries + 1)

            made = runner.attempt(step.policy, lambda each: work.operate(inputs, each, copied=copied), retry)
            opened = _Open(index, events, work, inputs, made, self._late(step, index, work, {**inputs, **made}))
            if opened.is_known() or opened.has_failed():
                return made, self._examined(opened)
            events.pause()
            with self._lock:
                self._open.append(opened)
            return made, None

        return runner.finish(index, events, make)

    def _late(self, step: Step, index: int, work: StepWork, frames: dict[str, Any]) -> list[tuple[list[Any], Any]]:
        """Return the late facts of the frames that a step made, and of those that its checks examine."""
        engine = self._runner.engines.get(self._graph.engine_of(index))
        with self._lock:
            if engine not in self._engines:
                self._engines.append(engine)
                engine.late_frames.arrived = self._arrived
                engine.late_frames.counts_nulls = self._level == "stats"
                rows = self._runner.rows
                engine.late_frames.counts_operators = rows is not None and rows.wants_operators
        by_name: dict[str, list[Any]] = {name: [] for name in step.outputs}
        keys = {key: name for name, key in (step.inputs | step.outputs).items()}
        for check in step.checks:
            on = getattr(check, "on", None)
            if on is None and step.outputs:
                on = main_output(step)
            name = on if on in frames else keys.get(str(on))
            if name in frames and getattr(check, "of_run", None) is None:
                by_name.setdefault(name, []).append(check)
        found, counts_all = [], self._level == "stats"
        for name, checks in by_name.items():
            plan = partial(work.counting, checks, frames) if checks else None
            if plan is None and self._level not in _COUNTED:
                continue
            late = engine.late(frames.get(name), plan, asked=counts_all, nulls=counts_all)
            if late is not None:
                found.append((checks, late))
            elif name in step.outputs and (reason := engine.without_operators(frames.get(name))):
                work.operators[name] = Operators(reason=reason)
        return found

    def _arrived(self) -> None:
        """End the nodes whose facts are there, before the step that executed them ends.

        Raises:
            NotMadeError: The step that executed them is built on one whose checks failed.
        """
        with self._lock:
            known = [opened for opened in self._open if opened.is_known() or opened.has_failed()]
            order = {number: place for place, number in enumerate(self._graph.order)}
            for opened in sorted(known, key=lambda each: order[each.number]):
                if opened in self._open:
                    self._end(opened)
        self._refuse()

    def _refuse(self) -> None:
        node = context.current().node_name
        for index, because_of in self._lost.items():
            if sanitize_text(self._graph.steps[index].name) == node:
                raise NotMadeError(because_of)

    def _end(self, opened: _Open) -> None:
        self._open.remove(opened)
        runner, step = self._runner, self._graph.steps[opened.number]

        def make() -> tuple[dict[str, Any], Outcome]:
            outcome = self._examined(opened)
            return {name: each for name, each in opened.made.items() if step.outputs[name] in runner.data}, outcome

        if not runner.finish(opened.number, opened.events, make):
            self._lose(opened.number)

    def _examined(self, opened: _Open) -> Outcome:
        for checks, late in opened.late:
            opened.work.keep_counted(checks, late.results or ())
            made = [name for name, frame in opened.made.items() if frame is late.frame]
            opened.work.operators |= dict.fromkeys(made, late.operators)
        return self._runner.examined_here(opened.work, opened.inputs, opened.made, opened.events)

    def _lose(self, index: int) -> None:
        """Note a failed step, and skip the open ones that take its frames."""
        name = self._graph.steps[index].name
        self._failed.append(index)
        self._lost.update(dict.fromkeys(self._graph.descendants(index), name))
        for opened in [each for each in self._open if each.number in self._lost]:
            self._open.remove(opened)
            self._forget(opened.number)
            self._runner.skip(opened.number, "a step that it needs failed", self._lost[opened.number])

    def _forget(self, index: int) -> None:
        for key in self._graph.steps[index].outputs.values():
            self._runner.forget(key)

    def take_failed(self) -> list[int]:
        """Return the steps that failed since the last call, after their functions had returned."""
        with self._lock:
            failed, self._failed = self._failed, []
        return failed

    def end(self) -> None:
        """End the nodes that are open after the last step: their rows are unknown, and their checks not made."""
        with self._lock:
            while self._open:
                self._end(self._open[0])
            self._close()

    def cancel(self, error: BaseException) -> None:
        """Publish the end of each node that is open when an error ends the run."""
        with self._lock:
            while self._open:
                opened = self._open.pop(0)
                self._runner.failed(self._graph.steps[opened.number], opened.events, error)
            self._close()

    def _close(self) -> None:
        for engine in self._engines:
            engine.late_frames.close()


def _collects(check: Any) -> bool:
    """Return whether a check executes the frame itself, as its author wants it."""
    return bool(getattr(check, "collect", False))
