"""The export to a database after each run: in a process of its own, which exports everything that is missing.

The drivers of databases take longer to load than a short run, so the run waits only for the start of the process. One
exports a store at a time: a run that ends meanwhile makes it begin again. A failure is noted for `odibi doctor`, and
the next run tries again.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.events.clock import utc_now
from odibi_core.events.failure import message_of
from odibi_core.events.paths import absolute_path
from odibi_core.history.background import NICENESS, start_detached
from odibi_core.settings.environment import process_environment
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore

NOTE: Final = "export.json"
DUE: Final = "export.due"
"""A file whose time is that of the last run."""
LOCK: Final = "export.lock"
RETRY_AFTER: Final = timedelta(minutes=1)
"""The pause after an export that failed."""
VARIABLE: Final = "ODIBI_STORE__EXPORT_TO"
_MAIN: Final = "from odibi_core.history.database.after_runs import main; main()"
_START: Final = f"import sys; sys.path[:] = sys.argv[4:]; {_MAIN}"
_TICK_S: Final = 0.02
"""The clock of a file system may be so far behind."""


class LastExport(msgspec.Struct, frozen=True, omit_defaults=True):
    """The end of the last export after a run. It is only a note: deleting it loses nothing."""

    ended: datetime
    runs: int = 0
    """Runs that it exported."""
    error: str | None = None


def export_soon(root: Path, url: str, mode: int) -> bool:
    """Start an export of the store; return False if one works on it, has just failed, or cannot be started.

    Args:
        root: The folder of the store.
        url: The URL of the database. It reaches the process in a variable: a command line is open to all users.
        mode: The mode of new files.

    Raises:
        OSError: The store cannot be written, or the process cannot be started.
    """
    private_files.write_atomic(root / DUE, b"")
    note = read_note(root)
    if note is not None and note.error is not None and timedelta() <= utc_now() - note.ended < RETRY_AFTER:
        return False
    try:
        with exclusive(root, LOCK) as is_free:
            if not is_free:
                return False
    except StoreError:  # without locks, exporters would only repeat each other's work
        return False
    environment = {**process_environment(), VARIABLE: _absolute(url)}
    return start_detached(_START, [str(root), f"{mode:o}", ""], environment)


def _absolute(url: str) -> str:
    """Return a URL whose file does not depend on the working directory, which the process does not have."""
    scheme, found, file = url.partition(":///")
    return f"{scheme}:///{absolute_path(file)}" if found and scheme.lower() in ("sqlite", "duckdb") else url


def main() -> None:
    """Export the store of the command line; the whole of the process."""
    os.nice(NICENESS)
    private_files.set_file_mode(int(sys.argv[2], 8))
    export_until_done(Path(sys.argv[1]), process_environment()[VARIABLE])


def export_until_done(root: Path, url: str) -> None:
    """Export what is missing, and again if a run ended meanwhile. Never raises because of a database."""
    began = utc_now()
    while True:
        with exclusive(root, LOCK) as is_locked:
            if not is_locked:
                return
            began = utc_now()
            is_exported = _export(root, url)
        # After the lock is free: a run that ended before found it held, and left only its mark.
        if not is_exported or not _is_due_since(root, began):
            return


def _export(root: Path, url: str) -> bool:
    from odibi_core.history.database.exporting import Export

    try:
        done = Export(RunStore(root), url).run()
    except Exception as error:
        _write_note(root, LastExport(utc_now(), error=message_of(error)))
        return False
    _write_note(root, LastExport(utc_now(), runs=done.new + done.changed))
    return True


def _is_due_since(root: Path, began: datetime) -> bool:
    try:
        return bool(os.stat(root / DUE).st_mtime >= began.timestamp() - _TICK_S)
    except OSError:
        return False


def read_note(root: Path) -> LastExport | None:
    """Return the note; None if there is none, or if it cannot be read."""
    try:
        return msgspec.json.decode((root / NOTE).read_bytes(), type=LastExport)
    except (OSError, msgspec.DecodeError):
        return None


def _write_note(root: Path, note: LastExport) -> None:
    with suppress(OSError):
        private_files.write_atomic(root / NOTE, msgspec.json.encode(note))
