"""The runs that are compacted, and their rows, from the manifests and the Parquet files of a store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.history.rows.tables import ROW_TABLES
from odibi_core.history.schema import TABLES
from odibi_core.store.segments import safe_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Rows = dict[str, list[tuple[Any, ...]]]


def _store(root: Path) -> Any:
    from importlib import import_module

    return import_module("odibi_core.store.cold").ColdStore(root)


def runs_by_name(root: Path) -> dict[str, Any]:
    """Return the compacted runs by the names of their folders."""
    return {safe_name(run.run_id, 120): run for each in _store(root).manifests() for run in each.runs}


def tables_by_run(root: Path, run_ids: Sequence[str]) -> dict[str, Rows]:
    """Return the rows of compacted runs by the names of their folders; a run that is not there is left out."""
    store = _store(root)
    if not store.manifests():
        return {}
    import duckdb

    found: dict[str, Rows] = {}
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute("set timezone = 'UTC'")
        for table in ROW_TABLES:
            for row in _select(connection, table, store.paths(table), run_ids):
                of_run = found.setdefault(safe_name(row[0], 120), {name: [] for name in ROW_TABLES})
                of_run[table].append(row)
    return found


def _select(
    connection: DuckDBPyConnection, table: str, paths: Sequence[Path], run_ids: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return the rows of some runs, in the order of the columns; a column that a file does not have is null."""
    if not paths:
        return []
    files = connection.read_parquet([str(path) for path in paths], union_by_name=True, hive_partitioning=False)
    there = set(files.columns)
    columns = ", ".join(f'"{name}"' if name in there else "null" for name in TABLES[table].names)
    query = f"select {columns} from files where run_id in (select unnest($run_ids))"
    return [_aware(row) for row in connection.execute(query, {"run_ids": list(run_ids)}).fetchall()]


def _aware(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row whose times are aware: Parquet has them in UTC, without a zone."""
    return tuple(cell.replace(tzinfo=UTC) if isinstance(cell, datetime) else cell for cell in row)
