"""Payloads and texts of notifications: what is in them, and that data in them stays inert."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.alerts.simulated import Simulated
from tests.rules.made import NOW

from odibi_core.alerts import Route, configure_alerts
from odibi_core.alerts.messages import alertmanager_alerts, payloads_of, title_and_body
from odibi_core.alerts.neutral import chat, header, plain
from odibi_core.alerts.notifying import Notification
from odibi_core.errors import ConfigurationError
from odibi_core.rules import FailureRule

TEAM = Route(name="team", command=("true",))


def notification(count: int = 1, **about: Any) -> tuple[Notification, Simulated]:
    """Return a notification about the failure of `count` pipelines."""
    rule = FailureRule(name="failed", severity="error", runbook="https://wiki/failed", owner="sales")
    store = Simulated([rule])
    for number in range(count):
        store.run(**{"pipeline_name": f"p{number}", "status": "failed", "error": "boom", **about})
    return Notification("n1", "team", "raised", store.open()), store


def payload(count: int = 1, **about: Any) -> dict[str, Any]:
    """Return the first payload of such a notification."""
    found, store = notification(count, **about)
    return payloads_of(found, store.book.by_name, NOW)[0]


def test_a_large_notification_is_several_payloads_and_no_alert_is_lost() -> None:
    """Each states its part and the number of all; the text for people counts what it leaves out."""
    found, store = notification(1_201)
    payloads = payloads_of(found, store.book.by_name, NOW)
    parts = [(each["part"], each["parts"], len(each["alerts"])) for each in payloads]
    assert parts == [(1, 3, 500), (2, 3, 500), (3, 3, 201)]
    assert len({alert["alert_id"] for each in payloads for alert in each["alerts"]}) == 1_201
    assert all(json.loads(json.dumps(each)) == each for each in payloads)
    title, body = title_and_body(payloads[0], TEAM, plain)
    assert title == "error: 1,201 alerts, such as failed (p0)"
    assert body.endswith("and 1,181 more: odibi alerts")
    assert body.startswith("[error] p0 failed: boom\n    since 2026-11-30 09:00 UTC, run run-1, owner sales, odibi")


def test_alertmanager_gets_stable_labels_and_an_end() -> None:
    """The end lies behind the next reminder: a host that dies leaves no alert behind for ever."""
    (alert,) = alertmanager_alerts(payload())
    assert alert["labels"] == {
        "alertname": "failed", "severity": "error", "pipeline": "p0", "owner": "sales", "source": "odibi",
    }  # fmt: skip
    assert alert["annotations"]["runbook_url"] == "https://wiki/failed"
    assert alert["endsAt"] == (NOW + timedelta(hours=25)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_an_escalated_alert_ends_the_one_before_it() -> None:
    """For Alertmanager another severity is another alert."""
    given = payload()
    given["alerts"][0]["severity"] = "critical"
    now, before = alertmanager_alerts(given)
    assert (now["labels"]["severity"], before["labels"]["severity"]) == ("critical", "error")
    assert before["endsAt"] == given["at"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to @here <!channel> <@U1>", "to @\u200bhere ‹!channel› ‹@\u200bU1›"),
        ("[click](http://evil)", "[click]\u200b(http://evil)"),
        ("**bold** ~~x~~ `code`", "*\u200b*\u200bbold*\u200b*\u200b ~\u200b~\u200bx~\u200b~\u200b `\u200bcode`\u200b"),
        ("load_orders is _new_", "load_orders is _\u200bnew_\u200b"),
        ("<b onload=x>", "‹b onload=x›"),
    ],
)
def test_chats_see_no_mention_markup_or_link(text: str, shown: str) -> None:
    """The text stays readable."""
    assert chat(text) == shown


def test_plain_values_are_one_line_without_formulas_and_hidden_characters() -> None:
    """Numbers stay numbers."""
    assert plain("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"
    assert plain("@SUM(1)") == "'@SUM(1)"
    assert plain("-40% against 100") == "-40% against 100"
    assert plain("a\r\nBcc: evil\x1b[31m\u202egpj") == "a Bcc: evil\\x1b[31m\\u202egpj"
    assert header("x\r\nBcc: a@b" + "y" * 300) == f"x Bcc: a@b{'y' * 189}…"


def test_templates_read_values_and_nothing_else() -> None:
    """Each value is inert, attributes of Python's objects are not reached, and a missing name is empty."""
    route = Route(
        name="team", command=("true",), title="{{ count }} × {{ first.rule }}",
        body="{% for alert in alerts %}{{ alert.message }};{{ nothing.at.all }}{% endfor %}",
    )  # fmt: skip
    title, body = title_and_body(payload(2, error="@here"), route, chat)
    assert title == "2 × failed"
    assert body == "p0 failed: @\u200bhere;p1 failed: @\u200bhere;"
    hostile = Route(name="team", command=("true",), body="{{ ''.__class__.__mro__ }}{{ alerts.append(1) }}")
    with pytest.raises(Exception, match="unsafe"):
        title_and_body(payload(), hostile, plain)


def test_a_wrong_template_is_refused_with_its_line() -> None:
    """Before anything runs."""
    with pytest.raises(ConfigurationError, match=r"route 'team': body must be a Jinja template: .* \(line 2\)"):
        configure_alerts(routes=[Route(name="team", command=("true",), body="x\n{% for %}")])
