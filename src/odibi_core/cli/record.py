"""Access to the store and to the records of its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from odibi_core import private_files
from odibi_core.cli.output import notice
from odibi_core.cli.times import moment
from odibi_core.events import Event
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors

_View = TypeVar("_View", bound=Callable[[Event], object])


def open_store(given: str | None) -> RunStore:
    """Return the store of `--store`, or else of the setting."""
    settings = read_settings(store={"dir": given or None})
    private_files.set_file_mode(settings.store.mode)
    return RunStore(settings.root)


def find(store: RunStore, wanted: str | None) -> str:
    """Return the id of a run; if its process died, record the run as lost."""
    run_id = store.find(wanted)
    store.detect_lost(run_id)
    return run_id


def read(store: RunStore, run_id: str) -> Iterator[Event]:
    """Yield the events of a run, then report the lines that could not be read."""
    read_errors = ReadErrors()
    yield from store.read(run_id, read_errors)
    report(read_errors, f"run {run_id}")


def select(store: RunStore, run: str | None, since: str | None) -> Iterator[Event]:
    """Yield the events of a run, or of all runs, from the time of `--since` on."""
    begin = moment(since, "--since")
    for run_id in [find(store, run)] if run else store.ids():
        for event in read(store, run_id):
            if begin is None or event.timestamp >= begin:
                yield event


def report(read_errors: ReadErrors, where: str) -> None:
    """Write a notice if lines could not be read."""
    if read_errors:
        notice(f"{where}: skipped {read_errors.torn} torn and {read_errors.unreadable} unreadable lines")


def fold(view: _View, events: Iterable[Event]) -> _View:
    """Return the view after passing it every event."""
    for event in events:
        view(event)
    return view
