"""One run and its steps: the fold that the timeline and the lineage share.

An event is only filed under its step; its meaning is worked out when an answer is asked for. So a node costs the run
little, and repeated, late or missing events need no cases of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Final

from odibi_core.events import Event, kinds
from odibi_core.views.run_head import CLOSING, RunHead
from odibi_core.views.step import ENDED, Step, merged_plan, step_key
from odibi_core.views.values import records

_AFTER_THE_PLAN: Final = 1_000_000_000


class StepsView:
    """A view of one run.

    With a `run_id` it takes the events of that run alone. Without, it shows the latest run: it takes up the first run
    that it gets an event of and moves on with each `pipeline_start`. Events without a run belong to the current one.
    """

    handlers: ClassVar[dict[str, Callable[[Any, Event], None]]] = {}

    def __init__(self, run_id: str | None = None) -> None:
        self._pinned = run_id is not None
        self._reset(run_id)

    def _reset(self, run_id: str | None) -> None:
        self.run_id = run_id
        self._head = RunHead(run_id)
        self._steps: dict[str, Step] = {}
        self._planned = 0

    def __call__(self, event: Event) -> None:
        if event.run_id != self.run_id and not self._takes_up(event):
            return
        if event.event_type != kinds.RUN_LOST:  # written by a later reader: no sign of life
            self._head.last = event.timestamp
            if self._head.first is None:
                self._head.first = event.timestamp
        handler = self.handlers.get(event.event_type)
        if handler is not None:
            handler(self, event)
        else:
            self._on_other(event)

    def _on_other(self, event: Event) -> None:
        """Handle an event of the run that belongs to no step."""

    def _takes_up(self, event: Event) -> bool:
        """Return whether an event with another run id, or none, belongs to the run that is shown."""
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
        if self._head.opening is not None and self.run_id is None and event != self._head.opening:
            self._reset(None)
            self._head.first = self._head.last = event.timestamp
        if self._head.opening is None:
            self._head.opening = event

    def _on_plan(self, event: Event) -> None:
        for entry in records(event.fields.get("steps")):
            name = entry.get("name")
            if isinstance(name, str):
                step = self._named(name)
                if not step.plan:
                    step.index = self._planned
                    self._planned += 1
                step.plan = merged_plan(step.plan, entry) if step.plan else entry

    def _on_start(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.begin(event)

    def _on_end(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.finish(event)

    def _on_task(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.count_task(event)

    def _on_retry(self, event: Event) -> None:
        if (step := self._step(event)) is not None:
            step.touched = True
            step.retry(event)

    def _on_close(self, event: Event) -> None:
        self._head.close(event)

    def _in_order(self) -> list[Step]:
        """Return the steps in the plan's order, then those without a plan by their first event."""
        return sorted(self._steps.copy().values(), key=lambda step: step.index)

    @property
    def status(self) -> str:
        """`running`, `success`, `failed`, `cancelled` or `lost`, according to the events so far."""
        return self._head.status(lambda: Counter(step.state("running") for step in self._steps.copy().values()))


STEP_HANDLERS: Final[dict[str, Callable[[Any, Event], None]]] = {
    kinds.PIPELINE_START: StepsView._on_pipeline_start,
    kinds.PIPELINE_PLAN: StepsView._on_plan,
    kinds.NODE_START: StepsView._on_start,
    kinds.NODE_RETRY: StepsView._on_retry,
    kinds.TASK: StepsView._on_task,
    **dict.fromkeys(ENDED, StepsView._on_end),
    **dict.fromkeys(CLOSING, StepsView._on_close),
}
