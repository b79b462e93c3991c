"""The rows of compacted runs, from the Parquet files of a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from odibi_core.errors import first_line
from odibi_core.history.rows.tables import ROW_TABLES, tables_of
from odibi_core.history.schema import TABLES
from odibi_core.store.cold import ColdStore, connected, parquet
from odibi_core.store.manifest import Manifest
from odibi_core.store.segments import ReadErrors, safe_name

Rows = dict[str, list[tuple[Any, ...]]]


def tables_by_run(store: ColdStore, names: Sequence[str]) -> dict[str, Rows]:
    """Return the rows of compacted runs by the names of their folders; a run that no batch has is left out.

    If a table of a batch is damaged, the rows of its runs are computed from their events.
    """
    known = store.runs()
    batches = {manifest.batch: manifest for name in names if name in known for manifest in [known[name][0]]}
    found: dict[str, Rows] = {}
    if not batches:
        return found
    import duckdb

    for manifest in batches.values():
        try:
            found |= _of_batch(store, manifest, set(names))
        except duckdb.Error as error:
            store.problems.append(
                f"a table of batch {manifest.batch} is damaged, so its rows are computed from the events; "
                f"odibi store rebuild restores it: {first_line(error)}"
            )
            found |= _from_events(store, manifest, set(names))
    return found


def _of_batch(store: ColdStore, manifest: Manifest, names: set[str]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    with connected() as connection:
        paths = {table: store.root / entry.path for table, entry in manifest.files.items() if table in ROW_TABLES}
        ids = _ids(connection, paths.get("runs"), names)
        for table, path in paths.items():
            for row in _select(connection, table, path, list(ids)) if ids else ():
                of_run = found.setdefault(ids[row[0]], {name: [] for name in ROW_TABLES})
                of_run[table].append(row)
    return found


def _from_events(store: ColdStore, manifest: Manifest, names: set[str]) -> dict[str, Rows]:
    wanted, errors = [entry.run_id for entry in manifest.runs if entry.run_id in names], ReadErrors()
    return {run_id: tables_of(events, errors) for run_id, events in store.read_many(wanted, errors)}


def _ids(connection: Any, path: Path | None, names: set[str]) -> dict[str, str]:
    """Return the ids of the runs with these folders, each with its folder."""
    if path is None or not path.is_file():
        return {}
    # The folder of an ordinary id has its name. To compute it for 10,000 ids takes half a second.
    likely = [row[0] for row in _rows_of(connection, path, "run_id", sorted(names)).fetchall()]
    found = {run_id: run_id for run_id in likely if safe_name(run_id, 120) == run_id}
    if len(found) < len(names):
        ids = connection.execute(f"select run_id from {parquet(path)}").fetchall()
        found |= {run_id: name for (run_id,) in ids if (name := safe_name(run_id, 120)) in names}
    return found


def _select(connection: Any, table: str, path: Path, ids: list[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of some runs, in the order of the columns; a column that the file does not have is null."""
    if not path.is_file():
        return
    cursor = _rows_of(connection, path, "*", ids)
    there = {column[0]: place for place, column in enumerate(cursor.description)}
    places = [there.get(name) for name in TABLES[table].names]
    while batch := cursor.fetchmany(2_000):
        for row in batch:
            yield tuple(None if place is None else _aware(row[place]) for place in places)


def _rows_of(connection: Any, path: Path, columns: str, ids: list[str]) -> Any:
    # between: skips the row groups of other runs
    query = f"select {columns} from {parquet(path)} where run_id between ? and ? and run_id in (select unnest(?))"
    return connection.execute(query, [min(ids), max(ids), ids])


def _aware(cell: Any) -> Any:
    """Return a cell whose time is aware: Parquet has times in UTC, without a zone."""
    return cell.replace(tzinfo=UTC) if isinstance(cell, datetime) else cell
