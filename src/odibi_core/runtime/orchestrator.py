"""The orchestrator: runs a pipeline, and keeps everything that happened while it did."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

import msgspec

from odibi_core import plugins, private_files
from odibi_core.bus.bus import EventBus, Sink
from odibi_core.errors import ConfigurationError, PipelineError, is_stop, nearest
from odibi_core.events import Event, clean, clean_text, context, kinds
from odibi_core.events.clock import host_name, monotonic, process_id, process_start
from odibi_core.events.failure import message_of
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.metrics.manager import MetricsManager
from odibi_core.pipeline import Graph, Progress, Step, compile, plan_rows
from odibi_core.process import state as program
from odibi_core.process.worker_record import close_record, open_record
from odibi_core.redaction import redactor as redaction
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.owner import RunOwner
from odibi_core.runtime.step_runner import StepRunner
from odibi_core.runtime.tracker import Tracker
from odibi_core.settings import Settings, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.values import CHECK_RESULTS

__all__ = ["Orchestrator", "Result", "Step"]

FailurePolicy = Literal["stop", "skip", "continue"]
POLICIES: Final = ("stop", "skip", "continue")
_ENDS: Final = frozenset({kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR})
_PLAN_CHUNK: Final = 32 * 1024
"""Bytes of steps in one `pipeline_plan` event, about: a field has room for 64 kB."""


class Result(Mapping[str, Any]):
    """What a run gave: a mapping of `run_id, pipeline_name, status, success, nodes_executed, duration_ms, data, nodes,
    checks, tracker, metrics, path, error`, each also an attribute. `success` is true or false, `nodes_executed` the
    number of nodes that ran, failed ones included and skipped ones not. `nodes[name]` has `status, duration_ms,
    row_count, error`; `checks` counts those that `passed`, `failed` and were `not_checked`; `data` has the datasets
    that no step took, or those that were asked to be kept; `path` is the run's folder, None without a store.
    """

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise KeyError(f"a result has no {key!r}{nearest(key, self._values)}") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"a result has no {name!r}{nearest(name, self._values)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Result({self['pipeline_name']!r}, {self['status']}, {self['duration_ms']:.0f} ms, {self['run_id']})"


class Orchestrator:
    """Runs steps, or plain functions whose parameter names are their inputs.

    Whatever is wrong with the steps is told here, before anything runs, as `PipelineDefinitionError`. `store` is the
    folder of the record (default: `.odibi`, or the setting), False for none. `max_workers` above 1 runs steps side by
    side in threads. When a step fails, `on_failure="skip"` skips what needs it and lets the rest finish, `"stop"`
    begins nothing more, `"continue"` is `"skip"` in a run that counts as a success all the same. `keep` names the
    datasets that stay in `result["data"]` (default: those that no step takes; `"all"`: every one).

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
        store: str | Path | Literal[False] | None = None,
        params: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        on_failure: FailurePolicy = "skip",
        raise_on_error: bool = True,
        keep: Iterable[str] | Literal["all"] | None = None,
        snapshot_level: str | None = None,
    ) -> None:
        if on_failure not in POLICIES:
            raise ConfigurationError(f"on_failure is one of {', '.join(POLICIES)}; given was {on_failure!r}")
        self.initial = dict(initial or {})
        self.graph: Graph = compile(steps, engine_type, initial=self.initial, params=params)
        self.pipeline_name = pipeline_name or "pipeline"
        self.bus = event_bus if event_bus is not None else EventBus()
        self.metrics = metrics_manager if metrics_manager is not None else MetricsManager(bus=self.bus)
        self.enable_tracker = enable_tracker
        self.tracker: Tracker | None = None
        self.logger = logger
        self.on_failure = on_failure
        self.raise_on_error = raise_on_error
        self.kept = self._kept(keep)
        self.max_workers = max_workers
        self.executor = executor or ("threads" if max_workers > 1 else "inline")
        self._new_executor = plugins.load("executors", self.executor)
        self._new_executor(max_workers)
        self.settings: Settings = read_settings(
            snapshot={"level": snapshot_level}, store={"dir": store or None}
        )
        own = self.settings.redaction
        redaction.configure(own.names, own.patterns, source="settings")
        private_files.set_file_mode(self.settings.store.mode)
        self.store = None if store is False else RunStore(self.settings.root)

    def _kept(self, keep: str | Iterable[str] | None) -> set[str]:
        """The keys of the datasets that are given back."""
        known = self.graph.consumers
        if keep == "all":
            return set(known)
        if keep is None:
            return {key for key, consumers in known.items() if not consumers}
        wanted = {keep} if isinstance(keep, str) else set(keep)
        for key in wanted - set(known):
            raise ConfigurationError(f"keep names {key!r}, which no step makes{nearest(key, known)}")
        return wanted

    def execute(self) -> Result:
        """Run. Raises `PipelineError`, whose `result` is the same as what is returned otherwise, when the run failed;
        Ctrl-C ends the record of the run before it is raised.
        """
        return _Run(self).execute()

    run = execute


class _Run:
    """One execution, and the end of it: whatever happens in between, the record is closed."""

    def __init__(self, plan: Orchestrator) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.bus = plan.bus
        self.run_id = (plan.store or RunStore()).new_run_id(clean_text(plan.pipeline_name))
        looks = plan.settings.snapshot
        descriptions = Descriptions(looks.level if plan.enable_tracker else "off", looks.rows)
        self.runner = StepRunner(self.graph, plan.bus, self.run_id, dict(plan.initial), descriptions)
        self.progress = Progress(self.graph)
        self.executor = plan._new_executor(plan.max_workers)
        self.tracker: Tracker | None = None
        self.sinks: list[_OfRun] = []
        self.lent = False
        self.lock = Lock()
        self.failed = 0
        self.skipped = 0
        self.owner = RunOwner(self.runner)

    def execute(self) -> Result:
        """Open the record, run, close the record."""
        self._open()
        begun = monotonic()
        # A run inside another's step or hook is nobody's node.
        with context.bind(run_id=self.run_id, node_name=None), context.speaking_on(self.bus):
            try:
                self._say_start()
                self.executor.run(self.graph.roots(), self._step)
            except BaseException as error:
                self.runner.abandon()
                return self._end(begun, error)
            return self._end(begun, None)

    def _open(self) -> None:
        plan = self.plan
        own = plan.settings.redaction
        redaction.configure(credentials=own.credentials, personal=own.personal, source=self.run_id)
        program.join(self.bus)
        if plan.store is not None:
            stored = plan.settings.store
            journal = plan.store.open(
                self.run_id,
                durability=stored.durability,
                segment_bytes=max(1, int(stored.segment_mb * 2**20)),
            )
            self._listen(journal, "journal", owned=True)
            open_record(self.run_id, plan.store.root, self.bus)
        if plan.logger is not None and plan.logger.bus is not plan.bus:
            self._listen(plan.logger.store, "log")
        self._listen(plan.metrics, "metrics")
        self.lent = plan.metrics.lend(plan.bus)
        if plan.enable_tracker:
            self.tracker = plan.tracker = Tracker(bus=plan.bus, run_id=self.run_id)

    def _listen(self, sink: Sink, name: str, *, owned: bool = False) -> None:
        self.sinks.append(_OfRun(self.run_id, sink, owned))
        self.bus.subscribe(self.sinks[-1], name=name)

    def _say_start(self) -> None:
        plan = self.plan
        about = {
            "pipeline_name": plan.pipeline_name, "engine": self.graph.engine, "status": "running",
            "steps": len(self.graph), "workers": plan.max_workers, "pid": process_id(), "host": host_name(),
            "process_start": process_start(), "store": str(plan.store.root) if plan.store else None,
        }  # fmt: skip
        self.bus.publish(kinds.PIPELINE_START, fields=about)
        self.owner.leave_if_forked()
        for chunk in _chunks(plan_rows(self.graph)):
            self.bus.publish(kinds.PIPELINE_PLAN, level="debug", fields={"steps": chunk})

    def _step(self, index: int) -> list[int]:
        """Run one step; gives those that became ready by it."""
        try:
            return self._run_step(index)
        except BaseException as error:
            self.owner.leave_if_forked(error)
            raise

    def _run_step(self, index: int) -> list[int]:
        succeeded = self.runner.run(index)
        self.owner.leave_if_forked()
        if succeeded:
            ready, freed = self.progress.finish(index)
        else:
            ready, freed = self._step_failed(index)
        for key in freed:
            if key not in self.plan.kept:
                self.runner.forget(key)
        return ready

    def _step_failed(self, index: int) -> tuple[list[int], list[str]]:
        name = self.graph.steps[index].name
        skipped, freed = self.progress.fail(index)
        with self.lock:
            self.failed += 1
            self.skipped += len(skipped)
        for each in skipped:
            self.runner.skip(each, "a step that it needs failed", name)
        if self.plan.on_failure == "stop":
            self.runner.stopped.set()
            self.executor.cancel()
        return [], freed

    def _skip_rest(self) -> None:
        """The steps that a stopped run did not come to."""
        outcomes = self.runner.outcomes
        first = next(name for name, outcome in outcomes.items() if outcome["status"] == "failed")
        for index, step in enumerate(self.graph.steps):
            if step.name not in outcomes:
                self.skipped += 1
                self.runner.skip(index, "the run was stopped after a failure", first)

    def _end(self, begun: float, error: BaseException | None) -> Result:
        """Close the record with the verdict; then give it, or raise it."""
        self.owner.leave_if_forked(error)
        if error is None and self.failed and self.plan.on_failure == "stop":
            self._skip_rest()
        status = self._status(error)
        result = self._result(status, (monotonic() - begun) * 1e3, error)
        try:
            self._say_end(result)
        finally:
            self.owner.leave_if_forked(sys.exception())
            self._close()
        if error is not None:
            raise error
        if status != "success" and self.plan.raise_on_error:
            raise PipelineError(f"pipeline {self.plan.pipeline_name!r} failed: {result['error']}", result)
        return result

    def _status(self, error: BaseException | None) -> str:
        if error is not None:
            return "cancelled" if is_stop(error) else "failed"
        return "failed" if self.failed and self.plan.on_failure != "continue" else "success"

    def _result(self, status: str, duration_ms: float, error: BaseException | None) -> Result:
        plan = self.plan
        # Copied first, for a thread that was abandoned may still be at it.
        data, nodes = self.runner.data.copy(), self.runner.outcomes.copy()
        failed = {name: told["error"] for name, told in nodes.items() if told["status"] == "failed"}
        failures = [f"{clean_text(name)}: {said}" for name, said in failed.items()]
        reason = "; ".join(failures[:3]) + (f"; and {len(failures) - 3} more" if len(failures) > 3 else "")
        if error is not None and not reason:
            reason = "interrupted" if isinstance(error, KeyboardInterrupt) else _words(error)
        return Result(
            run_id=self.run_id,
            pipeline_name=plan.pipeline_name,
            status=status,
            success=status == "success",
            nodes_executed=sum(outcome["status"] != "skipped" for outcome in nodes.values()),
            duration_ms=duration_ms,
            data={key: data[key] for key in data if key in plan.kept},
            nodes=nodes,
            checks=_check_counts(self.runner.verdicts.copy()),
            tracker=self.tracker,
            metrics=plan.metrics,
            path=plan.store.folder(self.run_id) if plan.store else None,
            error=reason or None,
        )

    def _say_end(self, result: Result) -> None:
        succeeded = sum(outcome["status"] == "success" for outcome in result["nodes"].values())
        fields = {
            "pipeline_name": self.plan.pipeline_name, "status": result["status"], "duration_ms": result["duration_ms"],
            "success_count": succeeded, "failed_count": self.failed, "skipped_count": self.skipped,
        }  # fmt: skip
        if any(result["checks"].values()):
            fields |= {f"checks_{state}": number for state, number in result["checks"].items()}
        kind, level = kinds.PIPELINE_COMPLETE, "info"
        if result["status"] != "success":
            kind, level = kinds.PIPELINE_ERROR, "warning" if result["status"] == "cancelled" else "error"
            fields["error"] = result["error"]
        self.plan.metrics.flush()
        live = {"metrics_manager": self.plan.metrics, "tracker": self.tracker}
        self.bus.publish(kind, level=level, fields=fields, live=live)

    def _close(self) -> None:
        close_record(self.run_id)
        for sink in self.sinks:
            self.bus.unsubscribe(sink)
            sink.close()
        if self.lent:
            self.plan.metrics.lend(None)
        if self.tracker is not None:
            self.tracker.close()
        redaction.release(self.run_id)


class _OfRun:
    """Lets through what belongs to one run, or to none, until that run ends: other runs may speak on the same bus,
    and a thread that was abandoned may speak when all is over.
    """

    def __init__(self, run_id: str, sink: Sink, owned: bool) -> None:
        self.run_id = run_id
        self.sink = sink
        self.owned = owned
        self.ended = False

    def __call__(self, event: Event) -> None:
        if self.ended or (event.run_id != self.run_id and event.run_id is not None):
            return
        self.ended = event.event_type in _ENDS and event.run_id is not None
        self.sink(event)

    def close(self) -> None:
        """Close the sink where it is the run's own."""
        if self.owned:
            self.sink.close()  # type: ignore[attr-defined]  # a journal


def _check_counts(verdicts: list[bool | None]) -> dict[str, int]:
    return {word: verdicts.count(result) for result, word in CHECK_RESULTS.items()}


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {message_of(error)}"


def _weight(row: dict[str, Any]) -> int:
    try:
        return len(msgspec.json.encode(row))
    except UnicodeEncodeError:  # a name with a lone surrogate, which the record has as U+FFFD
        return len(msgspec.json.encode(clean(row)))


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The plan in pieces that fit one event each."""
    chunk: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        weight = _weight(row)
        if chunk and size + weight > _PLAN_CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += weight
    if chunk:
        yield chunk
