"""The status of a store: its runs, sizes, times, compression, index, limits, and the last compaction."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from odibi_core.history.last_compaction import LastCompaction, read_note
from odibi_core.history.leftovers import SET_ASIDE
from odibi_core.history.pruning import TRASH, folder_size, free_bytes
from odibi_core.history.retention import Limits
from odibi_core.store.cold import DAMAGED
from odibi_core.store.runs import RunStore, start_of
from odibi_core.store.sources import FOLDER


class Sizes(msgspec.Struct):
    """Bytes by the part of the store."""

    journals: int = 0
    """Segments of runs that are in no batch yet, and those that stay for a grace time."""
    exports: int = 0
    """Stories and other files in the folders of runs."""
    tables: int = 0
    sources: int = 0
    notes: int = 0
    index: int = 0
    trash: int = 0
    total: int = 0


class Status(msgspec.Struct):
    """The status of a store; null is unknown."""

    root: str
    exists: bool
    is_newer: bool = False
    """True if a newer version wrote to it: it is read, and not changed."""
    runs_hot: int = 0
    runs_cold: int = 0
    events_cold: int = 0
    batches: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    sizes: Sizes = msgspec.field(default_factory=Sizes)
    compression: float | None = None
    """Bytes of journals for each byte of Parquet, of the batches whose journals are still there."""
    free_bytes: int | None = None
    has_index: bool = False
    set_aside: list[str] = []
    """Files that were damaged, and renamed."""
    limits: dict[str, Any] = {}
    last_compaction: LastCompaction | None = None
    problems: list[str] = []


def status_of(store: RunStore, limits: Limits) -> Status:
    """Return the status of a store. Nothing is changed."""
    root = store.root
    status = Status(root=str(root), exists=root.is_dir(), limits=msgspec.to_builtins(limits))
    if not status.exists:
        return status
    manifests = store.cold.manifests()
    hot, cold = store.hot_ids(), store.cold.runs()
    started = [entry.started for _, entry in cold.values() if entry.started]
    started += [moment for run_id in (*hot[:1], *hot[-1:]) if (moment := start_of(run_id))]
    status.is_newer = store.cold.is_newer
    status.runs_hot, status.runs_cold = len(hot), len(cold)
    status.events_cold = sum(entry.events for _, entry in cold.values())
    status.batches = len(manifests)
    status.oldest, status.newest = min(started, default=None), max(started, default=None)
    status.sizes = _sizes(root)
    status.compression = _compression(store)
    status.free_bytes = free_bytes(root)
    status.has_index = (root / "index.sqlite").is_file()
    status.set_aside = [str(path.relative_to(root)) for path in set_aside(root)]
    status.last_compaction = read_note(root)
    status.problems = list(store.cold.problems)
    return status


def set_aside(root: Path) -> list[Path]:
    """Return the files of a store that were damaged and renamed."""
    found = [*root.glob(f"manifests/*{DAMAGED}"), *root.glob(f"tables/*/date=*/*{DAMAGED}")]
    found += [*root.glob("index.unusable-*.sqlite"), *root.glob(f"runs/*/{SET_ASIDE}/*")]
    return sorted(found)


def _sizes(root: Path) -> Sizes:
    runs = root / "runs"
    journals = sum(folder_size(folder / "events") for folder in (runs.iterdir() if runs.is_dir() else ()))
    return Sizes(
        journals=journals,
        exports=folder_size(runs) - journals,
        tables=folder_size(root / "tables") + folder_size(root / "manifests"),
        sources=folder_size(root / FOLDER),
        notes=folder_size(root / "notes"),
        index=sum(path.stat().st_size for path in root.glob("index.*") if path.is_file()),
        trash=folder_size(root / TRASH),
        total=folder_size(root),
    )


def _compression(store: RunStore) -> float | None:
    """Return the ratio over the batches of which every run's journal has a known size."""
    before = after = 0
    for manifest in store.cold.manifests():
        sizes = [sum(segment.bytes for segment in entry.segments) for entry in manifest.runs]
        if manifest.runs and all(sizes):
            before += sum(sizes)
            after += sum(file.bytes for file in manifest.files.values())
    return round(before / after, 1) if after else None
