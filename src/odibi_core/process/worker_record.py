"""Worker processes of a run: what a run leaves for those that it starts, and what they take up.

A forked child has its parent's memory. A spawned one begins anew: `context_for_workers` hands it the record of the run,
and without it the child's own `Process` object, which a parent copies its `_config` into under every start method.
There is no public way to give the workers of other people's pools anything.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus
from odibi_core.events.clock import process_id
from odibi_core.events.context import current

STORE: Final = "odibi_core_store"
"""In a context for a worker: the folder of the store that has its run. It is no field of an event."""
OBSERVED: Final = "odibi_core_observed"
"""There as well, if calls of `@node` functions are nodes of the run."""
_KEY: Final = "odibi_core"



class _OpenRecords:
    """The runs of this process that its workers may join: what they need, and the run's bus."""

    def __init__(self) -> None:
        self.runs: dict[str, tuple[dict[str, Any], weakref.ref[EventBus]]] = {}


_open: Final = STATE.part(_OpenRecords)


def open_record(run_id: str, root: object, bus: EventBus, *, observed: bool = False) -> None:
    """Have the workers of a run join it, which is recorded in the store at `root` and speaks on `bus`."""
    _open.runs[run_id] = {STORE: str(root), OBSERVED: observed}, weakref.ref(bus)
    _leave_for_children()


def close_record(run_id: str) -> None:
    """The run has ended; one that was never opened is no error."""
    _open.runs.pop(run_id, None)
    _leave_for_children()


def store_of(run_id: str | None) -> dict[str, Any]:
    """Return what a worker needs to join an open run, as part of its context; `{}` if there is no such run."""
    found = _open.runs.get(run_id or "")
    return {} if found is None else found[0]


def bus_of(run_id: str | None) -> EventBus | None:
    """Return the bus of an open run: in the process that runs it, and in its forked children."""
    found = _open.runs.get(run_id or "")
    return None if found is None else found[1]()


def left_by_parent() -> dict[str, Any]:
    """Return the context that a parent process left for its children; `{}` if there is none."""
    config = _config() or {}
    process, context = config.get(_KEY, (process_id(), {}))
    return {} if process == process_id() else dict(context)


def _leave_for_children() -> None:
    """With several runs at once nobody knows which one a child works for."""
    config = _config()
    if config is None:
        return
    config.pop(_KEY, None)
    if len(_open.runs) == 1:
        (run_id,) = _open.runs
        context = {**current().standard, "run_id": run_id, "node_name": None, **store_of(run_id)}
        config[_KEY] = (process_id(), context)


def _config() -> dict[str, Any] | None:
    """The configuration that processes hand to their children, if `multiprocessing` is loaded."""
    process = sys.modules.get("multiprocessing.process")
    found = getattr(process.current_process(), "_config", None) if process is not None else None
    return found if isinstance(found, dict) else None
