"""The runs of a store: each has a folder `<root>/runs/<run id>/` with its journal in `events/`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from odibi_core import private_files
from odibi_core.errors import RunNotFoundError, closest
from odibi_core.events import Event, encode, kinds, sanitize_text
from odibi_core.events.clock import host_name, iso, new_id, process_start, utc_now
from odibi_core.events.paths import absolute_path
from odibi_core.store.journal import Journal
from odibi_core.store.segments import ReadErrors, all_segments, read_events, safe_name
from odibi_core.views.answers import RunRow
from odibi_core.views.as_dict import answer_dict
from odibi_core.views.runs import RunsView

_SAME_PROCESS_S: Final = 2.0
"""Start times of one process differ by less, because they are rounded differently; two processes of one pid by more."""


class RunStore:
    """All runs under one folder, which is created with the first run."""

    def __init__(self, root: str | Path = ".odibi") -> None:
        self.root = absolute_path(root)

    def new_run_id(self, pipeline_name: str, now: datetime | None = None) -> str:
        """Return a unique id of time and pipeline: `20260131T040000-nightly-3fa2c1b7`.

        Its last part begins with the microsecond, which orders runs of one second. An id that redaction would change
        is not returned, because it must be the same in every event.
        """
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
        runs = self.root / "runs"
        return (
            sorted((path.name for path in runs.iterdir() if (path / "events").is_dir()), key=_moment_of)
            if runs.is_dir()
            else []
        )

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
        by_name = [run for run in ids if _pipeline_of(run) == safe_name(name, 40)]
        if by_name:
            return by_name[-1]
        partly = [run for run in ids if run.startswith(name) or run.endswith(name)]
        if len(partly) == 1:
            return partly[0]
        if partly:
            raise RunNotFoundError(f"{name!r} could be any of {len(partly)} runs: {', '.join(partly[-5:])}")
        close = closest(name, [*ids, *map(_pipeline_of, ids)])
        hint = f"; the nearest is {close}" if close else ""
        raise RunNotFoundError(f"there is no run {name!r} in {self.root}{hint}; `odibi runs` lists them")

    def segments(self, run_id: str) -> list[Path]:
        """Return the files of a run's journal."""
        return all_segments(self.folder(run_id) / "events")

    def read(self, run_id: str, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Return the events of a run, those of several writers merged by time."""
        return read_events(self.segments(run_id), read_errors)

    def events(self, run_id: str | None = None, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Yield the events of one run, or of all, run after run."""
        for each in [run_id] if run_id else self.ids():
            yield from self.read(each, read_errors)

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the rows of `runs` as plain dicts."""
        return [answer_dict(row) for row in self.runs(limit)]

    def runs(self, limit: int | None = None) -> list[RunRow]:
        """Return a row for each run, the newest first; lost runs are detected and marked."""
        chosen = self.ids()[::-1][:limit]
        return [row for run_id in chosen for row in self._rows_of(run_id)]

    def detect_lost(self, run_id: str) -> bool:
        """Mark a run as lost if its process ended without an end of the run; return true if this call marked it."""
        return self._marks_lost(run_id, self._fold(run_id))

    def _rows_of(self, run_id: str) -> list[RunRow]:
        rows = self._fold(run_id)
        return self._fold(run_id) if self._marks_lost(run_id, rows) else rows

    def _marks_lost(self, run_id: str, rows: list[RunRow]) -> bool:
        return bool(rows) and self._is_dead(rows[0]) and self._mark_lost(run_id, rows[0])

    def _fold(self, run_id: str) -> list[RunRow]:
        view = RunsView()
        for event in self.read(run_id):
            view(event)
        return view.answer()

    def _is_dead(self, row: RunRow) -> bool:
        """Return true if a running run has no process: the one of its pid and start time is gone."""
        if row.status != "running" or row.host != host_name() or row.pid is None:
            return False
        began, alive = row.process_start, process_start(row.pid)
        return alive is None or (began is not None and abs(alive - began) > _SAME_PROCESS_S)

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


def _moment_of(run_id: str) -> tuple[str, str, str]:
    """Return the sort key of an id: the second, the microsecond, the id."""
    return run_id.partition("-")[0], run_id.rpartition("-")[2], run_id


def _pipeline_of(run_id: str) -> str:
    """Return the pipeline's name inside a run's id."""
    return run_id.partition("-")[2].rpartition("-")[0]
