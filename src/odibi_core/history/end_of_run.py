"""`EndOfRun`: the work for the history at the end of a run, in the process that ran it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from odibi_core.bus.bus import EventBus
from odibi_core.events import Event, kinds
from odibi_core.events.clock import process_id, utc_now
from odibi_core.history import usual_rows
from odibi_core.history.background import compact_soon
from odibi_core.history.figures import LEARNING, RunFigures, Tables, run_figures
from odibi_core.history.rows.tables import as_dicts, tables_of
from odibi_core.history.suspicion import is_suspicious
from odibi_core.store.runs import RunStore

if TYPE_CHECKING:
    from odibi_core.history.blame import Blame
    from odibi_core.history.index import Index
    from odibi_core.settings.sections import Store as StoreSettings

_T = TypeVar("_T")
_log = logging.getLogger("odibi_core")

HANDLED_KINDS: Final = frozenset(
    {
        kinds.PIPELINE_START, kinds.PIPELINE_PLAN, kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR, kinds.NODE_START,
        kinds.NODE_COMPLETE, kinds.NODE_FAILED, "node_error", kinds.NODE_RETRY, kinds.NODE_SKIPPED, kinds.SNAPSHOT,
        kinds.CHECK_RESULT, kinds.COST, kinds.FILE_ACCESS, kinds.JOIN_MATCH, kinds.ROW_CHANGE, kinds.ANOMALY,
    }
)  # fmt: skip
"""The kinds that a run is judged by: neither lines of the log nor metrics, of which there may be millions."""
MAX_EVENTS: Final = 5_000
"""Events of a run that are kept; a larger run is not judged."""
_RECENT: Final = 10
"""Runs of which the successful ones show if a run is worth a comparison."""
_BUSY_S: Final = 0.2
_BUILD_S: Final = 0.03
"""Seconds for the newest runs if there is no index, as after its deletion; the next command reads the others."""


class History(NamedTuple):
    """The figures of a run and of earlier ones, the oldest first, and the costs of its pipeline since a time."""

    current: RunFigures | None
    earlier: list[RunFigures]
    cost_usd: float | None
    reason: str
    """The reason for which `current` is None."""


class EndOfRun:
    """The structural events of one run, which are judged before its end and indexed after it.

    It never raises, and does nothing in a forked child. A failure is counted by the bus and reported once.

    Args:
        bus: The bus on which findings are published.
        run_id: The run.
        store: The store of the run.
        settings: The settings of the store; None starts no compaction.
    """

    def __init__(self, bus: EventBus, run_id: str, store: RunStore, settings: StoreSettings | None = None) -> None:
        self._bus = bus
        self._run_id = run_id
        self._store = store
        self._settings = settings
        self._process = process_id()
        self._events: list[Event] = []
        self._is_full = False
        self._index: Index | None = None
        self._tables: Tables | None = None
        self._has_succeeded = False
        self._figures: RunFigures | None = None
        """The rows of the run as it was judged, and its figures; None before."""
        self.blame: Blame | None = None
        """The first step that differs from the last good run, once the run was judged; None if all is as usual."""

    def __call__(self, event: Event) -> None:
        if not self._is_full:
            self._events.append(event)
            if len(self._events) > MAX_EVENTS:
                self._is_full, self._events = True, []

    def judge(self, status: str, duration_ms: float) -> int | None:
        """Compare the run with earlier ones and publish each finding; return their number, None if not judged.

        A pipeline with fewer than `LEARNING` successful runs is not judged, nor a run of selected steps.
        """
        found = self._safely("noticing", lambda: self._judge(status, duration_ms))
        self._safely("blame", lambda: self._blame(status, duration_ms, found or 0))
        return found

    def earlier(self, runs: int, month: datetime | None) -> History:
        """Return what rules of alerts read: the figures of the run, those of earlier runs, and the costs of a month.

        Args:
            runs: The number of earlier runs.
            month: The start of the month; None if no rule reads its costs.
        """
        none = History(None, [], None, "the history could not be read")
        return self._safely("the history for alerts", lambda: self._earlier(runs, month)) or none

    def _earlier(self, runs: int, month: datetime | None) -> History:
        current = self._figures
        if self._is_full:
            reason = f"the run has more than {MAX_EVENTS:,} events of steps"
        else:
            reason = "" if current is not None else "the run has no figures"
        if not runs and month is None:
            return History(current, [], None, reason)
        index = self._open_index()
        name = self._pipeline_name
        found = index.figures(name, None if current is None else current.started, runs) if runs else []
        earlier = [run for run in found if run.run_id != self._run_id]
        return History(current, earlier, None if month is None else index.cost_since(name, month), reason)

    @property
    def _pipeline_name(self) -> str:
        names = (event.fields.get("pipeline_name") for event in self._of_the_run())
        return self._figures.pipeline_name if self._figures else str(next(filter(None, names), ""))

    def last_good_rows(self, pipeline_name: str, partition: str | None) -> usual_rows.Steps:
        """Return the rows of each frame in the last good run, by step and dataset; none without such a run."""
        return self._safely("the rows of earlier runs", lambda: self._last_good_rows(pipeline_name, partition)) or {}

    def _last_good_rows(self, pipeline_name: str, partition: str | None) -> usual_rows.Steps:
        root = self._store.root
        found = usual_rows.read(root, pipeline_name, partition)
        if found is not None or not usual_rows.has_runs(root, self._store.folder(self._run_id).name):
            return found or {}
        return usual_rows.built_again(root, self._open_index(), pipeline_name, partition)

    def _keep_rows(self) -> None:
        if self._tables is not None and self._has_succeeded:
            run = next(iter(as_dicts("runs", self._tables["runs"])), {})
            usual_rows.keep(self._store.root, str(run.get("pipeline_name")), run.get("partition"), self._tables)

    def recorded(self) -> None:
        """Index the run, whose record is closed; start a compaction of the store if it is due."""
        self._safely("the rows of the last good run", self._keep_rows)
        self._safely("the index of the runs", self._record)
        self._safely("the compaction of the store", self._compact)
        if self._settings is not None and self._settings.export_to:
            self._safely("the export to the database", self._export)

    def _export(self) -> None:
        from odibi_core.history.database.after_runs import export_soon  # here, because few stores are exported

        if self._settings is not None:
            export_soon(self._store.root, self._settings.export_to, self._settings.mode)

    def _compact(self) -> None:
        if self._settings is not None:
            compact_soon(self._store.root, self._settings, self._run_id)

    def _safely(self, name: str, call: Callable[[], _T]) -> _T | None:
        if process_id() != self._process:
            return None
        import sqlite3

        try:
            return call()
        except sqlite3.OperationalError:  # read-only or locked: the run is not judged, and its next reader indexes it
            return None
        except Exception as error:
            line = self._bus.count_failure(name, error)
            if self._bus.failures[name] == 1:
                _log.warning(line)
            return None

    def _judge(self, status: str, duration_ms: float) -> int | None:
        if self._is_full:
            return None
        self._has_succeeded = status == "success"
        self._tables = tables_of([*self._of_the_run(), self._end(status, duration_ms)])
        self._figures = current = run_figures(self._tables)
        if current is None or current.figures.get("is_partial"):
            return None  # a run of some steps lacks the others on purpose
        index = self._open_index()
        if not index.has_succeeded(current.pipeline_name, LEARNING):
            return None
        from odibi_core.history.noticing import judge_run  # here: a new pipeline is not judged

        findings = judge_run(index, current)
        if findings is None:
            return None
        for fields in findings:
            message = fields.pop("message", None)
            about = {"run_id": self._run_id, **fields}
            self._bus.publish(kinds.ANOMALY, message, level="warning", fields=about)
        return sum(not fields.get("muted") for fields in findings)

    def _blame(self, status: str, duration_ms: float, findings: int) -> None:
        """Publish where the run begins to differ from the last good one, if it is not as usual."""
        if self._tables is None or self._figures is None or self._figures.figures.get("is_partial"):
            return
        if not findings and not is_suspicious(status, self._tables, self._figures, self._good_runs()):
            return
        from odibi_core.history.blame.at_end import blame_at_end  # here: a usual run needs none of it

        tables = tables_of([*self._of_the_run(), self._end(status, duration_ms)]) if findings else self._tables
        self.blame = found = blame_at_end(self._open_index(), tables)
        if found is not None and found.certainty == "possible" and not findings and status == "success":
            self.blame = found = None  # within the noise: nothing is unusual
        if found is not None:
            fields = {"run_id": self._run_id, **found.fields()}
            self._bus.publish(kinds.BLAME, found.sentence, level="warning", fields=fields)

    def _good_runs(self) -> list[RunFigures]:
        """Return the figures of the last successful runs of all steps, the oldest first."""
        started = self._figures.started if self._figures is not None else None
        found = self._open_index().figures(self._pipeline_name, started, _RECENT)
        return [each for each in found if each.status == "success" and not each.figures.get("is_partial")]

    def _of_the_run(self) -> list[Event]:
        return [event for event in self._events if event.run_id in (self._run_id, None)]

    def _end(self, status: str, duration_ms: float) -> Event:
        """Return the end that will be published."""
        return Event(
            timestamp=utc_now(),
            level="info",
            event_type=kinds.PIPELINE_COMPLETE if status == "success" else kinds.PIPELINE_ERROR,
            status=status,
            duration_ms=duration_ms,
            run_id=self._run_id,
        )

    def _open_index(self) -> Index:
        from odibi_core.history.index import Index
        from odibi_core.history.index.scan import hot_names

        if self._index is None:
            self._index = Index(self._store.root, _BUSY_S, in_run=True)
            if self._index.is_new() and len(hot_names(self._store.root)) > 1:
                self._index.refresh(within_s=_BUILD_S)
        return self._index

    def _record(self) -> None:
        """Keep the figures of the run for later runs. The next command that reads the index reads the record."""
        from odibi_core.history.index.scan import Segments

        try:
            if self._tables is not None:
                segments = Segments(self._store.root, self._store.folder(self._run_id).name)
                self._open_index().record(self._run_id, self._tables, segments, figures=self._figures, complete=False)
        finally:
            if self._index is not None:
                self._index.close()
