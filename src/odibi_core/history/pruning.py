"""Pruning: runs beyond the limits of retention are deleted, with all that only they need.

A run is there whole or not at all, also after `kill -9` between any two steps, under the lock of the store:

    of a hot run      rename its folder into `trash/`                          the run is gone from here on
    of a cold run     1. rename the journal's folder into `trash/`             the batch has the run
                      2. replace the batch by one without the run              the run is gone from here on
                      3. rename the rest of its folder into `trash/`
    of both           delete the trash

The next pruning deletes what an interrupted one left in the trash.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.events.clock import monotonic, new_id, utc_now
from odibi_core.history import leftovers, usual_rows
from odibi_core.history.commit import Step, do_nothing
from odibi_core.history.compaction import GRACE_S
from odibi_core.history.ended import closing_event
from odibi_core.history.merging import rewrite
from odibi_core.history.noticing.alert_notes import files_to_prune
from odibi_core.history.retention import Candidate, Limits, choose, size
from odibi_core.history.sources_in_use import prune_sources
from odibi_core.history.system_errors import as_store_error
from odibi_core.history.unshipped import Unshipped
from odibi_core.store.locks import exclusive, is_in_use
from odibi_core.store.manifest import Manifest
from odibi_core.store.runs import NOTES, RunStore
from odibi_core.views.wording import plural

TRASH: Final = "trash"
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ORPHAN_AGE: Final = timedelta(hours=1)
WORTH_IT: Final = 0.25
"""The share of a batch that must go before it is written again at the end of a run; the command does it for any."""


class PruneReport(msgspec.Struct):
    """The result of pruning."""

    runs: dict[str, str] = {}
    """The pruned runs, each with the reason; with `is_dry_run` those that would be."""
    protected: dict[str, str] = {}
    """Runs beyond a limit that are kept, each with the reason."""
    kept: int = 0
    """The runs that are left."""
    bytes: int = 0
    """Bytes of the pruned runs, of a batch their share. Of a batch they are free after the grace time."""
    sources: int = 0
    """Sources that no run refers to any more."""
    batches: int = 0
    """Batches that were written again."""
    missing_bytes: int = 0
    """Bytes above a limit for which no run may be pruned."""
    notes: int = 0
    """Files of events of alerts that no state and no run needs any more."""
    duration_ms: float = 0.0
    is_dry_run: bool = False
    is_busy: bool = False
    """True if another process compacts or prunes the store: nothing was done."""
    mended: list[str] = []
    problems: list[str] = []


class Options(msgspec.Struct, frozen=True):
    """How a store is pruned."""

    dry_run: bool = False
    pipeline: str | None = None
    """The only pipeline whose runs are pruned."""
    grace_s: float = GRACE_S
    url: str = ""
    """The shared store, if there is one: a run that it does not have yet is kept."""
    least_share: float = 0.0
    """The share of a batch that must go before it is written again."""
    threads: int = 2
    step: Step = do_nothing


def prune(store: RunStore, limits: Limits, options: Options | None = None) -> PruneReport:
    """Delete the runs of a store that are beyond its limits.

    A run that has not ended, or has a writer, is never pruned.

    Raises:
        StoreError: The store cannot be changed: it is read-only, or a newer version of odibi-core wrote to it.
    """
    options, began = options or Options(), monotonic()
    report = PruneReport(is_dry_run=options.dry_run)
    if not store.root.is_dir():
        return report
    work = _Pruning(store, limits, options, report)
    with as_store_error(f"{store.root} cannot be pruned"):
        if options.dry_run:
            work.choose()
            report.notes = len(work.notes())
        else:
            with exclusive(store.root) as is_locked:
                report.is_busy = not is_locked
                if is_locked:
                    work.run()
                    usual_rows.forget(store.root)
    report.problems += store.cold.problems
    report.duration_ms = (monotonic() - began) * 1e3
    return report


class _Pruning:
    """A pruning under the lock."""

    def __init__(self, store: RunStore, limits: Limits, options: Options, report: PruneReport) -> None:
        self.store = store
        self.limits = limits
        self.options = options
        self.report = report
        self._chosen: dict[str, int] = {}

    def run(self) -> None:
        """Clear up, choose, delete."""
        store, report = self.store, self.report
        store.cold.check_version("prune")
        report.mended += leftovers.clear(store, self.options.grace_s)
        self.choose()
        for manifest in store.cold.manifests():
            self._prune_batch(manifest)
        for run_id in [run_id for run_id in self._chosen if store.cold.find(run_id) is None]:
            self._discard(store.root / "runs" / run_id)
            self.options.step("hot run gone")
        self._prune_notes()
        self._discard_orphans()
        empty_trash(store.root)
        report.sources = prune_sources(store, report.problems)
        leftovers.clear(store, self.options.grace_s)

    def choose(self) -> None:
        """Choose the runs that go, and put them into the report."""
        store, report = self.store, self.report
        sizes = RunSizes(store)
        runs = list(_candidates(store, sizes if self.limits.needs_sizes else None))
        choice = choose(runs, self.limits, utc_now(), free_bytes(store.root))
        named = {run.run_id: run for run in runs}
        only = self.options.pipeline
        unshipped = Unshipped(store, self.options.url) if self.options.url else ()
        for run_id, reason in choice.pruned.items():
            if only is not None and named[run_id].pipeline_name != only:
                continue
            if self._has_writer(run_id):
                report.protected[run_id] = "a process writes to it"
                continue
            if run_id in unshipped:
                report.protected[run_id] = "the shared store does not have it yet"
                continue
            report.runs[run_id] = reason
            self._chosen[run_id] = named[run_id].bytes or sizes(run_id)
        report.protected |= choice.protected
        report.bytes = sum(self._chosen.values())
        report.kept = len(runs) - len(self._chosen)
        report.missing_bytes = choice.missing_bytes

    def _has_writer(self, run_id: str) -> bool:
        try:
            return any(is_in_use(path) for path in self.store.segments(run_id))
        except OSError:
            return True  # unreadable: it is not known whether it has one

    def _prune_batch(self, manifest: Manifest) -> None:
        """Replace a batch by one without the chosen runs; a batch that cannot be read whole stays."""
        going = {entry.run_id for entry in manifest.runs} & self._chosen.keys()
        if not going:
            return
        events = sum(entry.events for entry in manifest.runs)
        share = sum(entry.events for entry in manifest.runs if entry.run_id in going) / max(1, events)
        if len(going) < len(manifest.runs) and share < self.options.least_share:
            self._keep(going, "its batch is not written again for so little")
            return
        if not self._replace(manifest, going):
            self._keep(going, "its batch cannot be read whole")
            self.report.problems.append(
                f"batch {manifest.batch} cannot be read whole, so its runs are kept; `odibi store verify` examines it"
            )
            return
        self.report.batches += 1
        for run_id in going:
            self._discard(self.store.root / "runs" / run_id)
        self.options.step("folders gone")

    def _replace(self, manifest: Manifest, going: set[str]) -> bool:
        """Replace a batch by one without some runs; return false, and change nothing, if it cannot be read whole."""
        root, logs = self.store.root, manifest.files.get("logs")
        try:
            if logs is not None and not logs.is_intact(root):
                return False
        except FileNotFoundError:
            return False
        # Before the batch is replaced: afterwards these segments, of which it has a copy, would be the run.
        folders = [root / "runs" / run_id / "events" for run_id in going]
        moved = [(folder, discard(root, folder)) for folder in folders if folder.exists()]
        self.options.step("segments gone")
        keep, options = (lambda entry: entry.run_id not in going), self.options
        if rewrite(self.store, [manifest], keep, options.step, options.threads) is not None:
            return True
        for folder, discarded in moved:
            discarded.rename(folder)
        return False

    def _keep(self, run_ids: Iterable[str], reason: str) -> None:
        """Keep runs that were chosen."""
        for run_id in run_ids:
            del self.report.runs[run_id]
            self.report.bytes -= self._chosen.pop(run_id)
            self.report.protected[run_id] = reason
            self.report.kept += 1

    def notes(self) -> list[Path]:
        """Return the files of events of alerts that go when the chosen runs are gone."""
        store, options = self.store, self.options
        kept = {*store.cold.runs(), *store.hot_ids()} - self._chosen.keys()
        names = files_to_prune(store.root, kept.__contains__, utc_now(), self.limits.days)
        unshipped = Unshipped(store, options.url).notes() if names and options.url else set()
        return [store.root / NOTES / name for name in names if name not in unshipped]

    def _prune_notes(self) -> None:
        for path in self.notes():
            with suppress(FileNotFoundError):
                if not is_in_use(path):
                    path.unlink()
                    self.report.notes += 1

    def _discard_orphans(self) -> None:
        """Discard folders of exports whose run an interrupted pruning deleted."""
        for folder in orphans(self.store):
            self._discard(folder)
            self.report.mended.append(f"{folder.name} had exports and no run any more: they were deleted")

    def _discard(self, path: Path) -> None:
        if path.exists():
            discard(self.store.root, path)


def discard(root: Path, path: Path) -> Path:
    """Rename a folder into the trash, and return its path there: it is gone at once. Raises `OSError`."""
    private_files.make_folder(root / TRASH)
    return path.rename(root / TRASH / f"{path.parent.name[:80]}-{path.name[:100]}-{new_id(8)}")


def empty_trash(root: Path) -> int:
    """Delete what is in the trash, and return the number of its folders."""
    from shutil import rmtree

    trash = root / TRASH
    found = list(trash.iterdir()) if trash.is_dir() else []
    for path in found:
        rmtree(path, ignore_errors=True)
    with suppress(OSError):
        trash.rmdir()
    return len(found)


def orphans(store: RunStore) -> list[Path]:
    """Return the folders with exports and without a run: those of an interrupted pruning, not those of a new run."""
    runs, cold, found = store.root / "runs", store.cold.runs(), []
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        if folder.name not in cold and folder.is_dir() and not any(folder.glob("events*")):
            age = utc_now() - datetime.fromtimestamp(folder.stat().st_mtime, UTC)
            if age > _ORPHAN_AGE:
                found.append(folder)
    return found


def free_bytes(root: Path) -> int | None:
    """Return the bytes of the disk that a user may fill; None if that is unknown."""
    try:
        found = os.statvfs(root)
    except (OSError, AttributeError):
        return None
    return found.f_bavail * found.f_frsize


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder; 0 for one that is not there."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # deleted meanwhile
                total += os.lstat(os.path.join(path, name)).st_size
    return total


class RunSizes:
    """The bytes of runs: of a run's folder, and its share of its batch by events."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._batches = {
            manifest.batch: (
                sum(file.bytes for file in manifest.files.values()),
                max(1, sum(entry.events for entry in manifest.runs)),
            )
            for manifest in store.cold.manifests()
        }

    def __call__(self, run_id: str) -> int:
        own = folder_size(self._store.root / "runs" / run_id)
        found = self._store.cold.find(run_id)
        if found is None:
            return own
        size_, events = self._batches.get(found[0].batch, (0, 1))
        return own + size_ * found[1].events // events


def _candidates(store: RunStore, sizes: RunSizes | None) -> Iterator[Candidate]:
    """Yield all runs, by the names of their folders. A run without events has no pipeline and no status."""

    def size_of(run_id: str) -> int:
        return sizes(run_id) if sizes is not None else 0

    for run_id, (_, entry) in store.cold.runs().items():
        began = entry.started or _EARLIEST
        yield Candidate(run_id, entry.pipeline_name or "", entry.status, began, size_of(run_id))
    for run_id in store.hot_ids():
        pipeline_name, status, started = _facts_of(store, run_id)
        yield Candidate(run_id, pipeline_name or "", status, started or _EARLIEST, size_of(run_id))


def _facts_of(store: RunStore, run_id: str) -> tuple[str | None, str | None, datetime | None]:
    """Return pipeline, status and start of a hot run: by its last event if that is its end, else by all of them."""
    end = next(filter(None, map(closing_event, store.segments(run_id))), None)
    if end is not None and end.status and end.duration_ms is not None:
        name = end.fields.get("pipeline_name")
        return name, end.status, end.timestamp - timedelta(milliseconds=end.duration_ms)
    row = store.row(run_id)
    return (None, None, None) if row is None else (row.pipeline_name, row.status, row.start)


def describe(report: PruneReport) -> str:
    """Return the result as a sentence."""
    verb = "would be pruned" if report.is_dry_run else "pruned"
    return f"{plural(len(report.runs), 'run')} {verb} ({size(report.bytes)}), {report.kept:,} kept"
