"""The runs of a worker process that serves several runs, one after the other and side by side.

Each has its own event bus, metrics and journal, so that no line reaches the record of another run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.bus import EventBus
from odibi_core.errors import StoreError
from odibi_core.events import Event, context, encode
from odibi_core.events.clock import process_id
from odibi_core.events.trace_context import span_in
from odibi_core.executors.base import send_line
from odibi_core.process import state, worker_record
from odibi_core.process.configured_metrics import new_metrics
from odibi_core.store.runs import RunStore

_IDLE: Final = 8
"""Runs without a step here that stay open: a run that ended somewhere else does not report it."""
_UNKNOWN: Final = -1
"""A number of lines that differs from every other one."""


class WorkerRun:
    """One run in this process: its event bus, its metrics, and the journal in its folder.

    If this process cannot see that folder, each line is sent to the process of the run instead, and kept in a local
    file until that process has it.
    """

    def __init__(self, run_id: str, store: str | None) -> None:
        self.run_id = run_id
        self.bus = EventBus()
        self.metrics = new_metrics(self.bus)
        self.users = 0
        self.lock = RLock()
        self.closing = ExitStack()
        """Called at the end of the run here, in its context."""
        self.files: Any = None
        """The `FileEvents` of the run here, which a higher layer makes."""
        self.sees_folder = True
        """False if the lines of this process are sent."""
        state.join(self.bus)
        if store is not None:
            self._record(RunStore(store))

    def _record(self, store: RunStore) -> None:
        folder = store.folder(self.run_id) / "events"
        if folder.is_dir() and any(folder.iterdir()):  # a run id is unique: this is the run's own folder
            with suppress(StoreError):
                self._subscribe(store)
                return
        self.sees_folder = False
        self._subscribe(_local_store())
        if (send := send_line.get()) is not None:
            self.bus.subscribe(_Sender(send), name="sender")

    def _subscribe(self, store: RunStore) -> None:
        journal = store.open(self.run_id)
        self.bus.subscribe(journal, name="journal")
        self.closing.callback(journal.close)

    def close(self) -> None:
        """Write and send what is left."""
        with context.using_bus(self.bus), context.bind(run_id=self.run_id):
            with suppress(Exception):
                self.metrics.flush()
            self.closing.close()


def _local_store() -> RunStore:
    """Return the store of this process, for the runs whose folders it cannot see."""
    import tempfile  # here, because few workers need it

    return RunStore(Path(tempfile.gettempdir()) / f"odibi-worker-{process_id()}")


class _Sender:
    """Sends each event as a line. Never raises: the local file has the line too."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send

    def __call__(self, event: Event) -> None:
        with suppress(Exception):
            self._send(encode(event))


class _Runs:
    """The open runs of this process, the one that was used last at the end."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.by_id: OrderedDict[str, WorkerRun] = OrderedDict()


_here: Final = STATE.part(_Runs)


@contextmanager
def joined(run_id: str, fields: dict[str, Any]) -> Iterator[WorkerRun]:
    """Inside, this thread works for a run: its events, metrics and loggers are those of the run.

    Args:
        run_id: The run.
        fields: The context that `worker_context` returned in the process of the run.
    """
    fields = dict(fields)
    store = fields.pop(worker_record.STORE, None)
    fields.pop(worker_record.OBSERVED, None)
    with _here.lock:
        run = _here.by_id.get(run_id)
        if run is None:
            run = _here.by_id[run_id] = WorkerRun(run_id, store)
        _here.by_id.move_to_end(run_id)
        run.users += 1
    try:
        with context.using_bus(run.bus), state.using_metrics(run.metrics), context.bind(**fields) as here:
            context.put(here.with_fields(span_in(fields)))
            yield run
    finally:
        with _here.lock:
            run.users -= 1
            _close_idle()


def _close_idle() -> None:
    idle = [run for run in _here.by_id.values() if not run.users]
    for run in idle[: max(0, len(idle) - _IDLE)]:
        del _here.by_id[run.run_id]
        run.close()


def flush_run(run_id: str) -> list[bytes]:
    """Write what a run recorded in this process; end it and return its lines if its folder cannot be seen here."""
    run = _here.by_id.get(run_id)
    if run is None:
        return []
    if not run.sees_folder:
        return end_run(run_id, _UNKNOWN)
    with context.using_bus(run.bus), context.bind(run_id=run_id), suppress(Exception):
        run.metrics.flush()
    return []


def end_run(run_id: str, received: int) -> list[bytes]:
    """End a run in this process; return all its lines if the process of the run received another number of them.

    A step that still works here after its timeout records no more.
    """
    with _here.lock:
        run = _here.by_id.pop(run_id, None)
        if run is not None:
            run.close()
    local = _local_store()
    if not local.folder(run_id).is_dir():
        return []
    from shutil import rmtree  # here, because few workers need it

    events = list(local.read(run_id))
    rmtree(local.folder(run_id), ignore_errors=True)
    return [] if len(events) == received else [encode(event) for event in events]
