"""Move: a store is copied, verified, switched to, and then removed from its old place.

    1. copy every file into `<new>.moving`, synced; a file that is there already, unchanged, is not copied again
    2. verify each by its checksum
    3. rename `<new>.moving` to `<new>`        the store is at the new place from here on
    4. rename the old folder to `<old>.moved`, and delete it

A kill between any two steps leaves a whole store at one of the two places. The same command continues.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.history.batch import sync
from odibi_core.history.commit import Step, do_nothing
from odibi_core.history.maintenance.findings import Progress, no_progress
from odibi_core.history.system_errors import as_store_error
from odibi_core.store.locks import LOCK, exclusive, is_in_use
from odibi_core.store.manifest import checksum_of
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import all_segments

_MARK: Final = "moved-from.json"
_LEFT: Final = (LOCK, _MARK)
"""Files that are not copied."""


class Moved(msgspec.Struct):
    """The result of a move."""

    root: str
    """The new place."""
    files: int = 0
    bytes: int = 0
    copied: int = 0
    """Files that this call copied; the others were there from an interrupted one."""


def move(store: RunStore, to: Path, progress: Progress = no_progress, step: Step = do_nothing) -> Moved:
    """Move a store to another folder, on any file system.

    Raises:
        StoreError: A run is being recorded, the new folder has other files, or one of the two cannot be written. The
            store is then at the old place, whole.
    """
    old, result = store.root, Moved(root=str(to))
    draft = to.with_name(f"{to.name}.moving")
    with as_store_error(f"{old} cannot be moved to {to}"):
        if _is_continued(old, to):
            _check_nothing_new(old, to)
            _remove_old(old, to, step)
            return result
        _check(old, to)
        with exclusive(old) as is_locked:
            if not is_locked:
                raise StoreError(f"{old} is being compacted or pruned; try again in a minute")
            _copy(old, draft, result, progress)
            step("copied")
            progress("verifying")
            _check_copy(old, draft, result)
            _check_idle(old)
            private_files.write_atomic(draft / _MARK, msgspec.json.encode({"from": str(old)}))
            sync(draft)
            step("verified")
            draft.rename(to)
            sync(to.parent)
            step("switched")
        _remove_old(old, to, step)
    return result


def _check(old: Path, to: Path) -> None:
    if not old.is_dir():
        raise StoreError(f"there is no store in {old}; name it with --store")
    if to == old or to.is_relative_to(old) or old.is_relative_to(to):
        raise StoreError(f"{to} must be outside of {old}; choose another folder")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise StoreError(f"{to} must be a new or an empty folder; choose another one")
    if to.exists():
        to.rmdir()
    _check_idle(old)


def _check_idle(old: Path) -> None:
    """Raise `StoreError` if a process writes to the store."""
    runs = old / "runs"
    for folder in runs.iterdir() if runs.is_dir() else ():
        if any(is_in_use(path) for path in all_segments(folder / "events")):
            raise StoreError(f"run {folder.name} is being recorded; move the store when it has ended")


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of a store by their paths inside it; a link is an error, because it leads elsewhere."""
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink():
                raise StoreError(f"{path} is a link; replace it by its file, then move the store")
            if str(inside := path.relative_to(root)) not in _LEFT:
                yield inside


def _copy(old: Path, draft: Path, result: Moved, progress: Progress) -> None:
    for inside in _files(old):
        source, target = old / inside, draft / inside
        result.files += 1
        result.bytes += source.stat().st_size
        if _is_same(source, target):
            continue
        progress(str(inside))
        _copy_file(source, target)
        result.copied += 1


def _is_same(source: Path, target: Path) -> bool:
    """Return whether a file was copied before, judged by size and time; its checksum is verified later."""
    try:
        there = target.stat()
    except FileNotFoundError:
        return False
    here = source.stat()
    return (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file with its mode and its times; the time is set last, so that half a copy is not taken for a whole."""
    from shutil import copyfileobj, copystat

    private_files.make_folder(target.parent)
    target.unlink(missing_ok=True)
    descriptor = private_files.create(target, os.O_WRONLY)
    with source.open("rb") as reader, open(descriptor, "wb") as writer:
        copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
    copystat(source, target)


def _check_copy(old: Path, draft: Path, result: Moved) -> None:
    """Raise `StoreError` if the copy is not the store: each file by its checksum, and no file more."""
    here, there = set(_files(old)), set(_files(draft))
    for inside in sorted(there - here):  # of an interrupted move, and deleted since
        (draft / inside).unlink()
    if here - there:
        raise StoreError(f"{old} was changed while it was copied; move it when nothing writes to it")
    for inside in sorted(here):
        if checksum_of(old / inside) != checksum_of(draft / inside):
            (draft / inside).unlink()
            raise StoreError(f"{inside} is not the same in the copy; call the command again, or check the disk")
    for folder in {(draft / inside).parent for inside in here}:
        sync(folder)


def _is_continued(old: Path, to: Path) -> bool:
    """Return whether an interrupted move had switched to the new place."""
    try:
        known = msgspec.json.decode((to / _MARK).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return False
    return known.get("from") == str(old)


def _check_nothing_new(old: Path, to: Path) -> None:
    """Raise `StoreError` if the old place has something that the new one does not: recorded after the switch."""
    here, there = RunStore(old), RunStore(to)
    known = set(there.ids())
    for run_id in here.ids() if old.is_dir() else ():
        entry = there.cold.find(run_id)
        copies = {path.name: path.stat().st_size for path in there.segments(run_id)}
        missing = [
            path
            for path in here.segments(run_id)
            if copies.get(path.name) != path.stat().st_size and not (entry and entry[1].holds(path))
        ]
        if run_id not in known or missing:
            raise StoreError(f"run {run_id} was recorded in {old} after the move to {to}; export it, then delete {old}")


def _remove_old(old: Path, to: Path, step: Step) -> None:
    """Remove the store from its old place at once, then delete its files; last the mark of the move."""
    from shutil import rmtree

    gone = old.with_name(f"{old.name}.moved")
    if old.is_dir() and not gone.exists():
        _check_idle(old)
        old.rename(gone)
        step("gone")
    rmtree(gone, ignore_errors=True)
    step("deleted")
    (to / _MARK).unlink(missing_ok=True)
