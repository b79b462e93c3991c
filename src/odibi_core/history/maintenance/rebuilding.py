"""Rebuilding: what can be computed from the events is computed again, and damaged batches are restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from odibi_core.errors import StoreError
from odibi_core.events import Event
from odibi_core.history import leftovers, usual_rows
from odibi_core.history.batch import Batch
from odibi_core.history.commit import begun, commit
from odibi_core.history.compaction import GRACE_S
from odibi_core.history.index import Index
from odibi_core.history.maintenance.findings import Progress, no_progress
from odibi_core.history.maintenance.verification import file_problem
from odibi_core.history.merging import replaced_by, rewrite
from odibi_core.history.restoring import batches_without_manifest
from odibi_core.history.system_errors import as_store_error
from odibi_core.store.cold import DAMAGED, connected, rows_of_runs
from odibi_core.store.locks import exclusive
from odibi_core.store.manifest import Manifest, RunEntry
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, all_segments, read_events


class Rebuilt(msgspec.Struct):
    """The result of a rebuilding."""

    runs_indexed: int = 0
    batches: int = 0
    """Batches whose tables were computed again."""
    restored: list[str] = []
    """Sentences on what was restored."""
    lost: list[str] = []
    """Sentences on what cannot be read any more."""
    mended: list[str] = []
    is_busy: bool = False


class Parts(msgspec.Struct, frozen=True):
    """The parts to rebuild."""

    index: bool = True
    tables: bool = False
    """All tables of every batch, from the events."""


def rebuild(store: RunStore, parts: Parts | None = None, progress: Progress = no_progress) -> Rebuilt:
    """Restore damaged batches from what is left of them, and build the index anew.

    Raises:
        StoreError: The store cannot be changed.
    """
    parts, result = parts or Parts(), Rebuilt()
    if not store.root.is_dir():
        raise StoreError(f"there is no store in {store.root}; run a pipeline first, or name another store")
    with as_store_error(f"{store.root} cannot be rebuilt"), exclusive(store.root) as is_locked:
        result.is_busy = not is_locked
        if not is_locked:
            return result
        store.cold.check_version("rebuild")
        result.mended += leftovers.clear(store, GRACE_S)
        result.lost += [
            f"batch {batch}: its manifest is damaged, and its file of logs is missing or damaged too; "
            "restore one of them from a backup"
            for batch in batches_without_manifest(store)
        ]
        for manifest in store.cold.manifests():
            progress(f"batch {manifest.batch}")
            _rebuild_batch(store, manifest, parts.tables, result)
    if parts.index:
        progress("index")
        result.runs_indexed = rebuild_index(store)
    return result


def rebuild_index(store: RunStore) -> int:
    """Delete the index and build it anew; return the number of runs in it."""
    for path in (*store.root.glob("index.sqlite*"), *store.root.glob("index.unusable-*.sqlite")):
        path.unlink(missing_ok=True)
    usual_rows.forget(store.root)
    with Index(store.root) as index:
        index.refresh()
        return index.count()


def _rebuild_batch(store: RunStore, manifest: Manifest, tables: bool, result: Rebuilt) -> None:
    damaged = [name for name, entry in manifest.files.items() if file_problem(store.root / entry.path, entry)]
    if "logs" in damaged:
        _restore(store, manifest, result)
    elif (damaged or tables) and manifest.runs:
        if rewrite(store, [manifest]) is None:
            result.lost.append(f"batch {manifest.batch} cannot be read whole, so its tables are as they were")
            return
        result.batches += 1
        _delete_set_aside(store, manifest)
        if damaged:
            names = ", ".join(sorted(damaged))
            result.restored.append(f"batch {manifest.batch}: {names} computed again from the events")


class _NothingLeftError(Exception):
    """No run of a batch can be read."""


def _restore(store: RunStore, manifest: Manifest, result: Rebuilt) -> None:
    """Replace a batch whose file of events is damaged by one with the runs that are readable."""
    try:
        with begun(store.root) as batch:
            lost = [entry.run_id for entry in manifest.runs if not _restore_run(store, manifest, entry, batch)]
            if not batch.runs:
                raise _NothingLeftError
            commit(batch, replaced_by(store, [manifest]))
    except _NothingLeftError:
        result.lost.append(
            f"batch {manifest.batch}: no event of its {len(manifest.runs):,} runs can be read; "
            "restore its file of logs from a backup"
        )
        return
    wanted = sum(entry.events for entry in manifest.runs)
    result.batches += 1
    result.restored.append(f"batch {manifest.batch}: {batch.rows:,} of {wanted:,} events restored")
    if batch.rows == wanted:
        _delete_set_aside(store, manifest)
    if lost:
        names = ", ".join(lost[:10])
        result.lost.append(f"batch {manifest.batch}: {len(lost):,} runs cannot be read any more: {names}")


def _delete_set_aside(store: RunStore, manifest: Manifest) -> None:
    """Delete the damaged files of a batch of which everything is restored."""
    for entry in manifest.files.values():
        (store.root / f"{entry.path}{DAMAGED}").unlink(missing_ok=True)


def _restore_run(store: RunStore, manifest: Manifest, entry: RunEntry, batch: Batch) -> bool:
    """Add what is readable of a run to a batch; return false if nothing is."""
    events = list(_readable(store, manifest, entry))
    if not events:
        return False
    missing = max(0, entry.events - len(events))
    batch.add(entry.run_id, events, ReadErrors(entry.torn, entry.unreadable + missing), entry.segments)
    return True


def _readable(store: RunStore, manifest: Manifest, entry: RunEntry) -> Iterator[Event]:
    """Yield the events of a run: from its journal if that is still there, else from the damaged file.

    The latter ends with the first event that cannot be read.
    """
    import duckdb

    segments = [path for path in all_segments(store.folder(entry.run_id) / "events") if entry.holds(path)]
    if len(segments) == len(entry.segments) > 0:
        yield from read_events(segments, ReadErrors())
        return
    path = store.root / manifest.files["logs"].path
    aside = path.with_name(path.name + DAMAGED)
    try:
        with connected(threads=1) as connection:
            rows: Any = rows_of_runs(connection, path if path.exists() else aside, manifest, [entry.run_id])
            for _, event in rows:
                yield event
    except (duckdb.Error, OSError, ValueError, LookupError, TypeError):
        return
