"""The cold part of a store: ended runs, many to a batch, as Parquet files with a manifest.

    tables/<table>/date=2026-01-31/<batch>.parquet     the day is that of the batch's first run
    manifests/<batch>.json                             the batch exists from the moment that this file has its name

A batch never changes. A batch that replaces others names them, and takes their place by its name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import StoreError, first_line
from odibi_core.events import Event
from odibi_core.store.event_columns import IN_ORDER, RUN, SHAPE, EventRows, literal, quoted
from odibi_core.store.manifest import (
    VERSION,
    DamagedError,
    FileEntry,
    Manifest,
    NewerError,
    RunEntry,
    active,
    read_manifest,
)
from odibi_core.store.segments import ReadErrors

DAMAGED: Final = ".damaged"
"""The end of the name of a file that was set aside."""
_AT_ONCE: Final = 500
"""Runs of one query: each query costs about 10 ms, and holds the events of these runs sorted."""
_ROWS: Final = 2_000
_TRIES: Final = 5
"""Readings of the manifests: one is repeated if a batch was replaced and deleted meanwhile."""
MEMORY_LIMIT: Final = "512MB"


class Runs(Mapping[str, tuple[Manifest, RunEntry]]):
    """The runs of batches by their ids.

    Of a hundred thousand runs most questions are whether they are there: their batches are listed when one is asked
    for (benchmark: questions).
    """

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._manifests = list(manifests)
        self._entries = {entry.run_id: entry for manifest in self._manifests for entry in manifest.runs}

    @cached_property
    def _batches(self) -> dict[str, Manifest]:
        return {entry.run_id: manifest for manifest in self._manifests for entry in manifest.runs}

    def __getitem__(self, run_id: str) -> tuple[Manifest, RunEntry]:
        entry = self._entries[run_id]
        return self._batches[run_id], entry

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class ColdStore:
    """The batches of the store at `root`.

    `problems` has a sentence for each file that could not be read; the other files are read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []
        self._read: dict[str, Manifest] = {}
        self._active: list[Manifest] = []
        self._runs = Runs(())
        self._known: frozenset[str] | None = None
        self._has_foreign = False
        """True if a newer version wrote a manifest that this one cannot read."""

    def manifests(self) -> list[Manifest]:
        """Return the manifests of the batches, the oldest first; those that another one replaces are left out."""
        for _ in range(_TRIES):
            try:
                self._refresh()
            except FileNotFoundError:  # replaced and deleted between the two calls
                continue
            break
        return self._active

    @property
    def is_newer(self) -> bool:
        """True if a newer version of odibi-core wrote a batch: the store is read, and must not be changed."""
        return any(manifest.version > VERSION for manifest in self.manifests()) or self._has_foreign

    def check_version(self, verb: str) -> None:
        """Raise `StoreError` if a newer version of odibi-core wrote a batch: the store must not be changed."""
        if self.is_newer:
            raise StoreError(f"{self.root} was written by a newer version of odibi-core; update to {verb} it")

    def runs(self) -> Mapping[str, tuple[Manifest, RunEntry]]:
        """Return every run by its id, with its batch."""
        self.manifests()
        return self._runs

    def find(self, run_id: str) -> tuple[Manifest, RunEntry] | None:
        """Return a run and its batch; None if no batch has it."""
        return self.runs().get(run_id)

    def events(self, run_id: str, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Yield the events of a run, in the order in which they were read from its journal.

        Lines of the journal that could not be read, and events of a file that cannot be read, count in `read_errors`.
        """
        for _, events in self.read_many([run_id], read_errors):
            yield from events

    def read_many(
        self, run_ids: Iterable[str], read_errors: ReadErrors | None = None
    ) -> Iterator[tuple[str, Iterator[Event]]]:
        """Yield each run with its events, in the order given; a run that no batch has is left out.

        The events of one run must be consumed before the next run is asked for.
        """
        read_errors = ReadErrors() if read_errors is None else read_errors
        runs = self.runs()
        wanted = [run_id for run_id in run_ids if run_id in runs]
        for _, group in groupby(wanted, lambda run_id: runs[run_id][0].batch):
            ids = list(group)
            for start in range(0, len(ids), _AT_ONCE):
                chunk = {run_id: runs[run_id] for run_id in ids[start : start + _AT_ONCE]}
                yield from self._of_one_batch(chunk, read_errors)

    def paths(self, table: str) -> list[Path]:
        """Return the Parquet files of a table; a missing one is a problem, and left out."""
        found = []
        for manifest in self.manifests():
            entry = manifest.files.get(table)
            if entry is None:
                continue
            if (path := self.root / entry.path).is_file():
                found.append(path)
            else:
                fix = "" if table == "logs" else "; odibi store rebuild restores it"
                self._report(f"{path} is missing: {len(manifest.runs):,} runs are not in the table {table}{fix}")
        return found

    def set_aside(self, entry: FileEntry) -> bool:
        """Rename a file whose content is not what was written; return false if it is sound."""
        path = self.root / entry.path
        try:
            if entry.is_intact(self.root):
                return False
        except FileNotFoundError:
            self._report(f"{path} is missing")
            return True
        self._rename(path, f"{path} is damaged")
        return True

    def _refresh(self) -> None:
        folder = self.root / "manifests"
        names = frozenset(path.name for path in folder.glob("*.json")) if folder.is_dir() else frozenset()
        if names == self._known:
            return
        self._has_foreign = False
        for name in names - self._read.keys():
            try:
                self._read[name] = manifest = read_manifest(folder / name)
            except DamagedError as error:
                self._rename(folder / name, str(error))
            except FileNotFoundError:
                raise
            except OSError as error:
                self._has_foreign |= isinstance(error, NewerError)
                self._report(str(error))
            else:
                if manifest.version > VERSION:
                    self._report(
                        f"batch {manifest.batch} was written by a newer version of odibi-core: it is read, and the "
                        "store is not changed; update to change it"
                    )
        for name in self._read.keys() - names:
            del self._read[name]
        self._active = active(self._read.values())
        self._runs = Runs(self._active)
        self._known = names

    def _of_one_batch(
        self, runs: dict[str, tuple[Manifest, RunEntry]], read_errors: ReadErrors
    ) -> Iterator[tuple[str, Iterator[Event]]]:
        manifest = next(iter(runs.values()))[0]
        file, left = manifest.files["logs"], dict(runs)
        reading = _Reading(self.root / file.path, manifest, list(runs))
        for run_id, rows in groupby(reading, itemgetter(0)):
            _, entry = left.pop(run_id)
            read_errors.add(ReadErrors(entry.torn, entry.unreadable))
            yield run_id, _counted(rows, entry, reading, read_errors)
        if reading.error is None:
            return
        if len(left) == len(runs) and self._is_replaced(manifest):
            yield from self.read_many(runs, read_errors)
            return
        read_errors.unreadable += sum(entry.events for _, entry in left.values())
        if not self.set_aside(file):
            self._report(f"{self.root / file.path} could not be read: {first_line(reading.error)}")

    def _is_replaced(self, manifest: Manifest) -> bool:
        return manifest.batch not in {each.batch for each in self.manifests()}

    def _rename(self, path: Path, problem: str) -> None:
        with suppress(OSError):  # read-only media
            path.rename(path.with_name(path.name + DAMAGED))
        self._report(f"{problem}; it was set aside as {path.name}{DAMAGED}")

    def _report(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


class _Reading:
    """The events of runs of one file, with the run of each; an error ends them, and is in `error`."""

    def __init__(self, path: Path, manifest: Manifest, ids: list[str]) -> None:
        self.error: Exception | None = None
        self._given = path, manifest, ids

    def __iter__(self) -> Iterator[tuple[str, Event]]:
        import duckdb

        try:
            with connected() as connection:
                yield from rows_of_runs(connection, *self._given)
        except (duckdb.Error, OSError, ValueError, LookupError, TypeError) as error:
            self.error = error


def _counted(
    rows: Iterator[tuple[str, Event]], entry: RunEntry, reading: _Reading, read_errors: ReadErrors
) -> Iterator[Event]:
    """Yield the events of one run; those that an error hides are counted."""
    count = 0
    for _, event in rows:
        count += 1
        yield event
    if reading.error is not None:
        read_errors.unreadable += max(0, entry.events - count)


@contextmanager
def connected(threads: int = 2, memory_limit: str = MEMORY_LIMIT) -> Iterator[Any]:
    """Open a connection to an empty database; what does not fit into memory goes to a temporary folder."""
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory(prefix="odibi-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": str(threads),
            "temp_directory": spill,
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "python_enable_replacements": "false",
        }
        with closing(duckdb.connect(":memory:", config=config)) as connection:
            yield connection


def parquet(path: Path) -> str:
    """Return a Parquet file as a table of SQL; the names of its folders are no columns."""
    return f"read_parquet({literal(str(path))}, hive_partitioning = false)"


def count_rows(connection: Any, path: Path) -> int:
    """Return the number of rows that a Parquet file states."""
    (rows,) = connection.execute(f"select num_rows from parquet_file_metadata({literal(str(path))})").fetchone()
    return int(rows)


def rows_of_runs(connection: Any, path: Path, manifest: Manifest, ids: list[str]) -> Iterator[tuple[str, Event]]:
    """Yield the events of runs with the run of each, run by run, in their order."""
    fields = {field.name: (field.column, field.type) for field in manifest.fields if field.column}
    connection.execute("create table ids as select unnest(?) as id, unnest(range(?)) as place", [ids, len(ids)])
    source = parquet(path)
    chosen = f"where {RUN} between ? and ?"  # the file is sorted by run: this skips the row groups of other runs
    ends = [min(ids), max(ids)]
    shapes = connection.execute(f"select distinct {SHAPE} from {source} {chosen}", ends).fetchall()
    reader = EventRows((shape for (shape,) in shapes), fields)
    columns = ", ".join(map(quoted, reader.columns))
    cursor = connection.execute(
        f"select {columns}, {RUN} from {source} join ids on {RUN} = id {chosen} order by place, {IN_ORDER}", ends
    )
    while batch := cursor.fetchmany(_ROWS):
        for row in batch:
            yield row[-1], reader.event(row)
