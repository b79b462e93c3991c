"""`Observer`, `observe` and `run`: the record of a run that other code drives, or of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus
from odibi_core.errors import is_failure
from odibi_core.events import sanitize_text
from odibi_core.events.failure import describe_failure
from odibi_core.events.normalize import to_text
from odibi_core.metrics.manager import MetricsManager
from odibi_core.process import state as program
from odibi_core.process.configured_metrics import new_metrics
from odibi_core.runtime.call_columns import ObservedColumns
from odibi_core.runtime.file_events import FileEvents
from odibi_core.runtime.join_events import JoinEvents
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.runtime.producer_index import ProducerIndex
from odibi_core.runtime.record import OnStop, RunRecord, apply_settings
from odibi_core.runtime.row_events import RowEvents
from odibi_core.runtime.run_context import Purpose, SourceKeeper, git, purpose_of, run_context
from odibi_core.runtime.tracker import Tracker
from odibi_core.settings import Settings, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.cards import Card, Carded


class Observer(Carded):
    """Records a run that other code drives: the events and the calls of `@node` functions inside a `with` block.

    An exception that leaves the block is recorded as the failure of the run, and is raised.

    Args:
        name: Name of the run's pipeline.
        store: Folder of the record (default: `.odibi`, or the setting); False for none.
        settings: Settings; those of environment and file by default.
        bus: Bus of the run's events; a new one by default.
        metrics: Manager of the run's metrics; a new one by default.
        purpose: Parameters, tags and partition of the run; those of the settings by default.
        run_id: Id of a run that several processes record; a new one by default.

    >>> with Observer("nightly", store=False) as run:
    ...     run.say("orders_loaded", row_count=3)
    >>> run.tracker.export_lineage()["status"]
    'success'
    """

    hooks_within_s: ClassVar[float] = 5.0
    """Seconds that asynchronous hooks may take at the end."""

    def __init__(
        self,
        name: str = "program",
        *,
        store: str | Path | Literal[False] | None = None,
        settings: Settings | None = None,
        bus: EventBus | None = None,
        metrics: MetricsManager | None = None,
        purpose: Purpose | None = None,
        run_id: str | None = None,
    ) -> None:
        git.begin()
        self.name = name = to_text(name)
        self.settings = settings or read_settings(store={"dir": store or None})
        self.purpose = purpose_of(settings=self.settings.run) if purpose is None else purpose
        self.store = apply_settings(self.settings, store=store is not False)
        self.bus = EventBus() if bus is None else bus
        self.run_id = run_id or (self.store or RunStore()).new_run_id(name, self.bus.clock.now())
        self.metrics = new_metrics(self.bus) if metrics is None else metrics
        self.tracker = Tracker(bus=self.bus)
        looks = self.settings.snapshot
        self.record = RunRecord(
            name, self.bus, self.run_id,
            settings=self.settings, store=self.store, metrics=self.metrics, tracker=self.tracker,
        )  # fmt: skip
        self.descriptions = Descriptions(looks.level, looks.rows, self.record.overhead, shared=True)
        self.joins = JoinEvents() if self.descriptions.examines_rows and looks.joins else None
        self.rows = RowEvents(self.settings.rows) if self.descriptions.examines_rows else None
        self.descriptions.lineage = looks.lineage
        self.columns = ObservedColumns(self.descriptions)
        self.producers = ProducerIndex()
        self.sources = SourceKeeper(self.store.root if self.store else None)
        self._running = False
        self._block = ExitStack()

    @property
    def path(self) -> Path | None:
        """The run's folder; None without a store."""
        return self.record.path

    def start(self, **about: Any) -> Observer:
        """Open the record, with more fields of its first event; `with` calls it."""
        self.open()
        self.record.start(**run_context(self.purpose, self.settings.run), **about)
        return self

    def open(self, on_stop: OnStop | None = None) -> None:
        """Open the record of a run that another process started, or that `start` starts.

        `on_stop` is called if SIGTERM or SIGHUP ends the process; by default the run ends then.
        """
        self.record.open(on_stop or self.finish, observed=True)
        self._running = True
        if self.rows is not None:
            self.rows.usual = self.record.last_good_rows(self.purpose.partition)

    def attach(self) -> None:
        """Let the threads of this process that are in no run belong to this one, until `detach`."""
        _observers.open.append(self)

    def detach(self) -> None:
        """End `attach`; without one, do nothing."""
        if self in _observers.open:
            _observers.open.remove(self)

    def finish(self, error: BaseException | None = None) -> None:
        """Close the record with the verdict; a second call does nothing.

        In a forked child it only publishes the child's metrics: the run ends with the process that began it.
        """
        if error is None:
            self.end("success")
        else:
            self.end("failed" if is_failure(error) else "cancelled", describe_failure(error))

    def end(self, status: str, about: dict[str, Any] | None = None) -> None:
        """Close the record with a status and more fields of its end, as `finish` does."""
        if not self._running:
            return
        self._running = False
        if self.record.end(status, about):
            self.bus.shutdown(self.hooks_within_s)
            self.record.close()

    def say(self, event_type: str, message: str | None = None, *, level: str = "info", **fields: Any) -> None:
        """Publish an event of this run; any keyword becomes a field. Never raises."""
        self.bus.publish(event_type, message, level=level, fields={"run_id": self.run_id, **fields})

    def _card(self) -> Card:
        from odibi_core.runtime.run_cards import observer_card

        return observer_card(self)

    def _line(self) -> str:
        return f"Observer({sanitize_text(self.name)!r}, {self.run_id!r})"

    def __enter__(self) -> Observer:
        self.start()
        with ExitStack() as block:
            block.enter_context(self.record.scope())
            block.callback(_active.reset, _active.set(self))
            block.callback(self.detach)
            self.attach()
            self._block = block.pop_all()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._block.close()
        self.finish(error)


_active: ContextVar[Observer | None] = ContextVar("odibi_core_observer", default=None)


class _Observers:
    """The observers of this process with an open block, in any thread, and the one of a run for which it works."""

    def __init__(self) -> None:
        self.open: list[Observer] = []
        self.worker: _WorkerObserver | None = None


_observers: Final = STATE.part(_Observers)


def active() -> Observer | None:
    """Return the observer of the block that this code runs in.

    A thread that the program started has no block of its own: it belongs to the open block, if there is only one.
    """
    found = _active.get()
    if found is not None or len(_observers.open) > 1:
        return found
    return _observers.open[0] if _observers.open else _in_worker()


def activate(observer: Observer | None) -> Observer | None:
    """Let this thread or task belong to the run of an observer from now on; return the observer that it had before."""
    before = _active.get()
    _active.set(observer)
    return before


class _WorkerObserver(Observer):
    """The run of another process in its worker: it publishes on the program's bus, and neither starts nor ends."""

    def __init__(self, run_id: str) -> None:
        super().__init__(store=False, bus=program.program_bus(), metrics=program.get_metrics())
        self.run_id = self.record.run_id = run_id
        self.tracker.close()
        if self.settings.files.track:
            self.record.files = FileEvents(self.bus, run_id, ask=self.settings.files.ask)
            self.record.files.open()
        self.sources = SourceKeeper(program.store_of_work())


def _in_worker() -> Observer | None:
    """Return the observer of the run that this process is a worker of, if it is one."""
    run_id = program.works_for()
    if run_id is None:
        return None
    if _observers.worker is None or _observers.worker.run_id != run_id:
        _observers.worker = _WorkerObserver(run_id)
    return _observers.worker


def observe(
    name: str = "program",
    *,
    store: str | Path | Literal[False] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    partition: str | date | None = None,
) -> Observer:
    """Record a `with` block as a run of its own: `with observe("nightly") as run: …`.

    Args:
        name: Name of the run's pipeline.
        store: Folder of the record (default: `.odibi`, or the setting); False for none.
        params: Parameters of the run, for the record.
        tags: Tags of the run, `{"team": "sales"}`; those of the settings are added.
        partition: Logical date or partition that the run is for, a text or a date (default: the setting).

    Raises:
        ConfigurationError: If a setting or an argument is invalid.
    """
    settings = read_settings(store={"dir": store or None})
    return Observer(name, store=store, settings=settings, purpose=purpose_of(params, tags, partition, settings.run))


def run(steps: Iterable[Step | Callable[..., Any]], engine_type: str = "pandas", **options: Any) -> Result:
    """Run a pipeline and record it: `run([read, clean, join])`, where parameter names are the inputs.

    Args:
        steps: Steps and functions, in any order.
        engine_type: Engine of the steps that name none.
        **options: Options of `Orchestrator`.

    Returns:
        The result of the run.

    Raises:
        PipelineDefinitionError: If the steps do not fit together; nothing has run then.
        PipelineError: If the run failed; its `result` is the result of the run.
    """
    return Orchestrator(steps, engine_type, **options).execute()
