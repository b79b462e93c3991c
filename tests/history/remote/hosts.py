"""Hosts of a shared store, played by stores of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from odibi_core.bus.bus import EventBus
from odibi_core.events import Event
from odibi_core.history.remote import read_address, ship, sync
from odibi_core.history.remote.objects import FolderObjects
from odibi_core.store.runs import RunStore

DEAD_PID = 2**22 + 1
"""A process id that Linux gives to no process."""


def record_run(
    root: Path, name: str = "nightly", *, host: str = "host-a", events: int = 3, is_open: bool = False, pid: int = 0
) -> str:
    """Record a run as a process of another host would, and return its id."""
    store = RunStore(root)
    run_id = store.new_run_id(name)
    bus = EventBus()
    journal = store.open(run_id)
    bus.subscribe(journal)
    about = {"run_id": run_id, "pipeline_name": name}
    identity = {"host": host, "pid": pid or os.getpid(), "process_start": 1.0}
    bus.publish("pipeline_start", fields={**about, "status": "running", **identity})
    for number in range(events):
        bus.publish("line", fields={"run_id": run_id, "number": number})
    if not is_open:
        bus.publish("pipeline_complete", fields={**about, "status": "success", "duration_ms": 1.0})
    journal.close()
    return run_id


def read_all(url: str, local: Path | None = None) -> dict[str, list[Event]]:
    """Return the events of every run of a shared store, by run."""
    store = RunStore(sync(read_address(url), local=local).root)
    return {run_id: list(store.read(run_id)) for run_id in store.ids()}


def numbers(events: list[Event]) -> list[tuple[str, int]]:
    """Return writer and number of each event, which name it."""
    return sorted((event.writer_id, event.seq) for event in events)


def recorded(root: Path) -> dict[str, list[tuple[str, int]]]:
    """Return the names of the events in a local store, by run."""
    store = RunStore(root)
    return {run_id: numbers(list(store.read(run_id))) for run_id in store.ids()}


def shared(url: str) -> dict[str, list[tuple[str, int]]]:
    """Return the names of the events in a shared store, by run; an event that is there twice is listed twice."""
    return {run_id: numbers(events) for run_id, events in read_all(url).items()}


def ship_all(root: Path, url: str) -> int:
    """Ship a store; return the number of objects."""
    return ship(root, read_address(url)).objects


def copy_objects(share: Path, to: Path) -> None:
    """Write the objects of a shared folder into another one."""
    for path in [path for path in share.rglob("*") if path.is_file()]:
        FolderObjects(to).write(os.path.relpath(path, share), path.read_bytes())


def lines_of(run: Iterator[Event]) -> list[int]:
    """Return the numbers of the lines of a run."""
    return [event.fields["number"] for event in run if "number" in event.fields]
