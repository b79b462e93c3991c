"""The state of all pipelines of a store: unusual, failed and lost runs, and runs that are late or were missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import msgspec

from odibi_core.errors import RunNotFoundError, StoreError, nearest
from odibi_core.events import kinds
from odibi_core.events.clock import iso
from odibi_core.history.index.filters import RunFilter
from odibi_core.history.noticing import notes
from odibi_core.history.noticing.cadence import Cadence, has_stopped, learn, overdue
from odibi_core.history.noticing.finding import alert_id
from odibi_core.history.noticing.folding import folded
from odibi_core.history.noticing.notes import Notes
from odibi_core.history.rows import as_dicts

_STARTS: Final = 90
"""Runs of a pipeline from which its cadence is learned."""
_MONTH: Final = timedelta(days=30)
Kind = Literal["unusual", "failed", "lost", "missed", "late"]


class WatchedIndex(Protocol):
    """The part of the index that `watch` reads."""

    root: Path

    def runs(self, wanted: RunFilter = ..., limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        """Return the rows of `runs` that pass a filter, the newest first."""
        ...

    def pipelines(self) -> dict[str, int]:
        """Return the pipelines with the numbers of their runs."""
        ...

    def tables(self, run_id: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of each table of one run."""
        ...


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at."""

    kind: Kind
    alert_id: str
    pipeline_name: str
    run_id: str | None = None
    partition: str | None = None
    at: datetime
    """The start of the run, or the time at which it was due."""
    node_name: str | None = None
    family: str
    message: str
    follows: list[str] = []
    """The messages of findings that follow from this one."""
    acknowledged: datetime | None = None
    note: str | None = None
    muted: bool = False

    @property
    def is_open(self) -> bool:
        """True unless the alert is acknowledged or muted."""
        return self.acknowledged is None and not self.muted


class Pipeline(msgspec.Struct, frozen=True):
    """A pipeline as `watch` sees it."""

    pipeline_name: str
    runs: int
    last_started: datetime | None
    last_status: str | None
    cadence: str
    next_due: datetime | None
    stopped: bool


class Watch(msgspec.Struct, frozen=True):
    """The answer of `watch`."""

    since: datetime
    until: datetime
    alerts: list[Alert]
    pipelines: list[Pipeline]
    not_judged: int
    """Runs since then that were not compared, because they ended before noticing or had too few earlier runs."""
    not_noted: str | None = None
    """The reason for which missed runs could not be written into the notes."""

    @property
    def open_alerts(self) -> list[Alert]:
        """The alerts that are neither acknowledged nor muted."""
        return [alert for alert in self.alerts if alert.is_open]


def watch(
    index: WatchedIndex, since: datetime, now: datetime, pipeline_name: str | None = None, *, only_read: bool = False
) -> Watch:
    """Return the alerts since a time, and write each missed run once into the notes of the store.

    Args:
        index: The index of the store.
        since: The begin of the time.
        now: Its end.
        pipeline_name: Only this pipeline.
        only_read: Write nothing.

    Raises:
        RunNotFoundError: The store has no run of `pipeline_name`.
    """
    known = Notes.read(index.root)
    recent = index.runs(RunFilter(pipeline_name=pipeline_name, since=since, until=now))
    alerts = list(_of_runs(index, recent, known))
    pipelines = []
    for name, count in _pipelines(index, pipeline_name).items():
        state, missing = _of_cadence(index, name, count, since, now)
        pipelines.append(state)
        alerts += missing
    not_noted = None if only_read else _note(index.root, known, alerts)
    alerts = [_with_notes(alert, known) for alert in alerts]
    alerts.sort(key=lambda alert: (alert.at, alert.pipeline_name))
    not_judged = sum(row["unusual"] is None and row["status"] == "success" for row in recent)
    return Watch(since, now, alerts, pipelines, not_judged, not_noted)


def known_alerts(index: WatchedIndex, now: datetime) -> dict[str, dict[str, Any]]:
    """Return every alert of a run and every missing run by its id: its pipeline and its message."""
    wanted = (RunFilter(status="failed"), RunFilter(status="lost"), RunFilter(unusual=True))
    known = Notes.read(index.root)
    alerts = [alert for each in wanted for alert in _of_runs(index, index.runs(each), known)]
    for name, count in index.pipelines().items():
        alerts += _of_cadence(index, name, count, now - _MONTH, now)[1]
    found = {each.alert_id: {"pipeline_name": each.pipeline_name, "message": each.message} for each in alerts}
    for each in known.missed.values():
        found[each.alert_id] = {"pipeline_name": each.pipeline_name, "message": each.message}
    return {key: about | {"alert_id": key} for key, about in found.items()}


def _pipelines(index: WatchedIndex, wanted: str | None) -> dict[str, int]:
    known = index.pipelines()
    if wanted is None:
        return known
    if wanted not in known:
        hint = nearest(wanted, list(known))
        raise RunNotFoundError(f"there is no pipeline {wanted!r} in {index.root}{hint}; `odibi watch` lists all")
    return {wanted: known[wanted]}


def _of_runs(index: WatchedIndex, runs: Sequence[dict[str, Any]], known: Notes) -> Iterator[Alert]:
    for row in runs:
        about: dict[str, Any] = {
            "pipeline_name": row["pipeline_name"] or "", "run_id": row["run_id"], "at": row["started"],
            "partition": row["partition"],
        }  # fmt: skip
        if (status := row["status"]) in ("failed", "lost"):
            message = "the process died before the run ended" if status == "lost" else _first_line(row["error"])
            mark = alert_id(row["run_id"], "run.status", status)
            yield Alert(kind=status, alert_id=mark, family="status", message=message, **about)
        if row["unusual"]:
            yield from _unusual(index, about, known)


def _unusual(index: WatchedIndex, about: dict[str, Any], known: Notes) -> Iterator[Alert]:
    alerts = as_dicts("alerts", index.tables(about["run_id"]).get("alerts", ()))
    rows = [row for row in alerts if row["kind"] == kinds.ANOMALY]
    muted = {row["alert_id"] for row in rows if _is_muted(row, about, known)}
    for row, follows in folded(rows, muted):
        yield Alert(
            kind="unusual", alert_id=row["alert_id"], node_name=row["node_name"], family=row["family"] or "",
            message=row["message"] or "", follows=[each["message"] or "" for each in follows], **about,
        )  # fmt: skip


def _is_muted(row: dict[str, Any], about: dict[str, Any], known: Notes) -> bool:
    return known.is_muted(about["pipeline_name"], row["node_name"], row["family"], about["at"])


def _first_line(error: object) -> str:
    lines = str(error or "").strip().splitlines()
    return lines[0] if lines else "the run failed without a message"


def _of_cadence(
    index: WatchedIndex, name: str, count: int, since: datetime, now: datetime
) -> tuple[Pipeline, list[Alert]]:
    rows = index.runs(RunFilter(pipeline_name=name, until=now), limit=_STARTS)
    starts = [row["started"].astimezone() for row in rows if row["started"] is not None]
    cadence = learn(starts)
    last = max(starts, default=None)
    due = cadence.after(last) if last is not None else None
    stopped = last is not None and has_stopped(cadence, last, now)
    state = Pipeline(
        name, count, last, rows[0]["status"] if rows else None, str(cadence), None if stopped else due, stopped
    )
    missing = overdue(cadence, starts, now, since)
    return state, [_missing(name, each.due, each.is_late, cadence, starts) for each in missing]


def _missing(name: str, due: datetime, is_late: bool, cadence: Cadence, starts: Sequence[datetime]) -> Alert:
    verb = "has not started yet" if is_late else "did not run"
    return Alert(
        kind="late" if is_late else "missed",
        alert_id=alert_id(name, f"{due:%Y-%m-%d %H:%M}", "cadence"),
        pipeline_name=name,
        at=due,
        family="cadence",
        message=f"{name} {verb}: due {due:%Y-%m-%d %H:%M} ({cadence}, learned from {len(starts)} runs)",
    )


def _note(root: Path, known: Notes, alerts: Sequence[Alert]) -> str | None:
    """Write the missed runs that have no note yet; return the reason if they cannot be written."""
    for alert in alerts:
        if alert.kind == "missed" and alert.alert_id not in known.missed:
            about = {"alert_id": alert.alert_id, "pipeline_name": alert.pipeline_name, "due": iso(alert.at)}
            try:
                notes.write(root, notes.MISSED, alert.message, about, level="warning")
            except (StoreError, OSError) as error:
                return str(error)
    return None


def _with_notes(alert: Alert, known: Notes) -> Alert:
    seen = known.acknowledged.get(alert.alert_id)
    muted = known.is_muted(alert.pipeline_name, alert.node_name, alert.family, alert.at)
    if seen is None and not muted:
        return alert
    at, note = (seen.at, seen.note) if seen else (None, None)
    return msgspec.structs.replace(alert, acknowledged=at, note=note, muted=muted)
