"""Merging: small batches become larger ones, and batches are written again when their runs change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from odibi_core.events import Event
from odibi_core.history.batch import Batch
from odibi_core.history.commit import Step, begun, commit, do_nothing, manifest_of
from odibi_core.store.locks import is_in_use
from odibi_core.store.manifest import Manifest, RunEntry, SegmentEntry
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, all_segments, merge_by_time, read_events

TARGET_BYTES: Final = 96 << 20
"""Bytes of the file of `logs` of a merged batch, about."""
FULL_BYTES: Final = 64 << 20
"""A batch with a larger file of `logs` is not merged any more."""
FAN_IN: Final = 8
"""Batches of similar size that are merged: each event is written again once for each eightfold of the size."""
_SMALLEST: Final = 1 << 20


class _IncompleteError(Exception):
    """A batch cannot be read whole."""


def merge(
    store: RunStore, step: Step = do_nothing, threads: int = 2, is_over: Callable[[], bool] = lambda: False
) -> int:
    """Merge small batches, and write those again whose runs have late events; under the lock of the store.

    Args:
        store: The store.
        step: Called after each step.
        threads: Threads of the conversion to Parquet.
        is_over: Returns true when no further batch may begin.

    Returns:
        The number of batches that were replaced.
    """
    count = 0
    for manifest in _with_late_runs(store):
        if is_over():
            return count
        count += rewrite(store, [manifest], step=step, threads=threads) is not None
    while (group := choose(store.cold.manifests())) and not is_over():
        if rewrite(store, group, step=step, threads=threads) is None:
            break
        count += len(group)
    return count


def choose(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the batches to merge next, the oldest first; none if no tier has enough of them."""
    tiers: dict[int, list[Manifest]] = {}
    for manifest in manifests:
        if size_of(manifest) < FULL_BYTES and manifest.runs:
            tiers.setdefault((size_of(manifest) // _SMALLEST).bit_length() // 2, []).append(manifest)
    for _, group in sorted(tiers.items()):
        if len(group) >= FAN_IN:
            sums = accumulate(map(size_of, group))
            return [each for each, total in zip(group, sums, strict=True) if total - size_of(each) < TARGET_BYTES]
    return []


def size_of(manifest: Manifest) -> int:
    """Return the bytes of a batch's file of `logs`."""
    return manifest.files["logs"].bytes if "logs" in manifest.files else 0


def rewrite(
    store: RunStore,
    batches: list[Manifest],
    keep: Callable[[RunEntry], bool] = lambda _: True,
    step: Step = do_nothing,
    threads: int = 2,
) -> Manifest | None:
    """Replace batches by one with those of their runs that `keep` returns true for, late events included.

    The lock of the store must be held. The files of the old batches stay for the grace time.

    Returns:
        The new manifest; None, and nothing is changed, if a batch cannot be read whole.
    """
    runs = {entry.run_id: entry for manifest in batches for entry in manifest.runs if keep(entry)}
    try:
        with begun(store.root, threads) as batch:
            for run_id, events in store.cold.read_many(sorted(runs)):
                _add(store, batch, runs[run_id], events)
            if len(batch.runs) < len(runs):
                raise _IncompleteError
            return commit(batch, replaced_by(store, batches), step)
    except _IncompleteError:
        return None


def _add(store: RunStore, batch: Batch, entry: RunEntry, events: Iterator[Event]) -> None:
    """Add a run of another batch, with the events of late segments that no process writes to."""
    late = [path for path in store.segments(entry.run_id) if not is_in_use(path)]
    kept = {path.name for path in all_segments(store.folder(entry.run_id) / "events")}
    segments = [each for each in entry.segments if each.name in kept]
    segments += [SegmentEntry.of(path) for path in late]
    read_errors = ReadErrors(entry.torn, entry.unreadable)
    streams = [events, read_events(late, read_errors, OSError)] if late else [events]
    added = batch.add(entry.run_id, merge_by_time(*streams), read_errors, segments)
    if added.events < entry.events:
        raise _IncompleteError


def replaced_by(store: RunStore, batches: list[Manifest]) -> list[str]:
    """Return the batches that one in their place replaces: these, and those that they replaced and are still there."""
    names = {name for manifest in batches for name in (manifest.batch, *manifest.replaces)}
    return sorted(name for name in names if manifest_of(store.root, name).exists())


def _with_late_runs(store: RunStore) -> list[Manifest]:
    """Return the batches with a run that has further segments, which no process writes to."""
    found = {}
    for run_id in store.late_ids():
        known = store.cold.find(run_id)
        if known is not None and not all(is_in_use(path) for path in store.segments(run_id)):
            found[known[0].batch] = known[0]
    return list(found.values())
