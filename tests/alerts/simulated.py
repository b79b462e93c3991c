"""Alerts over simulated time: evaluations whose changes are folded into a state, as the events are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.rules.made import NOW, facts

from odibi_core.alerts import Route, Rulebook, Silence, evaluation, notifying
from odibi_core.alerts.evaluation import Change
from odibi_core.alerts.of_run import notified_changes
from odibi_core.alerts.state import AlertState, AlertStates
from odibi_core.events import Event, kinds
from odibi_core.history.noticing import notes
from odibi_core.rules import Rule

MINUTE = timedelta(minutes=1)


class Simulated:
    """A store without files: `run` ends a run, `check` is a later moment, and both return what was sent."""

    def __init__(
        self, rules: Sequence[Rule], routes: Sequence[Route] = (), silences: Sequence[Silence] = ()
    ) -> None:
        self.book = Rulebook(tuple(rules), tuple(routes), tuple(silences))
        self.states = AlertStates()
        self.events: list[Event] = []
        self.now = NOW
        self._runs = 0

    def run(self, after: timedelta = timedelta(), **about: Any) -> list[tuple[str, str, int]]:
        """End a run; return route, reason and number of alerts of each notification."""
        self._runs += 1
        self.now += after
        of = facts(**{"run_id": f"run-{self._runs}", "at": self.now, **about})
        self.publish(evaluation.of_run(self.book.rules, of, self.states).changes)
        return self.check()

    def check(self, after: timedelta = timedelta()) -> list[tuple[str, str, int]]:
        """Let time pass, and send what is due."""
        self.now += after
        self.publish(evaluation.escalations(self.book.by_name, self.states, self.now))
        due = notifying.due(self.states, self.book.routes, self.book.by_name, self.book.silences, self.now)
        sent = [(each, [alert.alert_id for alert in each.alerts]) for each in due]
        for each, _ in sent:
            self.publish(notified_changes(each))
        return [(each.route, each.reason, len(ids)) for each, ids in sent]

    def acknowledge(self) -> None:
        """Acknowledge the only open alert."""
        self.publish([Change(notes.ACKNOWLEDGED, "", "info", {"alert_id": self.open()[0].alert_id})])

    def mute(self, until: datetime | None = None, **about: Any) -> None:
        """Mute a rule."""
        fields = {**about, **({"until": until.isoformat()} if until else {})}
        self.publish([Change(kinds.ALERT_RULE_MUTED, "", "info", fields)])

    def publish(self, changes: Any) -> None:
        """Fold changes into the state as events of this moment."""
        for each in list(changes):
            fields = dict(each.fields)
            about = {name: fields.pop(name, None) for name in ("node_name", "run_id")}
            event = Event(self.now, each.level, each.kind, each.message, fields=fields, seq=len(self.events), **about)
            self.events.append(event)
            self.states(event)

    def open(self) -> list[AlertState]:
        """Return the open alerts."""
        return list(self.states.open())
