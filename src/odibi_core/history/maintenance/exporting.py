"""Export: runs as a folder of JSON Lines and Parquet, which opens as a store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.events import Event, encode, kinds
from odibi_core.history.commit import begun, commit
from odibi_core.history.maintenance.findings import Progress, no_progress
from odibi_core.history.system_errors import as_store_error
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors
from odibi_core.store.sources import SourceStore

LINES: Final = "jsonl"
"""The folder with a file of JSON Lines for each run."""
_RUNS_IN_A_BATCH: Final = 5_000
_BESIDE: Final = ("events", "damaged", "lease", "frames")
"""Parts of a run's folder that an export has not: `frames` is data as it is, not redacted."""


class Exported(msgspec.Struct):
    """The result of an export."""

    root: str
    runs: int = 0
    events: int = 0
    sources: int = 0
    files: int = 0
    """Stories and other files of the runs."""
    torn: int = 0
    unreadable: int = 0
    """Lines that could not be read, and are not in the export."""
    problems: list[str] = []


def export(store: RunStore, to: Path, run_ids: Sequence[str], progress: Progress = no_progress) -> Exported:
    """Write runs into a new folder: `jsonl/<run>.jsonl`, and Parquet with manifests, as a store has it.

    Args:
        store: The store.
        to: The folder; it must not exist, or be empty.
        run_ids: The runs.
        progress: Called with the run that begins.

    Raises:
        StoreError: The folder has files, or it cannot be written. Then what was written is left, without a manifest.
    """
    result = Exported(root=str(to))
    with as_store_error(f"{to} cannot be written"):
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise StoreError(f"{to} must be a new or an empty folder; choose another one")
        private_files.make_folder(to / LINES)
        ids = iter(run_ids)
        while chunk := list(islice(ids, _RUNS_IN_A_BATCH)):
            _export_batch(store, to, chunk, result, progress)
    result.problems += store.cold.problems
    return result


def _export_batch(store: RunStore, to: Path, run_ids: list[str], result: Exported, progress: Progress) -> None:
    hashes: set[str] = set()
    with begun(to) as batch:
        for run_id in run_ids:
            progress(f"run {run_id}")
            errors = ReadErrors()
            name = store.folder(run_id).name
            descriptor = private_files.create(to / LINES / f"{name}.jsonl", os.O_WRONLY)
            with open(descriptor, "wb") as file:
                events = _written(store.read(run_id, errors), file, hashes)
                batch.add(name, events, errors)
            result.torn += errors.torn
            result.unreadable += errors.unreadable
            result.files += _copy_beside(store.folder(run_id), to / "runs" / name)
        result.runs += len(batch.runs)
        result.events += batch.rows
        commit(batch, [])
    _copy_sources(store, to, hashes, result)


def _written(events: Iterator[Event], file: BinaryIO, hashes: set[str]) -> Iterator[Event]:
    """Yield events, each after it was written; collect the hashes of the sources that they refer to."""
    for event in events:
        file.write(encode(event))
        if event.event_type == kinds.PIPELINE_PLAN:
            steps = event.fields.get("steps")
            rows = steps if isinstance(steps, list) else []
            hashes.update(row["source_hash"] for row in rows if isinstance(row, dict) and row.get("source_hash"))
        yield event


def _copy_beside(folder: Path, to: Path) -> int:
    """Copy the files of a run's folder that are no journal; return their number."""
    from shutil import copyfileobj

    count = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if inside.parts[0] in _BESIDE or not path.is_file() or path.is_symlink():
            continue
        private_files.make_folder((to / inside).parent)
        descriptor = private_files.create(to / inside, os.O_WRONLY)
        with path.open("rb") as source, open(descriptor, "wb") as target:
            copyfileobj(source, target)
        count += 1
    return count


def _copy_sources(store: RunStore, to: Path, hashes: set[str], result: Exported) -> None:
    """Copy the sources of the exported runs; one that is missing or damaged is a problem."""
    source, target = SourceStore(store.root), SourceStore(to)
    for content_hash in sorted(hashes):
        try:
            text = source.read(content_hash)
        except StoreError as error:
            result.problems.append(str(error))
            continue
        result.sources += target.add(content_hash, text)
