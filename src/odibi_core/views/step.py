"""One step of a run: its events, and the answer that follows from them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final, Literal

from odibi_core.events import Event, kinds
from odibi_core.views.answers import Node
from odibi_core.views.costs import CostSum, figures_of
from odibi_core.views.step_calls import StepCalls
from odibi_core.views.values import count, flag, milliseconds, number, text, texts

MAX_RETRIES: Final = 50
"""Retries kept for a step, the latest; the attempts give their number."""

STATES: Final = ("pending", "running", "success", "failed", "skipped", "cancelled", "lost")
ENDED: Final = {
    kinds.NODE_COMPLETE: "success",
    kinds.NODE_FAILED: "failed",
    "node_error": "failed",
    kinds.NODE_SKIPPED: "skipped",
}

Group = Literal["retries", "before", "after", "checks", "lineage", "changes", "joins"]
_NONE: Final[dict[object, Event]] = {}
"""Shared by all steps without events of a group, and never written to."""


class Step:
    """The events of one step, by what they report."""

    __slots__ = (
        "after", "before", "calls", "changes", "checks", "costs", "end", "first", "index", "joins", "lineage", "name",
        "plan", "retries", "start", "tasks", "touched",
    )  # fmt: skip

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.plan: dict[str, Any] = {}
        self.first: Event | None = None
        self.start: Event | None = None
        self.end: Event | None = None
        self.touched = False
        self.calls: StepCalls | None = None
        self.tasks: Counter[str | None] | None = None
        """The items of a mapped step that ended, by status."""
        self.costs: CostSum | None = None
        """Its calls with a cost, those of all attempts."""
        self.retries = self.before = self.after = self.checks = self.lineage = self.changes = self.joins = _NONE

    def begin(self, event: Event) -> None:
        """Take a start. Only that of a later attempt opens an ended step again: others are repeated or late."""
        if "call" in event.fields and (call := count(event.fields["call"])) is not None:
            self.first = self.first or event
            self.start = event
            self._numbered_calls().begin(event, call)
        elif self.start is None:
            self.first = self.start = event
        elif self._is_later(event):
            self.start, self.end = event, None
            self.after = self.checks = self.lineage = self.changes = self.joins = _NONE

    def finish(self, event: Event) -> None:
        """Take an end, unless it is that of an earlier attempt, or of a call after one that failed."""
        if "call" in event.fields and (call := count(event.fields["call"])) is not None:
            if self._numbered_calls().finish(event, call):
                skipped = event.event_type == kinds.NODE_SKIPPED and self.end is not None
                self.end = self._numbered_calls().first_failure or (self.end if skipped else event)
        elif self.end is None or (count(event.fields.get("attempts")) or 1) >= self._reported_attempts():
            self.end = event

    def _numbered_calls(self) -> StepCalls:
        if self.calls is None:
            self.calls = StepCalls()
        return self.calls

    def retry(self, event: Event) -> None:
        """Take a failed attempt that will be followed by another."""
        attempt = count(event.fields.get("attempt"))
        self.keep("retries", event.timestamp if attempt is None else attempt, event)
        if len(self.retries) > MAX_RETRIES:
            del self.retries[next(iter(self.retries))]

    def count_task(self, event: Event) -> None:
        """Count an item of a mapped step that ended; a failed attempt that is followed by another is no end."""
        if event.status != "retried":
            self.tasks = self.tasks or Counter()
            self.tasks[text(event.status)] += 1

    def add_cost(self, event: Event) -> None:
        """Add a call with a cost."""
        self.costs = self.costs or CostSum()
        self.costs.add(*figures_of(event))

    def keep(self, group: Group, key: object, event: Event) -> None:
        """Put an event into a group, in place of one with the same key."""
        kept: dict[object, Event] = getattr(self, group)
        if kept is _NONE:
            kept = {}
            setattr(self, group, kept)
        kept[key] = event

    def _is_later(self, event: Event) -> bool:
        attempt = count(event.fields.get("attempt"))
        if attempt is not None:
            return attempt > self._reported_attempts()
        return self.end is not None and event.timestamp > self.end.timestamp

    @property
    def attempts(self) -> int:
        """The number of attempts; 0 if the step never began."""
        reported = self._reported_attempts()
        if self.retries:
            return max(reported, 1 + max((n for n in self.retries if isinstance(n, int)), default=len(self.retries)))
        if self.start is None and (self.end is None or self.end.event_type == kinds.NODE_SKIPPED or self.taken_from):
            return 0
        return reported

    def _reported_attempts(self) -> int:
        started = count(self.start.fields.get("attempt")) if self.start else None
        ended = count(self.end.fields.get("attempts")) if self.end else None
        return max(started or 1, ended or 1)

    def state(self, run_status: str) -> str:
        """Return the state. A step that began and never ended shares the end of its run."""
        if self.end is not None and not (self.calls and self.calls.is_open):
            return "cancelled" if self.end.status == "cancelled" else ENDED[self.end.event_type]
        if self.start is None and not self.touched:
            return "pending"
        return run_status if run_status in ("running", "cancelled") else "lost"

    @property
    def duration_ms(self) -> float | None:
        """The reported duration, of several calls their sum; else the time between the first start and the end."""
        if self.end is None:
            return None
        if self.calls is not None:
            return self.calls.duration_ms
        reported = number(self.end.duration_ms)
        if reported is not None or self.first is None:
            return reported
        return milliseconds(self.first.timestamp, self.end.timestamp)

    @property
    def ended_at(self) -> datetime | None:
        """The time of the end, of several calls that of the last."""
        if self.calls is not None and self.calls.last_end is not None:
            return self.calls.last_end
        return None if self.end is None else self.end.timestamp

    @property
    def rows(self) -> int | None:
        """The rows made, of several calls their sum."""
        if self.calls is not None and self.calls.total > 1:
            return self.calls.rows
        return None if self.end is None else count(self.end.row_count)

    @property
    def error(self) -> str | None:
        """The error of a failed step."""
        if self.end is None or ENDED[self.end.event_type] != "failed":
            return None
        return text(self.end.error) or text(self.end.fields.get("error_message"))

    @property
    def taken_from(self) -> str | None:
        """The earlier run from which the result was taken."""
        return text(self.end.fields.get("taken_from")) if self.end is not None else None

    def standard(self, name: str) -> str | None:
        """Return a standard text field, from the latest that has it: end, start, plan."""
        for event in (self.end, self.start):
            if event is not None and (value := text(getattr(event, name))) is not None:
                return value
        return text(self.plan.get(name))

    def field(self, name: str) -> Any:
        """Return any other field, from the latest that has it: end, start, plan."""
        for event in (self.end, self.start):
            if event is not None and (value := event.fields.get(name)) is not None:
                return value
        return self.plan.get(name)

    def node(self, state: str) -> Node:
        """Return the answer about this step, without its data."""
        many = self.calls if self.calls is not None and self.calls.total > 1 else None
        return Node(
            node_name=self.name,
            layer=self.standard("layer"),
            state=state,
            start=self.first.timestamp if self.first else None,
            end=self.ended_at,
            duration_ms=self.duration_ms,
            row_count=self.rows,
            attempts=self.attempts,
            cache_hit=flag(self.end.cache_hit) if self.end else None,
            worker=text(self.field("worker")),
            error=self.error,
            calls=many.total if many else None,
            failed_calls=many.states["failed"] if many else None,
            tasks=self.tasks.total() if self.tasks else None,
            failed_tasks=self.tasks["failed"] if self.tasks else None,
            taken_from=self.taken_from,
        )


def step_key(event: Event) -> str | None:
    """Return the step of an event; `step_id` separates steps that a tracker was given under one name."""
    key = event.fields.get("step_id") or event.node_name
    return key if isinstance(key, str) else None


def merged_plan(known: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """Return the plan of a step that several processes plan, each as it learns the step's inputs."""
    if known == update:
        return known
    merged = {**known, **update}
    for name in ("inputs", "outputs"):
        if isinstance(known.get(name), dict) and isinstance(update.get(name), dict):
            merged[name] = {**known[name], **update[name]}
    needs, probable = texts(known.get("depends_on")), texts(known.get("probable"))
    more, as_probable = texts(update.get("depends_on")), texts(update.get("probable"))
    certain = {*needs} - {*probable} | {*more} - {*as_probable}
    merged["depends_on"] = list(dict.fromkeys([*needs, *more]))
    merged["probable"] = [name for name in dict.fromkeys([*probable, *as_probable]) if name not in certain]
    return merged
