"""Compaction: ended runs become Parquet files, many to a batch, and their journals are deleted.

Each event is read once at every moment, also after `kill -9` between any two steps: from the batch if there is a
manifest that names its run, else from the journal. The steps, under the lock of the store:

    1. mark the batch as begun             `manifests/<batch>.tmp`
    2. write the Parquet files             `<batch>.parquet.tmp`, synced, then renamed
    3. write the manifest                  into `manifests/<batch>.tmp`, synced
    4. rename it to `<batch>.json`         the batch exists from here on
    5. delete the segments that it has     after a grace time, for readers that have listed them

The next compaction undoes a batch that was begun and has no manifest, and finishes the deletion for one that has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from odibi_core.events import Event
from odibi_core.events.clock import monotonic, sleep
from odibi_core.events.groups import groups_by_weight
from odibi_core.history import leftovers
from odibi_core.history.batch import Batch
from odibi_core.history.commit import Step, begun, commit, do_nothing
from odibi_core.history.ended import ended_runs
from odibi_core.history.last_compaction import note_success
from odibi_core.history.merging import merge
from odibi_core.history.system_errors import as_store_error
from odibi_core.store.locks import exclusive
from odibi_core.store.manifest import SegmentEntry
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, read_events

GRACE_S: Final = 60.0
"""Seconds for which files that are no longer needed stay, for a reader that has listed and not yet opened them."""
BATCH_BYTES: Final = 512 << 20
"""Bytes of segments in one batch, about; a larger run is a batch of its own."""


class Options(msgspec.Struct, frozen=True):
    """How a store is compacted."""

    limit_s: float | None = None
    """No batch begins after so many seconds."""
    grace_s: float = GRACE_S
    """Seconds for which files that are no longer needed stay."""
    waits: bool = False
    """True to wait for the end of the grace time, and delete these files."""
    threads: int = 2
    batch_bytes: int = BATCH_BYTES
    step: Step = do_nothing
    """Called with the name of each step that is done."""


class CompactionReport(msgspec.Struct):
    """The result of a compaction."""

    runs: int = 0
    """Runs that moved into batches."""
    events: int = 0
    batches: int = 0
    merged: int = 0
    """Batches that became part of larger ones."""
    bytes_before: int = 0
    """Bytes of the journals of these runs."""
    bytes_after: int = 0
    """Bytes of the Parquet files of these runs, all tables."""
    duration_ms: float = 0.0
    is_busy: bool = False
    """True if another process compacts the store: nothing was done."""
    is_complete: bool = True
    """False if the time was over before the last batch."""
    not_compacted: dict[str, str] = {}
    """Runs that stay as they are, each with the reason."""
    mended: list[str] = []
    """Sentences on what interrupted compactions had left."""
    problems: list[str] = []
    """Sentences on files that could not be read."""


def compact(store: RunStore, options: Options | None = None) -> CompactionReport:
    """Move the ended runs of a store into batches, and merge small batches.

    A run that has a writer stays as it is. A store without a folder has no runs.

    Raises:
        StoreError: The store cannot be changed: it is read-only, it has no room, or a newer version of odibi-core wrote
            to it.
    """
    options, report, began = options or Options(), CompactionReport(), monotonic()
    if not store.root.is_dir():
        return report
    work = _Compaction(store, options, report, began)
    with as_store_error(f"{store.root} cannot be compacted"):
        with exclusive(store.root) as is_locked:
            report.is_busy = not is_locked
            if is_locked:
                work.run()
                work.note()
        if options.waits and not report.is_busy and leftovers.waiting(store, options.grace_s):
            sleep(options.grace_s)
            work.clear_again()
    report.problems = list(store.cold.problems)
    report.duration_ms = (monotonic() - began) * 1e3
    return report


class _UnreadableError(Exception):
    """A segment cannot be read, so its run stays as it is."""


class _Compaction:
    """A compaction under the lock."""

    def __init__(self, store: RunStore, options: Options, report: CompactionReport, began: float) -> None:
        self.store = store
        self.options = options
        self.report = report
        self._began = began

    def run(self) -> None:
        """Clear up, compact, merge, clear up."""
        store, report, options = self.store, self.report, self.options
        store.cold.check_version("compact")
        report.mended += leftovers.clear(store, options.grace_s)
        ended = ended_runs(store, report.not_compacted)
        for ids in groups_by_weight(ended, self._bytes_of, options.batch_bytes):
            if self._is_over():
                return
            self._compact(ids)
        if not self._is_over():
            report.merged = merge(store, options.step, options.threads, self._is_over)
        leftovers.clear(store, options.grace_s)

    def clear_again(self) -> None:
        """Delete the files whose grace time is over, unless the store was deleted meanwhile."""
        if not self.store.root.is_dir():
            return
        with exclusive(self.store.root) as is_locked:
            if is_locked:
                leftovers.clear(self.store, self.options.grace_s)
                self.note()

    def note(self) -> None:
        """Note the end of the compaction in the store."""
        report = self.report
        note_success(self.store.root, report.runs, report.merged, (monotonic() - self._began) * 1e3)

    def _is_over(self) -> bool:
        limit = self.options.limit_s
        is_over = limit is not None and monotonic() - self._began > limit
        self.report.is_complete &= not is_over
        return is_over

    def _bytes_of(self, run_id: str) -> int:
        return sum(map(_size, self.store.segments(run_id)))

    def _compact(self, run_ids: list[str]) -> None:
        """Write a batch; a run that turns out to be unreadable is left out, and the batch begun again."""
        while run_ids:
            try:
                with begun(self.store.root, self.options.threads) as batch:
                    before = 0
                    for run_id in sorted(run_ids):  # a query for a run skips the row groups of other runs
                        before += self._add(batch, run_id)
                    manifest = commit(batch, [], self.options.step)
            except _UnreadableError as error:
                run_ids = [run_id for run_id in run_ids if run_id not in error.args]
                continue
            report = self.report
            report.batches += 1
            report.runs += len(batch.runs)
            report.events += batch.rows
            report.bytes_before += before
            report.bytes_after += sum(file.bytes for file in manifest.files.values())
            return

    def _add(self, batch: Batch, run_id: str) -> int:
        """Add a run to a batch, and return the bytes of its segments."""
        read_errors = ReadErrors()
        with self._reading(run_id):
            paths = self.store.segments(run_id)
            segments = [SegmentEntry.of(path) for path in paths]
        batch.add(run_id, self._events(run_id, paths, read_errors), read_errors, segments)
        return sum(segment.bytes for segment in segments)

    def _events(self, run_id: str, paths: list[Path], read_errors: ReadErrors) -> Iterator[Event]:
        with self._reading(run_id):
            yield from read_events(paths, read_errors, OSError)

    @contextmanager
    def _reading(self, run_id: str) -> Iterator[None]:
        """Raise an error of reading as one that concerns this run alone; an error of writing concerns the batch."""
        try:
            yield
        except OSError as error:
            self.report.not_compacted[run_id] = f"it cannot be read: {error.strerror or error}"
            raise _UnreadableError(run_id) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
