"""The files and rows that a query over a history reads, listed so that each run is there once.

Hot runs are listed first and manifests second: a run that is compacted in between is in both, and then counts as
compacted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.events.clock import iso
from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.history.sql.source import HistorySource, TableSource, tables_in, words_of
from odibi_core.select_only import LOGS
from odibi_core.store.event_columns import REST, RUN
from odibi_core.store.log_table import STANDARD_TYPES
from odibi_core.store.manifest import Manifest
from odibi_core.store.runs import NOTES, RAISED, RunStore
from odibi_core.store.segments import all_segments, safe_name
from odibi_core.store.sql_logs import ColdColumn, ColdFile
from odibi_core.store.sql_text import TEXT, literal, quoted

if TYPE_CHECKING:
    from odibi_core.history.noticing.notes import Mute

_TYPES: Final[dict[str, str]] = {str(name): kind for name, kind in DUCKDB_TYPES.items()}
_MISSING: Final = {"writer_id": "''", "seq": "-1"}
"""The value of a column for an event that lacks the field."""
_BARE: Final = frozenset({"run_id", "timestamp", "level", "event_type"})
_encode: Final = msgspec.json.Encoder().encode


def collected(store: RunStore, query: str, run_id: str | None = None) -> HistorySource:
    """Return what a query over the store reads.

    Args:
        store: The store.
        query: The query.
        run_id: The only run that it sees; None for all.
    """
    names = tables_in(query)
    tables = {name for name in names if name != LOGS}
    rows, problems = _hot_rows(store, tables) if tables else ({}, [])
    hot = store.hot_ids() if LOGS in names else []
    manifests = store.cold.manifests()
    compacted = store.cold.runs()
    source = HistorySource({}, run_id=run_id)
    if run_id is not None:
        source.log_filter = f"{quoted(RUN)} = {literal(run_id)}"
    for name in tables:
        kept = (row for row in rows.get(name, ()) if safe_name(str(row[0]), 120) not in compacted)
        source.tables[name] = TableSource(list(map(str, store.cold.paths(name))), _lines(name, kept))
    if LOGS in names:
        runs = [each for each in [*hot, *store.late_ids()] if run_id in (None, each)]
        paths = [path for each in runs for path in store.segments(each)]
        if run_id is None:
            paths += [path for path in all_segments(store.root / NOTES) if not path.name.startswith(RAISED)]
        source.segments = [os.fsencode(path) for path in paths]
        there = set(store.cold.paths(LOGS))
        source.logs = [
            _cold_file(store, manifest, words_of(query))
            for manifest in manifests
            if LOGS in manifest.files and store.root / manifest.files[LOGS].path in there
        ]
    if "alerts" in tables:
        _add_notes(source, store.root)
    source.notices = list(dict.fromkeys([*problems, *store.cold.problems]))
    return source


def set_damage_aside(store: RunStore, query: str) -> bool:
    """Set aside the damaged files of the tables that a failed query names; return whether there is one.

    The answer of another try has the other files. Checksums of all files would take longer than most queries.
    """
    names = tables_in(query)
    found = False
    for manifest in store.cold.manifests():
        for table, entry in manifest.files.items():
            found |= table in names and store.cold.set_aside(entry)
    return found


def _add_notes(source: HistorySource, root: Path) -> None:
    """Add the notes about alerts: acknowledgements, mutes, and the runs that did not come."""
    from odibi_core.history.noticing.notes import Notes  # here, because few queries read alerts

    notes = Notes.read(root)
    source.acknowledged = {alert: iso(known.at) for alert, known in notes.acknowledged.items()}
    source.resolved = {alert: iso(at) for alert, at in notes.resolved.items()}
    source.muted = " or ".join(map(_condition, notes.mutes)) or source.muted
    source.tables["alerts"].rows += b"".join(_encode(row) + b"\n" for row in notes.alerts())


def _condition(mute: Mute) -> str:
    """Return the condition of the alerts that a mute covers, as `Mute.covers` has it."""
    equal = {"pipeline_name": mute.pipeline_name, "node_name": mute.node_name, "family": mute.family}
    parts = [f"{name} = {literal(value)}" for name, value in equal.items() if value is not None]
    if mute.until is not None:
        parts.append(f"timestamp < {literal(iso(mute.until))}::timestamptz::timestamp")
    return f"coalesce({' and '.join(parts)}, false)"


def _hot_rows(store: RunStore, tables: Iterable[str]) -> tuple[dict[str, list[tuple[Any, ...]]], list[str]]:
    """Return the rows of hot runs by table, and what the index could not read: it sets a damaged batch aside."""
    from odibi_core.history.index import Index  # here, because a query over `logs` alone needs no index

    with Index(store.root) as index:
        index.refresh()
        return {name: list(index.hot_rows(name)) for name in tables}, index.problems


def _lines(table: str, rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Return rows as JSON lines; a row of an older version lacks the columns that were added later."""
    names = TABLES[table].names
    return b"".join(_encode(dict(zip(names, row, strict=False))) + b"\n" for row in rows)


def _cold_file(store: RunStore, manifest: Manifest, words: set[str]) -> ColdFile:
    """Return the file of a batch; a field that the manifest does not list may be one that the query names."""
    columns = [ColdColumn(name, _standard(name, kind), kind) for name, kind in STANDARD_TYPES.items()]
    for field in manifest.fields:
        kind = _TYPES[field.type] if field.column else TEXT
        columns.append(ColdColumn(field.name, quoted(field.column) if field.column else _in_rest(field.name), kind))
    if manifest.unlisted_fields:
        columns += [ColdColumn(word, _in_rest(word), TEXT) for word in sorted(words - {each.name for each in columns})]
    return ColdFile(str(store.root / manifest.files[LOGS].path), columns, manifest.unlisted_fields)


def _standard(name: str, kind: str) -> str:
    """Return a standard field: an irregular value is beside its column, a field that an event lacks is null.

    The columns by which a run is found stay bare, so that DuckDB skips the row groups of other runs.
    """
    if name in _MISSING:
        return f"nullif({quoted(name)}, {_MISSING[name]})"
    if name in _BARE:
        return quoted(name)
    rest = (
        f"to_json({REST}::json->{literal('/' + name)})" if kind == "JSON" else f"try_cast({_in_rest(name)} as {kind})"
    )
    return f"coalesce({quoted(name)}, {rest})"


def _in_rest(name: str) -> str:
    """Return the value of a field without a column: JSON by a pointer, in which `~` and `/` are escaped."""
    return f"({REST}::json->>{literal('/' + name.replace('~', '~0').replace('/', '~1'))})"
