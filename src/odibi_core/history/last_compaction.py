"""The note on the last compaction of a store, `compact.json`: for the next one, and for `odibi doctor`."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.events.clock import utc_now
from odibi_core.events.failure import message_of

NOTE: Final = "compact.json"


class LastCompaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """The end of the last compaction. It is only a note: deleting it loses nothing."""

    ended: datetime
    left: int = 0
    """Entries of the folder `runs` that it left: runs that cannot be compacted yet, stories, exports."""
    runs: int = 0
    """Runs that it moved into batches."""
    merged: int = 0
    duration_ms: float = 0.0
    error: str | None = None
    """The reason if it failed; a run that ends within the next hour starts no further one."""


def count_folders(folder: Path) -> int:
    """Return the number of folders in a folder. Raises `OSError`.

    Most file systems count them in its links, so that the end of a run takes as long in a large store as in a small
    one (benchmark: is a compaction due?).
    """
    links = os.stat(folder).st_nlink
    return links - 2 if links > 2 else len(os.listdir(folder))


def read_note(root: Path) -> LastCompaction | None:
    """Return the note; None if there is none, or if it cannot be read."""
    try:
        return msgspec.json.decode((root / NOTE).read_bytes(), type=LastCompaction)
    except (OSError, msgspec.DecodeError):
        return None


def note_success(root: Path, runs: int, merged: int, duration_ms: float) -> None:
    """Write the note of a compaction that ended well. Never raises `OSError`: the next one starts a little later."""
    with suppress(OSError):
        left = count_folders(root / "runs")
        note = LastCompaction(utc_now(), left=left, runs=runs, merged=merged, duration_ms=duration_ms)
        private_files.write_atomic(root / NOTE, msgspec.json.encode(note))


def note_failure(root: Path, error: BaseException) -> None:
    """Write the note of a compaction that failed. Never raises `OSError`."""
    before = read_note(root)
    if not root.is_dir():
        return
    with suppress(OSError):
        note = LastCompaction(utc_now(), left=before.left if before else 0, error=message_of(error))
        private_files.write_atomic(root / NOTE, msgspec.json.encode(note))
