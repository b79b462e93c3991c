"""The runs of a store that run now: their open steps, rows, memory and errors, and the usual durations beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from msgspec import Struct, to_builtins

from odibi_core.events import Event, kinds
from odibi_core.events.clock import host_name, resident_memory_of_mb, utc_now
from odibi_core.history.index import Index, RunFilter
from odibi_core.store.follower import Follower
from odibi_core.store.runs import RunStore, pipeline_of
from odibi_core.store.segments import ReadErrors, safe_name
from odibi_core.views.answers import Node, RunRow, Timeline
from odibi_core.views.run_head import CLOSING
from odibi_core.views.runs import RunsView
from odibi_core.views.timeline import TimelineView
from odibi_core.views.values import number

QUIET_S: Final = 60.0
"""Seconds without an event, after which a run counts as quiet: a long step, or a process that hangs."""
_MOST_USUAL: Final = 15
"""Successful runs from which the usual duration follows."""
_MOST_RUNS: Final = 500
_MOST_OPEN: Final = 50
_MOST_LINES: Final = 200
_ERROR: Final = kinds.severity("error")
_OLDEST_LOST: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=2)
"""Runs that ended a short time ago are looked for among those that started so long before."""


class OpenStep(Struct, frozen=True):
    """A step that runs now; `usual_ms` is its median duration in the last good runs, None if it is not known."""

    name: str
    layer: str | None
    started: datetime | None
    elapsed_ms: float | None
    usual_ms: float | None
    worker: str | None
    attempts: int | None


class LiveRun(Struct, frozen=True, kw_only=True):
    """A run as it is now.

    Args:
        run_id: Its id.
        pipeline_name: Its pipeline.
        status: running, success, failed, cancelled or lost.
        quiet_s: Seconds since its last event, of a running one.
        host: The host of its process.
        is_here: True if that is this host.
        pid: The process.
        started: Its start.
        ended: Its end; of a lost run its last event.
        elapsed_ms: The time since its start, until its end.
        usual_ms: The median duration of the last good runs; None if there is none.
        steps: Its steps, as many as are known.
        counts: The number of steps in each state.
        open_steps: The steps that run now, the longest first.
        rows_read: Rows of the steps that read, so far.
        rows_published: Rows of the steps that publish, so far.
        memory_mb: Resident memory, of the process if it is here, else at the last event that has it.
        errors: Failed steps, and lines of the log of level error.
        error: The reason of a failed run, or of its first failed step.
    """

    run_id: str
    pipeline_name: str | None
    status: str
    quiet_s: float | None
    host: str | None
    is_here: bool
    pid: int | None
    started: datetime | None
    ended: datetime | None
    elapsed_ms: float | None
    usual_ms: float | None
    steps: int
    counts: dict[str, int]
    open_steps: list[OpenStep]
    rows_read: int | None
    rows_published: int | None
    memory_mb: float | None
    errors: int
    error: str | None

    @property
    def done(self) -> int:
        """The number of steps that have ended."""
        return self.steps - self.counts.get("pending", 0) - self.counts.get("running", 0)

    @property
    def share(self) -> float | None:
        """The share of the usual duration that has passed; more than 1 for a run that takes longer."""
        return self.elapsed_ms / self.usual_ms if self.usual_ms and self.elapsed_ms is not None else None

    def as_dict(self) -> dict[str, Any]:
        """Return the run as plain values."""
        plain: dict[str, Any] = to_builtins(self)
        return plain


class LiveRuns:
    """The live runs of a store; each `poll` reads only the lines that were written since the last one.

    Args:
        store: The store, or the local copy of a shared one.
        keep: Runs that ended so long ago are shown too; lost ones for an hour at least, because their end is noticed
            late.
        pipeline: Only this pipeline.
    """

    def __init__(self, store: RunStore, keep: timedelta = timedelta(0), pipeline: str | None = None) -> None:
        self._store, self._keep, self._pipeline = store, keep, pipeline
        self._runs: dict[str, _Run] = {}
        self._usual = _Usual(store)
        slug = None if pipeline is None else safe_name(pipeline, 40)
        self._follower = Follower(store, [], lambda run_id: slug in (None, pipeline_of(run_id)))
        known = set(self._follower.known)  # before the index is read: no run may begin unseen between the two
        first = self._first()
        self._follower.add(run_id for run_id in first if run_id in known)

    def _first(self) -> list[str]:
        """Return the runs that run, and those that ended a short time ago."""
        now = utc_now()
        with Index(self._store.root) as index:
            index.refresh()
            running = index.runs(RunFilter(pipeline_name=self._pipeline, status="running"), _MOST_RUNS)
            wanted = RunFilter(pipeline_name=self._pipeline, since=now - max(self._keep, _OLDEST_LOST) - _LONGEST)
            ended = [
                row
                for row in index.runs(wanted, _MOST_RUNS)
                if row["status"] != "running" and self._is_recent(row["status"], row["ended"] or row["started"], now)
            ]
        return [row["run_id"] for row in (*running, *ended)]

    def _is_recent(self, status: str, end: datetime | None, now: datetime) -> bool:
        keep = max(self._keep, _OLDEST_LOST) if status == "lost" else self._keep
        return end is not None and end >= now - keep

    @property
    def read_errors(self) -> ReadErrors:
        """The lines that could not be read."""
        return self._follower.read_errors

    def poll(self) -> list[LiveRun]:
        """Return the runs: those that run, the newest first, then those that ended."""
        for event in self._follower.poll():
            if (run_id := event.run_id) is not None:
                run = self._runs.get(run_id)
                if run is None:
                    run = self._runs[run_id] = _Run(run_id)
                run(event)
        now = utc_now()
        found = [live for run in self._runs.values() if (live := self._live(run, now)) is not None]
        self._forget(found, now)
        found = [run for run in found if run.status == "running" or self._is_recent(run.status, run.ended, now)]
        found.sort(key=lambda run: (run.status == "running", run.started or now), reverse=True)
        return found[:_MOST_RUNS]

    def _forget(self, found: Iterable[LiveRun], now: datetime) -> None:
        """Remove runs that are shown no longer, after the time in which the follower may have further lines of them."""
        oldest = now - max(self._keep, _OLDEST_LOST) - timedelta(seconds=QUIET_S)
        for run in found:
            if run.status != "running" and run.ended is not None and run.ended < oldest:
                del self._runs[run.run_id]

    def lines(self, run_id: str) -> list[Event]:
        """Return the last lines of the log of a run."""
        run = self._runs.get(run_id)
        return list(run.lines) if run is not None else []

    def _live(self, run: _Run, now: datetime) -> LiveRun | None:
        row, timeline = run.rows.answer()[0], run.timeline()
        if row.start is None or self._pipeline not in (None, row.pipeline_name):
            return None  # of a run whose files are gone, or of another pipeline with the same short name
        running = row.status == "running"
        name = row.pipeline_name
        until = now if running else row.end or row.last_event
        elapsed = (until - row.start).total_seconds() * 1e3 if row.start and until else row.duration_ms
        is_here = row.host == host_name()
        return LiveRun(
            run_id=run.run_id, pipeline_name=name, status=row.status, host=row.host, is_here=is_here, pid=row.pid,
            quiet_s=(now - row.last_event).total_seconds() if running and row.last_event else None,
            started=row.start, ended=None if running else until,
            elapsed_ms=elapsed if running or row.duration_ms is None else row.duration_ms,
            usual_ms=self._usual.of_run(name, run.run_id),
            steps=timeline.total, counts=timeline.counts, open_steps=self._open(timeline, name, now) if running else [],
            rows_read=row.rows_read, rows_published=row.rows, errors=run.errors, error=row.error or run.error,
            memory_mb=_memory(row, is_here, running) or run.memory_mb,
        )  # fmt: skip

    def _open(self, timeline: Timeline, pipeline: str | None, now: datetime) -> list[OpenStep]:
        running = [node for node in timeline.nodes if node.state == "running"]
        running.sort(key=lambda node: node.start or now)
        return [self._open_step(node, pipeline, now) for node in running[:_MOST_OPEN]]

    def _open_step(self, node: Node, pipeline: str | None, now: datetime) -> OpenStep:
        return OpenStep(
            name=node.node_name, layer=node.layer, started=node.start, worker=node.worker, attempts=node.attempts,
            elapsed_ms=(now - node.start).total_seconds() * 1e3 if node.start else None,
            usual_ms=self._usual.of_step(pipeline, node.node_name),
        )  # fmt: skip


def _memory(row: RunRow, is_here: bool, running: bool) -> float | None:
    return resident_memory_of_mb(row.pid) if is_here and running and row.pid is not None else None


class _Run:
    """One run: the states of its rows and steps, its errors, and the end of its log, from the events so far."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.rows, self._steps = RunsView(), TimelineView(run_id)
        self.errors = 0
        self.error: str | None = None
        self.memory_mb: float | None = None
        self.lines: deque[Event] = deque(maxlen=_MOST_LINES)
        self._timeline: Timeline | None = None

    def __call__(self, event: Event) -> None:
        self.rows(event)
        self._steps(event)
        self._timeline = None
        self.memory_mb = number(event.memory_mb) or self.memory_mb
        if kinds.severity(event.level) >= _ERROR and event.event_type not in CLOSING:
            self.errors += 1
            reason = event.error or event.message
            self.error = self.error or (f"{event.node_name}: {reason}" if event.node_name else reason)
        if event.event_type not in kinds.FOR_MACHINES:
            self.lines.append(event)

    def timeline(self) -> Timeline:
        """Return the states of the steps, computed again only after further events."""
        if self._timeline is None:
            self._timeline = self._steps.answer()
        return self._timeline


class _Usual:
    """The usual durations of pipelines and steps, each read once from the index."""

    def __init__(self, store: RunStore) -> None:
        self._root = store.root
        self._known: dict[tuple[str, str | None, str | None], float | None] = {}

    def of_run(self, pipeline: str | None, run_id: str) -> float | None:
        """Return the median duration of the last good runs of a pipeline, without one run."""
        return self._find(pipeline, None, run_id)

    def of_step(self, pipeline: str | None, step: str) -> float | None:
        """Return the median duration of a step in the last good runs."""
        return self._find(pipeline, step, None)

    def _find(self, pipeline: str | None, step: str | None, without: str | None) -> float | None:
        if pipeline is None:
            return None
        key = (pipeline, step, without)
        if key not in self._known:
            with Index(self._root) as index:
                rows = (
                    index.runs(RunFilter(pipeline_name=pipeline, status="success"), _MOST_USUAL + 1)
                    if step is None
                    else index.nodes(pipeline, step, last=_MOST_USUAL)
                )
            self._known[key] = _median(row for row in rows if row["run_id"] != without)
        return self._known[key]


def _median(rows: Iterable[dict[str, Any]]) -> float | None:
    known = [row["duration_ms"] for row in rows if row["status"] == "success" and row["duration_ms"] is not None]
    return median(known[:_MOST_USUAL]) if known else None
