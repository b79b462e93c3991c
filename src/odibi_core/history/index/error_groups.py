"""Failures of all runs by fingerprint, from the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from odibi_core.history.index.columns import micros, moment_of
from odibi_core.history.index.entries import error_group
from odibi_core.history.rows import as_dicts
from odibi_core.views.errors import MAX_NAMES

if TYPE_CHECKING:
    from sqlite3 import Connection

_COLUMNS: Final = (
    "id, fingerprint, run_id, pipeline_name, number, first, last, event_type, error_type, message, nodes, operations,"
    " place"
)  # fmt: skip
_COUNTED: Final = (
    "(failed_run_id = '' or not exists (select 1 from errors as inner_run"
    " where inner_run.id = errors.failed_run_id and inner_run.event_type = 'node_failed'))"
)
_EARLIEST: Final = -(2**63)
_LATEST: Final = 2**63 - 1


class ErrorRow(Struct):
    """Failures of one fingerprint: their number, the runs that have them, and the last one.

    `runs` are the last ten, the newest last; `name` is the folder of the newest. `place` is the line of the program
    that raised, for a failure without a node and an operation.
    """

    fingerprint: str
    name: str
    count: int
    first_seen: datetime
    last_seen: datetime
    run_count: int
    runs: list[str]
    nodes: list[str]
    operations: list[str]
    event_type: str
    error_type: str | None
    message: str | None
    place: str | None


class ErrorGroups:
    """The groups of one connection.

    Args:
        connection: A connection to the index.
        tables: Returns the rows of a run: those of a run are counted one by one if only some are asked for.
    """

    def __init__(self, connection: Connection, tables: Callable[[str], dict[str, list[Any]]]) -> None:
        self._connection = connection
        self._tables = tables

    def of(
        self, pipeline_name: str | None, since: datetime | None, until: datetime | None, run_id: str | None
    ) -> list[ErrorRow]:
        """Return the groups that pass every filter that is given, those seen last first."""
        begin, end = (None if moment is None else micros(moment) for moment in (since, until))
        groups: dict[str, ErrorRow] = {}
        for row in self._rows(pipeline_name, begin, end, run_id):
            _add(groups, row)
        for group in groups.values():
            group.runs = group.runs[::-1]
        return sorted(groups.values(), key=lambda group: (group.last_seen, group.fingerprint), reverse=True)

    def _rows(
        self, pipeline_name: str | None, begin: int | None, end: int | None, run_id: str | None
    ) -> Iterator[tuple[Any, ...]]:
        """Yield a row for each run and fingerprint, the newest first."""
        values: list[Any]
        condition, values = _COUNTED + " and last >= ? and first <= ?", [_or(begin, _EARLIEST), _or(end, _LATEST)]
        for column, value in (("pipeline_name", pipeline_name), ("id", run_id)):
            if value is not None:
                condition, values = f"{condition} and {column} = ?", [*values, value]
        query = f"select {_COLUMNS} from errors where {condition} order by last desc"
        for row in self._connection.execute(query, values).fetchall():
            first, last = row[5], row[6]
            if first >= _or(begin, first) and last <= _or(end, last):
                yield row
            else:
                yield from self._part(row, _or(begin, first), _or(end, last))

    def _part(self, row: tuple[Any, ...], begin: int, end: int) -> Iterator[tuple[Any, ...]]:
        """Yield the failures of a row that are in a time, as a row."""
        name, fingerprint = row[:2]
        rows = [
            error
            for error in as_dicts("errors", self._tables(row[2])["errors"])
            if error["fingerprint"] == fingerprint and begin <= micros(error["timestamp"]) <= end
        ]
        if rows:
            cells = (micros(cell) if isinstance(cell, datetime) else cell for cell in error_group(rows))
            yield (name, fingerprint, *cells)


def _or(value: int | None, other: int) -> int:
    return other if value is None else value


def _add(groups: dict[str, ErrorRow], row: tuple[Any, ...]) -> None:
    """Add the failures of a run to their group; the newest run comes first."""
    name, fingerprint, run_id, _, number, first, last, event_type, error_type, message, nodes, operations, place = row
    group = groups.get(fingerprint)
    if group is None:
        group = groups[fingerprint] = ErrorRow(
            fingerprint,
            name,
            0,
            moment_of(first),
            moment_of(last),
            0,
            [],
            [],
            [],
            event_type,
            error_type,
            message,
            place,
        )
    group.count += number
    group.run_count += 1
    group.first_seen = min(group.first_seen, moment_of(first))
    group.last_seen = max(group.last_seen, moment_of(last))
    if len(group.runs) < MAX_NAMES:
        group.runs.append(run_id)
    _extend(group.nodes, nodes)
    _extend(group.operations, operations)


def _extend(names: list[str], more: str | None) -> None:
    if more and len(names) < MAX_NAMES and more != "[]":
        names.extend(_new(names, msgspec.json.decode(more)))


def _new(names: list[str], more: Iterable[str]) -> list[str]:
    return [name for name in more if name not in names][: MAX_NAMES - len(names)]
