"""`Refresh`: brings an index up to date with the runs of its store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from odibi_core.events.clock import host_name, monotonic, process_start, utc_now
from odibi_core.history.index import database, entries
from odibi_core.history.index.cold import tables_by_run
from odibi_core.history.index.columns import micros, moment_of
from odibi_core.history.index.entries import COLD, ENDED, HOT, OPEN, PARTIAL, SETTLED, Entry, Tables
from odibi_core.history.index.scan import Segments, batch_names, hot_names
from odibi_core.history.rows import RunTables, as_dicts
from odibi_core.history.rows.cells import json_text
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, safe_name

if TYPE_CHECKING:
    from sqlite3 import Connection

_CHUNK: Final = 100
"""Runs that are written in one transaction."""
_COLD_CHUNK: Final = 1_000
"""Runs that are read from Parquet with one query a table."""
_PASSES: Final = 3
_LATE: Final = timedelta(days=1)
"""The time after the end of a run for which its worker processes may still write."""
_CLOCKS_DIFFER_S: Final = 5.0
"""The start of a process and that of its run are read from two clocks."""
_SAME, _STILL, _GROWN, _GONE = range(4)


class Refresh:
    """One comparison of an index with its store.

    Several processes may do so at once: each writes what it has read, with the sizes of the segments. If another one
    has written older rows last, the next comparison finds other sizes, and reads the run again.
    """

    def __init__(self, root: Path, connection: Connection, within_s: float | None = None) -> None:
        self._root = root
        self._store = RunStore(root)
        self._connection = connection
        self._until = None if within_s is None else monotonic() + within_s

    @property
    def problems(self) -> list[str]:
        """Sentences on files of batches that could not be read."""
        return self._store.cold.problems

    def run(self) -> None:
        """Compare until no run was moved in between, at most three times."""
        for _ in range(_PASSES):
            if self._is_stable_pass():
                return

    def _is_stable_pass(self) -> bool:
        """Compare once; return False if a hot run disappeared before it was read: it may have been compacted."""
        # In this order: a run that another process adds meanwhile is not taken for a pruned one, and a run that is
        # compacted meanwhile is hot, or cold, or both.
        listed = dict(self._connection.execute("select id, state from runs where place = ?", (HOT,)))
        hot = hot_names(self._root)
        compacted: set[str] = set()
        if self._until is None:
            compacted = self._compacted(hot, {*hot, *listed})
            self._delete([name for name in listed if name not in hot and name not in compacted])
            self._read_late()
        settled = {name for name, state in listed.items() if state == SETTLED}
        known = self._known(f"state < {SETTLED}")
        is_stable = True
        still: list[str] = []
        gone: list[str] = []
        for chunk in _chunks(sorted(hot - compacted - settled, reverse=True)):
            read = []
            for name in chunk:
                if self._until is not None and monotonic() > self._until:
                    break
                change = self._change(name, known.get(name), is_listed=name in listed)
                if change == _GROWN:
                    entry, tables = self._read(name)
                    is_stable = is_stable and bool(entry.signature)
                    read.append((entry, tables))
                elif change != _SAME:
                    (still if change == _STILL else gone).append(name)
            self._write([each for each in read if each[0].signature])
        self._settle(still)
        self._delete(gone)
        return is_stable

    def _known(self, condition: str) -> dict[str, _Known]:
        query = f"select id, place, signature, state, status, pid, host, started, events from runs where {condition}"
        return {
            row[0]: _Known(Entry(*row[:4]), Process(row[4], row[5], row[6], _moment(row[7])), row[8])
            for row in self._connection.execute(query)
        }

    def _write(self, read: Sequence[tuple[Entry, Tables]]) -> None:
        if read:
            with database.transaction(self._connection):
                for entry, tables in read:
                    entries.write(self._connection, entry, tables)

    def _delete(self, names: Sequence[str]) -> None:
        for chunk in _chunks(names):
            with database.transaction(self._connection):
                entries.delete(self._connection, chunk)

    def _settle(self, names: Sequence[str]) -> None:
        if names:
            with database.transaction(self._connection):
                values = ((SETTLED, name, ENDED) for name in names)
                self._connection.executemany("update runs set state = ? where id = ? and state = ?", values)

    def _compacted(self, hot: set[str], names: set[str]) -> set[str]:
        """Take over the runs that were compacted since the last comparison; return those of these names that are cold.

        Without a new batch no other run is looked at: there may be a hundred thousand.
        """
        batches = batch_names(self._root)
        seen = {name for (name,) in self._connection.execute("select name from batches")}
        if batches == seen:
            query = "select id from runs where id in (select value from json_each(?)) and place = ?"
            return {name for (name,) in self._connection.execute(query, (json_text(sorted(names)), COLD))}
        known = self._known("true")
        moved, unread = [], []
        cold = {name: str(entry.events) for name, (_, entry) in self._store.cold.runs().items()}
        for name, events in cold.items():
            each = known.get(name)
            if each is not None and each.entry.place == HOT and each.is_complete and str(each.events) == events:
                moved.append(name)
            elif each is None or each.entry.signature != events:
                unread.append(name)
        for chunk in _chunks(moved):
            with database.transaction(self._connection):
                entries.forget_rows(self._connection, chunk)
        for chunk in _chunks(unread, _COLD_CHUNK):
            read = tables_by_run(self._store.cold, chunk)
            self._write([(Entry(name, COLD, cold[name], SETTLED), read.get(name, {})) for name in chunk])
        with database.transaction(self._connection):
            self._connection.execute("delete from batches")
            self._connection.executemany("insert into batches values (?)", ((name,) for name in batches))
        self._delete(
            [name for name, each in known.items() if each.entry.place == COLD and name not in cold and name not in hot]
        )
        return names & cold.keys()

    def _read_late(self) -> None:
        """Read compacted runs again that ended a short time ago and to which a process has written since."""
        query = "select id, signature from runs where place = ? and last_event >= ?"
        for name, signature in self._connection.execute(query, (COLD, micros(utc_now() - _LATE))).fetchall():
            if self._store.segments(name):
                late = f"{signature.partition('+')[0]}+{Segments(self._root, name).signature}"
                if late != signature:
                    self._write([(Entry(name, COLD, late, SETTLED), self._fold(name)[1])])

    def _change(self, name: str, known: _Known | None, *, is_listed: bool) -> int:
        """Return whether a run has to be read, is to be left alone from now on, or is no longer there.

        Within a time limit, a known run that lasts is not read again: a long program would be, after each pipeline.
        """
        segments = Segments(self._root, name)
        if not segments.signature and (is_listed or (self._root / "runs" / name).is_dir()):
            return _GONE if is_listed else _SAME  # not listed: its first segment is not there yet, or it is no run
        if known is None or not known.is_complete:
            return _GROWN
        if self._until is not None and known.entry.state == OPEN and segments.have_writer:
            return _SAME
        if known.entry.signature != segments.signature or known.process.is_dead():
            return _GROWN
        return _STILL if known.entry.state == ENDED and segments.is_still else _SAME

    def _read(self, name: str) -> tuple[Entry, Tables]:
        """Return the rows of a hot run, with an empty signature if it is gone; a run without a process is marked."""
        entry, tables = self._fold(name)
        if Process.of(tables).is_dead() and self._store.detect_lost(name):
            entry, tables = self._fold(name)
        return entry, tables

    def _fold(self, name: str) -> tuple[Entry, Tables]:
        segments = Segments(self._root, name)  # before the reading: a line that is written meanwhile is seen next time
        errors = ReadErrors()
        fold = RunTables(errors)
        for event in self._store.read(name, errors):
            fold(event)
        is_there = (self._root / "runs" / name).is_dir()
        state = OPEN if not fold.is_closed else SETTLED if segments.is_still else ENDED
        return Entry(name, HOT, segments.signature if is_there else "", state), fold.answer()

    def tables(self, run_id: str) -> Tables:
        """Return the rows of one run from its record, and keep them; empty if there is no such run."""
        name = safe_name(run_id, 120)
        is_cold = self._store.cold.find(name) is not None
        if is_cold and not self._store.segments(name):
            return tables_by_run(self._store.cold, [name]).get(name, {})
        entry, tables = self._fold(name)
        if entry.signature and not is_cold:
            self._write([(entry, tables)])
        return tables


class Process(Struct, frozen=True):
    """The process of a run, as its first event reports it."""

    status: str | None
    pid: int | None
    host: str | None
    started: datetime | None

    @classmethod
    def of(cls, tables: Tables) -> Process:
        """Return the process of a run by its rows."""
        run = next(iter(as_dicts("runs", tables.get("runs", ()))), {})
        return cls(*(run.get(name) for name in ("status", "pid", "host", "started")))

    def is_dead(self) -> bool:
        """Return whether a running run of this host may have lost its process; its record decides."""
        if self.status != "running" or self.host != host_name() or self.pid is None:
            return False
        began = process_start(self.pid)
        return began is None or (self.started is not None and began > self.started.timestamp() + _CLOCKS_DIFFER_S)


class _Known(Struct, frozen=True):
    """A run in the index, with the columns that a comparison needs."""

    entry: Entry
    process: Process
    events: int | None

    @property
    def is_complete(self) -> bool:
        """True if the rows were computed from all events."""
        return self.entry.state != PARTIAL


def _moment(value: int | None) -> datetime | None:
    return None if value is None else moment_of(value)


def _chunks(names: Sequence[str], size: int = _CHUNK) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
