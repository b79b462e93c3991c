"""One step of a run, as the events tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from odibi_core.events import Event, kinds
from odibi_core.views.step_calls import StepCalls
from odibi_core.views.values import count, milliseconds, number, text, texts

MAX_RETRIES: Final = 50
"""Retries kept for a step, the latest; their number is known from the attempts."""

STATES: Final = ("pending", "running", "success", "failed", "skipped", "cancelled", "lost")
ENDED: Final = {
    kinds.NODE_COMPLETE: "success",
    kinds.NODE_FAILED: "failed",
    "node_error": "failed",
    kinds.NODE_SKIPPED: "skipped",
}

Side = Literal["retries", "before", "after", "checks"]
_NONE: Final[dict[object, Event]] = {}
"""Never written to."""


class Step:
    """What was heard of one step: the events themselves, by what they are about."""

    __slots__ = (
        "after",
        "before",
        "calls",
        "checks",
        "described",
        "end",
        "first",
        "index",
        "name",
        "plan",
        "retries",
        "start",
        "touched",
        "version",
    )

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.plan: dict[str, Any] = {}
        self.first: Event | None = None
        self.start: Event | None = None
        self.end: Event | None = None
        self.touched = False
        self.calls: StepCalls | None = None
        self.version = 0
        self.described: tuple[int, object, dict[str, Any]] | None = None
        self.retries = self.before = self.after = self.checks = _NONE

    def begin(self, event: Event) -> None:
        """A start opens a step again only if it is a later attempt: otherwise it is an echo, or came late. Calls that
        are numbered are counted.
        """
        if "call" in event.fields and (call := count(event.fields["call"])) is not None:
            self.first = self.first or event
            self.start = event
            self._called().begin(event, call)
        elif self.start is None:
            self.first = self.start = event
        elif self._is_later(event):
            self.start, self.end = event, None
            self.after = self.checks = _NONE

    def finish(self, event: Event) -> None:
        """An end; that of an earlier attempt than the one already ended says nothing new, nor does that of a call that
        succeeded after one that failed.
        """
        if "call" in event.fields and (call := count(event.fields["call"])) is not None:
            if self._called().finish(event, call):
                self.end = self._called().first_failure or event
        elif self.end is None or (count(event.fields.get("attempts")) or 1) >= self._told_attempts():
            self.end = event

    def _called(self) -> StepCalls:
        if self.calls is None:
            self.calls = StepCalls()
        return self.calls

    def retry(self, event: Event) -> None:
        attempt = count(event.fields.get("attempt"))
        self.keep("retries", event.timestamp if attempt is None else attempt, event)
        if len(self.retries) > MAX_RETRIES:
            del self.retries[next(iter(self.retries))]

    def keep(self, where: Side, key: object, event: Event) -> None:
        """Put an event among those of its sort; a step of thousands mostly has none, so they share one nothing."""
        kept: dict[object, Event] = getattr(self, where)
        if kept is _NONE:
            kept = {}
            setattr(self, where, kept)
        kept[key] = event

    def _is_later(self, event: Event) -> bool:
        attempt = count(event.fields.get("attempt"))
        if attempt is not None:
            return attempt > self._told_attempts()
        return self.end is not None and event.timestamp > self.end.timestamp

    @property
    def attempts(self) -> int:
        """How often it was tried; 0 when it never began."""
        told = self._told_attempts()
        if self.retries:
            return max(
                told, 1 + max((n for n in self.retries if isinstance(n, int)), default=len(self.retries))
            )
        if self.start is None and (self.end is None or self.end.event_type == kinds.NODE_SKIPPED):
            return 0
        return told

    def _told_attempts(self) -> int:
        started = count(self.start.fields.get("attempt")) if self.start else None
        ended = count(self.end.fields.get("attempts")) if self.end else None
        return max(started or 1, ended or 1)

    def state(self, run_status: str) -> str:
        """Where it stands. A step that began and never ended shares the fate of its run."""
        if self.end is not None and self.has_ended:
            return "cancelled" if self.end.status == "cancelled" else ENDED[self.end.event_type]
        if self.start is None and not self.touched:
            return "pending"
        if run_status == "running":
            return "running"
        return "cancelled" if run_status == "cancelled" else "lost"

    @property
    def duration_ms(self) -> float | None:
        """As its end says, of several calls all together; else, for a step that ran, by the timestamps."""
        if self.calls is not None:
            return self.calls.duration_ms if self.end is not None else None
        if self.end is None:
            return None
        told = number(self.end.duration_ms)
        if told is not None or self.first is None:
            return told
        return milliseconds(self.first.timestamp, self.end.timestamp)

    @property
    def has_ended(self) -> bool:
        """Whether its end was heard, of several calls the end of each that began."""
        return self.end is not None and not (self.calls and self.calls.is_open)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, of several calls the last."""
        if self.calls is not None and self.calls.last_end is not None:
            return self.calls.last_end
        return None if self.end is None else self.end.timestamp

    @property
    def rows(self) -> int | None:
        """The rows that it made, of several calls all together."""
        if self.calls is not None and self.calls.total > 1:
            return self.calls.rows
        return None if self.end is None else count(self.end.row_count)

    @property
    def error(self) -> str | None:
        if self.end is None or ENDED[self.end.event_type] != "failed":
            return None
        return text(self.end.error) or text(self.end.fields.get("error_message"))

    def told(self, name: str) -> str | None:
        """A standard text field, from the latest that gives it: end, start, plan."""
        for event in (self.end, self.start):
            if event is not None and (value := text(getattr(event, name))) is not None:
                return value
        return text(self.plan.get(name))

    def said(self, name: str) -> Any:
        """Any other field, from the latest that gives it: end, start, plan."""
        for event in (self.end, self.start):
            if event is not None and (value := event.fields.get(name)) is not None:
                return value
        return self.plan.get(name)


def step_key(event: Event) -> str | None:
    """The step an event is about; `step_id` tells apart steps that a tracker was given under one name."""
    key = event.fields.get("step_id") or event.node_name
    return key if isinstance(key, str) else None


def told_calls(step: Step) -> dict[str, int]:
    """How often a step was called and how many calls failed, where it was called several times."""
    calls = step.calls
    if calls is None or calls.total < 2:
        return {}
    return {"calls": calls.total, "failed_calls": calls.states["failed"]}


def merged_plan(known: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """What is planned of a step that several processes plan, each as it learns what is taken from which step."""
    if known == news:
        return known
    merged = {**known, **news}
    for name in ("inputs", "outputs"):
        if isinstance(known.get(name), dict) and isinstance(news.get(name), dict):
            merged[name] = {**known[name], **news[name]}
    needs, probable = texts(known.get("depends_on")), texts(known.get("probable"))
    more, as_probable = texts(news.get("depends_on")), texts(news.get("probable"))
    certain = {*needs} - {*probable} | {*more} - {*as_probable}
    merged["depends_on"] = list(dict.fromkeys([*needs, *more]))
    if found := [name for name in dict.fromkeys([*probable, *as_probable]) if name not in certain]:
        merged["probable"] = found
    else:
        merged.pop("probable", None)
    return merged
