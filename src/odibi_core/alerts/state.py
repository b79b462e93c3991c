"""`AlertStates`: the fold of the events of alerts, live and from the store alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from odibi_core.events import Event, kinds
from odibi_core.events.clock import read_iso
from odibi_core.history.noticing import notes
from odibi_core.history.noticing.notes import Notes
from odibi_core.views.values import message, record, text, texts

HANDLED_KINDS: Final = frozenset(
    {
        kinds.ALERT_RAISED, kinds.ALERT_RESOLVED, kinds.ALERT_ESCALATED, kinds.ALERT_NOTIFIED, kinds.ALERT_DELIVERED,
        kinds.ALERT_RULE_MUTED, notes.ACKNOWLEDGED, notes.MUTED,
    }
)  # fmt: skip


_CHANGES: Final = (notes.ACKNOWLEDGED, kinds.ALERT_RESOLVED, kinds.ALERT_ESCALATED)


class Sent(msgspec.Struct):
    """The last notification of an alert on one route."""

    at: datetime
    reason: str
    """`raised`, `repeated`, `escalated` or `resolved`."""
    notification_id: str
    status: str = "queued"
    """`queued`, `delivered` or `failed`."""
    problem: str | None = None


class AlertState(msgspec.Struct, kw_only=True):
    """An alert: one rule, pipeline, step and subject, from the time at which it was raised until it was resolved."""

    alert_id: str
    key: str
    rule: str
    rule_kind: str
    severity: str
    raised_severity: str
    """The severity before it was escalated."""
    pipeline_name: str
    node_name: str | None
    subject: str
    message: str
    owner: str
    runbook: str
    run_id: str | None
    value: Any = None
    expected: Any = None
    left_out: int = 0
    tags: dict[str, str] = {}
    """The tags of the run."""
    blame: str = ""
    """The first step at which the run begins to differ from the last good one, and the likely cause, as a sentence."""
    raised: datetime
    resolved: datetime | None = None
    resolved_by: str | None = None
    acknowledged: datetime | None = None
    note: str | None = None
    escalated: datetime | None = None
    escalated_to: list[str] = []
    sent: dict[str, Sent] = {}

    @property
    def is_open(self) -> bool:
        """True until it is resolved."""
        return self.resolved is None

    @property
    def status(self) -> str:
        """`resolved`, `acknowledged`, `escalated` or `open`."""
        if self.resolved is not None:
            return "resolved"
        if self.acknowledged is not None:
            return "acknowledged"
        return "escalated" if self.escalated is not None else "open"

    @property
    def about(self) -> dict[str, str]:
        """The labels by which routes and silences choose."""
        return {
            "rule": self.rule, "kind": self.rule_kind, "pipeline": self.pipeline_name, "step": self.node_name or "",
            "severity": self.severity, "owner": self.owner,
        }  # fmt: skip


class RuleMute(msgspec.Struct, frozen=True):
    """A mute of a rule, of one alert, or of a rule in one pipeline, until a time."""

    rule: str | None
    pipeline_name: str | None
    alert_key: str | None
    until: datetime | None
    since: datetime

    @property
    def what(self) -> tuple[str | None, ...]:
        """The identity of the mute: a later one of the same replaces it."""
        return self.rule, self.pipeline_name, self.alert_key

    def covers(self, alert: AlertState, at: datetime) -> bool:
        """Return true for an alert of the mute while it is in force."""
        mine = (alert.rule, alert.pipeline_name, alert.key)
        return all(own in (None, its) for own, its in zip(self.what, mine, strict=True)) and (
            self.until is None or at < self.until
        )


class AlertStates:
    """The alerts of a store by their events.

    Two hosts may raise one alert at once, each with an id of its own: the second id becomes another name of the first.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, AlertState] = {}
        self.mutes: list[RuleMute] = []
        self.notes = Notes()
        self._aliases: dict[str, str] = {}
        self._latest: dict[str, AlertState] = {}
        self._of_notification: dict[str, list[str]] = {}
        self._early: dict[str, list[Event]] = {}
        """Deliveries that were recorded before their notification: a receiver may be faster than the notes."""

    def __call__(self, event: Event) -> None:
        """Add an event; another kind is ignored."""
        kind = event.event_type
        if kind == kinds.ALERT_RAISED:
            self._raise(event)
        elif kind == kinds.ALERT_NOTIFIED:
            self._notified(event)
        elif kind == kinds.ALERT_DELIVERED:
            self._delivered(event)
        elif kind == kinds.ALERT_RULE_MUTED:
            self._mute(event)
        elif kind in _CHANGES and (alert := self.get(text(event.fields.get("alert_id")) or "")) is not None:
            _change(alert, event)
        self.notes(event)

    def get(self, alert_id: str) -> AlertState | None:
        """Return an alert by its id, or None."""
        return self.by_id.get(self._aliases.get(alert_id, alert_id))

    def latest(self, key: str) -> AlertState | None:
        """Return the latest alert of a key, open or resolved."""
        return self._latest.get(key)

    def open(self) -> Iterator[AlertState]:
        """Yield the alerts that are not resolved, the oldest first."""
        return (each for each in self.by_id.values() if each.is_open)

    def is_muted(self, alert: AlertState, at: datetime) -> bool:
        """Return true for an alert that a mute of a rule or of its pipeline covers."""
        return any(mute.covers(alert, at) for mute in self.mutes) or self.notes.is_muted(
            alert.pipeline_name, alert.node_name, alert.rule_kind, at
        )

    def _raise(self, event: Event) -> None:
        about = event.fields
        alert_id, key = text(about.get("alert_id")), text(about.get("alert_key"))
        if alert_id is None or key is None or about.get("repeated") is True:
            return  # an alert that the program raised itself, or one more run with an open alert
        known = self._latest.get(key)
        if known is not None and (known.is_open or known.alert_id == alert_id):
            known.resolved = known.resolved_by = None
            if known.alert_id != alert_id:
                self._aliases[alert_id] = known.alert_id
            return
        severity = text(about.get("severity")) or "warning"
        alert = AlertState(
            alert_id=alert_id, key=key, rule=text(about.get("rule")) or "",
            rule_kind=text(about.get("rule_kind")) or "",
            severity=severity, raised_severity=severity, pipeline_name=text(about.get("pipeline_name")) or "",
            node_name=text(event.node_name), subject=text(about.get("subject")) or "", message=message(event) or "",
            owner=text(about.get("owner")) or "", runbook=text(about.get("runbook")) or "", run_id=text(event.run_id),
            value=about.get("value"), expected=about.get("expected"), left_out=int(about.get("left_out") or 0),
            tags={name: str(value) for name, value in record(about.get("tags")).items()}, raised=event.timestamp,
            blame=text(about.get("blame")) or "",
        )  # fmt: skip
        self.by_id[alert_id] = self._latest[key] = alert

    def _notified(self, event: Event) -> None:
        about = event.fields
        route, mark = text(about.get("route")) or "", text(about.get("notification_id")) or ""
        reason = text(about.get("reason")) or "raised"
        for alert_id in texts(about.get("alert_ids")):
            if (alert := self.get(alert_id)) is not None:
                alert.sent[route] = Sent(event.timestamp, reason, mark)
                self._of_notification.setdefault(mark, []).append(alert.alert_id)
        for early in self._early.pop(mark, ()):
            self._delivered(early)

    def _delivered(self, event: Event) -> None:
        about = event.fields
        route, mark = text(about.get("route")) or "", text(about.get("notification_id")) or ""
        if mark not in self._of_notification:
            self._early.setdefault(mark, []).append(event)
            return
        for alert_id in self._of_notification[mark]:
            sent = self.by_id[alert_id].sent.get(route)
            if sent is not None and sent.notification_id == mark:
                sent.status = text(event.status) or "delivered"
                sent.problem = text(event.error)

    def _mute(self, event: Event) -> None:
        about = event.fields
        mute = RuleMute(
            text(about.get("rule")), text(about.get("pipeline_name")), text(about.get("alert_key")),
            read_iso(about.get("until")), event.timestamp,
        )  # fmt: skip
        self.mutes = [each for each in self.mutes if each.what != mute.what]
        if about.get("lifted") is not True:
            self.mutes.append(mute)


def _change(alert: AlertState, event: Event) -> None:
    about = event.fields
    if event.event_type == notes.ACKNOWLEDGED:
        alert.acknowledged, alert.note = event.timestamp, text(about.get("note"))
    elif event.event_type == kinds.ALERT_ESCALATED:
        alert.escalated = event.timestamp
        alert.escalated_to = texts(about.get("escalate_to"))
        alert.severity = text(about.get("severity")) or alert.severity
    else:
        alert.resolved, alert.resolved_by = event.timestamp, text(about.get("resolved_by"))
        alert.acknowledged = alert.note = None


def states_of(events: Iterable[Event]) -> AlertStates:
    """Return the alerts of these events, which are sorted by time."""
    states = AlertStates()
    for event in events:
        states(event)
    return states
