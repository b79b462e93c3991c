"""The tables of the index, and the conversion of cells: timestamps are microseconds since 1970 there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from odibi_core.history.schema import TABLES, Column, Type

VERSION: Final = 5
"""The version of the tables below; an index of another version is built again."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TYPES: Final[dict[Type, str]] = {
    "text": "text", "json": "text", "bigint": "integer", "boolean": "integer", "timestamp": "integer", "double": "real",
}  # fmt: skip

OF_NODES: Final = (
    "position", "layer", "engine", "status", "started", "ended", "duration_ms", "rows_in", "rows_out", "row_delta",
    "selectivity", "attempts", "calls", "cache_hit", "memory_mb", "error_type", "error", "skip_reason", "source_hash",
    "partition", "taken_from",
)  # fmt: skip
"""The columns of `nodes` that the index keeps, besides those of its key."""
CHECK_COUNTS: Final = ("checks_passed", "checks_failed", "checks_not_checked")
"""Columns of `nodes` in the index that the table does not have."""
KEY_OF_NODES: Final = ("pipeline_name", "node_name", "run_started", "run_id")
LONGEST: Final = 1_000
"""Characters of an error in the index; the record has all of it."""


def micros(moment: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(value: int) -> datetime:
    """Return the time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def to_sql(values: Iterable[Any]) -> list[Any]:
    """Return cells as SQLite keeps them."""
    return [micros(value) if isinstance(value, datetime) else value for value in values]


class Reader:
    """Turns rows of SQLite into dicts by column."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._moments = [place for place, column in enumerate(columns) if column.type == "timestamp"]
        self._flags = [place for place, column in enumerate(columns) if column.type == "boolean"]

    def dicts(self, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return the rows as dicts, with aware times and booleans."""
        return [dict(zip(self._names, self._cells(list(row)), strict=True)) for row in rows]

    def _cells(self, row: list[Any]) -> list[Any]:
        for place in self._moments:
            if row[place] is not None:
                row[place] = moment_of(row[place])
        for place in self._flags:
            if row[place] is not None:
                row[place] = bool(row[place])
        return row


def _column(table: str, name: str) -> Column:
    if name in CHECK_COUNTS:
        return Column(name, "bigint", "")
    return next(column for column in TABLES[table].columns if column.name == name)


RUN_COLUMNS: Final = TABLES["runs"].columns
NODE_COLUMNS: Final = tuple(_column("nodes", name) for name in (*KEY_OF_NODES, *OF_NODES, *CHECK_COUNTS))


def _typed(columns: Iterable[Column]) -> str:
    return ", ".join(f'"{column.name}" {_TYPES[column.type]}' for column in columns)


def names_of(columns: Iterable[Column]) -> str:
    """Return the names as a list of SQL."""
    return ", ".join(f'"{column.name}"' for column in columns)


STATEMENTS: Final = (
    f"create table runs (id text primary key, place text, signature text, state integer, {_typed(RUN_COLUMNS)})",
    "create index runs_by_start on runs (started, id)",
    "create index runs_by_pipeline on runs (pipeline_name, started, id)",
    "create index runs_by_status on runs (status, started)",
    "create index runs_by_place on runs (place, last_event, state, id)",
    "create index unsettled_runs on runs (state) where state < 3",  # `entries.SETTLED`
    "create index unusual_runs on runs (started) where unusual > 0",
    f"create table nodes (id text, {_typed(NODE_COLUMNS)}, primary key ({', '.join(KEY_OF_NODES)})) without rowid",
    "create index nodes_by_run on nodes (id)",
    "create table errors (id text, fingerprint text, failed_run_id text, run_id text, pipeline_name text,"
    " number integer, first integer, last integer, event_type text, error_type text, message text, nodes text,"
    " operations text, place text, primary key (id, fingerprint, failed_run_id))",
    "create index errors_by_fingerprint on errors (fingerprint, last)",
    "create table rows (name text, id text, data blob, primary key (name, id))",
    "create table figures (id text primary key, pipeline_name text, started integer, status text, data blob)",
    "create index figures_by_pipeline on figures (pipeline_name, started)",
    "create table batches (name text primary key)",
    f"pragma user_version = {VERSION}",
)
