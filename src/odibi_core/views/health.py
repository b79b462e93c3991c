"""How each thing that is checked stands: the last answer, since when it is so, and how often it changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.views.values import message, number, record, text

MAX_CHECKS: Final = 1_000


class HealthView:
    """Folds `health_check` events, and the states of circuits; the latest `MAX_CHECKS` of each by name."""

    def __init__(self) -> None:
        self._checks: dict[str, _Standing] = {}
        self._circuits: dict[str, _Standing] = {}

    def __call__(self, event: Event) -> None:
        if event.event_type == kinds.HEALTH_CHECK:
            name, state = text(event.fields.get("check")), text(event.status)
            _standing(self._checks, name, state, event)
        elif event.event_type == kinds.CIRCUIT_STATE_CHANGE:
            name, state = text(event.fields.get("circuitName")), text(event.fields.get("newState"))
            _standing(self._circuits, name, state, event)

    def answer(self) -> dict[str, Any]:
        """`checks` and `circuits`, each by name: `{status, since, last, asked, changes, …}`."""
        return {
            "checks": {name: standing.check() for name, standing in sorted(self._checks.items())},
            "circuits": {name: standing.circuit() for name, standing in sorted(self._circuits.items())},
        }


def _standing(known: dict[str, _Standing], name: str | None, state: str | None, event: Event) -> None:
    if name is None or state is None:
        return
    if name not in known:
        if len(known) >= MAX_CHECKS:
            return
        known[name] = _Standing(state, event.timestamp)
    known[name].hear(state, event)


class _Standing:
    __slots__ = ("changes", "event", "heard", "since", "state")

    def __init__(self, state: str, since: datetime) -> None:
        self.state = state
        self.since = since
        self.heard = 0
        self.changes = 0
        self.event: Event | None = None

    def hear(self, state: str, event: Event) -> None:
        self.heard += 1
        before = self.event
        if before is not None and before.run_id != event.run_id and before.timestamp > event.timestamp:
            return  # two programs ran side by side, and are read one after the other: the later answer stands
        self.event = event
        if state != self.state:
            self.state, self.since = state, event.timestamp
            self.changes += 1

    def _last(self) -> dict[str, Any]:
        last = self.event.timestamp if self.event else self.since
        return {"since": iso(self.since), "last": iso(last), "changes": self.changes}

    def check(self) -> dict[str, Any]:
        event = self.event
        duration = number(event.duration_ms) if event else None
        return {
            "status": self.state,
            "message": message(event) if event else None,
            "duration_seconds": None if duration is None else duration / 1000,
            "details": record(event.fields.get("details")) if event else {},
            "asked": self.heard,
            **self._last(),
        }

    def circuit(self) -> dict[str, Any]:
        return {"state": self.state, **self._last()}
