"""`Index`: lists of runs and steps, the rows of hot runs, and figures for baselines, from SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from odibi_core.events.paths import absolute_path
from odibi_core.history.figures import RunFigures
from odibi_core.history.index import database, fleet
from odibi_core.history.index.columns import NODE_COLUMNS, RUN_COLUMNS, Reader, micros, moment_of, names_of
from odibi_core.history.index.database import DamagedIndexError
from odibi_core.history.index.entries import ENDED, HOT, PARTIAL, Entry, Tables, delete, write
from odibi_core.history.index.filters import ALL, RunFilter
from odibi_core.history.index.scan import Segments
from odibi_core.history.rows.cells import json_text
from odibi_core.history.rows.tables import ROW_TABLES
from odibi_core.store.segments import safe_name

if TYPE_CHECKING:
    from sqlite3 import Connection

    from odibi_core.history.index.error_groups import ErrorRow
    from odibi_core.history.index.fleet import PipelineDays
    from odibi_core.history.index.refreshing import Refresh

_T = TypeVar("_T")
_rows_decoder: Final = msgspec.msgpack.Decoder(list[tuple[Any, ...]])
_decoder: Final = msgspec.msgpack.Decoder()
_RUNS: Final = Reader(RUN_COLUMNS)
_NODES: Final = Reader(NODE_COLUMNS)
_CHUNK: Final = 200


class Index:
    """The index of the store in `root`.

    It is a cache of what the runs' records hold: a damaged file is renamed and built again. If the file cannot be
    written, the index is in memory. `problems` has a sentence for each of these.

    Args:
        root: The folder of the store. It is not created.
        busy_s: Seconds to wait for another process that writes the index.
        in_run: For the end of a run, which cannot wait: nothing waits for the disk, and errors of SQLite and
            `DamagedIndexError` are raised.
    """

    def __init__(self, root: str | Path, busy_s: float = 10.0, *, in_run: bool = False) -> None:
        self.root = absolute_path(root)
        self.path = self.root / database.FILE
        self.problems: list[str] = []
        self._busy_s = busy_s
        self._in_run = in_run
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def is_new(self) -> bool:
        """Return whether there is no index yet; a damaged one is renamed."""
        try:
            return not self.path.exists() or not self._open()
        except DamagedIndexError:
            database.set_aside(self.path)
            return True

    def refresh(self, within_s: float | None = None) -> None:
        """Bring the index up to date with the store: new, grown, ended, lost, compacted and pruned runs.

        With `within_s`, begin with the newest hot runs and stop after so many seconds.
        """

        def do(connection: Connection) -> None:
            work = self._refresh(connection, within_s)
            work.run()
            self.problems += [problem for problem in work.problems if problem not in self.problems]

        self._with(do)
        if not self._in_run:
            database.sync(self.path)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Read these runs again with the next refresh, also those that had ended."""
        names = [safe_name(run_id, 120) for run_id in run_ids]

        def do(connection: Connection) -> None:
            with database.transaction(connection):
                delete(connection, names)

        self._with(do)

    def record(
        self,
        run_id: str,
        tables: Tables,
        segments: Segments | None = None,
        *,
        figures: RunFigures | None = None,
        complete: bool = True,
    ) -> None:
        """Replace the rows of one hot run.

        Args:
            run_id: The run.
            tables: Its rows, in the order of the columns of `schema.TABLES`.
            segments: Its segments as they were before they were read; by default as they are now.
            figures: Its figures if they are known; by default they are computed from the rows.
            complete: False for rows of a part of the events: only the run and its figures are kept, for later runs,
                and the rows are computed again before anything else reads them.
        """
        name = safe_name(run_id, 120)
        segments = segments or Segments(self.root, name)
        entry = Entry(name, HOT, segments.signature, ENDED if complete else PARTIAL)

        def do(connection: Connection) -> None:
            with database.transaction(connection):
                write(connection, entry, tables, figures)

        self._with(do)

    def runs(self, wanted: RunFilter = ALL, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        """Return the rows of `runs` that pass a filter as dicts, the newest first."""
        condition, values = wanted.where()
        query = (
            f"select {names_of(RUN_COLUMNS)} from runs where {condition}"
            " order by started desc, id desc limit ? offset ?"
        )
        return _RUNS.dicts(self._select(query, [*values, -1 if limit is None else limit, offset]))

    def count(self, wanted: RunFilter = ALL) -> int:
        """Return the number of runs that pass a filter."""
        condition, values = wanted.where()
        return int(self._select(f"select count(*) from runs where {condition}", values)[0][0])

    def recent(
        self, pipeline_name: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> list[tuple[str, datetime]]:
        """Return the names of runs with the times of their last events, the latest first.

        Args:
            pipeline_name: Only runs of this pipeline.
            since: Only runs with an event at this time or later.
            until: Only runs that started until this time.
        """
        condition, values = RunFilter(pipeline_name=pipeline_name, until=until).where()
        query = f"select id, last_event from runs where {condition} and last_event >= ? order by last_event desc"
        since_micros = -(2**63) if since is None else micros(since)
        return [(name, moment_of(last)) for name, last in self._select(query, [*values, since_micros])]

    def cost_since(self, pipeline_name: str, since: datetime, until: datetime | None = None) -> float | None:
        """Return the sum of the known costs of runs of a pipeline that started since then; None without any."""
        query = "select sum(cost_usd) from runs where pipeline_name = ? and started >= ? and started <= ?"
        last = 2**63 - 1 if until is None else micros(until)
        found: float | None = self._select(query, [pipeline_name, micros(since), last])[0][0]
        return found

    def pipelines(self) -> dict[str, int]:
        """Return the pipelines with the numbers of their runs."""
        query = "select pipeline_name, count(*) from runs where pipeline_name is not null group by 1 order by 1"
        return dict(self._select(query, []))

    def pipelines_by_start(self) -> list[str]:
        """Return the pipelines, that of the latest run first."""
        return [name for name, _ in self._with(fleet.names)]

    def pipeline_days(
        self, pipelines: Sequence[str], since: datetime, zone_minutes: int = 0, starts: int = 90
    ) -> list[PipelineDays]:
        """Return pipelines with their days since a time.

        Args:
            pipelines: The pipelines.
            since: The begin of the first day.
            zone_minutes: The zone of the days, in minutes east of UTC.
            starts: The number of last runs whose starts are returned.
        """
        return self._with(
            lambda connection: fleet.pipeline_days(connection, pipelines, since, zone_minutes, starts)
        )  # fmt: skip

    def nodes(
        self, pipeline_name: str, node_name: str | None = None, before: datetime | None = None, last: int = 30
    ) -> list[dict[str, Any]]:
        """Return rows of `nodes` of the last runs of a pipeline, the newest first.

        A row has the columns `NODE_COLUMNS`, and the results of the checks of the step: `checks_passed`,
        `checks_failed`, `checks_not_checked`.

        Args:
            pipeline_name: The pipeline.
            node_name: One step; None for all.
            before: Only runs that started before this time.
            last: The number of runs for each step.
        """
        until = 2**63 - 1 if before is None else micros(before)
        query = (
            f"select {names_of(NODE_COLUMNS)} from nodes where pipeline_name = ? and node_name = ?"
            " and run_started < ? order by run_started desc, run_id desc limit ?"
        )
        names = [node_name] if node_name is not None else self._steps_of(pipeline_name)
        found: list[dict[str, Any]] = []
        for name in names:
            found += _NODES.dicts(self._select(query, [pipeline_name, name, until, last]))
        return found

    def _steps_of(self, pipeline_name: str) -> list[str]:
        """Return the names of all steps of a pipeline, by jumps through the key."""
        query = (
            "with recursive steps(name) as ("
            " select min(node_name) from nodes where pipeline_name = :of union all"
            " select (select min(node_name) from nodes where pipeline_name = :of and node_name > steps.name)"
            " from steps where steps.name is not null)"
            " select name from steps where name is not null"
        )
        return [name for (name,) in self._select(query, {"of": pipeline_name})]

    def tables(self, run_id: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of one run by table, in the order of the columns; empty lists for an unknown run."""
        query = (
            "select rows.name, rows.data from runs join rows on rows.id = runs.id"
            " where runs.id = ? and runs.place = ? and runs.state != ?"
        )
        found = dict(self._select(query, [safe_name(run_id, 120), HOT, PARTIAL]))
        if "runs" in found and None not in found.values():
            return {table: _rows_decoder.decode(found[table]) if table in found else [] for table in ROW_TABLES}
        return self._read_again(run_id)

    def _read_again(self, run_id: str) -> dict[str, list[tuple[Any, ...]]]:
        found = self._with(lambda connection: self._refresh(connection).tables(run_id))
        return {table: [tuple(row) for row in found.get(table, ())] for table in ROW_TABLES}

    def hot_rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table of every hot run, the oldest first; those of cold runs are in Parquet."""
        query = (
            "select runs.id, runs.state, rows.name, rows.data from runs"
            " left join rows on rows.name = ? and rows.id = runs.id where runs.id in (select value from json_each(?))"
        )
        hot = self._select("select id from runs where place = ? and run_id is not null order by started, id", [HOT])
        for start in range(0, len(hot), _CHUNK):
            ids = [name for (name,) in hot[start : start + _CHUNK]]
            rows = {name: found for name, *found in self._select(query, [table, json_text(ids)])}
            for name in ids:
                state, has_rows, data = rows.get(name, (PARTIAL, None, None))
                if state == PARTIAL or (has_rows and data is None):
                    yield from self._read_again(name)[table]
                elif data is not None:
                    yield from _rows_decoder.decode(data)

    def errors(
        self,
        pipeline_name: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        run_id: str | None = None,
    ) -> list[ErrorRow]:
        """Return the failures of all runs by fingerprint, those seen last first.

        A report of the failure of another run counts only if that run has no failed step.

        Args:
            pipeline_name: Only runs of this pipeline.
            since: Only failures from this time on.
            until: Only failures until this time.
            run_id: Only this run.
        """
        from odibi_core.history.index.error_groups import ErrorGroups  # here: the end of a run needs none

        return self._with(
            lambda connection: ErrorGroups(connection, self.tables).of(pipeline_name, since, until, run_id)
        )

    def figures(self, pipeline_name: str, before: datetime | None = None, last: int = 60) -> list[RunFigures]:
        """Return the figures of the last runs of a pipeline, the oldest first; those that still run are left out."""
        query = (
            "select pipeline_name, started, status, data from figures where pipeline_name = ? and started < ?"
            " and status != 'running' order by started desc limit ?"
        )
        until = 2**63 - 1 if before is None else micros(before)
        found = []
        for name, started, status, data in self._select(query, [pipeline_name, until, last]):
            run_id, figures = _decoder.decode(data)
            found.append(RunFigures(run_id, name, moment_of(started), status, figures))
        return found[::-1]

    def has_succeeded(self, pipeline_name: str, times: int) -> bool:
        """Return whether the index has the figures of so many successful runs of a pipeline."""
        query = "select 1 from figures where pipeline_name = ? and status = 'success' limit ?"
        return len(self._select(query, [pipeline_name, times])) == times

    def _select(self, query: str, values: Sequence[Any] | dict[str, Any]) -> list[Any]:
        return self._with(lambda connection: connection.execute(query, values).fetchall())

    def _with(self, call: Callable[[Connection], _T]) -> _T:
        """Return the result of a call; if the file is damaged or cannot be written, replace it and call again."""
        import sqlite3

        if self._in_run:
            return call(self._open())
        for _ in range(2):
            try:
                return call(self._open())
            except sqlite3.OperationalError as error:
                if not database.is_damage(error):
                    self._use_memory(str(error))
                    continue
                self._replace(str(error))
            except (sqlite3.DatabaseError, UnicodeDecodeError, msgspec.DecodeError, DamagedIndexError) as error:
                self._replace(str(error))
        self._use_memory("it is damaged again")
        return call(self._open())

    def _open(self) -> Connection:
        if self._connection is None:
            if self.root.is_dir():
                self._connection = database.open_file(self.path, self._busy_s, waits=not self._in_run)
            else:
                self._connection = database.open_memory(self.path)
        return self._connection

    def _use_memory(self, reason: str) -> None:
        self.close()
        self._connection = database.open_memory(self.path)
        self.problems.append(f"the index {self.path} cannot be written ({reason}); this command built one in memory")
        self._refresh(self._connection).run()

    def _replace(self, reason: str) -> None:
        """Rename a damaged file and build a new one."""
        self.close()
        aside = database.set_aside(self.path)
        if aside is not None:
            self.problems.append(
                f"the index could not be read ({reason}); it is now {aside.name}, and a new one is built"
            )
        self._refresh(self._open()).run()

    def _refresh(self, connection: Connection, within_s: float | None = None) -> Refresh:
        from odibi_core.history.index.refreshing import Refresh  # here: the end of a run rarely needs it

        return Refresh(self.root, connection, within_s)
