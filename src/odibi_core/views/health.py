"""The last result of each health check, and the state of each circuit breaker."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.views.values import message, number, record, text

MAX_CHECKS: Final = 1_000


class HealthView:
    """A fold of `health_check` and `circuit_state_change` events; at most `MAX_CHECKS` names of each."""

    def __init__(self) -> None:
        self._checks: dict[str, _Status] = {}
        self._circuits: dict[str, _Status] = {}

    def __call__(self, event: Event) -> None:
        if event.event_type == kinds.HEALTH_CHECK:
            _add(self._checks, text(event.fields.get("check")), text(event.status), event)
        elif event.event_type == kinds.CIRCUIT_STATE_CHANGE:
            name, state = text(event.fields.get("circuitName")), text(event.fields.get("newState"))
            _add(self._circuits, name, state, event)

    def answer(self) -> dict[str, Any]:
        """Return `checks` and `circuits`, each by name: `{status, since, last, asked, changes, …}`."""
        return {
            "checks": {name: status.check() for name, status in sorted(self._checks.items())},
            "circuits": {name: status.circuit() for name, status in sorted(self._circuits.items())},
        }


def _add(known: dict[str, _Status], name: str | None, state: str | None, event: Event) -> None:
    if name is None or state is None:
        return
    if name not in known:
        if len(known) >= MAX_CHECKS:
            return
        known[name] = _Status(state, event.timestamp)
    known[name].add(state, event)


class _Status:
    __slots__ = ("changes", "count", "event", "since", "state")

    def __init__(self, state: str, since: datetime) -> None:
        self.state = state
        self.since = since
        self.count = 0
        self.changes = 0
        self.event: Event | None = None

    def add(self, state: str, event: Event) -> None:
        self.count += 1
        before = self.event
        if before is not None and before.run_id != event.run_id and before.timestamp > event.timestamp:
            return  # runs side by side are read one after the other: the later event counts
        self.event = event
        if state != self.state:
            self.state, self.since = state, event.timestamp
            self.changes += 1

    def _times(self) -> dict[str, Any]:
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
            "asked": self.count,
            **self._times(),
        }

    def circuit(self) -> dict[str, Any]:
        return {"state": self.state, **self._times()}
