"""The progress of one run."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import asdict

from odibi_core.views.answers import Timeline
from odibi_core.views.step import STATES
from odibi_core.views.steps import STEP_HANDLERS, StepsView
from odibi_core.views.values import count


class TimelineView(StepsView):
    """The state of each step of one run (see `StepsView` for which), without its data."""

    handlers = STEP_HANDLERS

    def answer(self) -> Timeline:
        """Return the run, the number of steps in each state, and the steps in order.

        `total` is the number of steps that the run announced, or of the known ones if there are more.
        """
        run = self._head.answer(self.status)
        nodes = [step.node(step.state(run.status)) for step in self._in_order()]
        counts = Counter(node.state for node in nodes)
        announced = count(self._head.opening.fields.get("steps")) if self._head.opening else None
        return Timeline(
            **asdict(run),
            last_event=self._head.last,
            total=max(announced or 0, len(nodes)),
            counts={state: counts[state] for state in STATES},
            nodes=nodes,
        )
