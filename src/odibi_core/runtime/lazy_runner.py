"""`LazyRunner`: steps whose frames are plans, one execution for all that needs their rows, and the facts of it.

A plan is executed where the pipeline needs its rows, and never to be observed. A step that needs rows, such as one
that writes or that runs SQL, waits until no other step can run. Then one execution makes the rows of all of them, and
of the results of the run. A step with checks keeps its node open: its plan passes its rows on while it is executed,
and the node ends when they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

from odibi_core.bus.bus import EventBus
from odibi_core.engines import plan_operators
from odibi_core.engines.plan_operators import Operators
from odibi_core.errors import STOPS, StepError, is_stop
from odibi_core.events import kinds
from odibi_core.events.clock import monotonic
from odibi_core.events.failure import describe_failure, message_of
from odibi_core.pipeline import Progress, Step
from odibi_core.runtime.late_facts import LateFacts, OpenStep
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.step_runner import StepRunner
from odibi_core.runtime.step_work import Outcome

Failed: TypeAlias = Callable[[int, list[int]], None]
"""Takes a failed step, and the steps to skip because of it."""


@dataclass(frozen=True, eq=False)
class _Open(OpenStep):
    """One whose node ends with the execution of its plans."""

    rows: dict[int, Any]
    """The rows of plans, by the id of the plan."""

    def with_rows(self, frames: dict[str, Any]) -> dict[str, Any]:
        return {name: self.rows.get(id(frame), frame) for name, frame in frames.items()}


class Round(NamedTuple):
    """The result of an execution: the steps that can run now, and those that failed."""

    ready: list[int]
    failed: list[int]


class LazyRunner:
    """Runs the steps of lazy engines, from any number of threads; `execute` is called between them, by one thread."""

    def __init__(self, runner: StepRunner, bus: EventBus, results: set[str], level: str) -> None:
        self._runner = runner
        self._graph = runner.graph
        self._bus = bus
        self._results = results
        """The keys of the datasets in the result of the run."""
        self._counts_all = level == "stats"
        self._plans: dict[str, str] = {}
        """The engine of each dataset that is a plan, by key."""
        self._waiting: list[int] = []
        self._tried: set[int] = set()
        self._open: list[_Open] = []
        self._lock = Lock()
        self._late = LateFacts(runner, level)
        self._failure: BaseException | None = None
        runner.settled_of = self._settled_of

    @cached_property
    def _takers(self) -> dict[str, list[int]]:
        """By key, the steps that take a dataset; a run without lazy engines never asks."""
        takers: dict[str, list[int]] = {key: [] for key in self._graph.consumers}
        for index, step in enumerate(self._graph.steps):
            for key in set(step.inputs.values()):
                takers[key].append(index)
        return takers

    def waits(self, index: int) -> bool:
        """Note a step that needs the rows of a plan, and return true; it runs after the next execution, or never."""
        if self._late.blocks(index):
            return True
        if not self._plans or index in self._tried or not self._needs_rows(index):
            return False
        with self._lock:
            self._waiting.append(index)
        return True

    def _needs_rows(self, index: int) -> bool:
        step, engine = self._graph.steps[index], self._graph.engine_of(index)
        planned = [self._plans[key] for key in step.inputs.values() if key in self._plans and self._is_plan(key)]
        if not planned:
            return False
        return not self._is_lazy(index) or any(each != engine for each in planned)

    def _is_plan(self, key: str) -> bool:
        frame = self._runner.data.get(key)
        return frame is not None and self._runner.engines.get(self._plans[key]).is_plan(frame)

    def takes(self, index: int) -> bool:
        """Return whether `run` is to run a step: it may make plans of an engine that shows their rows."""
        if self._late.takes(index):
            return True
        step = self._graph.steps[index]
        if step.operation not in ("call", "read") or step.map is not None or self._runner.is_elsewhere(step):
            return False
        if self._runner.cache is not None:  # it keeps rows and no plans
            return False
        return hasattr(self._runner.engines.lazy(self._graph.engine_of(index)), "watched")

    def run(self, index: int) -> bool:
        """Run a step; return False if it failed. If its node stays open, `execute` ends it."""
        if self._late.takes(index):
            return self._late.run(index)
        runner, step = self._runner, self._graph.steps[index]
        events = runner.begin(index)

        def make() -> tuple[dict[str, Any], Outcome | None]:
            opened = self._opened(index, runner.inputs_of(index, events), events)
            planned = [name for name, frame in opened.made.items() if self._engine(index).is_plan(frame)]
            if self._wants_operators():
                opened.work.operators |= dict.fromkeys(planned, Operators(reason=plan_operators.WITHIN))
            with self._lock:
                self._plans |= {step.outputs[name]: self._graph.engine_of(index) for name in planned}
                if planned and self._stays_open(index):
                    events.pause()
                    self._open.append(opened)
                    return opened.made, None
            # A function may have executed the plans that it took.
            return opened.made, runner.examined_here(work=opened.work, inputs=opened.with_rows(opened.inputs),
                                                     made=opened.made, events=events)  # fmt: skip

        return runner.finish(index, events, make)

    def _engine(self, index: int) -> Any:
        return self._runner.engines.get(self._graph.engine_of(index))

    def _opened(self, index: int, inputs: dict[str, Any], events: NodeEvents) -> _Open:
        """Call the function of a step, or scan its file; what its checks examine passes its rows on."""
        runner, step = self._runner, self._graph.steps[index]
        work = runner.work_of(index)
        work.settled = ()
        opened = _Open(index, events, work, inputs, {}, {})
        if _checks_inputs(step):
            opened.inputs.update(self._watched(opened, inputs))

        def retry(number: int, error: BaseException, delay_s: float) -> None:
            events.retry(number, error, delay_s, step.retries + 1)

        copied = not step.policy.plain
        made = runner.attempt(step.policy, lambda each: work.operate(opened.inputs, each, copied=copied), retry)
        several = {name: self._shared(index, name, frame) for name, frame in made.items()}
        opened.made.update(self._watched(opened, several) if step.checks or self._counts_all else several)
        return opened

    def _shared(self, index: int, name: str, frame: Any) -> Any:
        """Return a plan that is computed once in an execution, if several steps take it; otherwise the frame itself."""
        engine, takers = self._engine(index), self._takers[self._graph.steps[index].outputs[name]]
        return engine.shared(frame) if len(takers) > 1 and engine.is_plan(frame) else frame

    def _watched(self, opened: _Open, frames: dict[str, Any]) -> dict[str, Any]:
        """Return the frames, of which the plans pass their rows to an open step while they are executed."""
        engine = self._engine(opened.number)
        return {name: _watched(engine, f, opened.rows) if engine.is_plan(f) else f for name, f in frames.items()}

    def _stays_open(self, index: int) -> bool:
        """Return whether the rows of a step will be there: for its checks, as a result, or for a step without plans."""
        step, engine = self._graph.steps[index], self._graph.engine_of(index)
        if step.checks or self._counts_all or not self._results.isdisjoint(step.outputs.values()):
            return True
        takers = [taker for key in step.outputs.values() for taker in self._takers[key]]
        return any(not self._is_lazy(taker) or self._graph.engine_of(taker) != engine for taker in takers)

    def _is_lazy(self, index: int) -> bool:
        """Return whether a step takes plans as they are."""
        step = self._graph.steps[index]
        return step.operation == "call" and step.map is None and not self._runner.is_elsewhere(step)

    def _settled_of(self, index: int) -> Collection[str] | None:
        """Return the outputs of a step whose plans are executed where they are made, for an engine without `watched`.

        These are the results of the run, those that are checked, those that several steps take, and those that a step
        of another engine takes. None for all.
        """
        step, engine = self._graph.steps[index], self._graph.engine_of(index)
        if self._runner.engines.lazy(engine) is None or self._runner.cache is not None:
            return None
        if step.checks or self._counts_all or self._runner.is_elsewhere(step) or step.map is not None:
            return None
        return [name for name, key in step.outputs.items()
                if key in self._results or not self._is_chained(self._takers[key], engine)]  # fmt: skip

    def _is_chained(self, takers: list[int], engine: str) -> bool:
        if len(takers) != 1:
            return False
        (taker,) = takers
        step = self._graph.steps[taker]
        return self._graph.engine_of(taker) == engine and not step.checks and step.map is None

    def run_in_rounds(
        self, ready: list[int], run: Callable[[list[int]], None], progress: Progress, failed: Failed
    ) -> None:
        """Run what can run; then execute the plans that steps wait for, and run those steps.

        Args:
            ready: The first steps.
            run: Runs steps and all that become ready by them.
            progress: The progress of the run.
            failed: Called with each step that failed by the execution of its plan.
        """
        is_last = False
        while not is_last:
            run(ready)
            if self._runner.stopped.is_set():
                return
            ended = self.execute()
            if not ended.ready:
                self._late.end()
            for index in ended.failed + self._late.take_failed():
                for key in self._graph.steps[index].outputs.values():
                    self._runner.forget(key)
                failed(index, progress.fail_late(index)[0])
            outcomes = self._runner.outcomes
            ready = [each for each in ended.ready if self._graph.steps[each].name not in outcomes]
            is_last = not ended.ready

    def execute(self) -> Round:
        """Execute the plans whose rows are needed, all at once, and end the nodes whose rows are there then."""
        with self._lock:
            ready, self._waiting = self._waiting, []
        self._tried.update(ready)
        keys = [key for key in dict.fromkeys(self._needed(ready)) if key in self._plans and self._is_plan(key)]
        failed = self._collect(keys, ready)
        for opened in list(self._open):
            if (reason := self._failed_before(opened, failed)) is not None:
                self._open.remove(opened)
                self._drop(opened, reason)
            elif not ready or self._is_there(opened):
                self._open.remove(opened)
                if not self._end(opened):
                    failed.append(opened.number)
        return Round(ready, failed)

    def _is_there(self, opened: _Open) -> bool:
        engine = self._engine(opened.number)
        return all(id(frame) in opened.rows for frame in opened.made.values() if engine.is_plan(frame))

    def _failed_before(self, opened: _Open, failed: list[int]) -> str | None:
        """Return the name of a failed step whose frames an open one takes, if any."""
        names = (self._graph.steps[each].name for each in failed if opened.number in self._graph.descendants(each))
        return next(names, None)

    def _drop(self, opened: _Open, because_of: str) -> None:
        """Skip an open step, although its plan may have been executed."""
        for key in self._graph.steps[opened.number].outputs.values():
            self._runner.forget(key)
        self._runner.skip(opened.number, "a step that it needs failed", because_of)

    def _needed(self, ready: Iterable[int]) -> Iterable[str]:
        for index in ready:
            yield from self._graph.steps[index].inputs.values()
        yield from self._results
        for opened in self._open:  # a dataset that no step takes was made for its checks
            keys = self._graph.steps[opened.number].outputs.values()
            yield from (key for key in keys if not self._graph.consumers[key])

    def _collect(self, keys: list[str], ready: list[int]) -> list[int]:
        """Put rows in the place of plans; return the steps whose datasets have none."""
        by_engine: dict[str, list[str]] = {}
        for key in keys:
            by_engine.setdefault(self._plans[key], []).append(key)
        failed = []
        for engine, several in by_engine.items():
            try:
                self._execute(engine, several, ready)
            except STOPS:
                raise
            except BaseException as error:
                if is_stop(error):
                    raise
                # The steps that wait execute their own plans, so that the failure is that of its step alone.
                self._failure = error
                failed += [] if ready else self._collect_each(engine, several)
        return failed

    def _collect_each(self, engine: str, keys: list[str]) -> list[int]:
        """Execute the plans of results one by one, because they failed together; return the steps that fail."""
        failed = []
        for key in keys:
            try:
                self._execute(engine, [key], [])
            except STOPS:
                raise
            except BaseException as error:
                if is_stop(error):
                    raise
                maker = next(each for each in self._open if key in self._graph.steps[each.number].outputs.values())
                self._open.remove(maker)
                self._runner.failed(self._graph.steps[maker.number], maker.events, error)
                self._runner.data.pop(key, None)
                failed.append(maker.number)
        return failed

    def _execute(self, engine: str, keys: list[str], ready: list[int]) -> None:
        """Execute the plans of these keys at once, and publish that."""
        runner, began = self._runner, monotonic()
        plans = [runner.data[key] for key in keys]
        about: dict[str, Any] = {"engine": engine, "datasets": keys,
                                 "for_steps": [self._graph.steps[index].name for index in ready]}  # fmt: skip
        try:
            with plan_operators.wanted() if self._wants_operators() else nullcontext():
                frames = runner.engines.get(engine).collected(plans)
        except BaseException as error:
            about |= {"status": "failed", "duration_ms": (monotonic() - began) * 1e3, **describe_failure(error)}
            self._bus.publish(kinds.PLAN_EXECUTED, message_of(error), level="warning", fields=about)
            raise
        found = plan_operators.take(dict(zip(keys, frames, strict=True)))
        for key, plan, frame in zip(keys, plans, frames, strict=True):
            runner.data[key] = frame
            for opened in self._open:
                for name, made in opened.made.items():
                    if plan is made:
                        opened.rows[id(plan)] = frame
                        opened.work.operators |= {name: found[key]} if key in found else {}
        about |= {"status": "success", "duration_ms": (monotonic() - began) * 1e3}
        self._bus.publish(kinds.PLAN_EXECUTED, f"{engine} executed the plans of {', '.join(keys)}", fields=about)

    def _wants_operators(self) -> bool:
        return self._runner.rows is not None and self._runner.rows.wants_operators

    def _end(self, opened: _Open) -> bool:
        """End the node of an open step, with the rows that its plans passed on; return False if it failed."""
        runner, step = self._runner, self._graph.steps[opened.number]
        made = opened.with_rows(opened.made)

        def make() -> tuple[dict[str, Any], Outcome]:
            lacks = any(self._engine(opened.number).is_plan(frame) for frame in made.values())
            if lacks and self._failure is not None:
                raise StepError(f"its plan was not executed to its end: {message_of(self._failure)}")
            outcome = runner.examined_here(opened.work, opened.with_rows(opened.inputs), made, opened.events)
            return {name: frame for name, frame in made.items() if step.outputs[name] in runner.data}, outcome

        return runner.finish(opened.number, opened.events, make)

    def cancel(self, error: BaseException | None) -> None:
        """Publish the end of each node that a stopped run left open."""
        stopped = StepError("the run ended before its plan was executed")
        reason = error if error is not None and is_stop(error) else stopped
        if error is None:
            self._late.end()
        else:
            self._late.cancel(reason)
        for opened in self._open:
            self._runner.failed(self._graph.steps[opened.number], opened.events, reason)
        self._open.clear()


def _watched(engine: Any, plan: Any, rows: dict[int, Any]) -> Any:
    """Return a plan that puts its rows into `rows` the first time that it is executed, under the id of that plan."""
    place: list[int] = []

    def take(frame: Any) -> None:
        if place:
            rows.setdefault(place[0], frame)

    watched = engine.shared(engine.watched(plan, take))
    place.append(id(watched))
    return watched


def _checks_inputs(step: Step) -> bool:
    """Return whether a check of the step may look at what the step took."""
    names = {*step.inputs, *step.inputs.values()}
    return any(
        getattr(check, "on", None) in names
        or getattr(check, "needs", ())
        or getattr(check, "name", "") in ("references", "query", "sql", "custom", "compare")
        for check in step.checks
    )
