"""The life cycle of one run: `RunRecord` opens its record, emits its start, plan and end, and closes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core import _fork, private_files
from odibi_core.bus.bus import EventBus, Sink
from odibi_core.events import Event, context, kinds, sanitize_text, sanitize_value
from odibi_core.events.clock import host_name, monotonic, process_id, process_start
from odibi_core.events.failure import message_of
from odibi_core.events.groups import groups_by_weight
from odibi_core.history.end_of_run import HANDLED_KINDS as STRUCTURAL_KINDS
from odibi_core.history.end_of_run import EndOfRun
from odibi_core.metrics.manager import MetricsManager
from odibi_core.process import state as program
from odibi_core.process.configured_metrics import buckets_of_run, check_buckets
from odibi_core.process.worker_record import close_record, open_record
from odibi_core.process_end import leave_child
from odibi_core.redaction import redactor as redaction
from odibi_core.runtime import sigterm
from odibi_core.runtime.exports import attach_exports
from odibi_core.runtime.file_events import FileEvents
from odibi_core.runtime.overhead import Overhead
from odibi_core.settings import Settings
from odibi_core.store.journal import Journal
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import read_events
from odibi_core.store.sources import SourceStore
from odibi_core.views.metrics.view import BUCKETS_FIELD, HANDLED_KINDS

if TYPE_CHECKING:
    from odibi_core.alerts.of_run import RunAlerts
    from odibi_core.alerts.rulebook import Rulebook
    from odibi_core.runtime.tracker import Tracker

COUNTS: Final = ("success_count", "failed_count", "skipped_count")
"""The fields of a run's end that count its nodes."""
_PLAN_CHUNK: Final = 32 * 1024
"""Bytes of steps in one `pipeline_plan` event, about: a field has room for 64 kB."""

OnStop = Callable[[BaseException], object]


def apply_settings(settings: Settings, *, store: bool) -> RunStore | None:
    """Apply the process-wide part of a run's settings; return the store that they name, or None without `store`."""
    own = settings.redaction
    redaction.configure(own.names, own.patterns, source="settings")
    private_files.set_file_mode(settings.store.mode)
    check_buckets()
    if store and settings.store.url:
        from odibi_core.history.remote import shipper  # here, because most stores are not shared

        shipper.check(settings.store)
    if store and settings.alerts.enabled:
        _rules_of(settings)
    return RunStore(settings.root) if store else None


def _rules_of(settings: Settings) -> Rulebook:
    """Return the rules of alerts.

    Raises:
        ConfigurationError: One of them is wrong.
    """
    from odibi_core.alerts.rulebook import read_rules  # here, because most programs have no rules

    return read_rules(settings.alerts.rules)


class RunOverError(Exception):
    """Ends a step of a run that is over; nothing handles it."""


class RunRecord:
    """The record of one run: its journal, its subscriptions, its first and its last event.

    Only the process that opened a run ends it: in a forked child, `forked` is True and `end` emits nothing.
    The order of calls is `open`, `start`, `plan`, `end`, `close`. A `Tracker` calls `start` and `end` alone.
    """

    def __init__(
        self,
        name: str,
        bus: EventBus,
        run_id: str,
        *,
        settings: Settings | None = None,
        store: RunStore | None = None,
        metrics: MetricsManager | None = None,
        tracker: Tracker | None = None,
    ) -> None:
        self.name = name
        self.bus = bus
        self.run_id = run_id
        self.settings = settings
        self.store = store
        self.metrics = metrics
        self.tracker = tracker
        self.overhead = Overhead()
        self.forked = False
        self.in_child: Callable[[], object] = lambda: None
        """The call in a forked child that stops the run there."""
        self.files: FileEvents | None = None
        self.unusual: int | None = None
        """The number of unusual findings, once the run has ended; None if it was not judged."""
        self._end_of_run: EndOfRun | None = None
        self._alerts: RunAlerts | None = None
        self._journal: Journal | None = None
        self._sinks: list[Sink] = []
        self._lent = False
        self._began = 0.0
        self._ending = Lock()
        self._outside = context.current()
        self._stop_call: sigterm.StopCall | None = None
        _fork.in_child(self._after_fork)

    def open(self, on_stop: OnStop | None = None, *, observed: bool = False) -> None:
        """Open the journal and subscribe journal, metrics and tracker; if that fails, nothing stays subscribed.

        Args:
            on_stop: Called with the reason if SIGTERM or SIGHUP ends the process; by default `interrupt`.
            observed: The run is driven from outside: all events of its bus belong to it, and calls of `@node` functions
                in worker processes are its nodes. Otherwise other runs may use the same bus.
        """
        try:
            with self.overhead.measured():
                self._open(observed)
        except BaseException:
            self.close()
            raise
        self._stop_call = sigterm.before_stop(on_stop or self.interrupt)

    def _open(self, observed: bool) -> None:
        if self.settings is not None:
            own = self.settings.redaction
            redaction.configure(credentials=own.credentials, personal=own.personal, source=self.run_id)
        program.join(self.bus)
        attach_exports(self.store.root if self.store is not None else None)
        if self.store is not None and self.settings is not None:
            stored = self.settings.store
            self._journal = self.store.open(
                self.run_id, durability=stored.durability, segment_bytes=max(1, int(stored.segment_mb * 2**20))
            )
            self.subscribe(self._journal, "journal", observed=observed)
            open_record(self.run_id, self.store.root, self.bus, observed=observed)
            self._end_of_run = EndOfRun(self.bus, self.run_id, self.store, stored)
            self.subscribe(self._end_of_run, "end of run", STRUCTURAL_KINDS, observed=observed)
            if self.settings.alerts.enabled and (book := _rules_of(self.settings)):
                self._follow_alerts(book, self.store.root, observed)
            self._ship(is_over=False)
        self._send_lineage(observed)
        if self.metrics is not None:
            self.subscribe(self.metrics, "metrics", HANDLED_KINDS, observed=observed)
            self._lent = self.metrics.lend(self.bus)
        if self.tracker is not None:
            self.tracker.follow(self.run_id)
        if self.settings is not None and self.settings.files.track:
            self.files = FileEvents(self.bus, self.run_id, ask=self.settings.files.ask)
            self.files.open()

    def _send_lineage(self, observed: bool) -> None:
        """Send the run as events of OpenLineage while it lasts; only if a receiver or a file is set."""
        if self.settings is None or not (self.settings.openlineage.url or self.settings.openlineage.file):
            return
        from odibi_core.openlineage import sending  # here: most programs send none

        own = self.settings.openlineage
        if self.store is None:
            sender = sending.sender_of(own, None)
        else:
            sender = sending.sender_of(own, self.store.root, SourceStore(self.store.root).text_of)
        if sender is not None:
            self.subscribe(sender, "openlineage", sending.HANDLED_KINDS, observed=observed)

    def _follow_alerts(self, book: Rulebook, root: Path, observed: bool) -> None:
        from odibi_core.alerts.of_run import HANDLED_KINDS as FACTS  # here: most programs have no rules
        from odibi_core.alerts.of_run import RunAlerts

        self._alerts = RunAlerts(self.bus, self.run_id, self.name, root, book)
        self.subscribe(self._alerts, "alerts", FACTS, observed=observed)

    def subscribe(
        self, sink: Sink, name: str, wanted: Iterable[str] = (kinds.EVERYTHING,), *, observed: bool = False
    ) -> None:
        """Subscribe a sink until the record is closed: to events of this run and of no run, or to all if `observed`."""
        if observed and any(known is sink for _, known in self.bus.sinks()):
            return  # the program's own metrics
        self._sinks.append(sink if observed else _RunFilter(self.run_id, sink))
        self.bus.subscribe(self._sinks[-1], wanted, name=name)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Inside, events belong to this run and to no node of an outer one, and program loggers use its bus."""
        with context.bind(run_id=self.run_id, node_name=None) as here, context.using_bus(self.bus):
            context.put(context.in_span(here))  # nodes of worker processes are in the span that is active here
            yield

    def start(self, *, outlives_process: bool = False, **about: Any) -> None:
        """Emit `pipeline_start` with the identity of this process, the run around this one, and more fields.

        If the run outlives this process, the event has no process: its end does not mean that the run is lost.
        """
        self._began = monotonic()
        identity: dict[str, Any] = {"host": host_name()}
        if not outlives_process:
            identity |= {"pid": process_id(), "process_start": process_start()}
        buckets = buckets_of_run(self.metrics)
        if buckets:
            about[BUCKETS_FIELD] = buckets
        self._publish(kinds.PIPELINE_START, "running", {**identity, **self._parent(), **about})

    def _parent(self) -> dict[str, Any]:
        """Return the run and the node in which this run began: in this process, or in the one that started it."""
        around = self._outside if self._outside.run_id is not None else context.inherited()
        if around.run_id in (None, self.run_id):
            return {}
        return {"parent_run_id": around.run_id, "parent_node": around.node_name}

    def plan(self, rows: Iterable[dict[str, Any]]) -> None:
        """Emit the steps of the plan, in as many `pipeline_plan` events as they need."""
        for chunk in groups_by_weight(rows, _weight, _PLAN_CHUNK):
            fields = {"run_id": self.run_id, "steps": chunk}
            began = monotonic()
            self.bus.publish(kinds.PIPELINE_PLAN, level="debug", fields=fields)
            self.overhead.add_event(monotonic() - began)

    def end(self, status: str, about: dict[str, Any] | None = None, counts: dict[str, int] | None = None) -> bool:
        """Emit the end of the run: its status, duration, counts (by default the tracker's), and the fields of `about`.

        Return False, and emit nothing, in a forked child and after an earlier end.
        """
        if self.metrics is not None:
            self.metrics.flush()
        if self.forked or not self._ending.acquire(blocking=False):
            return False
        self._read_workers()
        if self.files is not None:
            self.files.close()
        kind, level = kinds.PIPELINE_COMPLETE, "info"
        if status != "success":
            kind, level = kinds.PIPELINE_ERROR, "warning" if status == "cancelled" else "error"
        counts = self._counts() if counts is None else counts
        fields = {"duration_ms": self.duration_ms, **counts, **(about or {})}
        if self._end_of_run is not None:
            if status != "cancelled":  # a stopped run has seconds to close its record, of which judging may take some
                with self.overhead.measured():
                    self.unusual = self._end_of_run.judge(status, fields["duration_ms"])
            if self._alerts is not None:
                with self.overhead.measured():
                    self._alerts.at_end(status, fields["duration_ms"], fields.get("error"), self._end_of_run)
            fields["unusual"] = self.unusual
        events = None if self._journal is None else self._journal.accepted
        fields |= self.overhead.end(fields["duration_ms"], events)
        live = {"metrics_manager": self.metrics, "tracker": self.tracker, "store": self.store}
        self._publish(kind, status, fields, level, live)
        return True

    def last_good_rows(self, partition: str | None) -> dict[str, dict[str, dict[str, Any]]] | None:
        """Return the rows of the last good run, by step and dataset; None without a store, which has no earlier run."""
        if self._end_of_run is None:
            return None
        return self._end_of_run.last_good_rows(sanitize_text(self.name), partition and sanitize_text(partition))

    def leave(self) -> None:
        """Close the part of this process in a run that other processes continue: the run does not end."""
        if self.metrics is not None:
            self.metrics.flush()
        self._end_of_run = None
        self.close()

    def interrupt(self, error: BaseException) -> bool:
        """End and close the run as cancelled, from a thread that does not run it; return False if it ends already."""
        ends_here = self.end("cancelled", {"error": message_of(error)})
        if ends_here:
            self.close()
        return ends_here

    def close(self) -> None:
        """Unsubscribe and close everything that `open` opened; a second call does nothing."""
        if self._stop_call is not None:
            self._stop_call.cancel()
        close_record(self.run_id)
        if self.files is not None:
            self.files.close()
        while self._sinks:
            self.bus.unsubscribe(self._sinks.pop())
        if self._journal is not None:
            self._journal.close()
        if self._end_of_run is not None:
            ended, self._end_of_run = self._end_of_run, None
            ended.recorded()
            self._ship(is_over=True)
        if self._lent and self.metrics is not None:
            self._lent = False  # by a second call, the manager may belong to another run
            self.metrics.lend(None)
        if self.tracker is not None:
            self.tracker.close()
        redaction.release(self.run_id)

    def _ship(self, *, is_over: bool) -> None:
        """Ship the run to the shared store while it lasts, or its rest; only if `store.url` is set."""
        if self.store is None or self.settings is None or not self.settings.store.url:
            return
        from odibi_core.history.remote import shipper

        ship = shipper.ship_soon if is_over else shipper.follow
        ship(self.store.root, self.settings.store, self.run_id)

    @property
    def path(self) -> Path | None:
        """The run's folder; None without a store."""
        return self.store.folder(self.run_id) if self.store else None

    @property
    def duration_ms(self) -> float:
        """Milliseconds since the start."""
        return (monotonic() - self._began) * 1e3

    def _counts(self) -> dict[str, int]:
        """Return how many nodes succeeded, failed and were skipped; `{}` without a tracker."""
        if self.tracker is None:
            return {}
        summary = self.tracker.lineage().summary
        return {name: getattr(summary, name) for name in COUNTS}

    def _after_fork(self) -> None:
        self.forked = True
        self.in_child()

    def leave_if_forked(self, error: BaseException | None = None) -> None:
        """End this process if it is a forked child that came back from a step or a hook of its parent's run."""
        if self.forked:
            while isinstance(error, RunOverError):
                error = error.__context__
            leave_child(error)

    def _read_workers(self) -> None:
        """Count what worker processes and forked children recorded in the run, as a reader of the record does."""
        others = self._journal.segments_of_others() if self._journal is not None else []
        for event in read_events(others):
            if self.tracker is not None:
                self.tracker.receive(event)
            if self.metrics is not None:
                self.metrics(event)
            if self._end_of_run is not None and event.event_type in STRUCTURAL_KINDS:
                self._end_of_run(event)
            if self._alerts is not None:
                self._alerts(event)

    def _publish(
        self, kind: str, status: str, about: dict[str, Any], level: str = "info", live: dict[str, Any] | None = None
    ) -> None:
        fields = {"run_id": self.run_id, "pipeline_name": self.name, "status": status, **about}
        began = monotonic()
        self.bus.publish(kind, level=level, fields=fields, live=live)
        self.overhead.add_event(monotonic() - began)


class _RunFilter:
    """Passes on the events of one run and of no run, until that run ends.

    Other runs may use the same bus, and an abandoned thread may still emit when the run is over.
    """

    def __init__(self, run_id: str, sink: Sink) -> None:
        self._run_id = run_id
        self._sink = sink
        self._ended = False

    def __call__(self, event: Event) -> None:
        if self._ended or (event.run_id != self._run_id and event.run_id is not None):
            return
        self._ended = event.event_type in kinds.PIPELINE_ENDS and event.run_id is not None
        self._sink(event)


def _weight(row: dict[str, Any]) -> int:
    try:
        return len(msgspec.json.encode(row))
    except UnicodeEncodeError:  # a name with a lone surrogate, which the record has as U+FFFD
        return len(msgspec.json.encode(sanitize_value(row)))
