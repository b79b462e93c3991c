"""Runs of other hosts in a local copy: their leases, and the mark of those whose lease is over.

A lease is the file `lease` in the folder of a run that has not ended. Its time is the end of the lease: the time of
the last object of the run, by the clock of the store, and `store.lost_after_s`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from odibi_core import private_files
from odibi_core.events.clock import utc_now
from odibi_core.history.ended import closing_event
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import all_segments

LEASE: Final = "lease"
LOST: Final = "lost.jsonl"
"""The segment of the mark; one that a host shipped has another name."""


def open_segment(path: Path) -> BinaryIO:
    """Open a segment of the copy to append lines; the run is then not lost, even if it was marked here."""
    private_files.make_folder(path.parent)
    with suppress(FileExistsError):
        os.close(private_files.create(path, os.O_WRONLY))
    (path.parent / LOST).unlink(missing_ok=True)
    return path.open("ab")


def set_lease(folder: Path, until: float) -> None:
    """Set the end of the lease of a run, in seconds since the epoch; an ended run has none."""
    lease = folder / LEASE
    if not folder.is_dir():
        return
    if any(closing_event(path) is not None for path in all_segments(folder / "events")):
        lease.unlink(missing_ok=True)
        return
    with suppress(FileExistsError):
        os.close(private_files.create(lease, os.O_WRONLY))
    os.utime(lease, (until, until))


def mark_lost(root: Path) -> set[str]:
    """Mark the runs of a copy whose lease is over as lost; return their ids."""
    store, now, found = RunStore(root), utc_now().timestamp(), set()
    with suppress(FileNotFoundError), os.scandir(root / "runs") as entries:
        for entry in entries:
            lease = Path(entry.path) / LEASE
            with suppress(FileNotFoundError):
                if lease.stat().st_mtime < now and store.detect_lost(entry.name):
                    found.add(entry.name)
    return found
