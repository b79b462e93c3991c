"""One row for each run: what a list of runs shows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.views.step import ENDED, step_key
from odibi_core.views.steps import closed_as, error_of, name_of, open_ended
from odibi_core.views.values import count, milliseconds, number, passed_of, records, text

MAX_RUNS: Final = 100_000
_CLOSING: Final = frozenset({kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR, kinds.RUN_LOST})


_SIDES: Final = {"ingest": "read", "connect": "taken", "publish": "published"}
"""What becomes of the rows of a step of that layer; `taken` are read only if no step of the run is an ingesting one."""


class RunsView:
    """All runs heard of, the latest `limit`. Events that name no run are none of its business.

    Only events decide: a run is `running` until one says that it ended, and `lost` once a `run_lost` says
    so. Steps are remembered while their run lasts, so memory grows with the runs and not with their steps.
    """

    def __init__(self, limit: int = MAX_RUNS) -> None:
        self._runs: dict[str, _Run] = {}
        self._limit = max(1, limit)

    def __call__(self, event: Event) -> None:
        run_id = event.run_id
        if not isinstance(run_id, str):
            return
        run = self._runs.get(run_id)
        if run is None:
            if len(self._runs) >= self._limit:
                del self._runs[next(iter(self._runs))]
            run = self._runs[run_id] = _Run(run_id, event.timestamp)
        run.hear(event)

    def answer(self) -> list[dict[str, Any]]:
        """The rows, the run that started last first."""
        rows = [run.row() for run in self._runs.copy().values()]
        rows.sort(key=lambda row: str(row["start"]), reverse=True)
        return rows


class _Run:
    __slots__ = (
        "checks",
        "closing",
        "counts",
        "first",
        "last",
        "opening",
        "rows",
        "run_id",
        "sources",
        "steps",
    )

    def __init__(self, run_id: str, first: datetime) -> None:
        self.run_id = run_id
        self.first = self.last = first
        self.opening: Event | None = None
        self.closing: Event | None = None
        self.steps: dict[str, tuple[str, str, int | None]] = {}
        """Each with its state, and what became of how many rows."""
        self.counts: Counter[str] = Counter()
        self.checks: Counter[bool | None] = Counter()
        self.sources: frozenset[str] | None = None
        """The steps that need no other, if the plan was heard."""
        self.rows: dict[str, int | None] = {}
        """Once the run has ended: the rows read and published."""

    def hear(self, event: Event) -> None:
        kind = event.event_type
        if kind != kinds.RUN_LOST:
            self.last = event.timestamp
        if kind in ENDED or kind == kinds.NODE_START:
            self._hear_step(event)
        elif kind == kinds.CHECK_RESULT:
            self.checks[passed_of(event)] += self.closing is None
        elif kind == kinds.PIPELINE_START:
            self.opening = self.opening or event
        elif kind == kinds.PIPELINE_PLAN:
            known = _sources(event.fields.get("steps"))  # one part of the plan: a long one comes in several events
            self.sources = known if self.sources is None else self.sources | (known or frozenset())
        elif kind in _CLOSING and (self.closing is None or self.closing.event_type == kinds.RUN_LOST):
            self.closing = event
            self.rows = self._totals() if self.steps else self.rows
            self.steps = {}

    def _hear_step(self, event: Event) -> None:
        """A step counts once, by the last that was heard of it; after the run's end nothing counts."""
        name = step_key(event)
        if name is None or self.closing is not None:
            return
        state = ENDED.get(event.event_type, "running")
        was = self.steps.get(name)
        if was is not None:
            if state == "running":  # an echo, a late start or another attempt: what it ends as will be heard
                return
            self.counts[was[0]] -= 1
        side = self._side(event) if state == "success" else ""
        self.steps[name] = (state, side, count(event.row_count))
        self.counts[state] += 1

    def _side(self, event: Event) -> str:
        """Return whether the rows of a step were published or read; nothing if they only passed through."""
        layer = text(event.layer) or ""
        if self.sources is not None and layer not in ("ingest", "publish"):
            return "taken" if text(event.node_name) in self.sources else ""
        return _SIDES.get(layer, "")

    def _totals(self) -> dict[str, int | None]:
        """Return how many rows were read and published; None if there are none, or if one step does not say."""
        found: dict[str, list[int | None]] = {}
        for _, side, rows in self.steps.values():
            found.setdefault(side, []).append(rows)
        read = found.get("read") or found.get("taken")
        return {"rows": _sum(found.get("published")), "rows_read": _sum(read)}

    def _status(self) -> str:
        """As told. A tracker's run tells no end of its own: lost with all its steps done, it is done."""
        if self.closing is None:
            return "running"
        status = closed_as(self.closing)
        done = self.counts.total() > 0 and not self.counts["running"]
        if status == "lost" and done and open_ended(self.opening):
            return "failed" if self.counts["failed"] else "success"
        return status

    def _count(self, state: str) -> int:
        told = count(self.closing.fields.get(f"{state}_count")) if self.closing else None
        return self.counts[state] if told is None else told

    def row(self) -> dict[str, Any]:
        opening, closing, status = self.opening, self.closing, self._status()
        start = opening.timestamp if opening else self.first
        told = closing is not None and closing.event_type != kinds.RUN_LOST
        end = None if closing is None else closing.timestamp if told else self.last
        duration = number(closing.duration_ms) if closing and told else None
        given = opening.fields if opening else {}
        return {
            "run_id": self.run_id,
            "pipeline_name": name_of(opening) or name_of(closing),
            "status": status,
            "engine": text(opening.engine) if opening else None,
            "start": iso(start),
            "end": iso(end) if end else None,
            "duration_ms": milliseconds(start, end or self.last) if duration is None else duration,
            "steps": count(given.get("steps")),
            "success_count": self._count("success"),
            "failed_count": self._count("failed"),
            "skipped_count": self._count("skipped"),
            "checks_passed": self.checks[True],
            "checks_failed": self.checks[False],
            "checks_not_checked": self.checks[None],
            **(self.rows or self._totals()),
            "error": error_of(closing) if closing and status not in ("success", "running") else None,
            "pid": count(given.get("pid")),
            "host": text(given.get("host")),
            "process_start": number(given.get("process_start")),
            "last_event": iso(self.last),
        }


def _sum(rows: list[int | None] | None) -> int | None:
    known = [number for number in rows or () if number is not None]
    return sum(known) if rows and len(known) == len(rows) else None


def _sources(plan: object) -> frozenset[str] | None:
    """Return the steps of a plan that need no other; None if it is no plan."""
    steps = records(plan)
    return frozenset(str(step.get("name")) for step in steps if not step.get("depends_on")) if steps else None
