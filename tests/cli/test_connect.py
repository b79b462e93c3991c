"""`odibi connect`: a test signal first, then the route; nothing is written if nothing arrived."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Here
from tests.delivery.loopback import HTML, Loopback, Reply, Request, dead_url, loopback, running

from odibi_core.alerts import read_rules


class Alertmanager(Loopback):
    """A server that answers a query of alerts with those that it got."""

    def reply(self, request: Request) -> Reply:
        if request.method == "GET":
            return Reply(body=json.dumps([alert for each in self.requests for alert in each.json()]).encode())
        return Reply()


def test_a_route_is_added_after_its_signal_arrived(here: Here) -> None:
    """In the file of routes, which is made; the setting that reads it is named."""
    with running(Alertmanager()) as server:
        answer = here("connect", "alertmanager", "--url", server.url)
    assert answer.exit_code == 0, answer.stderr
    assert "Alertmanager holds the test alert" in answer.stderr
    assert "set ODIBI_ALERTS__RULES=rules to use it" in answer.stderr
    assert [(route.name, route.alertmanager) for route in read_rules("rules").routes] == [("alertmanager", server.url)]
    assert [request.method for request in server.requests] == ["POST", "GET", "POST"]
    again = here("connect", "alertmanager", "--url", server.url, "--rules", "rules")
    assert (again.exit_code, "already; give --name" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("webhook", "nothing listens"), ("alertmanager", "nothing listens"), ("slack", "was not reached")],
)
def test_nothing_is_written_if_nothing_arrived(here: Here, kind: str, words: str) -> None:
    """The cause and the fix are in the message, and the exit code is 1."""
    url = dead_url() if kind != "slack" else dead_url().replace("http", "json")
    answer = here("connect", kind, "--url", url)
    assert answer.exit_code == 1
    assert words in answer.stderr
    assert not Path("rules").exists()


def test_a_server_that_is_no_alertmanager_is_found_out(here: Here) -> None:
    """It answers 200 to everything."""
    with loopback(default=HTML) as server:
        answer = here("connect", "alertmanager", "--url", server.url)
    assert (answer.exit_code, "does not hold it" in answer.stderr) == (1, True)


def test_a_secret_stays_out_of_the_file(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, and the check reads it."""
    with loopback() as server:
        address = f"{server.url.replace('http', 'json')}/secret-token"
        answer = here("connect", "slack", "--url", address)
        assert answer.exit_code == 0, answer.stderr
        assert "set the variable ALERTS_SLACK_URL" in answer.stderr
        assert "secret-token" not in answer.stderr + Path("rules/routes.toml").read_text()
        monkeypatch.setenv("ODIBI_ALERTS__RULES", "rules")
        missing = here("connect", "slack", "--check")
        assert (missing.exit_code, "ALERTS_SLACK_URL is not set" in missing.stderr) == (1, True)
    refused = here("connect", "webhook", "--url", "https://user:hidden@example.com/")
    assert (refused.exit_code, "give it as env:NAME" in refused.stderr) == (2, True)


def urls(server: Loopback) -> dict[str, str]:
    """Return the addresses of two webhooks by name."""
    return {"up": server.url, "down": dead_url()}


def test_the_check_fails_in_ci_if_a_route_fails(here: Here) -> None:
    """Each route of the kind is tested; without one the command names how to add it."""
    with loopback() as server:
        routes = (f'[[route]]\nname = "{name}"\nwebhook = "{url}"\n' for name, url in urls(server).items())
        Path("r.toml").write_text("".join(routes), encoding="utf-8")
        answer = here("connect", "webhook", "--check", "--rules", "r.toml")
        assert (answer.exit_code, "route 'down': nothing listens" in answer.stderr) == (1, True)
        assert "route 'up': the receiver took the message" in answer.stderr
        assert here("connect", "webhook", "--check", "--rules", "r.toml", "--name", "up").exit_code == 0
    none = here("connect", "email", "--check", "--rules", "r.toml")
    assert (none.exit_code, "`odibi connect email` adds one" in none.stderr) == (2, True)


def test_without_a_terminal_the_address_must_be_given(here: Here) -> None:
    """It is never asked for in a pipe."""
    answer = here("connect", "email")
    assert (answer.exit_code, "--url must be given" in answer.stderr) == (2, True)
