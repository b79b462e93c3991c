"""`Follower`: new events of a store as they are written, across new runs, rotation and compaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from odibi_core.events import Event, decode, kinds
from odibi_core.events.clock import host_name, monotonic, process_start
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, all_segments, by_writer, merge_by_time
from odibi_core.views.run_head import CLOSING
from odibi_core.views.values import count

_CHUNK: Final = 1 << 20
QUIET_S: Final = 60.0
"""A run is followed until it has ended and no line came for so long: a worker process may end after its run."""


class Follower:
    """Events of runs, each once: those that exist at the first `poll`, then those that were added since the last.

    Args:
        store: The store.
        run_ids: The runs to read from their first event on.
        is_wanted: Chooses, by their ids, runs that begin later and are followed too; None for none.
    """

    def __init__(self, store: RunStore, run_ids: Iterable[str], is_wanted: Callable[[str], bool] | None = None) -> None:
        self.read_errors = ReadErrors()
        self._store = store
        self._is_wanted = is_wanted
        self._runs: dict[str, _Run] = {}
        self.add(run_ids)
        self.known = self._names()
        """The runs that are not new."""

    def add(self, run_ids: Iterable[str]) -> None:
        """Follow further runs, from their first event on."""
        for run_id in run_ids:
            self._runs.setdefault(run_id, _Run(self._store, run_id, self.read_errors))

    def poll(self) -> Iterator[Event]:
        """Yield the events that were written since the last call, those of several writers merged by time."""
        if self._is_wanted is not None:
            new = sorted(self._names() - self.known)
            self.known.update(new)
            self.add(filter(self._is_wanted, new))
        yield from merge_by_time(*(run.poll() for run in self._runs.values()))
        for run_id in [run_id for run_id, run in self._runs.items() if run.is_over]:
            del self._runs[run_id]

    @property
    def is_over(self) -> bool:
        """True if nothing is followed any more: every run has ended, and no new one is waited for."""
        return self._is_wanted is None and all(run.has_ended for run in self._runs.values())

    def _names(self) -> set[str]:
        try:
            hot = set(os.listdir(self._store.root / "runs"))
        except OSError:
            hot = set()
        return hot | self._store.cold.runs().keys()


class _Run:
    """One run: how far each of its segments was read, and the last event of each writer."""

    def __init__(self, store: RunStore, run_id: str, read_errors: ReadErrors) -> None:
        self.has_ended = False
        self._store = store
        self._run_id = run_id
        self._folder = store.folder(run_id) / "events"
        self._errors = read_errors
        self._positions: dict[Path, int] = {}
        self._seen: dict[str, int] = {}
        self._opening: Event | None = None
        self._last = monotonic()
        self._is_cold = False

    @property
    def is_over(self) -> bool:
        """True if no further event is expected."""
        return self._is_cold or (self.has_ended and monotonic() - self._last > QUIET_S)

    def poll(self) -> Iterator[Event]:
        for event in merge_by_time(*map(self._read, by_writer(all_segments(self._folder)))):
            yield self._note(event)
        if self._store.cold.find(self._run_id) is not None:
            yield from self._rest()
        elif not self.has_ended and self._is_dead():
            self._store.detect_lost(self._run_id)  # its last event is there at the next call

    def _rest(self) -> Iterator[Event]:
        """Yield the events that were not read before the segments became a part of a batch."""
        self._is_cold = self.has_ended = True
        is_unread = not self._positions
        for event in self._store.read(self._run_id):
            if is_unread or event.seq > self._seen.get(event.writer_id, -1):
                yield self._note(event)

    def _note(self, event: Event) -> Event:
        self._last = monotonic()
        self._seen[event.writer_id] = max(event.seq, self._seen.get(event.writer_id, -1))
        if event.event_type == kinds.PIPELINE_START:
            self._opening = self._opening or event
        elif event.event_type in CLOSING and (self._opening is None or event.run_id == self._opening.run_id):
            self.has_ended = True
        return event

    def _is_dead(self) -> bool:
        """Return whether the process of the run is gone, by its first event."""
        fields = self._opening.fields if self._opening is not None else {}
        pid = count(fields.get("pid"))
        return pid is not None and fields.get("host") == host_name() and process_start(pid) is None

    def _read(self, paths: list[Path]) -> Iterator[Event]:
        """Yield the events of whole lines behind the position in each segment."""
        for path in paths:
            for line in self._lines(path):
                try:
                    yield decode(line)
                except (ValueError, TypeError, RecursionError):
                    self._errors.unreadable += 1

    def _lines(self, path: Path) -> Iterator[bytes]:
        try:
            if path.stat().st_size <= self._positions.get(path, 0):
                return
            with path.open("rb") as file:
                file.seek(self._positions.get(path, 0))
                rest = b""
                while chunk := file.read(_CHUNK):
                    *lines, rest = (rest + chunk).split(b"\n")
                    self._positions[path] = file.tell() - len(rest)
                    yield from filter(None, lines)
        except OSError:  # compaction deletes what a batch has
            return
