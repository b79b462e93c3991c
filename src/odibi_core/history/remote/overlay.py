"""This machine's own runs in the local copy of a shared store, shipped or not."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from odibi_core import private_files
from odibi_core.events.clock import new_id
from odibi_core.history.remote.late import TAKEN
from odibi_core.history.remote.leases import open_segment
from odibi_core.history.remote.parts import path_of, segments_in
from odibi_core.store.locks import is_in_use
from odibi_core.store.runs import RunStore


def add_local(local: Path, root: Path) -> set[str]:
    """Append what a store has to the copy in `root`; return the runs that got lines.

    A segment and its parts hold the same bytes, so that neither is fetched after the other was copied. A run that the
    copy reads from a batch is left out.
    """
    cold = RunStore(root).cold.runs()
    areas: dict[Path, str] = {}
    with suppress(OSError), os.scandir(local / "runs") as entries:
        areas = {
            Path(entry.path) / "events": f"runs/{entry.name}"
            for entry in entries
            if entry.name not in cold and not (root / "runs" / entry.name / "events" / TAKEN).exists()
        }
    found = [each for folder, area in areas.items() for each in segments_in(folder, area)]
    changed = set()
    for path, file in found:
        with suppress(FileNotFoundError):  # compacted meanwhile
            if _append(path, path_of(root, file)):
                changed.add(path.parent.parent.name)
    add_notes(local, root)
    for path in local.glob("sources/*/*.txt"):
        target = root / path.relative_to(local)
        if not target.exists():
            private_files.write_atomic(target, path.read_bytes())
    return changed


def add_notes(local: Path, root: Path) -> None:
    """Append the notes of a store to the copy in `root`, under the names that they get when they are shipped."""
    for path, file in segments_in(local / "notes", "notes"):
        with suppress(FileNotFoundError):
            _append(path, path_of(root, file))


def move_notes(root: Path, local: Path) -> bool:
    """Move the notes that commands wrote into the copy in `root` to the store that ships them.

    A note that is being written stays for the next time.

    Returns:
        True if a note was moved.

    Raises:
        OSError: The store cannot be written; the note stays in the copy.
    """
    found = False
    for path in (root / "notes").glob("*.jsonl"):
        if "~" in path.name:
            continue
        private_files.make_folder(local / "notes")
        with suppress(FileNotFoundError):  # another command has moved it
            if path.stat().st_size and not is_in_use(path):
                _move(path, local / "notes" / f"{path.stem}_{new_id(8)}.jsonl")
                found = True
    return found


def _move(source: Path, target: Path) -> None:
    """Rename a file; onto another file system, copy it to the disk before it is deleted."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open(private_files.create(target, os.O_WRONLY), "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        source.unlink()


def _append(source: Path, target: Path) -> bool:
    """Append what a segment of the copy lacks; return True if it lacked anything."""
    size = target.stat().st_size if target.exists() else 0
    if source.stat().st_size <= size:
        return False
    with source.open("rb") as lines, open_segment(target) as segment:
        lines.seek(size)
        shutil.copyfileobj(lines, segment)
    return True
