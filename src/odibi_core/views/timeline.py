"""How far one run is: what live progress shows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from odibi_core.events.clock import iso
from odibi_core.views.step import STATES, Step, told_calls
from odibi_core.views.steps import STEP_HANDLERS, StepsView
from odibi_core.views.values import count, flag, text


class TimelineView(StepsView):
    """The state of each step of one run (see `StepsView` for which), without its data."""

    handlers = STEP_HANDLERS

    def answer(self) -> dict[str, Any]:
        """The run, `counts` of its steps by state, and the steps in order with their place in time.

        `total` is the number of steps that the run announced, or of those heard of when that is more.
        """
        head = self._head()
        steps = self._in_order()
        states = [step.state(head["status"]) for step in steps]
        counts = Counter(states)
        announced = count(self._opening.fields.get("steps")) if self._opening else None
        return {
            **head,
            "start": _iso(head["start"]),
            "end": _iso(head["end"]),
            "last_event": _iso(self._last_heard),
            "total": max(announced or 0, len(steps)),
            "counts": {state: counts[state] for state in STATES},
            "steps": [_row(step, state) for step, state in zip(steps, states, strict=True)],
        }


def _row(step: Step, state: str) -> dict[str, Any]:
    return {
        "name": step.name,
        "layer": step.told("layer"),
        "state": state,
        "start": iso(step.first.timestamp) if step.first else None,
        "end": _iso(step.ended_at),
        "duration_ms": step.duration_ms,
        "row_count": step.rows,
        "attempts": step.attempts,
        **told_calls(step),
        "cache_hit": flag(step.end.cache_hit) if step.end else None,
        "worker": text(step.said("worker")),
        "error": step.error,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
