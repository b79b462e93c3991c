"""The runs of a store as an export needs them: which there are, and their rows in every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from odibi_core.events import Event
from odibi_core.history.history import History
from odibi_core.history.index import Index
from odibi_core.history.index.cold import tables_by_run
from odibi_core.history.index.filters import RunFilter
from odibi_core.history.noticing.notes import Notes
from odibi_core.history.rows.cells import json_text, real, written
from odibi_core.history.schema import TABLES, Type
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, safe_name
from odibi_core.views.values import count, flag

Rows = dict[str, list[tuple[Any, ...]]]
_CHUNK: Final = 200
_CHUNK_EVENTS: Final = 50_000
_ALERTS: Final = "select run_id, alert_id, acknowledged, muted from alerts where run_id is not null order by all"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run of the store: its size, and the notes on its alerts as a hash (empty: none)."""

    run_id: str
    events: int
    notes: str = ""


class StoredRuns:
    """The runs of a store.

    Args:
        store: The store.
        index: Its index, up to date.
    """

    def __init__(self, store: RunStore, index: Index) -> None:
        self.store = store
        self.read_errors = ReadErrors()
        """The lines of the exported runs that could not be read; counted if their logs are read."""
        self._index = index
        self._notes = Notes.read(store.root)

    def all(self, wanted: RunFilter, *, with_notes: bool) -> list[StoredRun]:
        """Return the runs that pass a filter, the oldest first."""
        notes = self._hashes() if with_notes else {}
        found = (
            StoredRun(row["run_id"], row["events"] or 0, notes.get(row["run_id"], ""))
            for row in self._index.runs(wanted)
        )
        return list(found)[::-1]

    def _hashes(self) -> dict[str, str]:
        """Return the notes on the alerts of each run as a hash; without notes nothing is read."""
        if not (self._notes.acknowledged or self._notes.mutes):
            return {}
        by_run: dict[str, list[Any]] = {}
        for row in History(self.store).sql(_ALERTS).rows:
            if row["acknowledged"] is not None or row["muted"]:
                by_run.setdefault(row["run_id"], []).append(list(row.values()))
        return {run_id: _hash(rows) for run_id, rows in by_run.items()}

    def missed(self, wanted: RunFilter) -> dict[str, tuple[str, tuple[Any, ...]]]:
        """Return the runs that did not come: by `alert_id`, a hash and the row of `alerts`."""
        found = {}
        for row in self._notes.alerts():
            times = {name: _time(row[name]) for name in ("timestamp", "acknowledged")}
            due = times["timestamp"]
            if wanted.pipeline_name not in (None, row["pipeline_name"]) or (
                wanted.since is not None and due is not None and due < wanted.since
            ):
                continue
            cells = tuple(map({**row, **times}.get, TABLES["alerts"].names))
            found[str(row["alert_id"])] = (_hash(row), cells)
        return found

    def chunks(self, runs: Sequence[StoredRun]) -> Iterator[list[StoredRun]]:
        """Yield the runs in parts, each for one transaction: small enough for memory, large enough for speed."""
        chunk: list[StoredRun] = []
        events = 0
        for run in runs:
            if chunk and (len(chunk) == _CHUNK or events + run.events > _CHUNK_EVENTS):
                yield chunk
                chunk, events = [], 0
            chunk.append(run)
            events += run.events
        if chunk:
            yield chunk

    def rows(self, run_ids: Sequence[str]) -> dict[str, Rows]:
        """Return the rows of runs by run and table; a run that was pruned meanwhile is left out."""
        folders = {safe_name(run_id, 120): run_id for run_id in run_ids}
        cold = self.store.cold.runs().keys()
        whole = [folder for folder in folders if folder in cold and not self.store.segments(folder)]
        by_folder: Mapping[str, Any] = tables_by_run(self.store.cold, whole)
        found: dict[str, Rows] = {}
        for folder, run_id in folders.items():
            rows = dict(by_folder.get(folder) or self._index.tables(run_id))
            if rows.get("runs"):
                rows["alerts"] = [self._noted(row) for row in rows.get("alerts", ())]
                found[run_id] = rows
        return found

    def _noted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row of `alerts` with what was noted since, as the view of SQL has it."""
        about = dict.fromkeys(TABLES["alerts"].names) | dict(zip(TABLES["alerts"].names, row, strict=False))
        known = self._notes.acknowledged.get(str(about["alert_id"]))
        if about["acknowledged"] is None and known is not None:
            about["acknowledged"] = known.at
        where = (str(about["pipeline_name"]), about["node_name"], about["family"])
        about["muted"] = bool(about["muted"]) or (
            about["timestamp"] is not None and self._notes.is_muted(*where, about["timestamp"])
        )
        return tuple(about.values())

    def logs(self, run_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield a row of `logs` for each event of runs; those of other runs are in their own records."""
        for run_id, events in self.store.read_many(run_ids, self.read_errors):
            for event in events:
                if event.run_id in (None, run_id):
                    yield _log_row(event, run_id)


_LOG_COLUMNS: Final = tuple((column.name, column.type) for column in TABLES["logs"].columns)


def _log_row(event: Event, run_id: str) -> tuple[Any, ...]:
    """Return the row of an event; an event without a run belongs to the run whose record has it."""
    cells = [_cell(getattr(event, name), kind) for name, kind in _LOG_COLUMNS]
    cells[_RUN_ID] = run_id
    return (*cells, json_text(event.fields) if event.fields else None)


_RUN_ID: Final = TABLES["logs"].names.index("run_id")


def _cell(value: Any, kind: Type) -> Any:
    if kind == "timestamp":
        return value if isinstance(value, datetime) else None
    if kind == "double":
        return real(value)
    if kind == "bigint":
        return count(value)
    if kind == "boolean":
        return flag(value)
    return json_text(value) if kind == "json" else written(value)


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _hash(value: object) -> str:
    return sha256((json_text(value) or "").encode()).hexdigest()[:16]
