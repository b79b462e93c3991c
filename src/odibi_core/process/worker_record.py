"""The record that the worker processes of a run join.

A forked child has the memory of its parent. A spawned child gets the context from `context_for_workers`, or from its
`Process` object, into which a parent copies its `_config` under every start method. No public interface passes data to
the workers of a foreign pool.
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
"""Key in a worker's context: the folder of the store of its run. It is no field of an event."""
OBSERVED: Final = "odibi_core_observed"
"""Key in a worker's context: true if calls of `@node` functions are nodes of the run."""
_KEY: Final = "odibi_core"


class _OpenRecords:
    """The open runs of this process: the data for a worker that joins, and the event bus."""

    def __init__(self) -> None:
        self.runs: dict[str, tuple[dict[str, Any], weakref.ref[EventBus]]] = {}


_open: Final = STATE.part(_OpenRecords)


def open_record(run_id: str, root: object, bus: EventBus, *, observed: bool = False) -> None:
    """Let worker processes join a run, which the store at `root` records and which publishes on `bus`."""
    _open.runs[run_id] = {STORE: str(root), OBSERVED: observed}, weakref.ref(bus)
    _leave_for_children()


def close_record(run_id: str) -> None:
    """Remove a run that ended; a run that was never opened is no error."""
    _open.runs.pop(run_id, None)
    _leave_for_children()


def store_of(run_id: str | None) -> dict[str, Any]:
    """Return the part of a worker's context with which it joins an open run; `{}` if there is no such run."""
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
    """Pass the context on to child processes, if there is one run: of several, a child cannot know its own."""
    config = _config()
    if config is None:
        return
    config.pop(_KEY, None)
    if len(_open.runs) == 1:
        (run_id,) = _open.runs
        context = {**current().standard, "run_id": run_id, "node_name": None, **store_of(run_id)}
        config[_KEY] = (process_id(), context)


def _config() -> dict[str, Any] | None:
    """Return the configuration that a process passes to its children, if `multiprocessing` is loaded."""
    process = sys.modules.get("multiprocessing.process")
    found = getattr(process.current_process(), "_config", None) if process is not None else None
    return found if isinstance(found, dict) else None
