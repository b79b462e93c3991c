"""The runs of a store: each has a folder `<root>/runs/<run id>/` with its journal in `events/`.

Ended runs move, many to a batch, into Parquet files: `store.cold` reads them, and `history.compaction` writes them. A
`RunStore` reads both parts as one at every moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core import private_files
from odibi_core.errors import RunNotFoundError, closest
from odibi_core.events import Event, encode, kinds
from odibi_core.events.clock import host_name, iso, new_id, process_start, utc_now
from odibi_core.events.paths import absolute_path
from odibi_core.store.journal import Journal
from odibi_core.store.segments import ReadErrors, all_segments, merge_by_time, read_events, safe_name
from odibi_core.views.answers import RunRow
from odibi_core.views.as_dict import answer_dict
from odibi_core.views.runs import RunsView

if TYPE_CHECKING:
    from odibi_core.store.cold import ColdStore
    from odibi_core.store.manifest import RunEntry

NOTES: Final = "notes"
"""The folder of the journal of acknowledged alerts and mutes, which are of no run."""
RAISED: Final = "raised-"
"""The beginning of files of notes that hold events of alerts from the records of runs once more."""
_SAME_PROCESS_S: Final = 2.0
"""Start times of one process differ by less, because they are rounded differently; two processes of one pid by more."""


class RunStore:
    """All runs under one folder, which is created with the first run."""

    def __init__(self, root: str | Path = ".odibi") -> None:
        self.root = absolute_path(root)
        self._cold: ColdStore | None = None

    @property
    def cold(self) -> ColdStore:
        """The runs that are in batches."""
        if self._cold is None:
            from odibi_core.store.cold import ColdStore  # not needed to record a run

            self._cold = ColdStore(self.root)
        return self._cold

    def new_run_id(self, pipeline_name: str, now: datetime | None = None) -> str:
        """Return a unique id of time and pipeline: `20260131T040000-nightly-3fa2c1b7`.

        Its last part begins with the microsecond, which orders runs of one second. An id that redaction would change
        is not returned, because it must be the same in every event.
        """
        from odibi_core.events import sanitize_text  # here, because a reader needs no redaction

        moment = now or utc_now()
        end = f"{moment.microsecond:05x}{new_id(3)}"
        run_id = f"{moment:%Y%m%dT%H%M%S}-{safe_name(pipeline_name, 40)}-{end}"
        return run_id if sanitize_text(run_id) == run_id else f"{moment:%Y%m%dT%H%M%S}-pipeline-{end}"

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run: its journal, its story and its exports."""
        return self.root / "runs" / safe_name(run_id, 120)

    def open(self, run_id: str, *, durability: str = "written", segment_bytes: int = 64 << 20) -> Journal:
        """Return a new journal for a run, for the process that runs it or for one of its workers."""
        return Journal(self.folder(run_id) / "events", durability=durability, max_segment_bytes=segment_bytes)

    def ids(self) -> list[str]:
        """Return the ids of all runs, the oldest first."""
        return sorted({*self.hot_ids(), *self.cold.runs()}, key=_moment_of)

    def hot_ids(self) -> list[str]:
        """Return the ids of the runs that are in no batch, the oldest first."""
        known = self.cold.runs().keys()  # no folder of these is looked at: there may be many
        runs = self.root / "runs"
        found = [name for name in _names_in(runs) if name not in known and (runs / name / "events").is_dir()]
        # Lock-free order: segments first, manifests second. A run that moves in between is then in both, and in one
        # answer it counts as cold; the other order would miss it.
        cold = self.cold.runs()
        return sorted((name for name in found if name not in cold), key=_moment_of)

    def find(self, wanted: str | None = None) -> str:
        """Return the id of a run.

        Args:
            wanted: An id, the beginning or the end of one, or a pipeline's name for its latest run; None, "" or
                "latest" for the latest run.

        Raises:
            RunNotFoundError: No run matches (the message names the nearest id), or several do.
        """
        ids = self.ids()
        if not ids:
            raise RunNotFoundError(f"there are no runs in {self.root}; run a pipeline first, or name another store")
        if wanted in (None, "", "latest"):
            return ids[-1]
        name = str(wanted)
        if name in ids:
            return name
        by_name = [run for run in ids if pipeline_of(run) == safe_name(name, 40)]
        if by_name:
            return by_name[-1]
        partly = [run for run in ids if run.startswith(name) or run.endswith(name)]
        if len(partly) == 1:
            return partly[0]
        if partly:
            raise RunNotFoundError(f"{name!r} could be any of {len(partly)} runs: {', '.join(partly[-5:])}")
        close = closest(name, [*ids, *map(pipeline_of, ids)])
        hint = f"; the nearest is {close}" if close else ""
        raise RunNotFoundError(f"there is no run {name!r} in {self.root}{hint}; `odibi runs` lists them")

    def late_ids(self) -> list[str]:
        """Return the ids of the runs of a batch that have further segments: a process wrote them later."""
        cold, runs = self.cold.runs(), self.root / "runs"
        found = [name for name in _names_in(runs) if name in cold and (runs / name / "events").is_dir()]
        return sorted((name for name in found if self.segments(name)), key=_moment_of)

    def segments(self, run_id: str) -> list[Path]:
        """Return the files of a run's journal, without those that are in a batch: the hot part of the run."""
        return self._hot(run_id)[0]

    def _hot(self, run_id: str) -> tuple[list[Path], RunEntry | None]:
        """Return the hot segments of a run, and its entry in a batch."""
        paths = all_segments(self.folder(run_id) / "events")
        cold = self.cold.find(self.folder(run_id).name)  # after the listing, as in `hot_ids`
        if cold is None:
            return paths, None
        return [path for path in paths if not _is_held(cold[1], path)], cold[1]

    def read(self, run_id: str, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Return the events of a run, those of several writers merged by time."""
        paths, entry = self._hot(run_id)
        read_errors = ReadErrors() if read_errors is None else read_errors
        if entry is None:
            return self._read_hot(run_id, paths, read_errors)
        return _with_late(self.cold.events(entry.run_id, read_errors), paths, read_errors)

    def _read_hot(self, run_id: str, paths: list[Path], read_errors: ReadErrors) -> Iterator[Event]:
        """Yield the events of segments; if compaction deletes one meanwhile, continue in the batch."""
        own, count = ReadErrors(), 0
        try:
            for event in read_events(paths, own, FileNotFoundError):
                yield event
                count += 1
        except FileNotFoundError:
            if self.cold.find(self.folder(run_id).name) is not None:
                yield from islice(self.read(run_id, read_errors), count, None)
                return
            own.unreadable += 1  # deleted, and not by compaction
        read_errors.add(own)

    def read_many(
        self, run_ids: Iterable[str], read_errors: ReadErrors | None = None
    ) -> Iterator[tuple[str, Iterator[Event]]]:
        """Yield each of these runs with its events, in the order given; much faster than `read` for each.

        The events of one run must be consumed before the next run is asked for.
        """
        read_errors = ReadErrors() if read_errors is None else read_errors
        for is_cold, group in groupby(run_ids, lambda run_id: self.cold.find(run_id) is not None):
            if is_cold:
                for run_id, events in self.cold.read_many(group, read_errors):
                    yield run_id, _with_late(events, self.segments(run_id), read_errors)
            else:
                yield from ((run_id, self.read(run_id, read_errors)) for run_id in group)

    def events(self, run_id: str | None = None, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Yield the events of one run, or of all, run after run."""
        if run_id:
            yield from self.read(run_id, read_errors)
            return
        for _, events in self.read_many(self.ids(), read_errors):
            yield from events

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the rows of `runs` as plain dicts."""
        return [answer_dict(row) for row in self.runs(limit)]

    def runs(self, limit: int | None = None) -> list[RunRow]:
        """Return a row for each run, the newest first; lost runs are detected and marked."""
        rows: list[RunRow] = []
        cold = self.cold.runs()
        for run_id, events in self.read_many(self.ids()[::-1][:limit]):
            rows += _fold(events) if run_id in cold else self._rows_of(run_id)
        return rows

    def row(self, run_id: str) -> RunRow | None:
        """Return the row of a run, which is marked as lost if its process died; None if it has no events."""
        return next(iter(self._rows_of(run_id)), None)

    def detect_lost(self, run_id: str) -> bool:
        """Mark a run as lost if its process ended without an end of the run; return true if this call marked it."""
        if self.cold.find(self.folder(run_id).name) is not None:
            return False  # it had ended when it became part of a batch
        return self._marks_lost(run_id, self._fold(run_id))

    def is_lost(self, run_id: str) -> bool:
        """Return whether the process of a run ended without an end of the run, which nothing has recorded yet."""
        rows = self._fold(run_id)
        return bool(rows) and self._is_dead(rows[0])

    def _rows_of(self, run_id: str) -> list[RunRow]:
        rows = self._fold(run_id)
        return self._fold(run_id) if self._marks_lost(run_id, rows) else rows

    def _marks_lost(self, run_id: str, rows: list[RunRow]) -> bool:
        return bool(rows) and self._is_dead(rows[0]) and self._mark_lost(run_id, rows[0])

    def _fold(self, run_id: str) -> list[RunRow]:
        return _fold(self.read(run_id))

    def _is_dead(self, row: RunRow) -> bool:
        """Return true if a running run has no process: the one of its pid and start time is gone.

        In the copy of a shared store, where hosts of one name may meet, its lease must have ended too.
        """
        if row.status != "running" or row.pid is None:
            return False
        is_here = row.host == host_name()
        if is_here and is_alive(row.pid, row.process_start):
            return False
        try:
            lease = (self.folder(row.run_id or "") / "lease").stat().st_mtime
        except OSError:
            return is_here
        return lease < utc_now().timestamp()

    def _mark_lost(self, run_id: str, row: RunRow) -> bool:
        """Write `run_lost` as the last event: atomically, and once, however many processes try."""
        now = self._fold(run_id)
        if not now or now[0].status != "running":
            return False  # it ended between the two reads, and its process with it
        last = max((event.timestamp for event in self.read(run_id)), default=utc_now())
        about = {"pipeline_name": row.pipeline_name, "pid": row.pid, "found": iso(utc_now())}
        event = Event(
            timestamp=last + timedelta(microseconds=1),
            level="error",
            event_type=kinds.RUN_LOST,
            message="the process that ran this died without a word",
            status="lost",
            run_id=row.run_id,
            writer_id=new_id(),
            seq=0,
            fields=about,
        )
        return private_files.create_atomic(self.folder(run_id) / "events" / "lost.jsonl", encode(event))


def is_alive(pid: int, began: float | None) -> bool:
    """Return whether a process of this host lives; without its start, any process of its number counts as it."""
    alive = process_start(pid)
    return alive is not None and (began is None or not abs(alive - began) > _SAME_PROCESS_S)


def _with_late(events: Iterator[Event], paths: list[Path], read_errors: ReadErrors) -> Iterator[Event]:
    """Return the events of a run in a batch, with those that a late writer added to its journal."""
    return merge_by_time(events, read_events(paths, read_errors)) if paths else events


def _fold(events: Iterable[Event]) -> list[RunRow]:
    view = RunsView()
    for event in events:
        view(event)
    return view.answer()


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_held(entry: RunEntry, path: Path) -> bool:
    try:
        return entry.holds(path)
    except FileNotFoundError:  # deleted by compaction, which deletes only what is in a batch
        return True


def _moment_of(run_id: str) -> tuple[str, str, str]:
    """Return the sort key of an id: the second, the microsecond, the id."""
    return run_id.partition("-")[0], run_id.rpartition("-")[2], run_id


def start_of(run_id: str) -> datetime | None:
    """Return the start that an id names, by its second; None if it names none."""
    try:
        return datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def pipeline_of(run_id: str) -> str:
    """Return the pipeline's name inside a run's id."""
    return run_id.partition("-")[2].rpartition("-")[0]
