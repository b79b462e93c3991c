"""Compaction and pruning in the background: started at the end of a run, in a process of its own, if they are due.

The process is detached: it survives its parent, writes to no terminal, and yields the processor to every other one.
One compacts a store at a time. A failure is noted in the store, for `odibi doctor`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from odibi_core.errors import StoreError
from odibi_core.events.clock import utc_now
from odibi_core.history.last_compaction import count_folders, note_failure, read_note
from odibi_core.history.retention import Limits, limits_of
from odibi_core.store.locks import exclusive
from odibi_core.store.segments import all_segments, safe_name

if TYPE_CHECKING:
    from odibi_core.settings.sections import Store

LIMIT_S: Final = 600.0
"""Seconds after which a background compaction begins no further batch."""
NICENESS: Final = 10
PRUNED: Final = "pruned.mark"
"""A file whose time is that of the last pruning in the background; at most one an hour begins."""
RETRY_AFTER: Final = timedelta(hours=1)
"""The pause after a compaction that failed."""
_MB: Final = 1 << 20
_START: Final = "import sys; sys.path[:] = sys.argv[4:]; from odibi_core.history.background import main; main()"
_DETACHED: Final = '"$@" </dev/null >/dev/null 2>&1 &'
"""The shell ends at once, so that the process is no child of this program: no zombie, and no stranger to its `wait`."""


class _Work(msgspec.Struct, frozen=True):
    """The work of a process."""

    limits: Limits | None
    """The limits of a pruning; None for none."""
    compacts: bool
    url: str = ""
    """The shared store."""


def compact_soon(root: Path, settings: Store, run_id: str | None = None) -> bool:
    """Start a compaction if the store has enough ended runs, or a pruning if a limit is set; return whether one was.

    Nothing is waited for: looking takes less than a millisecond, starting a few.

    Args:
        root: The folder of the store.
        settings: Its settings; `compact` "off" starts no compaction.
        run_id: The run that has just ended: if it is small, the sizes of the others are not looked at.

    Raises:
        OSError: The store cannot be read, or the process cannot be started.
    """
    limits = limits_of(settings)
    compacts = settings.compact != "off" and is_due(root, settings, run_id)
    prunes = limits.is_set and is_pruning_due(root)
    if not (compacts or prunes):
        return False
    work = _Work(limits=limits if prunes else None, compacts=compacts, url=settings.url)
    given = [str(root), f"{settings.mode:o}", msgspec.json.encode(work).decode()]
    return start_detached(_START, given)


def start_detached(code: str, given: Sequence[str], environment: Mapping[str, str] | None = None) -> bool:
    """Start a process of Python that survives this one; return False if there is no interpreter to start.

    Args:
        code: The code, which finds `given` and then the path of imports in `sys.argv`.
        given: Its arguments.
        environment: Its variables; those of this process by default.

    Raises:
        OSError: The process cannot be started.
    """
    if not _can_start():
        return False
    import subprocess

    command = [sys.executable, "-P", "-c", code, *given, *map(os.path.abspath, sys.path)]
    subprocess.run(
        ["/bin/sh", "-c", _DETACHED, "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=environment,
        check=False,
    )
    return True


def is_due(root: Path, settings: Store, run_id: str | None = None) -> bool:
    """Return whether the runs since the last compaction are many or large, and none runs or has just failed."""
    note = read_note(root)
    number = count_folders(root / "runs")
    count = number - (note.left if note else 0)
    if count < 0:  # folders were deleted by another program
        count = number
    if count < settings.compact_runs:
        enough = int(settings.compact_mb * _MB)
        # A run below the mean cannot be the one that makes the sum too large before the number is.
        if run_id is not None and _bytes_of(root, safe_name(run_id, 120)) < enough / max(1, settings.compact_runs):
            return False
        newest = sorted(os.listdir(root / "runs"), reverse=True)[:count]
        if sum(_bytes_of(root, name) for name in newest) < enough:
            return False
    if note is not None and note.error is not None and utc_now() - note.ended < RETRY_AFTER:
        return False
    return _is_free(root)


def _is_free(root: Path) -> bool:
    try:
        with exclusive(root) as is_locked:
            return is_locked
    except StoreError:  # a store on a file system without locks is not compacted
        return False


def _bytes_of(root: Path, name: str) -> int:
    try:
        return sum(path.stat().st_size for path in all_segments(root / "runs" / name / "events"))
    except OSError:
        return 0


def _can_start() -> bool:
    """Return whether `sys.executable` is a Python interpreter; in a frozen program it is that program."""
    return bool(sys.executable) and not getattr(sys, "frozen", False) and os.path.exists("/bin/sh")


def is_pruning_due(root: Path) -> bool:
    """Return whether the last pruning began long enough ago; one of the future is that of a clock that was set back."""
    try:
        age = utc_now().timestamp() - os.stat(root / PRUNED).st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= age < RETRY_AFTER.total_seconds()


def main() -> None:
    """Compact and prune the store of the command line; the whole of the process."""
    root, mode = Path(sys.argv[1]), int(sys.argv[2], 8)
    os.nice(NICENESS)
    try:
        from odibi_core import private_files
        from odibi_core.history.compaction import Options, compact
        from odibi_core.history.index import Index
        from odibi_core.store.runs import RunStore

        private_files.set_file_mode(mode)
        work = msgspec.json.decode(sys.argv[3], type=_Work)
        if work.compacts:
            compact(RunStore(root), Options(limit_s=LIMIT_S, waits=True, threads=1))
        if work.limits is not None:
            _prune(root, work.limits, work.url)
        with Index(root) as index:  # a run that ends reads no more of the store than the index has
            index.refresh()
    except Exception as error:
        note_failure(root, error)


def _prune(root: Path, limits: Limits, url: str) -> None:
    from odibi_core import private_files
    from odibi_core.history import pruning
    from odibi_core.store.runs import RunStore

    private_files.write_atomic(root / PRUNED, b"")
    pruning.prune(RunStore(root), limits, pruning.Options(least_share=pruning.WORTH_IT, threads=1, url=url))
