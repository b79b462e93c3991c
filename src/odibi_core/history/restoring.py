"""The restoration of damaged manifests, from what the Parquet files of their batches contain."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from odibi_core import private_files
from odibi_core.history.batch import METADATA, sync
from odibi_core.history.commit import files_of, manifest_of
from odibi_core.store.cold import DAMAGED, connected, count_rows, parquet
from odibi_core.store.event_columns import RUN, literal
from odibi_core.store.manifest import FileEntry, Manifest, RunEntry, SegmentEntry, checksum_of, encode_manifest
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, all_segments, read_events, safe_name

_END: Final = f".json{DAMAGED}"


def batches_without_manifest(store: RunStore) -> list[str]:
    """Return the batches whose manifests were set aside and are not restored; without those that others replace."""
    replaced = {name for manifest in store.cold.manifests() for name in manifest.replaces}
    names = sorted(path.name.removesuffix(_END) for path in store.root.glob(f"manifests/*{_END}"))
    return [name for name in names if name not in replaced and not manifest_of(store.root, name).exists()]


def restore_manifests(store: RunStore) -> list[str]:
    """Write the manifests again that were set aside; under the lock of the store. Return a sentence for each."""
    done = []
    for batch in batches_without_manifest(store):
        manifest = _restored(store, batch)
        if manifest is not None:
            target = manifest_of(store.root, batch)
            private_files.write_atomic(target, encode_manifest(manifest))
            sync(target.parent)
            target.with_name(f"{batch}{_END}").unlink(missing_ok=True)
            done.append(f"the manifest of batch {batch} was damaged: it was restored from the Parquet files")
    return done


def _restored(store: RunStore, batch: str) -> Manifest | None:
    """Return the manifest of a batch; None if its file of `logs` is missing or damaged too."""
    import duckdb

    paths = {path.parent.parent.name: path for path in files_of(store.root, batch) if path.suffix == ".parquet"}
    if "logs" not in paths:
        return None
    try:
        with connected() as connection:
            about = _metadata(connection, paths["logs"])
            if about is None:
                return None
            runs = _runs(store, connection, paths)
            files = {table: _file_entry(connection, store.root, path) for table, path in paths.items()}
    except duckdb.Error:
        return None
    return replace(about, runs=runs, files=files)


def _metadata(connection: Any, path: Path) -> Manifest | None:
    """Return the manifest without runs and files that the file of `logs` contains."""
    query = f"select value from parquet_kv_metadata({literal(str(path))}) where key::varchar = {literal(METADATA)}"
    found = connection.execute(query).fetchone()
    try:
        return None if found is None else msgspec.json.decode(found[0], type=Manifest)
    except msgspec.DecodeError:
        return None


def _runs(store: RunStore, connection: Any, paths: dict[str, Path]) -> list[RunEntry]:
    query = f"select {RUN}, count(*) from {parquet(paths['logs'])} group by all order by all"
    counts: dict[str, int] = dict(connection.execute(query).fetchall())
    rows: dict[str, tuple[Any, ...]] = {}
    if "runs" in paths:
        query = f"select run_id, pipeline_name, started, ended, status, unreadable from {parquet(paths['runs'])}"
        rows = {safe_name(row[0], 120): row[1:] for row in connection.execute(query).fetchall()}
    return [_entry(store, run_id, count, rows.get(run_id, (None,) * 5)) for run_id, count in counts.items()]


def _entry(store: RunStore, run_id: str, count: int, row: tuple[Any, ...]) -> RunEntry:
    name, started, ended, status, unreadable = row
    return RunEntry(
        run_id=run_id,
        pipeline_name=name,
        started=started.replace(tzinfo=UTC) if started else None,
        ended=ended.replace(tzinfo=UTC) if ended else None,
        events=count,
        unreadable=unreadable or 0,
        status=status,
        segments=_segments(store, run_id, count),
    )


def _segments(store: RunStore, run_id: str, count: int) -> tuple[SegmentEntry, ...]:
    """Return the segments of a run that is still in its journal too: those of the batch, if the events are as many."""
    paths = all_segments(store.folder(run_id) / "events")
    if not paths or sum(1 for _ in read_events(paths, ReadErrors(), OSError)) != count:
        return ()
    return tuple(SegmentEntry.of(path) for path in paths)


def _file_entry(connection: Any, root: Path, path: Path) -> FileEntry:
    rows = count_rows(connection, path)
    return FileEntry(path.relative_to(root).as_posix(), rows, path.stat().st_size, checksum_of(path))
