"""The orchestrator: runs a pipeline and records the run."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError, PipelineError, is_stop, nearest
from odibi_core.events import sanitize_text
from odibi_core.executors.base import executor_maker
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.metrics.manager import MetricsManager
from odibi_core.pipeline import Graph, Progress, Step, compile, plan_rows
from odibi_core.process.configured_metrics import new_metrics
from odibi_core.redaction.locations import location
from odibi_core.runtime.join_events import JoinEvents
from odibi_core.runtime.lazy_runner import LazyRunner
from odibi_core.runtime.map_runner import MapRunner
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.record import RunRecord, apply_settings
from odibi_core.runtime.result import Result, check_counts, reason_of
from odibi_core.runtime.resume.execution import begin, rows_of_plan
from odibi_core.runtime.resume.identity import Identities
from odibi_core.runtime.resume.keeping import Keeping
from odibi_core.runtime.resume.kept_frames import FrameKeeper
from odibi_core.runtime.resume.plan import RunPlan, Selection, whole
from odibi_core.runtime.row_events import RowEvents
from odibi_core.runtime.run_context import Purpose, SourceKeeper, git, purpose_of, run_context
from odibi_core.runtime.step_runner import StepRunner, cache_of, engines_of
from odibi_core.runtime.tracker import Tracker
from odibi_core.runtime.worker_events import WorkerEvents
from odibi_core.settings import Settings, read_settings
from odibi_core.store.runs import RunStore

if TYPE_CHECKING:
    from odibi_core.runtime.resume.planned import Planned

__all__ = ["Orchestrator", "Result", "Step"]

FailurePolicy = Literal["stop", "skip", "continue"]
POLICIES: Final = ("stop", "skip", "continue")


class Orchestrator:
    """Runs steps, or plain functions whose parameter names are their inputs.

    Args:
        steps: Steps and functions, in any order.
        engine_type: Engine of the steps that name none.
        enable_tracker: False records neither lineage nor snapshots.
        metrics_manager: Manager of the run's metrics; a new one by default.
        event_bus: Bus of the run's events; a new one by default.
        pipeline_name: Name of the pipeline; "pipeline" by default.
        logger: Logger whose log file receives the run's events too.
        max_workers: Number of steps that run at the same time, in threads if above 1.
        executor: Name of the executor; by default `inline` for one worker and `threads` for more.
        executor_options: Further arguments of the executor, such as `{"address": "tcp://host:8786"}` for `dask`.
        store: Folder of the record (default: `.odibi`, or the setting); False for none.
        params: Values by name for every step that takes them.
        tags: Tags of the run, `{"team": "sales"}`; those of the settings are added.
        partition: Logical date or partition that the run is for, a text or a date (default: the setting). A step gets
            it as its parameter `partition`, and as `{partition}` in the path of a file.
        initial: Datasets by key that exist before the run.
        on_failure: `"skip"` skips the steps that need a failed one, `"stop"` starts no more steps, and `"continue"`
            skips like `"skip"` but counts the run as a success.
        raise_on_error: False returns the result of a failed run instead of raising `PipelineError`.
        keep: Keys of the datasets in `result["data"]` (default: those that no step takes); `"all"` for every one.
        cache: True caches each step whose key can be known, `"anyway"` also steps whose code shows that they depend on
            more than their inputs (default: the setting, which is off). `Step(cache=…)` has precedence.
        snapshot_level: Level of detail of snapshots: `off`, `schema`, `counts`, `sample`, `auto` or `stats`.

    Raises:
        PipelineDefinitionError: If the steps do not fit together; nothing has run then.
        ConfigurationError: If another argument is invalid.

    >>> def numbers() -> list[dict[str, int]]:
    ...     return [{"n": 1}, {"n": 2}]
    >>> Orchestrator([numbers], pipeline_name="count", store=False).execute()["data"]["numbers"]
    [{'n': 1}, {'n': 2}]
    """

    def __init__(
        self,
        steps: Iterable[Step | Callable[..., Any]],
        engine_type: str = "pandas",
        enable_tracker: bool = True,
        metrics_manager: MetricsManager | None = None,
        event_bus: EventBus | None = None,
        *,
        pipeline_name: str | None = None,
        logger: StructuredLogger | None = None,
        max_workers: int = 1,
        executor: str | None = None,
        executor_options: Mapping[str, Any] | None = None,
        store: str | Path | Literal[False] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        partition: str | date | None = None,
        initial: Mapping[str, Any] | None = None,
        on_failure: FailurePolicy = "skip",
        raise_on_error: bool = True,
        keep: Iterable[str] | Literal["all"] | None = None,
        cache: bool | Literal["anyway"] | None = None,
        snapshot_level: str | None = None,
    ) -> None:
        git.begin()
        if on_failure not in POLICIES:
            raise ConfigurationError(f"on_failure must be one of {', '.join(POLICIES)}, got {on_failure!r}")
        self.initial = dict(initial or {})
        self.settings: Settings = read_settings(snapshot={"level": snapshot_level}, store={"dir": store or None})
        self.purpose: Purpose = purpose_of(params, tags, partition, self.settings.run)
        """The parameters, the tags and the partition of each run."""
        self.graph: Graph = compile(
            steps, engine_type, initial=self.initial, params=params, partition=self.purpose.partition
        )
        self.pipeline_name = pipeline_name or "pipeline"
        self.bus = event_bus if event_bus is not None else EventBus()
        self.metrics = metrics_manager if metrics_manager is not None else new_metrics(self.bus)
        self.enable_tracker = enable_tracker
        self.tracker: Tracker | None = None
        self.record: RunRecord | None = None
        """The record of the latest run."""
        self.target: str | None = None
        """The file that the pipeline was loaded from, perhaps with a name in it: recorded for `odibi replay`."""
        self.logger = logger
        self.on_failure = on_failure
        self.raise_on_error = raise_on_error
        self.kept = self._kept(keep)
        self.max_workers = max_workers
        self.executor = executor or ("threads" if max_workers > 1 else "inline")
        self._new_executor = executor_maker(self.executor, executor_options or {})
        self._new_executor(max_workers)
        self.store = apply_settings(self.settings, store=store is not False)
        self.cache = cache_of(self.settings, self.graph, cache, has_store=self.store is not None)

    def _kept(self, keep: str | Iterable[str] | None) -> set[str]:
        """Return the keys of the datasets in the result."""
        known = self.graph.consumers
        if keep == "all":
            return set(known)
        if keep is None:
            return {key for key, consumers in known.items() if not consumers}
        wanted = {keep} if isinstance(keep, str) else set(keep)
        for key in wanted - set(known):
            raise ConfigurationError(f"keep names {key!r}, which no step makes{nearest(key, known)}")
        return wanted

    def execute(self, resume: str | bool | None = None, selection: Selection | None = None) -> Result:
        """Run the pipeline and return its result.

        Args:
            resume: A run without success, or True for the latest one with the same parameters: what succeeded there
                and is the same is taken, and not run again.
            selection: The steps to run; what they need of others is taken from an earlier run.

        Raises:
            PipelineError: If the run failed and `raise_on_error` is true; its `result` is the result of the run.
            KeyboardInterrupt: On Ctrl-C, after the record is closed as cancelled.
            ConfigurationError: The run cannot be resumed, or a dataset is missing; nothing has run then.
            RunNotFoundError: There is no such run.
        """
        if not (resume or selection):
            return _Run(self, whole(self.graph), {}).execute()
        return self.execute_planned(self.planned(resume, selection))

    def execute_planned(self, planned: Planned) -> Result:
        """Run the pipeline by a plan of `planned`; see `execute`."""
        return _Run(self, planned.plan, planned.frames).execute()

    def planned(self, resume: str | bool | None = None, selection: Selection | None = None) -> Planned:
        """Return what `execute` would do with each step, and the datasets that it would take. Nothing runs.

        Raises:
            ConfigurationError: As `execute`.
            RunNotFoundError: As `execute`.
        """
        from odibi_core.runtime.resume.planned import planned  # here: most runs take nothing from an earlier one

        return planned(self, resume, selection)

    run = execute


class _Run:
    """One execution, and its end: the record is closed, whatever happens before."""

    def __init__(self, plan: Orchestrator, steps: RunPlan, frames: dict[str, Any]) -> None:
        self.plan = plan
        self.steps = steps
        self.runs = set(steps.indexes("run"))
        self.graph = plan.graph
        run_id = (plan.store or RunStore()).new_run_id(sanitize_text(plan.pipeline_name), plan.bus.clock.now())
        self.tracker = Tracker(bus=plan.bus, run_id=run_id) if plan.enable_tracker else None
        self.record = RunRecord(
            plan.pipeline_name, plan.bus, run_id,
            settings=plan.settings, store=plan.store, metrics=plan.metrics, tracker=self.tracker,
        )  # fmt: skip
        looks = plan.settings.snapshot
        level = looks.level if plan.enable_tracker else "off"
        descriptions = Descriptions(level, looks.rows, self.record.overhead)
        descriptions.lineage = looks.lineage
        self.runner = StepRunner(self.graph, plan.bus, run_id, {**plan.initial, **frames}, descriptions)
        self.runner.partition = plan.purpose.partition
        if plan.cache is not None:
            self.runner.cache = plan.cache.begin(run_id, plan.pipeline_name)
        if descriptions.examines_rows and looks.joins:
            self.runner.joins = JoinEvents()
        if descriptions.examines_rows:
            self.runner.rows = RowEvents(plan.settings.rows)
        self.record.in_child = self.runner.abandon
        self.maps = MapRunner(self.runner, plan.bus, plan.max_workers)
        self.lazy = LazyRunner(self.runner, plan.bus, plan.kept, level)
        self.progress = Progress(self.graph)
        self.executor = plan._new_executor(plan.max_workers)
        self.runner.work_at(self.executor.place)
        keep = plan.settings.keep
        keeper = FrameKeeper(plan.store.folder(run_id), keep) if plan.store and keep.frames != "none" else None
        self.keeping = Keeping(self.graph, self.runner, keeper, keeps_all=keep.frames == "all")
        self.worker_events = WorkerEvents(self.record, self.executor.place)

    def execute(self) -> Result:
        """Open the record, run, close the record."""
        self.worker_events.open(self._open)
        with self.record.scope():
            try:
                self._start()
                ready = begin(self.graph, self.steps, self.runner, self.progress)
                run = partial(self.executor.run, execute=self._step)
                self.lazy.run_in_rounds(ready, run, self.progress, self._after_failure)
                if self.runner.has_failed:
                    self._keep()
                self.runner.fetch(self.plan.kept)
            except BaseException as error:
                self.runner.abandon()
                self._keep()
                self._close_place()
                return self._end(error)
            self._close_place()
            return self._end(None)

    def _keep(self) -> None:
        """Keep what is needed to go on, while the workers still have their frames."""
        self.record.leave_if_forked(sys.exception())
        with self.record.overhead.measured():
            self.keeping.end(self.plan.bus, self.record.run_id)

    def _close_place(self) -> None:
        """End the workers, so that the end of the run counts everything that they recorded."""
        if self.runner.cache is not None:
            self.runner.cache.end()
        self.worker_events.close()

    def _open(self) -> None:
        plan, logger = self.plan, self.plan.logger
        self.record.open()
        if logger is not None and logger.bus is not plan.bus:
            self.record.subscribe(logger.store, "log")
        if self.record.files is not None:
            self.record.files.include(step.value for step in self.graph.steps if step.operation == "call")
        plan.record, plan.tracker, self.runner.files = self.record, self.tracker, self.record.files

    def _start(self) -> None:
        plan, graph = self.plan, self.graph
        store = location(str(plan.store.root)) if plan.store else None
        functions = [step.value for step in graph.steps if step.operation == "call"]
        with self.record.overhead.measured():
            context = run_context(plan.purpose, plan.settings.run, functions, engines_of(graph))
            if self.runner.rows is not None and any(step.inputs for step in graph.steps):
                self.runner.rows.usual = self.record.last_good_rows(plan.purpose.partition)
            sources = SourceKeeper(plan.store.root if plan.store else None)
            identities = Identities(is_recorded=plan.store is not None)
            rows = list(plan_rows(graph, lambda step: {**sources.of_step(step), **identities.of(step)}))
            rows_of_plan(self.steps, rows)
        context |= self.steps.described()
        if plan.target is not None:
            context["target"] = location(plan.target)
        self.record.start(engine=graph.engine, steps=len(graph), workers=plan.max_workers, store=store, **context)
        self.record.leave_if_forked()
        self.record.plan(rows)

    def _step(self, task: int) -> list[int]:
        """Run one task, which is a step or an item of a mapped one; return the tasks that became ready by it."""
        try:
            ended = self._run_task(task)
            self.record.leave_if_forked()
            if isinstance(ended, list):
                return ended
            index, succeeded = ended
            if succeeded:
                self.keeping.made(index, self.plan.bus, self.record.run_id)
            ready, freed = self.progress.finish(index) if succeeded else self._step_failed(index)
        except BaseException as error:
            self.record.leave_if_forked(error)
            raise
        for key in self.keeping.released(freed) if self.runner.has_failed else freed:
            if key not in self.plan.kept:
                self.runner.forget(key)
        return [each for each in ready if each in self.runs]

    def _run_task(self, task: int) -> list[int] | tuple[int, bool]:
        """Return the step that ended, and whether it succeeded; of a mapped step, the tasks that are to run before."""
        if task < len(self.graph):
            if self.lazy.waits(task):
                return []
            if self.graph.steps[task].map is None:
                return task, self.lazy.run(task) if self.lazy.takes(task) else self.runner.run(task)
            return self.maps.begin(task) or (task, self.maps.end(task))
        after = self.maps.run(task)
        return (after, self.maps.end(after)) if isinstance(after, int) else after

    def _step_failed(self, index: int) -> tuple[list[int], list[str]]:
        skipped, freed = self.progress.fail(index)
        self._after_failure(index, skipped)
        return [], freed

    def _after_failure(self, index: int, skipped: list[int]) -> None:
        name = self.graph.steps[index].name
        for each in skipped:
            self.runner.skip(each, "a step that it needs failed", name)
        if self.plan.on_failure == "stop":
            self.runner.stopped.set()
            self.executor.cancel()

    def _skip_rest(self) -> None:
        """Skip the steps that a stopped run did not start."""
        outcomes = self.runner.outcomes
        first = next(name for name, outcome in outcomes.items() if outcome["status"] == "failed")
        for index, step in enumerate(self.graph.steps):
            if step.name not in outcomes:
                self.runner.skip(index, "the run was stopped after a failure", first)

    def _end(self, error: BaseException | None) -> Result:
        """Close the record with the verdict; then return it, or raise it."""
        self.record.leave_if_forked(error)
        self.maps.cancel(error)
        self.lazy.cancel(error)
        if error is None and self.runner.has_failed and self.plan.on_failure == "stop":
            self._skip_rest()
        status = self._status(error)
        result = self._result(status, error)
        try:
            self._emit_end(result)
        finally:
            self.record.leave_if_forked(sys.exception())
            self.record.close()
        if error is not None:
            raise error
        if status != "success" and self.plan.raise_on_error:
            raise PipelineError(f"pipeline {self.plan.pipeline_name!r} failed: {result['error']}", result)
        return result

    def _status(self, error: BaseException | None) -> str:
        if error is not None:
            return "cancelled" if is_stop(error) else "failed"
        return "failed" if self.runner.has_failed and self.plan.on_failure != "continue" else "success"

    def _result(self, status: str, error: BaseException | None) -> Result:
        plan = self.plan
        # Copied, because an abandoned thread may still change them.
        data, nodes = self.runner.data.copy(), self.runner.outcomes.copy()
        return Result(
            run_id=self.record.run_id,
            pipeline_name=plan.pipeline_name,
            params=plan.purpose.params,
            tags=plan.purpose.tags,
            partition=plan.purpose.partition,
            status=status,
            success=status == "success",
            nodes_executed=sum(each["status"] != "skipped" and "taken_from" not in each for each in nodes.values()),
            duration_ms=self.record.duration_ms,
            data={key: data[key] for key in data if key in plan.kept},
            nodes=nodes,
            checks=check_counts(self.runner.check_results.copy()),
            tracker=self.tracker,
            metrics=plan.metrics,
            path=self.record.path,
            error=reason_of(nodes, error),
        )

    def _emit_end(self, result: Result) -> None:
        states = Counter(outcome["status"] for outcome in result["nodes"].values())
        about = {"duration_ms": result["duration_ms"]}
        if any(result["checks"].values()):
            about |= {f"checks_{state}": number for state, number in result["checks"].items()}
        if result["status"] != "success":
            about["error"] = result["error"]
        if taken := sum("taken_from" in outcome for outcome in result["nodes"].values()):
            about["taken_count"] = taken
        counts = {f"{state}_count": states[state] for state in ("success", "failed", "skipped")}
        self.record.end(result["status"], about, counts)
        result._values.update(self.record.overhead.stated)
