"""The payloads of notifications: plain values for programs, and a title and a text for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from odibi_core.alerts.neutral import Neutral, header, plain
from odibi_core.alerts.notifying import Notification
from odibi_core.alerts.routes import Route
from odibi_core.alerts.state import AlertState
from odibi_core.events.clock import iso, read_iso
from odibi_core.rules.base import SEVERITIES, Rule
from odibi_core.rules.patterns import length_of

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

Payload = dict[str, Any]
"""A notification as plain values: what a spool keeps, and a webhook or a command gets."""
CHUNK: Final = 500
"""Alerts of one payload; a notification of more is several payloads, `part` of `parts`."""
_SHOWN: Final = 20
"""Alerts that a text for people lists."""
_OPEN_FOR: Final = timedelta(days=35)
_MARGIN: Final = timedelta(hours=1)
_VERBS: Final = {"raised": "", "repeated": "still open: ", "escalated": "escalated: ", "resolved": "resolved: "}


def payloads_of(notification: Notification, rules: Mapping[str, Rule], at: datetime) -> list[Payload]:
    """Return the payloads of a notification."""
    listed = [_alert(alert, rules.get(alert.rule), at) for alert in notification.alerts]
    chunks = [listed[start : start + CHUNK] for start in range(0, len(listed), CHUNK)]
    worst = max((alert.severity for alert in notification.alerts), key=_rank)
    common = {
        "notification_id": notification.notification_id, "route": notification.route, "reason": notification.reason,
        "at": iso(at), "severity": worst, "count": len(listed), "parts": len(chunks),
    }  # fmt: skip
    return [{**common, "part": part, "alerts": chunk} for part, chunk in enumerate(chunks, start=1)]


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else 1


def _alert(alert: AlertState, rule: Rule | None, at: datetime) -> dict[str, Any]:
    repeat = length_of(rule.repeat) if rule is not None else None
    names = (
        "alert_id", "key", "rule", "rule_kind", "severity", "pipeline_name", "node_name", "subject", "message", "owner",
        "runbook", "run_id", "value", "expected", "status", "raised_severity",
        "tags", "blame",
    )  # fmt: skip
    times = {"raised": iso(alert.raised), "resolved": iso(alert.resolved) if alert.resolved else None}
    open_until = iso(at + (repeat or _OPEN_FOR) + _MARGIN)
    return {**{name: getattr(alert, name) for name in names}, **times, "open_until": open_until}


def alertmanager_alerts(payload: Payload) -> list[dict[str, Any]]:
    """Return the alerts of a payload in the form of Alertmanager's API v2.

    An open alert ends by itself an hour after the next reminder is due, if no host sends it again. The severity is a
    label: an escalated alert is another one for Alertmanager, and the one before it ends.
    """
    found = []
    for alert in payload["alerts"]:
        found.append(_of_alertmanager(alert))
        if alert["severity"] != alert["raised_severity"]:
            ended = {"severity": alert["raised_severity"], "resolved": alert["resolved"] or payload["at"]}
            found.append(_of_alertmanager({**alert, **ended}))
    return found


def _of_alertmanager(alert: Mapping[str, Any]) -> dict[str, Any]:
    labels = {
        "alertname": alert["rule"], "severity": alert["severity"], "pipeline": alert["pipeline_name"],
        "step": alert["node_name"], "subject": alert["subject"], "owner": alert["owner"], "source": "odibi",
    }  # fmt: skip
    annotations = {
        "summary": alert["message"], "run_id": alert["run_id"], "alert_id": alert["alert_id"],
        "runbook_url": alert["runbook"], "value": alert["value"], "expected": alert["expected"],
        "blame": alert["blame"],
    }  # fmt: skip
    return {
        "labels": {name: str(value) for name, value in labels.items() if value not in (None, "")},
        "annotations": {name: str(value) for name, value in annotations.items() if value not in (None, "")},
        "startsAt": alert["raised"],
        "endsAt": alert["resolved"] or alert["open_until"],
    }


def title_and_body(payload: Payload, route: Route, neutral: Neutral) -> tuple[str, str]:
    """Return the title and the text of a notification, with every value made inert by `neutral`."""
    about = {**payload, "verb": _VERBS.get(payload["reason"], ""), "first": payload["alerts"][0]}
    title = _rendered(route.title, about, neutral) if route.title else _title(about, neutral)
    body = _rendered(route.body, about, neutral) if route.body else _body(payload, neutral)
    return header(title), body


def _title(about: Mapping[str, Any], neutral: Neutral) -> str:
    first, count = about["first"], about["count"]
    where = f" ({neutral(first['pipeline_name'])})" if first["pipeline_name"] else ""
    what = f"{neutral(first['rule'])}{where}"
    return f"{about['verb']}{about['severity']}: {what if count == 1 else f'{count:,} alerts, such as {what}'}"


def _body(payload: Payload, neutral: Neutral) -> str:
    lines = [line for alert in payload["alerts"][:_SHOWN] for line in _lines(alert, neutral)]
    more = payload["count"] - min(_SHOWN, len(payload["alerts"]))
    return "\n".join([*lines, *([f"and {more:,} more: odibi alerts"] if more > 0 else [])])


def _lines(alert: Mapping[str, Any], neutral: Neutral) -> list[str]:
    raised = read_iso(alert["raised"])
    details = [
        f"since {raised:%Y-%m-%d %H:%M} UTC" if raised else "",
        f"run {neutral(alert['run_id'])}" if alert["run_id"] else "",
        f"owner {neutral(alert['owner'])}" if alert["owner"] else "",
        f"odibi alerts ack {neutral(alert['alert_id'])}" if alert["status"] != "resolved" else "",
    ]
    return [
        f"[{alert['severity']}] {neutral(alert['message'])}",
        f"    {', '.join(filter(None, details))}",
        *([f"    {neutral(alert['blame'])}"] if alert["blame"] and alert["status"] != "resolved" else []),
        *([f"    run book: {plain(alert['runbook'])}"] if alert["runbook"] else []),
    ]


def template_problem(text: str) -> str:
    """Return why a text is no template; an empty text if it is one."""
    import jinja2

    try:
        _environment(plain).from_string(text)
    except jinja2.TemplateSyntaxError as error:
        return f"{error.message} (line {error.lineno})"
    return ""


def _rendered(template: str, about: Mapping[str, Any], neutral: Neutral) -> str:
    return _environment(neutral).from_string(template).render(about)


@lru_cache(maxsize=8)
def _environment(neutral: Neutral) -> ImmutableSandboxedEnvironment:
    """Return an environment in which a template reads values and nothing else, each made inert."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        finalize=neutral, undefined=jinja2.ChainableUndefined, trim_blocks=True, lstrip_blocks=True
    )
