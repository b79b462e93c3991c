"""One run and its steps: the fold that the timeline and the lineage share.

Hearing an event only files it under its step; what it means is worked out when an answer is asked for. So a
node costs the run next to nothing, and events that come twice, late or not at all need no cases of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

from odibi_core.events import Event, kinds
from odibi_core.views.step import ENDED, Step, merged_plan, step_key
from odibi_core.views.values import count, milliseconds, number, records, text

_AFTER_THE_PLAN: Final = 1_000_000_000


class StepsView:
    """A view of one run.

    Given a `run_id` it hears that run alone. Without, it takes up the run that it first hears of and moves on
    with each `pipeline_start`, so it shows the latest; events that name no run belong to the one it has.
    """

    handlers: ClassVar[dict[str, Callable[[Any, Event], None]]] = {}

    def __init__(self, run_id: str | None = None) -> None:
        self._pinned = run_id is not None
        self._reset(run_id)

    def _reset(self, run_id: str | None) -> None:
        self.run_id = run_id
        self._steps: dict[str, Step] = {}
        self._planned = 0
        self._opening: Event | None = None
        self._closing: Event | None = None
        self._first_heard: datetime | None = None
        self._last_heard: datetime | None = None

    def __call__(self, event: Event) -> None:
        if event.run_id != self.run_id and not self._takes_up(event):
            return
        if event.event_type != kinds.RUN_LOST:  # found out by another, later: no sign of life
            self._last_heard = event.timestamp
            if self._first_heard is None:
                self._first_heard = event.timestamp
        handler = self.handlers.get(event.event_type)
        if handler is not None:
            handler(self, event)
        else:
            self._on_other(event)

    def _on_other(self, event: Event) -> None:
        """An event of the run that is not one of its steps'."""

    def _takes_up(self, event: Event) -> bool:
        """Whether an event that does not carry our run's id is ours all the same."""
        if self._pinned:
            return False
        run_id, starts = event.run_id, event.event_type == kinds.PIPELINE_START
        if not isinstance(run_id, str):
            if starts and run_id is None:
                self._reset(None)
            return run_id is None
        if self.run_id is None or starts:
            self._reset(run_id)
            return True
        return False

    def _step(self, event: Event) -> Step | None:
        name = step_key(event)
        return None if name is None else self._named(name)

    def _named(self, name: str) -> Step:
        step = self._steps.get(name)
        if step is None:
            step = self._steps[name] = Step(name, _AFTER_THE_PLAN + len(self._steps))
        return step

    def _on_pipeline_start(self, event: Event) -> None:
        if self._opening is not None and self.run_id is None and event != self._opening:
            self._reset(None)
            self._first_heard = self._last_heard = event.timestamp
        if self._opening is None:
            self._opening = event

    def _on_plan(self, event: Event) -> None:
        for entry in records(event.fields.get("steps")):
            name = entry.get("name")
            if isinstance(name, str):
                step = self._named(name)
                if not step.plan:
                    step.index = self._planned
                    self._planned += 1
                step.plan = merged_plan(step.plan, entry) if step.plan else entry
                step.version += 1

    def _on_start(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.begin(event)
            step.version += 1

    def _on_end(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.finish(event)
            step.version += 1

    def _on_retry(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.touched = True
            step.retry(event)
            step.version += 1

    def _on_close(self, event: Event) -> None:
        """The first end counts; only a run that was taken for lost may still end otherwise."""
        if self._closing is None or self._closing.event_type == kinds.RUN_LOST:
            self._closing = event

    def _in_order(self) -> list[Step]:
        """The steps in the plan's order, then those that no plan knew by their first event."""
        return sorted(self._steps.copy().values(), key=lambda step: step.index)

    @property
    def status(self) -> str:
        """`running success failed cancelled` or `lost`, as far as heard."""
        told = "running" if self._closing is None else closed_as(self._closing)
        if told in ("running", "lost") and open_ended(self._opening):
            return self._settled() or told
        return told

    def _settled(self) -> str | None:
        """A run that a tracker alone records has no one to tell its end: it has ended when its steps have."""
        states = Counter(step.state("running") for step in self._steps.copy().values())
        if not states or states["running"]:
            return None
        return "failed" if states["failed"] else "success"

    def _head(self) -> dict[str, Any]:
        """What every answer about one run begins with."""
        opening, closing, status = self._opening, self._closing, self.status
        start = self._first_heard if opening is None else opening.timestamp
        end = None
        if status != "running":
            told_end = closing is not None and closing.event_type != kinds.RUN_LOST
            end = closing.timestamp if closing and told_end else self._last_heard
        until = end or self._last_heard
        duration = None if closing is None else number(closing.duration_ms)
        if duration is None and start and until:
            duration = milliseconds(start, until)
        return {
            "run_id": self.run_id,
            "pipeline_name": name_of(opening) or name_of(closing),
            "status": status,
            "engine": text(opening.engine) if opening else None,
            "start": start,
            "end": end,
            "duration_ms": duration,
            "error": None if closing is None or status == "success" else error_of(closing),
        }


def closed_as(closing: Event) -> str:
    """The status of a run by the event that ended it."""
    if closing.event_type == kinds.RUN_LOST:
        return "lost"
    if closing.status in ("success", "failed", "cancelled"):
        return str(closing.status)
    if closing.event_type == kinds.PIPELINE_ERROR or count(closing.fields.get("failed_count")):
        return "failed"
    return "success"


def open_ended(opening: Event | None) -> bool:
    """Whether the run said at its start that nobody will tell its end."""
    return opening is not None and opening.fields.get("open_ended") is True


def name_of(event: Event | None) -> str | None:
    """The pipeline's name as one of its events gives it."""
    return None if event is None else text(event.fields.get("pipeline_name"))


def error_of(event: Event) -> str | None:
    """The error as one of the run's events gives it."""
    return text(event.error) or text(event.fields.get("error")) or text(event.fields.get("error_message"))


STEP_HANDLERS: Final[dict[str, Callable[[Any, Event], None]]] = {
    kinds.PIPELINE_START: StepsView._on_pipeline_start,
    kinds.PIPELINE_PLAN: StepsView._on_plan,
    kinds.NODE_START: StepsView._on_start,
    kinds.NODE_RETRY: StepsView._on_retry,
    **dict.fromkeys(ENDED, StepsView._on_end),
    kinds.PIPELINE_COMPLETE: StepsView._on_close,
    kinds.PIPELINE_ERROR: StepsView._on_close,
    kinds.RUN_LOST: StepsView._on_close,
}
