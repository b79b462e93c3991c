"""A row for each run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import asdict

from odibi_core.events import Event, kinds
from odibi_core.views.answers import RunRow
from odibi_core.views.row_totals import row_totals, use_of
from odibi_core.views.run_head import CLOSING, RunHead
from odibi_core.views.step import ENDED, step_key
from odibi_core.views.values import count, number, passed_of, records, text

MAX_RUNS: Final = 100_000
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class RunsView:
    """The latest `limit` runs; events without a run are ignored.

    Only events decide: a run is `running` until one reports its end, and `lost` after a `run_lost`. Steps are kept
    while their run lasts, so memory grows with the runs and not with their steps.
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
            run = self._runs[run_id] = _Run(run_id)
        run.add(event)

    def answer(self) -> list[RunRow]:
        """Return the rows, the run that started last first."""
        rows = [run.row() for run in self._runs.copy().values()]
        rows.sort(key=lambda row: row.start or _NEVER, reverse=True)
        return rows


class _Run:
    __slots__ = ("checks", "counts", "head", "rows", "sources", "steps")

    def __init__(self, run_id: str) -> None:
        self.head = RunHead(run_id)
        self.steps: dict[str, tuple[str, str, int | None]] = {}
        """Each with its state, the use of its rows, and their number."""
        self.counts: Counter[str] = Counter()
        self.checks: Counter[bool | None] = Counter()
        self.sources: frozenset[str] | None = None
        """The steps without a dependency, if there is a plan."""
        self.rows: tuple[int | None, int | None] | None = None
        """The rows read and published, once the run has ended."""

    def add(self, event: Event) -> None:
        kind, head = event.event_type, self.head
        if kind != kinds.RUN_LOST:
            head.last = event.timestamp
            head.first = head.first or event.timestamp
        if kind in ENDED or kind == kinds.NODE_START:
            self._add_step(event)
        elif kind == kinds.CHECK_RESULT:
            self.checks[passed_of(event)] += head.closing is None
        elif kind == kinds.PIPELINE_START:
            head.opening = head.opening or event
        elif kind == kinds.PIPELINE_PLAN:
            known = _sources(event.fields.get("steps"))  # one part of the plan: a long one comes in several events
            self.sources = known if self.sources is None else self.sources | (known or frozenset())
        elif kind in CLOSING and head.close(event):
            self.rows = self._totals() if self.steps else self.rows
            self.steps = {}

    def _add_step(self, event: Event) -> None:
        """Count a step once, by its last event; after the end of the run nothing counts."""
        name = step_key(event)
        if name is None or self.head.closing is not None:
            return
        state = ENDED.get(event.event_type, "running")
        was = self.steps.get(name)
        if was is not None:
            if state == "running":  # a repeated or late start, or another attempt: its end will count
                return
            self.counts[was[0]] -= 1
        use = self._use(event) if state == "success" else ""
        self.steps[name] = (state, use, count(event.row_count))
        self.counts[state] += 1

    def _use(self, event: Event) -> str:
        is_source = None if self.sources is None else text(event.node_name) in self.sources
        return use_of(text(event.layer), is_source)

    def _totals(self) -> tuple[int | None, int | None]:
        return row_totals((use, rows) for _, use, rows in self.steps.values())

    def _count(self, state: str) -> int:
        closing = self.head.closing
        reported = count(closing.fields.get(f"{state}_count")) if closing else None
        return self.counts[state] if reported is None else reported

    def row(self) -> RunRow:
        run = self.head.answer(self.head.status(lambda: self.counts))
        read, published = self.rows or self._totals()
        given = self.head.opening.fields if self.head.opening else {}
        return RunRow(
            **asdict(run),
            steps=count(given.get("steps")),
            success_count=self._count("success"),
            failed_count=self._count("failed"),
            skipped_count=self._count("skipped"),
            checks_passed=self.checks[True],
            checks_failed=self.checks[False],
            checks_not_checked=self.checks[None],
            rows=published,
            rows_read=read,
            pid=count(given.get("pid")),
            host=text(given.get("host")),
            process_start=number(given.get("process_start")),
            last_event=self.head.last,
        )


def _sources(plan: object) -> frozenset[str] | None:
    """Return the steps of a plan without a dependency; None if it is no plan."""
    steps = records(plan)
    return frozenset(str(step.get("name")) for step in steps if not step.get("depends_on")) if steps else None
