"""`StepRunner`: runs single steps with their inputs, attempts, outputs and checks, and publishes their events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from odibi_core.bus.bus import EventBus
from odibi_core.coroutines import CLEAN_UP_S, AwaitableRun
from odibi_core.engines import access_facts
from odibi_core.errors import ConfigurationError, StepError, is_stop
from odibi_core.events import context
from odibi_core.events.clock import monotonic
from odibi_core.executors.base import Held, Place, Work
from odibi_core.logs.context import worker_context
from odibi_core.pipeline import Graph, Step
from odibi_core.pipeline.attempts import Call, OnRetry, attempt
from odibi_core.pipeline.step import Policy, needs_of_checks
from odibi_core.runtime import node_span
from odibi_core.runtime.column_events import publish_columns, publish_items
from odibi_core.runtime.file_events import FileEvents
from odibi_core.runtime.join_events import JoinEvents
from odibi_core.runtime.node_events import Descriptions, NodeEvents
from odibi_core.runtime.record import RunOverError
from odibi_core.runtime.row_events import RowEvents
from odibi_core.runtime.step_engines import Engines, converts
from odibi_core.runtime.step_task import StepTask
from odibi_core.runtime.step_work import OTHER, Beside, Outcome, StepReport, StepWork, work_of_step

if TYPE_CHECKING:
    from odibi_core.engines.lineage.items import Found
    from odibi_core.runtime.step_cache import StepCache
    from odibi_core.settings import Settings

_WITH_CLUSTER: Final = frozenset({"spark"})
_NOTHING: Final = Beside({}, None)

Make: TypeAlias = Callable[[], tuple[dict[str, Any], Outcome | None]]
"""Returns the frames that a step makes, by logical name, and the outcome of its checks; raises its failure.

The outcome is None if it comes with the execution of the frames, which are plans: then the node stays open.
"""


class NotMadeError(StepError):
    """A step could not end, because a check of an earlier step failed when its plan was executed."""

    def __init__(self, because_of: str) -> None:
        super().__init__(f"step {because_of!r} failed its checks, so that nothing was made of its frame")
        self.because_of = because_of


class StepRunner:
    """Runs the steps of one graph, from any number of threads, over the datasets in `data`."""

    def __init__(
        self, graph: Graph, bus: EventBus, run_id: str, data: dict[str, Any], descriptions: Descriptions
    ) -> None:
        self.graph = graph
        self.data = data
        self.stopped = Flag()
        self.abandoned = False
        self.has_failed = False
        """True once a step failed; one that was cancelled did not."""
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.check_results: list[bool | None] = []
        """For each check: True if it passed, False if it failed, None if it could not be checked."""
        self._started: set[str] = set()
        self._running: set[str] = set()
        self._awaiting: set[AwaitableRun] = set()
        self._bus = bus
        self._run_id = run_id
        self._descriptions = descriptions
        self.files: FileEvents | None = None
        self.joins: JoinEvents | None = None
        self.rows: RowEvents | None = None
        self.partition: str | None = None
        """The partition of the run, for checks that depend on it."""
        self.cache: StepCache | None = None
        self.place: Place | None = None
        """Where steps work, if not in the thread that runs them."""
        self.settled_of: Callable[[int], Collection[str] | None] = lambda index: None
        """Returns the outputs of a step whose plans are executed where they are made; None for all."""
        self.engines = Engines()
        for name in engines_of(graph):
            self.engines.get(name)

    def work_at(self, place: Place | None) -> None:
        """Let steps work in a place; None for the thread that runs them.

        Raises:
            ConfigurationError: An engine has a cluster of its own, whose frames no worker process can have.
        """
        if place is not None and (own := _WITH_CLUSTER & engines_of(self.graph)):
            raise ConfigurationError(
                f"the engine {min(own)!r} has workers of its own: executor must be 'inline' or 'threads', "
                "got one of worker processes; leave executor out"
            )
        self.place = place

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
        events = self.begin(index)
        return self.finish(index, events, lambda: self._cached(index, events))

    def begin(self, index: int) -> NodeEvents:
        """Publish the start of a step; return its events, in whose context this thread continues."""
        self.check_running()
        events = self.events(index)
        events.start()
        self._started.add(self.graph.steps[index].name)
        self._running.add(self.graph.steps[index].name)
        context.put(events.context)
        return events

    def finish(self, index: int, events: NodeEvents, make: Make) -> bool:
        """Keep what `make` returns for a step, and publish its end; return False if it failed.

        Only a request to stop is raised.
        """
        step = self.graph.steps[index]
        try:
            made, outcome = make()
            self.check_running()
            if outcome is not None:
                self._count_checks(step, outcome)
        except BaseException as error:
            self.check_running()
            if isinstance(error, NotMadeError):
                self.skip(index, "a step that it needs failed", error.because_of)
                return False
            self.failed(step, events, error)
            if is_stop(error):
                raise
            return False
        finally:
            self._running.discard(step.name)
        for name, frame in made.items():
            self.data[step.outputs[name]] = frame
        if outcome is None:
            return True
        events.complete(outcome.rows)
        self.outcomes[step.name] = _outcome("success", events.duration_ms, outcome.rows)
        return True

    def _count_checks(self, step: Step, outcome: Outcome) -> None:
        self.check_results.extend(outcome.checks)
        if outcome.failed:
            failed = "; ".join(outcome.failed)
            raise StepError(f"step {step.name!r} failed {len(outcome.failed)} of its checks: {failed}")

    def _cached(self, index: int, events: NodeEvents) -> tuple[dict[str, Any], Outcome]:
        """Return what a step makes and the outcome of its checks, from the cache if that has it."""
        inputs = self.inputs_of(index, events)
        if self.cache is None:
            return self._made(index, inputs, events)
        with self.cache.asked(index, inputs, events, self.at_home, self.stopped) as lookup:
            if lookup.made is not None:
                return lookup.made, self._examined_again(index, inputs, lookup.made, events)
            made, outcome = self._made(index, inputs, events)
            if not outcome.failed:
                here = 0 if self.files is None else self.files.published(events.context.node_name)
                lookup.keep(made, files=here + events.files)
            return made, outcome

    def _examined_again(self, index: int, inputs: dict[str, Any], made: dict[str, Any], events: NodeEvents) -> Outcome:
        """Describe and check frames of the cache in this process, as if the step had just made them."""
        step = self.graph.steps[index]
        if self.files is not None and step.operation in ("read", "sql"):  # the key has the content of its files
            access_facts.note(None)
            self.files.of_step(step, next(iter(made.values()), None))
        if step.checks or (self.joins is not None and len(inputs) > 1):
            inputs = {name: self.at_home(frame) for name, frame in inputs.items()}
        others = {key.removeprefix(OTHER): self.at_home(frame) for key, frame in self._for_checks(step, inputs).items()}
        return self.examined_here(self.work_of(index, others), inputs, made, events)

    def failed(self, step: Step, events: NodeEvents, error: BaseException) -> None:
        """Publish and keep the failure of a step, or that it was cancelled."""
        stopped = is_stop(error)
        message = events.failed(error, cancelled=stopped)
        status = "cancelled" if stopped else "failed"
        self.outcomes[step.name] = _outcome(status, events.duration_ms, error=message)
        self.has_failed |= not stopped

    def check_running(self) -> None:
        """Raise RunOverError if the run was abandoned."""
        if self.abandoned:
            raise RunOverError

    def skip(self, index: int, reason: str, because_of: str | None, *, is_wanted: bool = False) -> None:
        """Publish and keep that a step does not run; `is_wanted` if the user left it out."""
        self.check_running()
        self.outcomes[self.graph.steps[index].name] = _outcome("skipped", error=reason)
        self.events(index).skipped(reason, because_of, is_wanted=is_wanted)

    def take(self, index: int, rows: int | None, run_id: str) -> None:
        """Keep that the result of a step is that of an earlier run."""
        self.outcomes[self.graph.steps[index].name] = {**_outcome("success", rows=rows), "taken_from": run_id}

    def is_unchanged(self, key: str) -> bool | None:
        """Return whether a dataset is as it was made; None if a function had it and that cannot be seen."""
        takers = [step for step in self.graph.steps if step.name in self._started and key in step.inputs.values()]
        if isinstance(self.data.get(key), Held) or not any(_may_change(step) for step in takers):
            return True
        if any(step.name in self._running for step in takers):
            return None  # in a thread that was abandoned
        return self._descriptions.is_unchanged(key, self.data.get(key))

    def events(self, index: int) -> NodeEvents:
        """Return the events of a step, which has not begun."""
        step = self.graph.steps[index]
        engine, overhead = self.graph.engine_of(index), self._descriptions.overhead
        events = NodeEvents(self._bus, self._run_id, step.name, step.layer, engine, overhead=overhead)
        events.context = node_span.inside(events.context)
        return events

    def inputs_of(self, index: int, events: NodeEvents) -> dict[str, Any]:
        """Return the input frames by their logical names; the frames that the step may change in place are noted."""
        step, inputs = self.graph.steps[index], {}
        for name, key in step.inputs.items():
            inputs[name] = frame = self.data[key]
            looks, is_elsewhere = self._descriptions, isinstance(frame, Held)
            description = looks.before_elsewhere(key) if is_elsewhere else looks.before(key, frame)
            if description is None:
                continue
            events.snapshot("before", key, description)
            if _may_change(step) and self.cache is None and not is_elsewhere:
                looks.lend(frame)
        return inputs

    def _made(self, index: int, inputs: dict[str, Any], events: NodeEvents) -> tuple[dict[str, Any], Outcome]:
        """Return the frames that a step makes, by logical name, and the outcome of its checks."""
        step = self.graph.steps[index]

        def retry(number: int, error: BaseException, delay_s: float) -> None:
            events.retry(number, error, delay_s, step.retries + 1)

        if self.is_elsewhere(step):
            frames = {**inputs, **self._for_checks(step, inputs)}
            return self.examined_there(index, events, lambda: self.attempt_there(index, work_of_step, frames, retry))
        work = self.work_of(index)
        # An attempt may change its inputs in place, also after its timeout; with a cache it may not run at all.
        copied = not step.policy.plain or self.cache is not None
        made = self.attempt(step.policy, lambda awaiting: work.operate(inputs, awaiting, copied=copied), retry)
        return made, self.examined_here(work, inputs, made, events)

    def is_elsewhere(self, step: Step) -> bool:
        """Return whether a step works in the executor's place; a connection belongs to the process that opened it."""
        return self.place is not None and step.layer != "connect"

    def work_of(self, index: int, others: dict[str, Any] | None = None) -> StepWork:
        """Return the work of a step in this process; `others` go before the datasets of the run."""
        step = self.graph.steps[index]
        beside = Beside(self.data | (others or {}), self.partition) if step.checks else _NOTHING
        work = StepWork(
            step, self.graph.engine_of(index), beside,
            wanted=is_wanted(self.graph, step), wait=self._wait_for, files=self.files, engines=self.engines,
        )  # fmt: skip
        work.settled = self.settled_of(index)
        work.content = self._descriptions.content
        work.rows = self.rows
        return work

    def examined_here(
        self, work: StepWork, inputs: dict[str, Any], made: dict[str, Any], events: NodeEvents
    ) -> Outcome:
        """Publish the findings on the frames that a step made in this process."""
        self.check_running()
        outcome = work.examine(inputs, made, events, self._descriptions, self.joins)
        publish_columns(work.step, work.engine, events, self._descriptions)
        return outcome

    def _for_checks(self, step: Step, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the datasets that only the checks of a step need, as a worker gets them."""
        needed = set(needs_of_checks(step)).difference(inputs)
        return {OTHER + key: self.data[key] for key in needed if key in self.data}

    def attempt_there(self, index: int, work: Work, frames: dict[str, Any], retry: OnRetry) -> Any:
        """Return handles on the frames that `work` makes for a step in a worker, and its report."""
        policy = msgspec.structs.replace(self.graph.steps[index].policy, timeout_s=None)
        return self.attempt(policy, lambda _: self.call_there(index, work, frames), retry)

    def call_there(self, index: int, work: Work, frames: dict[str, Any]) -> Any:
        """Return what one attempt makes in a worker, as `attempt_there`."""
        step, place, looks = self.graph.steps[index], self.place, self._descriptions
        assert place is not None
        task = StepTask(
            step, self.graph.engine_of(index), is_wanted(self.graph, step), self._run_id, worker_context(),
            self.partition, looks.level, looks.rows, joins=self.joins is not None,
            files=None if self.files is None else self.files.ask, shared=place.shared, lineage=looks.lineage,
            rows_asked=None if self.rows is None else self.rows.task(step.name),
        )  # fmt: skip
        return place.call(work, frames, task, timeout_s=step.timeout_s)

    def examined_there(
        self, index: int, events: NodeEvents, call: Callable[[], tuple[dict[str, Any], StepReport]]
    ) -> tuple[dict[str, Any], Outcome]:
        """Publish the findings of a worker on the frames that a step made; return their handles and the outcome."""
        made, report = call()
        self.check_running()
        for key, description in report.descriptions().items():
            self._descriptions.keep(key, description)
        report.publish(events)
        publish_columns(self.graph.steps[index], self.graph.engine_of(index), events, self._descriptions)
        return made, report.outcome

    def publish_items(self, index: int, events: NodeEvents, found: Sequence[Found], total: int) -> None:
        """Publish the lineage of the columns of a mapped step, from the items that were looked at."""
        publish_items(self.graph.steps[index], found, total, events, self._descriptions)

    def attempt(self, policy: Policy, call: Call, retry: OnRetry) -> Any:
        """Return the result of the last attempt."""
        self.check_running()
        return call(None) if policy.plain else attempt(call, policy, retry, self.stopped)[0]

    def _wait_for(self, awaiting: AwaitableRun | None, awaitable: Any) -> Any:
        awaiting = awaiting or AwaitableRun()
        self._awaiting.add(awaiting)
        try:
            if self.abandoned:
                awaiting.cancel()
            return awaiting.run(awaitable)
        finally:
            self._awaiting.discard(awaiting)

    def fetch(self, keys: Iterable[str]) -> None:
        """Bring the datasets of these keys to this process.

        Raises:
            StepError: One of them is lost.
        """
        for key in keys:
            frame = self.data.get(key)
            if isinstance(frame, Held):
                self.data[key] = self.at_home(frame)
                self.release(frame)

    def at_home(self, frame: Any) -> Any:
        """Return a frame in this process."""
        return self.place.fetch(frame) if self.place is not None and isinstance(frame, Held) else frame

    def release(self, frame: Any) -> None:
        """Free a frame that no step needs any more."""
        if self.place is not None and isinstance(frame, Held):
            self.place.release(frame)

    def forget(self, key: str) -> None:
        """Release a dataset that no step needs any more."""
        self.release(self.data.pop(key, None))
        self._descriptions.forget(key)


def is_wanted(graph: Graph, step: Step) -> bool:
    """Return whether a missing output is an error: a step takes it, or the author named it."""
    return step.outputs != {"out": step.name} or any(graph.consumers[key] for key in step.outputs.values())


def _may_change(step: Step) -> bool:
    """Return whether a step gets its inputs themselves, and no copies."""
    return step.operation == "call" and step.policy.plain


def _outcome(
    status: str, duration_ms: float | None = None, rows: int | None = None, error: str | None = None
) -> dict[str, Any]:
    return {"status": status, "duration_ms": duration_ms, "row_count": rows, "error": error}


def cache_of(settings: Settings, graph: Graph, given: Any, *, has_store: bool) -> StepCache | None:
    """Return the step cache of a pipeline; None if no step asks for one, which then costs no import."""
    if given is None and not settings.cache.enabled and not any(step.cache for step in graph.steps):
        return None
    from odibi_core.runtime.step_cache import step_cache

    return step_cache(settings, graph, given, has_store=has_store)


def engines_of(graph: Graph) -> set[str]:
    """Return the engines that a graph uses. Functions bring their own frames, unless they get those of an engine."""
    return {
        graph.engine_of(index)
        for index, step in enumerate(graph.steps)
        if step.operation in ("sql", "read", "write") or converts(step, graph.engine_of(index))
    }
