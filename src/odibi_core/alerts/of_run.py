"""`RunAlerts`: the evaluation of the rules at the end of a run, in the process that ran it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from odibi_core.alerts import evaluation, log, notifying
from odibi_core.alerts.evaluation import Change
from odibi_core.alerts.rulebook import Rulebook
from odibi_core.alerts.run_facts import HANDLED_KINDS, RunFactsView
from odibi_core.alerts.state import HANDLED_KINDS as STATE_KINDS
from odibi_core.alerts.state import AlertStates
from odibi_core.bus.bus import EventBus
from odibi_core.events import Event, kinds, sanitize_text
from odibi_core.events.clock import process_id, utc_now
from odibi_core.history.end_of_run import EndOfRun

__all__ = ["HANDLED_KINDS", "RunAlerts"]

_log: Final = logging.getLogger("odibi_core")
_CHUNK: Final = 1_000
"""Ids of alerts in one event, for which a field has room."""


class RunAlerts:
    """The facts of one run, and the evaluation of the rules over them.

    The events that it publishes are in the record of the run, and once more in the notes of the store, from which the
    next evaluation reads the state. It never raises; a failure is counted by the bus and reported once.

    Args:
        bus: The bus on which the events are published.
        run_id: The run.
        pipeline_name: Its pipeline.
        root: The store.
        book: The rules and routes.
    """

    def __init__(self, bus: EventBus, run_id: str, pipeline_name: str, root: Path, book: Rulebook) -> None:
        self._bus, self._run_id, self._root, self._book = bus, run_id, root, book
        self._name = sanitize_text(pipeline_name)  # as the events have it
        self._facts = RunFactsView(run_id)
        self._process = process_id()
        self._published: list[Event] = []
        self._blame = ""

    def __call__(self, event: Event) -> None:
        self._facts(event)

    def at_end(self, status: str, duration_ms: float, error: object, history: EndOfRun) -> None:
        """Evaluate the rules, publish what changed, and hand over the notifications that are due.

        Args:
            status: The status with which the run ends.
            duration_ms: Its duration.
            error: Its error, or None.
            history: The figures of the run and the index of the earlier ones.
        """
        if process_id() != self._process:
            return
        try:
            self._evaluate(status, duration_ms, error, history)
        except Exception as failure:
            line = self._bus.count_failure("alerts", failure)
            if self._bus.failures["alerts"] == 1:
                _log.warning(line)

    def _evaluate(self, status: str, duration_ms: float, error: object, history: EndOfRun) -> None:
        now = utc_now()
        self._blame = history.blame.sentence if history.blame is not None else ""
        rules = [rule for rule in self._book.rules if rule.enabled]
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        reads_costs = any(rule.reads_costs() for rule in rules)
        known = history.earlier(max((rule.earlier_runs() for rule in rules), default=0), month if reads_costs else None)
        lines = str(error or "").strip().splitlines()
        facts = self._facts.answer(
            self._name, now, status, duration_ms=duration_ms, error=lines[0] if lines else None,
            figures=known.current.figures if known.current else {}, earlier=known.earlier,
            without_figures=known.reason or None,
        )  # fmt: skip
        if reads_costs and (known.cost_usd is not None or facts.cost_usd is not None):
            facts.month_cost_usd = (known.cost_usd or 0.0) + (facts.cost_usd or 0.0)
        states = log.read_states(self._root, now)
        notified: list[notifying.Notification] = []

        def work() -> None:
            found = evaluation.of_run(rules, facts, states)
            self._publish(found.changes)
            if found.not_evaluated:
                fields = {"run_id": self._run_id, "rules": found.not_evaluated}
                words = f"{len(found.not_evaluated)} rules were not evaluated"
                self._bus.publish(kinds.RULES_NOT_EVALUATED, words, level="warning", fields=fields)
            self._publish(evaluation.escalations(self._book.by_name, states, now))
            notified.extend(notifying.due(states, self._book.routes, self._book.by_name, self._book.silences, now))
            self._publish(change for each in notified for change in notified_changes(each, self._run_id))

        self._with(states, work)
        # The spool before the notes: a process that is killed in between sends twice, and never not at all.
        if notified:
            from odibi_core.alerts import outbox  # here: most runs send nothing

            outbox.send(self._root, self._book, notified)
        if self._published:
            log.write(self._root, self._published)

    def _with(self, states: AlertStates, work: Callable[[], None]) -> None:
        """Do the work while the state, and the copy for the notes, follow the events on the bus."""
        self._bus.subscribe(states, STATE_KINDS, name="alert states")
        self._bus.subscribe(self._keep, STATE_KINDS, name="alert notes")
        try:
            work()
        finally:
            self._bus.unsubscribe(states)
            self._bus.unsubscribe(self._keep)

    def _keep(self, event: Event) -> None:
        """Keep an event for the notes; one more run with an open alert changes no state."""
        is_of_rule = "alert_key" in event.fields or event.event_type == kinds.ALERT_NOTIFIED
        if is_of_rule and event.run_id == self._run_id and event.fields.get("repeated") is not True:
            self._published.append(event)

    def _publish(self, changes: Iterable[Change]) -> None:
        for each in list(changes):
            fields = {"run_id": self._run_id, **each.fields}
            if each.kind == kinds.ALERT_RAISED and self._blame:
                fields["blame"] = self._blame
            self._bus.publish(each.kind, each.message, level=each.level, fields=fields)


def notified_changes(notification: notifying.Notification, run_id: str | None = None) -> Iterable[Change]:
    """Yield the events of a notification that is handed to a route: as many as its alerts need."""
    ids = [alert.alert_id for alert in notification.alerts]
    for start in range(0, len(ids), _CHUNK):
        fields: dict[str, Any] = {
            "route": notification.route, "notification_id": notification.notification_id,
            "reason": notification.reason, "alert_ids": ids[start : start + _CHUNK], "alerts": len(ids),
        }  # fmt: skip
        words = f"{len(ids)} alerts" if len(ids) > 1 else "1 alert"
        yield Change(
            kinds.ALERT_NOTIFIED, f"{words} for {notification.route}: {notification.reason}", "info",
            fields if run_id is None else {**fields, "run_id": run_id},
        )  # fmt: skip
