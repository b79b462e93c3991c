"""The rows of the index for one run, computed from its rows in the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.events.trace import read_trace
from odibi_core.history.figures import RunFigures, run_figures
from odibi_core.history.index.columns import (
    CHECK_COUNTS,
    KEY_OF_NODES,
    LONGEST,
    NODE_COLUMNS,
    OF_NODES,
    RUN_COLUMNS,
    names_of,
    to_sql,
)
from odibi_core.history.rows import as_dicts
from odibi_core.history.rows.cells import json_text
from odibi_core.history.schema import TABLES
from odibi_core.views.errors import MAX_NAMES

if TYPE_CHECKING:
    from sqlite3 import Connection

Tables = Mapping[str, Sequence[Sequence[Any]]]

HOT: Final = "hot"
COLD: Final = "cold"
PARTIAL: Final = 0
"""The rows were computed from a part of the events, and are computed again before they are read."""
OPEN: Final = 1
"""The rows are complete, and no event reports the end of the run."""
ENDED: Final = 2
SETTLED: Final = 3
"""The run has ended, and nothing was written for some time: it is not looked at any more."""

LARGEST: Final = 32 << 20
"""Bytes of one table of one run that the index keeps; of a larger one the record is read again."""
_encoder: Final = msgspec.msgpack.Encoder()
_PER_RUN: Final = ("nodes", "errors", "rows", "figures")
_WITHOUT_ROWS: Final = [None] * len(RUN_COLUMNS)


class Entry(msgspec.Struct, frozen=True):
    """A run as the index knows it: its place, its signature, the state of its rows.

    The signature has the sizes of the segments of a hot run, and the number of events of a cold one.
    """

    name: str
    place: str
    signature: str
    state: int


def delete(connection: Connection, names: Iterable[str]) -> None:
    """Delete the rows of some runs."""
    for name in names:
        connection.execute("delete from runs where id = ?", (name,))
        _delete_rows(connection, name, _PER_RUN)


def _delete_rows(connection: Connection, name: str, tables: Iterable[str]) -> None:
    for table in tables:
        if table == "rows":  # by its key
            connection.executemany("delete from rows where name = ? and id = ?", ((each, name) for each in TABLES))
        else:
            connection.execute(f"delete from {table} where id = ?", (name,))


def forget_rows(connection: Connection, names: Iterable[str]) -> None:
    """Drop the table rows of runs that were compacted; Parquet has them."""
    for name in names:
        connection.execute(_MOVE_RUN, (COLD, SETTLED, name))
        _delete_rows(connection, name, ("rows",))


def write(connection: Connection, entry: Entry, tables: Tables, figures: RunFigures | None = None) -> None:
    """Replace the rows of one run; of a `PARTIAL` entry only the run and its figures are kept."""
    is_known = connection.execute("select 1 from runs where id = ?", (entry.name,)).fetchone()
    if is_known:
        _delete_rows(connection, entry.name, _PER_RUN)
    (run,) = tables.get("runs") or [_WITHOUT_ROWS]  # a run without an event of its own has no row
    connection.execute(_INSERT_RUN, [entry.name, entry.place, entry.signature, entry.state, *to_sql(run)])
    if entry.state != PARTIAL:
        connection.executemany(_INSERT_NODE, _nodes(entry.name, tables))
        connection.executemany(_INSERT_ERROR, _errors(entry.name, tables))
        if entry.place == HOT:
            connection.executemany("insert into rows values (?, ?, ?)", _rows(entry.name, tables))
    found = figures or run_figures(tables)
    if found is not None:
        about = (entry.name, found.pipeline_name, *to_sql([found.started]), found.status)
        connection.execute(_INSERT_FIGURES, (*about, _encoder.encode([found.run_id, found.figures])))


def _places(number: int) -> str:
    return ", ".join("?" * number)


_INSERT_RUN: Final = (
    f"insert or replace into runs (id, place, signature, state, {names_of(RUN_COLUMNS)})"
    f" values ({_places(4 + len(RUN_COLUMNS))})"
)
_MOVE_RUN: Final = "update runs set place = ?, signature = events, state = ? where id = ?"
_INSERT_NODE: Final = (
    f"insert or replace into nodes (id, {names_of(NODE_COLUMNS)}) values ({_places(1 + len(NODE_COLUMNS))})"
)
_INSERT_ERROR: Final = f"insert into errors values ({_places(14)})"
_INSERT_FIGURES: Final = f"insert into figures values ({_places(5)})"


def _rows(name: str, tables: Tables) -> Iterable[tuple[str, str, bytes | None]]:
    """Yield the rows of each table that has some; null in place of rows that are too large."""
    for table, rows in tables.items():
        if rows:
            data = _encoder.encode(rows)
            yield table, name, data if len(data) <= LARGEST else None


def _nodes(name: str, tables: Tables) -> Iterable[list[Any]]:
    checks: dict[Any, Counter[bool | None]] = {}
    for row in as_dicts("checks", tables.get("checks", ())):
        checks.setdefault(row["node_name"], Counter())[row["passed"]] += 1
    for node in as_dicts("nodes", tables.get("nodes", ())):
        counts = checks.get(node["node_name"], Counter())
        node |= dict(zip(CHECK_COUNTS, (counts[True], counts[False], counts[None]), strict=True))
        node["pipeline_name"] = node["pipeline_name"] or ""
        node["error"] = _short(node["error"])
        yield [name, *to_sql(node[column] for column in (*KEY_OF_NODES, *OF_NODES, *CHECK_COUNTS))]


def _errors(name: str, tables: Tables) -> Iterable[list[Any]]:
    """Yield a row for each fingerprint of a run, apart those that report the failure of another run."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in as_dicts("errors", tables.get("errors", ())):
        groups.setdefault((row["fingerprint"] or "", row["failed_run_id"] or ""), []).append(row)
    for (fingerprint, failed_run), rows in groups.items():
        yield to_sql((name, fingerprint, failed_run, *error_group(rows)))


def error_group(rows: Sequence[dict[str, Any]]) -> tuple[Any, ...]:
    """Return the cells that failures of one run and one fingerprint share; the last failure is the example."""
    times = [row["timestamp"] for row in rows]
    last = max(rows, key=lambda row: row["timestamp"])
    nodes, operations = (
        list(dict.fromkeys(row[key] for row in rows if row[key]))[:MAX_NAMES] for key in ("node_name", "operation")
    )
    place = None if nodes or operations else own_place(last["traceback"])
    about = (last["run_id"], last["pipeline_name"], len(rows), min(times), max(times), last["event_type"])
    return (*about, last["error_type"], _short(last["message"]), json_text(nodes), json_text(operations), place)


def own_place(traceback: str | None) -> str | None:
    """Return the line of the program that raised, as `file.py:7`; None without one."""
    own = [each for raised in read_trace(traceback)[-1:] for each in raised.frames if each.in_app]
    return f"{own[-1].file}:{own[-1].line}" if own else None


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else f"{text[:LONGEST]}…"
