"""The end of compactions: files that are no longer needed are deleted, and interrupted compactions are mended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.events.clock import utc_now
from odibi_core.history.commit import delete_batch, undo
from odibi_core.history.restoring import restore_manifests
from odibi_core.store.locks import is_in_use
from odibi_core.store.manifest import Manifest, RunEntry
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import all_segments

SET_ASIDE: Final = "damaged"
"""The folder, inside that of a run, for its segments if lines of them could not be read."""


def clear(store: RunStore, grace_s: float) -> list[str]:
    """Undo batches without a manifest, and delete what committed batches hold; under the lock of the store.

    Args:
        store: The store.
        grace_s: Files stay so many seconds after the commit that made them needless.

    Returns:
        A sentence for each interrupted compaction and each restored manifest.
    """
    mended = []
    for mark in store.root.glob("manifests/*.tmp"):
        undo(store.root, mark.stem)
        mended.append(f"batch {mark.stem} was not finished: its files were deleted, its runs are still in the journals")
    mended += restore_manifests(store)
    manifests = store.cold.manifests()
    for manifest in manifests:
        if not _is_recent(manifest, grace_s):
            for batch in manifest.replaces if manifest.runs else (*manifest.replaces, manifest.batch):
                delete_batch(store.root, batch)
    for entry in _with_segments(store, grace_s):
        _delete_segments(store, entry)
    return mended


def waiting(store: RunStore, grace_s: float) -> bool:
    """Return whether files wait for the end of their grace time."""
    return any(_is_recent(manifest, grace_s) for manifest in store.cold.manifests())


def _is_recent(manifest: Manifest, grace_s: float) -> bool:
    """Return whether the grace time lasts; a time in the future is that of another clock."""
    return 0 <= (utc_now() - manifest.created).total_seconds() < grace_s


def _with_segments(store: RunStore, grace_s: float) -> list[RunEntry]:
    """Return the runs of committed batches whose journals are still there, and no longer needed."""
    runs, folder = store.cold.runs(), store.root / "runs"
    return [
        runs[path.name][1]
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name in runs and not _is_recent(runs[path.name][0], grace_s) and _has_events(path)
    ]


def _has_events(folder: Path) -> bool:
    """Return whether a folder of a run has a journal; an empty one, which a killed deletion left, is removed."""
    if (folder / "events").is_dir():
        return True
    with suppress(OSError):  # not empty: it has the story or exports
        folder.rmdir()
    return False


def _delete_segments(store: RunStore, entry: RunEntry) -> None:
    """Delete the segments of a run that its batch contains, and each folder that is empty then."""
    folder = store.root / "runs" / entry.run_id
    events = folder / "events"
    for path in all_segments(events):
        if not entry.holds(path) or is_in_use(path):
            continue
        if entry.unreadable:  # the batch has the events, and not the lines that were no events
            private_files.make_folder(folder / SET_ASIDE)
            path.rename(folder / SET_ASIDE / path.name)
        else:
            path.unlink()
    if not all_segments(events):
        for draft in events.glob(".*.tmp"):
            draft.unlink(missing_ok=True)
    for empty in (events, folder):
        with suppress(OSError):  # not empty
            empty.rmdir()
