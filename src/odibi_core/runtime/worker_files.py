"""The files that steps read and write in a worker process: notes on the step that works there."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, Protocol

from odibi_core._state import STATE
from odibi_core.process import state as program
from odibi_core.process.worker_runs import WorkerRun
from odibi_core.runtime.file_events import FileEvents


class Notes(Protocol):
    """Takes the files of the step that works here."""

    def file(self, message: str | None, fields: dict[str, Any]) -> None: ...


notes_here: ContextVar[Notes | None] = ContextVar("odibi_core_notes", default=None)
"""The notes on the step that works here."""


class _FileNotes:
    """Takes the events of files: as notes on the step that works here, else on the bus of this process."""

    def publish(self, kind: str, message: str | None = None, *, fields: dict[str, Any]) -> None:
        notes = notes_here.get()
        if notes is None:
            program.current_bus().publish(kind, message, fields=fields)
        else:
            notes.file(message, fields)


class _WorkerFiles:
    """The files that this process records for the run for which it works."""

    def __init__(self) -> None:
        self.events: FileEvents | None = None
        self.run_id: str | None = None


_worker_files: Final = STATE.part(_WorkerFiles)


def files_of_worker(run_id: str, *, ask: bool) -> FileEvents:
    """Return the file events of the run for which this process works, and close those of an earlier run."""
    here = _worker_files
    if here.events is None or here.run_id != run_id:
        if here.events is not None:
            here.events.close()
        here.events, here.run_id = FileEvents(_FileNotes(), run_id, ask=ask), run_id
        here.events.open()
    return here.events


def files_of_run(run: WorkerRun, *, ask: bool) -> FileEvents:
    """Return the file events of one of several runs of this process."""
    with run.lock:
        if run.files is None:
            run.files = FileEvents(_FileNotes(), run.run_id, ask=ask)
            run.files.open()
            run.closing.callback(run.files.close)
        files: FileEvents = run.files
    return files
