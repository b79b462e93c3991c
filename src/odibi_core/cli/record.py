"""Access to the store and to the records of its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from odibi_core import private_files
from odibi_core.cli.output import notice, waiting
from odibi_core.cli.times import local, moment
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event
from odibi_core.events.clock import utc_now
from odibi_core.settings import read_settings
from odibi_core.settings.nearest_store import STORE, is_store
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors

if TYPE_CHECKING:
    from odibi_core.history.index import Index

_View = TypeVar("_View", bound=Callable[[Event], object])


def open_store(given: str | None, *, ship_wait_s: float = 0.0) -> RunStore:
    """Return the store of `--store`, else of the setting, else the nearest one upwards.

    Of a shared store it is the local copy, brought up to date.

    Args:
        given: The value of `--store`.
        ship_wait_s: The end of the command waits at least so long for shipping, if it writes a note.

    Raises:
        ConfigurationError: `--store` is no store.
    """
    settings = read_settings(store={"dir": given or None})
    private_files.set_file_mode(settings.store.mode)
    if settings.store.url and (not given or "://" in given):
        from odibi_core.cli.shared_store import open_shared  # here, because most stores are not shared

        store = replace(settings.store, ship_wait_s=max(settings.store.ship_wait_s, ship_wait_s))
        return open_shared(replace(settings, store=store))
    if given:
        _check_is_store(given, settings.root)
    return RunStore(settings.root)


def open_local(given: str | None) -> RunStore:
    """Return the store as `open_store` does, but never the local copy of a shared one: this store may be changed.

    Raises:
        ConfigurationError: `--store` is no store, or a URL.
    """
    if given and "://" in given:
        raise ConfigurationError(f"--store must be a folder for this command, got {given!r}; call it on the host")
    settings = read_settings(store={"dir": given or None})
    private_files.set_file_mode(settings.store.mode)
    if given:
        _check_is_store(given, settings.root)
    return RunStore(settings.root)


def _check_is_store(given: str, root: Path) -> None:
    if root.is_dir() and is_store(root):
        return
    if not root.exists():
        found = "which does not exist"
    elif not root.is_dir():
        found = "which is a file"
    else:
        names = sorted(path.name for path in root.iterdir())
        found = f"which has {', '.join(names[:3])}{f' and {len(names) - 3:,} more' if len(names) > 3 else ''}"
    inside = root / STORE
    hint = f"; there is a store in {inside}" if inside.is_dir() else "; without --store the nearest .odibi is used"
    raise ConfigurationError(f"--store must be the folder of a store, got {given!r}, {found}{hint}")


@contextmanager
def indexed(store: RunStore) -> Iterator[Index]:
    """Open the index of a store, brought up to date; report what could not be read or written."""
    from odibi_core.history.index import Index  # here, because a command on one run needs no index

    with Index(store.root) as index:
        with waiting("reading the runs"):
            index.refresh()
        yield index
    for problem in (*index.problems, *store.cold.problems):
        notice(problem)


def find(store: RunStore, wanted: str | None) -> str:
    """Return the id of a run; if its process died, record the run as lost."""
    run_id = store.find(wanted)
    store.detect_lost(run_id)
    return run_id


def read(store: RunStore, run_id: str) -> Iterator[Event]:
    """Yield the events of a run, then report the lines that could not be read."""
    for _, events in read_many(store, [run_id]):
        yield from events


def read_many(store: RunStore, run_ids: Iterable[str]) -> Iterator[tuple[str, Iterator[Event]]]:
    """Yield runs with their events, and report after each the lines that could not be read."""
    read_errors, known = ReadErrors(), ReadErrors()
    for run_id, events in store.read_many(run_ids, read_errors):
        try:
            yield run_id, events
        finally:
            report(read_errors.since(known), f"run {run_id}")
            known = read_errors.since(ReadErrors())
    report(read_errors.since(known), "the store")
    for problem in store.cold.problems:
        notice(problem)


def day_of(store: RunStore, run_id: str) -> date:
    """Return the local day on which a run began."""
    first = next(iter(store.read(run_id)), None)
    return local(utc_now() if first is None else first.timestamp).date()


def select(store: RunStore, run: str | None, since: str | None) -> Iterator[Event]:
    """Yield the events of a run, or of all runs, from the time of `--since` on."""
    begin = moment(since, "--since")
    for _, events in read_many(store, [find(store, run)] if run else store.ids()):
        for event in events:
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
