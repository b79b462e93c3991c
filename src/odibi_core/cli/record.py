"""Finding and reading the record that a command asks of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

from odibi_core import private_files
from odibi_core.cli.output import notice
from odibi_core.events import Event
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors

_Sink = TypeVar("_Sink", bound="_Hears")


class _Hears(Protocol):
    def __call__(self, event: Event, /) -> object: ...


def open_store(given: str | None) -> RunStore:
    """The store that `--store` names, else the setting's."""
    settings = read_settings(store={"dir": given or None})
    private_files.set_file_mode(settings.store.mode)
    return RunStore(settings.root)


def find(store: RunStore, wanted: str | None) -> str:
    """The run that is meant; if its process died without a word, the record says so from now on."""
    run_id = store.find(wanted)
    store.detect_lost(run_id)
    return run_id


def read(store: RunStore, run_id: str) -> Iterator[Event]:
    """The events of a run; afterwards, what of it could not be read is told on stderr."""
    read_errors = ReadErrors()
    yield from store.read(run_id, read_errors)
    report(read_errors, f"run {run_id}")


def report(read_errors: ReadErrors, where: str) -> None:
    """Write a notice if something could not be read."""
    if read_errors:
        notice(f"of {where}, {read_errors.torn} half and {read_errors.unreadable} unreadable lines were passed over")


def feed(sink: _Sink, store: RunStore, run_id: str) -> _Sink:
    """A view that has heard the whole run."""
    for event in read(store, run_id):
        sink(event)
    return sink
