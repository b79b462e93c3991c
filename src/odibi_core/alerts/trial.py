"""The test signal of a route: one alert that is sent, and looked for where the receiver can be asked."""

from __future__ import annotations

from typing import Any

import msgspec

from odibi_core.alerts.messages import payloads_of
from odibi_core.alerts.notifying import Notification
from odibi_core.alerts.receivers import address_of, headers_of, send_of
from odibi_core.alerts.routes import Route
from odibi_core.alerts.state import AlertState
from odibi_core.delivery import HttpClient, HttpError
from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import host_name, new_id, utc_now

RULE = "odibi connect"


def try_route(route: Route, within_s: float) -> tuple[str, str]:
    """Send a test alert on a route; return what arrived, or why nothing did.

    Alertmanager is asked for the alert, which is then resolved.
    """
    now, mark = utc_now(), new_id(8)
    alert = AlertState(
        alert_id=mark, key=mark, rule=RULE, rule_kind="test", severity="info", raised_severity="info",
        pipeline_name="", node_name=None, subject=mark, owner="", runbook="", run_id=None, raised=now,
        message=f"test of the route {route.name} from {host_name()}: no action is needed",
    )  # fmt: skip
    try:
        send = send_of(route)
        (payload,) = payloads_of(Notification(mark, route.name, "raised", [alert]), {}, now)
        outcome = send(payload, within_s)
        if outcome.is_unsent or outcome.refused:
            return "", outcome.detail or outcome.reason
        if not route.alertmanager:
            return f"the receiver took the message “{RULE}”", ""
        held = _held(route, mark, within_s)
        alert.resolved = now
        (payload,) = payloads_of(Notification(mark, route.name, "resolved", [alert]), {}, now)
        send(payload, within_s)
    except (ConfigurationError, HttpError) as error:
        return "", str(error)
    if not held:
        return "", "Alertmanager took the test alert and does not hold it; check that the address is Alertmanager's"
    return f"Alertmanager holds the test alert “{RULE}”, which is resolved now", ""


def _held(route: Route, mark: str, within_s: float) -> bool:
    """Return whether Alertmanager has the alert with this subject."""
    base = address_of(route, "alertmanager").rstrip("/")
    client = HttpClient(base, setting=f"the route {route.name!r}", headers=headers_of(route))
    answer = client.request("GET", url=f"{base}/api/v2/alerts?filter=subject%3D%22{mark}%22", within_s=within_s)
    client.close()
    try:
        found: Any = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return False
    return isinstance(found, list) and any(isinstance(each, dict) and "labels" in each for each in found)
