"""`export_to`: brings the tables in a database up to date with the runs of a store.

A run is exported as a whole, in one transaction: its rows in every table, and the note of its size. So a killed export
leaves whole runs, the next one continues, and a second one changes nothing. A run whose record has grown replaces its
rows. The database keeps runs that are pruned from the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from odibi_core.engines.file_remote import without_database_login
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.clock import host_name, utc_now
from odibi_core.history.database.base import Database
from odibi_core.history.database.opening import open_database
from odibi_core.history.database.stored_runs import StoredRun, StoredRuns
from odibi_core.history.database.tables import EXPORTED, NOTED, VERSION, prepare
from odibi_core.history.index import Index
from odibi_core.history.index.filters import ALL, RunFilter
from odibi_core.store.runs import RunStore

MISSED: Final = "missed:"
Progress = Callable[[int, int], object]
"""Called with the runs that are exported and those that will be."""


class Exported(msgspec.Struct):
    """The result of an export. In a dry run, `new` and `changed` are what an export would write."""

    to: str
    schema: str
    tables: list[str]
    new: int = 0
    """Runs that were not in the database."""
    changed: int = 0
    """Runs that had grown, got a note, lacked a table or a later version's columns."""
    unchanged: int = 0
    newer: int = 0
    """Runs of which the database has more than this store: another host exported them."""
    gone: int = 0
    """Runs that were pruned while the export ran."""
    missed: int = 0
    """Alerts about runs that did not come, new or with a new note."""
    rows: dict[str, int] = {}
    """Rows that were written, by table."""
    unreadable: int = 0
    """Lines of these runs that could not be read, and are not in `logs`."""
    is_dry_run: bool = False
    problems: list[str] = []


class _Known(msgspec.Struct, frozen=True):
    """The note of one exported run."""

    events: int
    version: int
    tables: frozenset[str]
    notes: str


def chosen_tables(names: Sequence[str] | None) -> list[str]:
    """Return the tables of an export in the order of the schema; None for all.

    Raises:
        ConfigurationError: One of them is no table.
    """
    for name in names or ():
        if name not in EXPORTED:
            raise ConfigurationError(
                f"--tables must name tables of the history, got {name!r}{nearest(name, EXPORTED)}; "
                f"they are {', '.join(EXPORTED)}"
            )
    return [name for name in EXPORTED if names is None or name in names]


class Export:
    """One export of the runs of a store into a database.

    Args:
        store: The store.
        to: The URL of the database.
        schema: The schema of the tables; empty for the usual one of the database.
        tables: The tables; None for all.
        progress: Called after each transaction.
    """

    def __init__(
        self,
        store: RunStore,
        to: str,
        schema: str = "",
        tables: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._to = to
        self._schema = schema
        self._tables = chosen_tables(tables)
        self._progress = progress
        self._rows: Counter[str] = Counter()

    def plan(self, wanted: RunFilter = ALL) -> Exported:
        """Return what an export would write; nothing is created or changed.

        Raises:
            ConfigurationError: The URL is of no known database.
            StoreError: The database cannot be reached or read.
        """
        with self._opened(creates=False) as (database, runs):
            known = {} if database is None else _known(database, None)
            result = self._result(database)
            self._compare(runs.all(wanted, with_notes="alerts" in self._tables), known, result)
            result.missed = len(self._new_missed(runs, wanted, known))
        result.is_dry_run = True
        return result

    def run(self, wanted: RunFilter = ALL) -> Exported:
        """Export what is new or has changed.

        Raises:
            ConfigurationError: The URL is of no known database, or a table of another program is in the way.
            StoreError: The database cannot be reached or written. The runs before are exported as wholes.
        """
        with self._opened() as (database, runs):
            assert database is not None
            prepare(database, self._tables)
            known = _known(database, None)
            result = self._result(database)
            todo = self._compare(runs.all(wanted, with_notes="alerts" in self._tables), known, result)
            done = 0
            for chunk in runs.chunks(todo):
                result.gone += self._replace(database, runs, chunk)
                done += len(chunk)
                if self._progress is not None:
                    self._progress(done, len(todo))
            result.missed = self._replace_missed(database, runs, wanted, known)
            result.rows = {name: self._rows[name] for name in self._tables if self._rows[name]}
            result.unreadable = runs.read_errors.torn + runs.read_errors.unreadable
        result.problems += self._store.cold.problems
        return result

    @contextmanager
    def _opened(self, *, creates: bool = True) -> Iterator[tuple[Database | None, StoredRuns]]:
        database = open_database(self._to, self._schema, creates=creates)  # first: a wrong URL ends everything
        try:
            with closing(Index(self._store.root)) as index:
                index.refresh()
                self._store.cold.problems += [each for each in index.problems if each not in self._store.cold.problems]
                yield database, StoredRuns(self._store, index)
        finally:
            if database is not None:
                database.close()

    def _result(self, database: Database | None) -> Exported:
        if database is None:  # a file that is not there yet
            return Exported(without_database_login(self._to), self._schema, self._tables)
        return Exported(database.shown, database.schema, self._tables)

    def _compare(self, runs: Sequence[StoredRun], known: dict[str, _Known], result: Exported) -> list[StoredRun]:
        """Return the runs that are to be exported, and count all of them."""
        todo = []
        for run in runs:
            there = known.get(run.run_id)
            if self._is_due(run, there):
                todo.append(run)
                result.new += there is None
                result.changed += there is not None
            else:
                is_newer = there is not None and there.events > run.events
                result.newer += is_newer
                result.unchanged += not is_newer
        return todo

    def _is_due(self, run: StoredRun, there: _Known | None) -> bool:
        """Return whether the store has more of a run than the database: an older version never replaces a newer one."""
        if there is None or run.events != there.events:
            return there is None or run.events > there.events
        has_more = there.version < VERSION or not there.tables.issuperset(self._tables)
        return has_more or ("alerts" in self._tables and run.notes != there.notes and there.version == VERSION)

    def _replace(self, database: Database, runs: StoredRuns, chunk: Sequence[StoredRun]) -> int:
        """Replace the rows of some runs in one transaction; return the number of runs that are gone."""
        found = runs.rows([run.run_id for run in chunk])
        with database.transaction(), database.failing("cannot be written"):
            known = _known(database, [run.run_id for run in chunk])  # again: another exporter may have been first
            due = [run for run in chunk if run.run_id in found and self._is_due(run, known.get(run.run_id))]
            ids = [run.run_id for run in due]
            if not ids:
                return len(chunk) - len(found)
            for name in self._tables:
                if known.keys() & set(ids):
                    where = f"where run_id in ({database.marks(ids)})"
                    database.execute(f"delete from {database.named(name)} {where}", ids)
                table = EXPORTED[name]
                width = len(table.columns)
                rows = runs.logs(ids) if name == "logs" else (row for each in ids for row in found[each].get(name, ()))
                padded = (row if len(row) == width else (*row, *[None] * (width - len(row))) for row in rows)
                self._rows[name] += database.insert(table, padded)
            _note(database, [self._noted(run, known.get(run.run_id), found[run.run_id]) for run in due])
        return len(chunk) - len(found)

    def _noted(self, run: StoredRun, there: _Known | None, rows: dict[str, list[tuple[Any, ...]]]) -> tuple[Any, ...]:
        """Return the note of a run: its size as it was read, and the tables that now have all of it."""
        (row,) = rows["runs"]
        events = dict(zip(EXPORTED["runs"].names, row, strict=False)).get("events") or 0
        tables = set(self._tables)
        if there is not None and (there.events, there.version) == (events, VERSION):
            tables |= there.tables
        notes = run.notes if "alerts" in self._tables or there is None else there.notes
        return (run.run_id, events, VERSION, ",".join(sorted(tables)), notes)

    def _new_missed(
        self, runs: StoredRuns, wanted: RunFilter, known: dict[str, _Known]
    ) -> dict[str, tuple[str, tuple[Any, ...]]]:
        found = runs.missed(wanted) if "alerts" in self._tables else {}
        return {
            alert: each
            for alert, each in found.items()
            if (there := known.get(MISSED + alert)) is None or there.notes != each[0]
        }

    def _replace_missed(self, database: Database, runs: StoredRuns, wanted: RunFilter, known: dict[str, _Known]) -> int:
        """Replace the alerts about runs that did not come, which belong to no run; return their number."""
        found = self._new_missed(runs, wanted, known)
        if found:
            alerts = list(found)
            with database.transaction(), database.failing("cannot be written"):
                where = f"where run_id is null and alert_id in ({database.marks(alerts)})"
                database.execute(f"delete from {database.named('alerts')} {where}", alerts)
                self._rows["alerts"] += database.insert(EXPORTED["alerts"], (row for _, row in found.values()))
                _note(database, [(MISSED + alert, 0, VERSION, "alerts", notes) for alert, (notes, _) in found.items()])
        return len(found)


def _known(database: Database, run_ids: Sequence[str] | None) -> dict[str, _Known]:
    """Return the notes of these runs, or of all; none if nothing was exported yet."""
    if run_ids is None and not database.columns(NOTED.name):
        return {}
    query = f"select run_id, events, version, tables, notes from {database.named(NOTED.name)}"
    with database.failing("cannot be read"):
        if run_ids is not None:
            query += f" where run_id in ({database.marks(run_ids)})"
        rows = database.execute(query, run_ids or ())
    return {
        run_id: _Known(events, version, frozenset(tables.split(",")), notes)
        for run_id, events, version, tables, notes in rows
    }


def _note(database: Database, notes: Sequence[tuple[Any, ...]]) -> None:
    ids = [note[0] for note in notes]
    database.execute(f"delete from {database.named(NOTED.name)} where run_id in ({database.marks(ids)})", ids)
    about: tuple[datetime, str] = (utc_now(), host_name())
    database.insert(NOTED, ((*note, *about) for note in notes))
