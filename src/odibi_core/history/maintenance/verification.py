"""Verification: every byte of a store that has a checksum, every row that was counted, every event that must decode."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from odibi_core.errors import StoreError, first_line
from odibi_core.history.maintenance.findings import DELETE, REBUILD, Findings, Progress, no_progress
from odibi_core.history.maintenance.status import set_aside
from odibi_core.store.cold import connected, count_rows
from odibi_core.store.locks import is_in_use
from odibi_core.store.manifest import FileEntry, Manifest, checksum_of
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, all_segments, read_events
from odibi_core.store.sources import FOLDER

_MOST_NAMED = 20


class Verification(msgspec.Struct):
    """The result: numbers of what was examined, and the findings."""

    batches: int = 0
    files: int = 0
    runs: int = 0
    events: int = 0
    sources: int = 0
    notes: int = 0
    """Events outside of runs: acknowledged and muted alerts."""
    findings: Findings = msgspec.field(default_factory=Findings)


def verify(store: RunStore, progress: Progress = no_progress) -> Verification:
    """Examine every batch, journal, source and note of a store.

    Nothing is changed, but a damaged manifest is set aside, as by every reader.

    Args:
        store: The store.
        progress: Called with the part that begins.
    """
    result = Verification()
    for manifest in store.cold.manifests():
        progress(f"batch {manifest.batch}")
        _verify_batch(store, manifest, result)
    _verify_journals(store, result, progress)
    progress("notes")
    _verify_notes(store.root, result)
    progress("sources")
    _verify_sources(store.root, result)
    for path in set_aside(store.root):
        result.findings.add("set aside", "problem", f"{path.relative_to(store.root)} was damaged and set aside", DELETE)
    for problem in store.cold.problems:
        result.findings.add("batches", "problem", problem)
    result.findings.not_checked += [
        "stories and exports in the folders of runs: they have no checksum",
        "the index: it is a cache, and is built again if it does not fit; odibi doctor examines it",
        "the rows of the tables against the events: odibi store rebuild computes them again",
    ]
    return result


def _verify_batch(store: RunStore, manifest: Manifest, result: Verification) -> None:
    result.batches += 1
    can_read = True
    for table, entry in manifest.files.items():
        result.files += 1
        problem = file_problem(store.root / entry.path, entry)
        if problem:
            can_read &= table != "logs"
            result.findings.add("batches", "problem", f"batch {manifest.batch}, table {table}: {problem}", REBUILD)
    if not can_read:
        result.findings.not_checked.append(f"the events of batch {manifest.batch}: their file is damaged")
        return
    for run_id, events in store.cold.read_many([entry.run_id for entry in manifest.runs]):
        _, entry_ = store.cold.runs()[run_id]
        count = sum(1 for _ in events)
        result.runs += 1
        result.events += count
        if count != entry_.events:
            message = f"run {run_id}: {count:,} of {entry_.events:,} events of batch {manifest.batch} decode"
            result.findings.add("batches", "problem", message, REBUILD)


def file_problem(path: Path, entry: FileEntry) -> str:
    """Return the reason why a Parquet file is not what was written; empty if it is."""
    import duckdb

    if problem := size_problem(path, entry):
        return problem
    try:
        if checksum_of(path) != entry.checksum:
            return f"{path.name} has another checksum: it was changed or damaged"
        with connected(threads=1) as connection:
            rows = count_rows(connection, path)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"
    except duckdb.Error as error:
        return f"{path.name} is no Parquet file: {first_line(error)}"
    return "" if rows == entry.rows else f"{path.name} has {rows:,} rows, not {entry.rows:,}"


def size_problem(path: Path, entry: FileEntry) -> str:
    """Return the reason why a file is not as long as it was written; empty if it is."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"
    return "" if size == entry.bytes else f"{path.name} has {size:,} bytes, not {entry.bytes:,}"


def _verify_journals(store: RunStore, result: Verification, progress: Progress) -> None:
    in_use, no_locks = 0, ""
    for run_id in (*store.hot_ids(), *store.late_ids()):
        progress(f"run {run_id}")
        errors, count = ReadErrors(), 0
        paths = store.segments(run_id)
        try:
            try:
                in_use += any(is_in_use(path) for path in paths)
            except StoreError as error:
                no_locks = str(error)
            count = sum(1 for _ in read_events(paths, errors, OSError))
        except OSError as error:
            message = f"run {run_id} cannot be read: {error.strerror or error}"
            result.findings.add("journals", "problem", message)
            continue
        result.runs += store.cold.find(run_id) is None  # one with late events was counted with its batch
        result.events += count
        if errors.unreadable:
            message = f"run {run_id}: {errors.unreadable:,} lines of its journal cannot be read"
            result.findings.add("journals", "problem", message)
        if errors.torn:
            message = f"run {run_id}: its last line is incomplete, as after a kill; every line before it is read"
            result.findings.add("journals", "warning", message)
    if in_use:
        result.findings.not_checked.append(f"what is written meanwhile: {in_use:,} runs have a writer")
    if no_locks:
        result.findings.not_checked.append(f"whether runs have a writer: {no_locks}")


def _verify_notes(root: Path, result: Verification) -> None:
    """Read the journals of acknowledged and muted alerts."""
    errors = ReadErrors()
    for _ in read_events(all_segments(root / "notes"), errors):
        result.notes += 1
    if errors:
        number = errors.torn + errors.unreadable
        result.findings.add("notes", "problem", f"{number:,} lines of the notes cannot be read")


def _verify_sources(root: Path, result: Verification) -> None:
    wrong = []
    for path in sorted((root / FOLDER).glob("??/*.txt")):
        result.sources += 1
        try:
            if sha256(path.read_bytes()).hexdigest() != path.stem:
                wrong.append(path.name)
        except OSError as error:
            wrong.append(f"{path.name} ({error.strerror})")
    for name in wrong[:_MOST_NAMED]:
        result.findings.add("sources", "problem", f"the source {name} is not what was stored")
    if len(wrong) > _MOST_NAMED:
        result.findings.add("sources", "problem", f"and {len(wrong) - _MOST_NAMED:,} more sources")
