"""A real Alertmanager: a rule fires in a run, Alertmanager groups it, and its webhook gets it, and its end."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.alerts.test_end_of_run import run
from tests.delivery.loopback import Loopback, loopback
from tests.services.alertmanager import alertmanager as serve_alertmanager
from tests.services.prometheus_server import wait_for

from odibi_core.alerts import Route, configure_alerts, outbox, read_rules
from odibi_core.alerts.trial import try_route
from odibi_core.rules import FailureRule

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("prometheus")]


@pytest.fixture(scope="module")
def hook() -> Iterator[Loopback]:
    """The receiver of Alertmanager's webhooks."""
    with loopback() as server:
        yield server


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, hook: Loopback) -> Iterator[str]:
    """The address of an Alertmanager that sends to the hook."""
    with serve_alertmanager(tmp_path_factory.mktemp("alertmanager"), hook.url) as url:
        yield url


def alerts_of(url: str) -> list[dict[str, Any]]:
    """Return the alerts that Alertmanager holds."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def test_an_alert_of_a_run_reaches_the_webhook_of_alertmanager(
    alertmanager: str, hook: Loopback, tmp_path: Path
) -> None:
    """It fires with its labels and annotations, and is resolved by the run that succeeds."""
    root = tmp_path / "store"
    rule = FailureRule(name="daily failed", severity="error", owner="sales", runbook="https://wiki/daily")
    configure_alerts([rule], [Route(name="am", alertmanager=alertmanager, interval="0s")])
    book = read_rules()
    run(root, -1)
    assert outbox.finish(root, book, 10.0) == []
    (held,) = alerts_of(alertmanager)
    assert held["labels"] == {
        "alertname": "daily failed", "severity": "error", "pipeline": "daily", "owner": "sales", "source": "odibi",
    }  # fmt: skip
    assert held["annotations"]["summary"] == "daily failed: step load: no rows"
    assert held["annotations"]["runbook_url"] == "https://wiki/daily"
    fired = wait_for(lambda: [each for each in hook.requests if each.json()["status"] == "firing"])
    assert fired
    assert fired[0].json()["alerts"][0]["labels"]["alertname"] == "daily failed"
    run(root, 5)
    assert outbox.finish(root, book, 10.0) == []
    assert wait_for(lambda: [each for each in hook.requests if each.json()["status"] == "resolved"])
    assert alerts_of(alertmanager) == []


def test_connect_reads_its_test_alert_back_and_resolves_it(alertmanager: str) -> None:
    """The alert is Alertmanager's own answer, and none is left."""
    arrived, failure = try_route(Route(name="am", alertmanager=alertmanager), 10.0)
    assert (arrived, failure) == ("Alertmanager holds the test alert “odibi connect”, which is resolved now", "")
    assert alerts_of(alertmanager) == []
