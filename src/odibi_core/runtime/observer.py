"""The composition root: a bus, a journal, metrics and a tracker, wired together; and what rides along with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from pathlib import Path
from typing import Any, ClassVar, Literal

from odibi_core import private_files
from odibi_core.bus.bus import EventBus
from odibi_core.errors import is_failure
from odibi_core.events import context, kinds
from odibi_core.events.clock import host_name, monotonic, process_id, process_start
from odibi_core.events.failure import describe_failure
from odibi_core.events.normalise import text
from odibi_core.metrics.manager import MetricsManager
from odibi_core.process import state as program
from odibi_core.process.worker_record import close_record, open_record
from odibi_core.redaction import redactor as redaction
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.runtime.tracker import Tracker
from odibi_core.settings import Settings, read_settings
from odibi_core.store.journal import Journal
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import read_events


class Observer:
    """Records a run that something else drives: what is said, and each call of a `@node` function, inside `with`.

    `store` is the folder of the record (default: `.odibi`, or the setting), False for none; `settings`, `bus` and
    `metrics` are such as there are already, else new ones. An exception that leaves the block is recorded as the run's
    failure, and goes on.

    >>> with Observer("nightly", store=False) as run:
    ...     run.say("orders_loaded", row_count=3)
    >>> run.tracker.export_lineage()["status"]
    'success'
    """

    hooks_within_s: ClassVar[float] = 5.0
    """How long asynchronous hooks may still take at the end."""

    def __init__(
        self,
        name: str = "program",
        *,
        store: str | Path | Literal[False] | None = None,
        settings: Settings | None = None,
        bus: EventBus | None = None,
        metrics: MetricsManager | None = None,
    ) -> None:
        self.name = name = text(name)
        self.settings = settings or read_settings(store={"dir": store or None})
        own = self.settings.redaction
        redaction.configure(own.names, own.patterns, source="settings")
        private_files.set_file_mode(self.settings.store.mode)
        self.store = None if store is False else RunStore(self.settings.root)
        self.run_id = (self.store or RunStore()).new_run_id(name)
        self.bus = EventBus() if bus is None else bus
        self.metrics = MetricsManager(bus=self.bus) if metrics is None else metrics
        self.tracker = Tracker(bus=self.bus)
        looks = self.settings.snapshot
        self.descriptions = Descriptions(looks.level, looks.rows, shared=True)
        self._journal: Journal | None = None
        self._owner = process_id()
        self._begun = 0.0
        self._running = False
        self._binding: Any = None
        self._outer: Token[Observer | None] | None = None
        self._outer_bus: Token[Any] | None = None

    @property
    def path(self) -> Path | None:
        """The run's folder; None without a store."""
        return self.store.folder(self.run_id) if self.store else None

    def start(self) -> Observer:
        """Open the record; `with` does it by itself."""
        if self.store is not None:
            self._journal = self.store.open(self.run_id, durability=self.settings.store.durability)
            self.bus.subscribe(self._journal)
            open_record(self.run_id, self.store.root, self.bus, observed=True)
        own = self.settings.redaction
        redaction.configure(credentials=own.credentials, personal=own.personal, source=self.run_id)
        program.join(self.bus)
        if not any(sink is self.metrics for _, sink in self.bus.sinks()):
            self.bus.subscribe(self.metrics)
        self.tracker.follow(self.run_id)
        self.bus.attach_live(metrics_manager=self.metrics, tracker=self.tracker)
        self._begun, self._running = monotonic(), True
        about = {"pid": process_id(), "host": host_name(), "process_start": process_start()}
        self._say(kinds.PIPELINE_START, "running", about)
        return self

    def finish(self, error: BaseException | None = None) -> None:
        """Close the record with the verdict; a second time does nothing.

        In a forked child it only keeps what the child measured: the run ends with the process that began it.
        """
        if not self._running:
            return
        self._running = False
        self.metrics.flush()
        if not self.is_owner:
            return
        self._hear_workers()
        summary = self.tracker.export_lineage()["summary"]
        about = {name: summary[name] for name in ("success_count", "failed_count", "skipped_count")}
        about["duration_ms"] = (monotonic() - self._begun) * 1e3
        if error is None:
            self._say(kinds.PIPELINE_COMPLETE, "success", about)
        else:
            status = "failed" if is_failure(error) else "cancelled"
            self._say(kinds.PIPELINE_ERROR, status, {**about, **describe_failure(error)}, "error")
        self.bus.shutdown(self.hooks_within_s)
        self.tracker.close()
        close_record(self.run_id)
        redaction.release(self.run_id)
        if self._journal is not None:
            self.bus.unsubscribe(self._journal)
            self._journal.close()

    def _hear_workers(self) -> None:
        """Count what worker processes and forked children recorded in the run, as a reader of the record does."""
        others = self._journal.segments_of_others() if self._journal is not None else []
        for event in read_events(others):
            self.tracker.hear(event)
            self.metrics(event)

    @property
    def is_owner(self) -> bool:
        """Whether this process began the run, and not one that works for it."""
        return process_id() == self._owner

    def _say(self, kind: str, status: str, about: dict[str, Any], level: str = "info") -> None:
        fields = {"run_id": self.run_id, "pipeline_name": self.name, "status": status, **about}
        self.bus.publish(kind, level=level, fields=fields)

    def say(self, event_type: str, message: str | None = None, *, level: str = "info", **fields: Any) -> None:
        """An event of this run; any keyword becomes a field. Never raises."""
        self.bus.publish(event_type, message, level=level, fields={"run_id": self.run_id, **fields})

    def __enter__(self) -> Observer:
        self.start()
        self._outer = _active.set(self)
        self._outer_bus = context.bus_here.set(self.bus)
        _open.append(self)
        self._binding = context.bind(run_id=self.run_id)
        self._binding.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._binding.__exit__(None, None, None)
        if self._outer is not None:
            _active.reset(self._outer)
        if self._outer_bus is not None:
            context.bus_here.reset(self._outer_bus)
        _open.remove(self)
        self.finish(error)


_active: ContextVar[Observer | None] = ContextVar("odibi_core_observer", default=None)
_open: list[Observer] = []
"""Observers whose block is being run, in any thread."""


def active() -> Observer | None:
    """The observer whose block we are in. A thread that the user started knows of no block: it belongs to the one
    that is open, if it is only one.
    """
    found = _active.get()
    if found is not None or len(_open) > 1:
        return found
    return _open[0] if _open else _in_worker()


class _WorkerObserver(Observer):
    """The run of another process, in a worker of it: it speaks on the program's bus, and neither begins nor ends."""

    def __init__(self, run_id: str) -> None:
        super().__init__(store=False, bus=program.program_bus(), metrics=program.get_metrics())
        self.run_id = run_id
        self.tracker.close()
        self._owner = 0


def _in_worker() -> Observer | None:
    """The run that this process is a worker of, if it is one."""
    run_id = program.works_for()
    if run_id is None:
        return None
    if not _of_worker or _of_worker[0].run_id != run_id:
        _of_worker[:] = [_WorkerObserver(run_id)]
    return _of_worker[0]


_of_worker: list[_WorkerObserver] = []


def observe(name: str = "program", *, store: str | Path | Literal[False] | None = None) -> Observer:
    """Record what happens inside a `with` block as a run of its own: `with observe("nightly") as run: …`."""
    return Observer(name, store=store)


def run(steps: Iterable[Step | Callable[..., Any]], engine_type: str = "pandas", **options: Any) -> Result:
    """Run a pipeline and keep its record: `run([read, clean, join])`, where parameter names are the inputs.

    `options` are those of `Orchestrator`, which see.
    """
    return Orchestrator(steps, engine_type, **options).execute()
