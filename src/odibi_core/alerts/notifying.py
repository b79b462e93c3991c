"""Notifications that are due, as a pure function of the state of the alerts, the routes and the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec

from odibi_core.alerts.routes import Route, Silence, group_of, wait_of
from odibi_core.alerts.state import AlertState, AlertStates
from odibi_core.events.clock import as_id
from odibi_core.rules.base import Rule
from odibi_core.rules.patterns import length_of


class Notification(msgspec.Struct, frozen=True):
    """One message on one route, about the alerts of one group."""

    notification_id: str
    route: str
    reason: str
    """`raised`, `repeated`, `escalated` or `resolved`."""
    alerts: list[AlertState]


def due(
    states: AlertStates, routes: Iterable[Route], rules: Mapping[str, Rule], silences: Sequence[Silence], at: datetime
) -> Iterator[Notification]:
    """Yield the notifications that are due.

    A new alert is sent at once, unless its group had a notification within the interval of the route: it then waits
    for the next evaluation after it, together with those that came meanwhile. In a digest it waits for the next full
    period. Alerts that are acknowledged, muted or silent are not sent; they are when the silence ends.
    """
    listed = list(states.by_id.values())
    quiet = {alert.alert_id for alert in listed if _is_quiet(alert, states, silences, at)}
    for route in routes:
        last: dict[tuple[str, ...], datetime] = {}
        waiting: dict[tuple[tuple[str, ...], str], list[AlertState]] = {}
        for alert in listed:
            if not _reaches(route, alert):
                continue
            group, sent = group_of(route, alert.about, alert.tags), alert.sent.get(route.name)
            if sent is not None:
                last[group] = max(sent.at, last.get(group, sent.at))
            reason = _reason(route, alert, rules.get(alert.rule), at)
            if reason and (alert.alert_id not in quiet or reason == "resolved"):
                waiting.setdefault((group, reason), []).append(alert)
        for (group, reason), alerts in waiting.items():
            if reason == "escalated" or _is_over(route, last.get(group), alerts, at):
                yield Notification(_id_of(route, group, reason, alerts, at), route.name, reason, alerts)


def _reaches(route: Route, alert: AlertState) -> bool:
    if route.name in alert.escalated_to:
        return True
    return not route.only_escalated and route.takes(alert.about, alert.severity, alert.tags)


def _is_quiet(alert: AlertState, states: AlertStates, silences: Sequence[Silence], at: datetime) -> bool:
    return (
        alert.acknowledged is not None
        or states.is_muted(alert, at)
        or any(silence.covers(alert.about, at) for silence in silences)
    )


def _reason(route: Route, alert: AlertState, rule: Rule | None, at: datetime) -> str:
    """Return why an alert is to be sent on a route; an empty text if it is not."""
    sent = alert.sent.get(route.name)
    if not alert.is_open:
        was_sent = sent is not None and sent.reason != "resolved"
        wanted = route.send_resolved and (rule is None or rule.sends_resolved)
        return "resolved" if was_sent and wanted else ""
    if route.name in alert.escalated_to and (sent is None or (alert.escalated and sent.at < alert.escalated)):
        return "escalated"
    if sent is None or (sent.reason == "resolved" and sent.at < alert.raised):
        return "raised"
    repeat = length_of(rule.repeat) if rule is not None else None
    return "repeated" if repeat and at - sent.at >= repeat else ""


def _is_over(route: Route, last: datetime | None, alerts: Sequence[AlertState], at: datetime) -> bool:
    wait = wait_of(route)
    if route.digest:  # periods are counted from 1970, so that every process has the same
        since = last or min(alert.resolved or alert.raised for alert in alerts)
        return at.timestamp() // wait > since.timestamp() // wait
    return last is None or (at - last).total_seconds() >= wait


def _id_of(route: Route, group: tuple[str, ...], reason: str, alerts: Sequence[AlertState], at: datetime) -> str:
    parts = "\n".join((route.name, *group, reason, at.isoformat(), alerts[0].alert_id, str(len(alerts))))
    return as_id(blake2b(parts.encode("utf-8", "replace"), digest_size=6).hexdigest())
