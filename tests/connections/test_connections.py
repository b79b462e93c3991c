"""Connections to other systems, each proven on a receiver of this process."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.alerts.test_receivers import smtp
from tests.architecture.plan import ROOT
from tests.delivery.loopback import HTML, REDIRECT, SILENT, Loopback, Reply, Request, dead_url, loopback, running
from tests.log_shipping.servers import ElasticServer, LokiServer
from tests.otlp.collector import Collector
from tests.ports import kept_port
from typer.testing import CliRunner, Result

from odibi_core import plugins
from odibi_core.cli import app
from odibi_core.connections import BUILTIN
from odibi_core.connections.base import Connection


class Alertmanager(Loopback):
    """A server that answers a query of alerts with those that it got."""

    def reply(self, request: Request) -> Reply:
        held = [alert for each in self.requests if each.method == "POST" for alert in each.json()]
        if request.method == "GET":
            return Reply(body=json.dumps(held).encode())
        return Reply()


class Grafana(Loopback):
    """A server that keeps dashboards by their id, for the right token alone."""

    def __init__(self) -> None:
        super().__init__()
        self.dashboards: dict[str, Any] = {}

    def reply(self, request: Request) -> Reply:
        head = {"Content-Type": "application/json"}
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return Reply(401, head, b'{"message": "Invalid API key"}')
        if request.method == "POST":
            asked = request.json()
            assert (request.path, asked["overwrite"]) == ("/api/dashboards/db", True)
            self.dashboards[asked["dashboard"]["uid"]] = asked["dashboard"]
            return Reply(200, head, b'{"status": "success"}')
        found = self.dashboards.get(request.path.rpartition("/")[2])
        body = json.dumps({"meta": {}, "dashboard": found}).encode()
        return Reply(404, head) if found is None else Reply(200, head, body)


SECRET = "canary-s3cret-of-the-connection"


def connect(*arguments: str, **answers: object) -> Result:
    given = [text for key, value in answers.items() for text in ("--set", f"{key.rstrip('_')}={value}")]
    return CliRunner().invoke(app, ["connect", *arguments, *given])


def report(*arguments: str, **answers: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(connect(*arguments, "--format", "json", **answers).stdout)
    return found


def settings() -> str:
    return Path("odibi.toml").read_text("utf-8")


@pytest.mark.parametrize("name", BUILTIN)
def test_every_connection_has_its_questions(name: str) -> None:
    """With keys of their own; a required one has no default; each attribute is a setting."""
    connection: Connection = plugins.load("connections", name)()
    keys = [each.key for each in connection.questions]
    assert connection.title
    assert len(set(keys)) == len(keys) > 0
    assert not [each.key for each in connection.questions if each.is_required and each.default]
    assert isinstance(connection.known(), dict)


def test_openlineage_is_proven_and_written_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events arrive; comments and order of the file stay; the key is a variable and in no file and no output."""
    Path("odibi.toml").write_text("# ours\n[log]\nlevel = 'debug'  # loud\n\n[openlineage]\nnamespace = 'old'\n")
    with loopback() as server:
        done = connect("openlineage", url=server.url, api_key=SECRET, namespace="sales")
        assert done.exit_code == 0, done.output
        assert [event.json()["eventType"] for event in server.requests] == ["START", "COMPLETE"]
        assert {event.json()["job"]["namespace"] for event in server.requests} == {"sales"}
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        kept = "# ours\n[log]\nlevel = 'debug'  # loud\n\n[openlineage]\n"
        assert settings() == f'{kept}namespace = "sales"\nurl = "{server.url}"\n'
        assert "to be set: ODIBI_OPENLINEAGE__API_KEY" in done.stdout
        assert SECRET not in done.output + settings()
        monkeypatch.setenv("ODIBI_OPENLINEAGE__API_KEY", SECRET)
        checked = connect("openlineage", "--check")
        assert (checked.exit_code, len(server.requests)) == (0, 4)
        assert server.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
        assert connect("openlineage").exit_code == 0  # the answers are known
    assert connect("openlineage", "--check").exit_code == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401), "answered 401"), (Reply(404), "answered 404"), (REDIRECT, "answered 302"),
        (Reply(500), "answered 500"), (SILENT, "0.3 s"),
    ],
)  # fmt: skip
def test_a_receiver_that_refuses_is_named_and_nothing_is_written(reply: Reply, words: str) -> None:
    """With the setting to change if it is one; the exit code is 1, and `--anyway` writes all the same."""
    with loopback(default=reply) as server:
        done = connect("openlineage", "--timeout", "0.3", url=server.url)
        assert (done.exit_code, words in done.stdout) == (1, True), done.output
        assert ("OPENLINEAGE_URL" in done.stdout) is (300 < reply.status < 500)  # else the setting may be right
        assert not Path("odibi.toml").exists()
        if reply.status == 401:
            assert connect("openlineage", "--anyway", url=server.url).exit_code == 1
            assert server.url in settings()


def test_otel_takes_a_span_and_its_log_record() -> None:
    """Decoded by the official messages; a collector that answers HTML is refused."""
    with running(Collector()) as collector:
        found = report("otel", endpoint=collector.url)
        assert found["status"] == "arrived", found
        assert collector.spans[0].name == "odibi connect"
        assert collector.logs[0].trace_id == collector.spans[0].trace_id
        assert f"trace {collector.spans[0].trace_id.hex()}" in found["message"]
    assert "enabled = true" in settings()
    with loopback(default=HTML) as page:
        assert report("otel", endpoint=page.url)["status"] == "failed"


def test_alertmanager_slack_and_email_are_routes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test alert arrives on each; a secret address is a variable; `--check` sends on every route of the kind."""
    from apprise.plugins.slack import NotifySlack

    monkeypatch.setenv("ODIBI_CONFIG_FILE", str(tmp_path / "odibi.toml"))
    (tmp_path / "odibi.toml").write_text("")
    webhook = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    with running(Alertmanager()) as server, smtp() as (port, mails), loopback(default=Reply(200, {}, b"ok")) as chat:
        monkeypatch.setattr(NotifySlack, "webhook_url", chat.url)
        monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 0)
        assert connect("alertmanager", url=server.url).exit_code == 0
        assert [request.method for request in server.requests] == ["POST", "GET", "POST"]  # sent, read back, resolved
        mail = {"server": "127.0.0.1", "port": port, "encrypted": "no", "from_": "a@example.com", "to": "b@example.com"}
        done = connect("email", **mail)
        assert done.exit_code == 0, done.output
        assert mails[0]["Subject"] == "info: odibi connect"
        slack = connect("slack", url=webhook)
        assert slack.exit_code == 0, slack.output
        rules = (tmp_path / "rules/routes.toml").read_text()
        assert rules.count("[[route]]") == 3
        assert 'url = "env:ALERTS_SLACK_URL"' in rules
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in rules + slack.output
        assert f'rules = "{tmp_path}/rules"' in (tmp_path / "odibi.toml").read_text()
        unset = connect("slack", "--check")
        assert (unset.exit_code, "ALERTS_SLACK_URL is not set" in unset.stdout) == (1, True)
        monkeypatch.setenv("ALERTS_SLACK_URL", webhook)
        assert connect("slack", "--check").exit_code == 0
        assert connect("alertmanager", "--check").exit_code == 0
        assert (len(server.requests), len(chat.requests)) == (6, 2)
    assert connect("alertmanager", url=dead_url()).exit_code == 1


def test_a_route_of_another_receiver_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a file of YAML; the same receiver gets its new address, and keeps its filters and comments."""
    monkeypatch.setenv("ODIBI_ALERTS__RULES", "r.toml")
    Path("r.toml").write_text("[[route]]\nname = 'team'\nwebhook = 'http://old/'  # ours\nseverity = 'error'\n")
    with loopback() as server:
        refused = connect("alertmanager", url=server.url, name="team")
        assert (refused.exit_code, "to another receiver already" in refused.output) == (2, True)
        login = connect("webhook", url="https://user:hidden@example.com/")
        assert (login.exit_code, "give it as env:NAME" in login.output) == (2, True)
        assert connect("webhook", url=server.url, name="team").exit_code == 0
        kept = f"[[route]]\nname = \"team\"\nwebhook = \"{server.url}\"  # ours\nseverity = 'error'\n"
        assert Path("r.toml").read_text() == kept
        assert connect("webhook", "--check").exit_code == 0
        Path("r.yaml").write_text("route: []")
        monkeypatch.setenv("ODIBI_ALERTS__RULES", "r.yaml")
        by_hand = connect("webhook", url=server.url)
        assert (by_hand.exit_code, "add it there by hand" in by_hand.output) == (2, True)


@pytest.mark.parametrize(
    ("reply", "words"), [(Reply(body=b"[]"), "does not hold it"), (HTML, "with a web page")]
)
def test_a_server_that_is_no_alertmanager_is_found_out(reply: Reply, words: str) -> None:
    """It answers 200 to everything."""
    with loopback(default=reply) as server:
        found = report("alertmanager", url=server.url)
    assert (found["status"], words in found["message"]) == ("failed", True), found


def test_loki_and_elasticsearch_take_a_line() -> None:
    """As their servers store it; a key is a variable and in no file; a page of HTML is refused."""
    with running(LokiServer()) as loki, running(ElasticServer()) as elastic:
        assert report("loki", url=loki.url, tenant="data")["status"] == "arrived"
        found = report("elastic", url=elastic.url, api_key=SECRET)
        assert found["status"] == "arrived", found
        assert "a test of odibi connect" in loki.requests[0].body.decode()
        assert "a test of odibi connect" in elastic.requests[0].body.decode()
        assert elastic.requests[0].headers["authorization"] == f"ApiKey {SECRET}"
        assert found["written"]["variables"] == {"ODIBI_ELASTIC__API_KEY": "API key; empty for none"}
        assert connect("loki", "--check").exit_code == 0
    assert SECRET not in settings() + json.dumps(found)
    with loopback(default=HTML) as page:
        assert [report(name, url=page.url)["status"] for name in ("loki", "elastic")] == ["failed"] * 2


def test_grafana_gets_the_dashboards(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are imported and read back; a check imports none; a wrong token and another server are named."""
    with running(Grafana()) as server:
        refused = report("grafana", url=server.url, token="wrong")
        assert (refused["status"], "check that ODIBI_GRAFANA__TOKEN" in refused["message"]) == ("failed", True)
        done = connect("grafana", url=server.url, token=SECRET)
        assert done.exit_code == 0, done.output
        files = sorted((ROOT / "grafana_templates").glob("*_dashboard.json"))
        assert server.dashboards.keys() == {json.loads(file.read_text("utf-8"))["uid"] for file in files}
        wheel = (ROOT / "pyproject.toml").read_text("utf-8")
        assert not [file.name for file in files if f'"odibi_core/_dashboards/{file.name}"' not in wheel]
        assert SECRET not in settings() + done.output
        monkeypatch.setenv("ODIBI_GRAFANA__TOKEN", SECRET)
        before = len(server.requests)
        assert connect("grafana", "--check").exit_code == 0
        assert {request.method for request in server.requests[before:]} == {"GET"}
        server.dashboards.pop("odibi-history")
        assert connect("grafana", "--check").exit_code == 1
    with loopback(default=HTML) as page:
        assert "is no dashboard" in report("grafana", url=page.url, token=SECRET)["message"]


def test_sentry_takes_an_envelope_that_its_library_reads() -> None:
    """With the key of the DSN, which is a variable and in no output."""
    from sentry_sdk.envelope import Envelope

    with loopback() as server:
        done = connect("sentry", dsn=f"{server.url.replace('http://', f'http://{SECRET}@')}/7", environment="prod")
        assert done.exit_code == 0, done.output
        (request,) = server.requests
    assert request.path == "/api/7/envelope/"
    assert f"sentry_key={SECRET}" in request.headers["x-sentry-auth"]
    (item,) = Envelope.deserialize(request.body).items
    assert item.get_event()["message"] == "a test of odibi connect"  # type: ignore[index]
    assert SECRET not in done.output + settings()
    assert 'environment = "prod"' in settings()


def test_datadog_is_sent_and_never_called_arrived() -> None:
    """UDP has no answer; a closed port of this machine is noticed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(5)
        found = report("datadog", port=agent.getsockname()[1])
        assert agent.recv(1000) == b"odibi.connect:1|c|#source:odibi"
    assert found["status"] == "sent"
    closed = report("datadog", port=kept_port())
    assert (closed["status"], closed["written"]) == ("failed", None)
    assert "no agent listens" in closed["message"]


def test_prometheus_scrapes_what_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the token; a port of another program is a proof that failed."""
    port = kept_port()
    found = report("prometheus", port=port, token=SECRET)
    assert found["status"] == "arrived", found
    assert f"port = {port}" in settings()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert report("prometheus", port=taken.getsockname()[1])["status"] == "failed"
    monkeypatch.delenv("METRICS_ENABLED")
    monkeypatch.setenv("ODIBI_METRICS__TOKEN", SECRET)
    assert connect("prometheus", "--check").exit_code == 0
    Path("odibi.toml").unlink()
    monkeypatch.delenv("ODIBI_METRICS__TOKEN")
    assert connect("prometheus", "--check").exit_code == 2  # the default alone is no connection


def test_a_shared_store_is_written_read_and_cleaned(tmp_path: Path) -> None:
    """Of a folder here; the same objects are those of a bucket."""
    found = report("s3", url=f"file://{tmp_path}/share")
    assert found["status"] == "arrived", found
    assert not [path for path in (tmp_path / "share").rglob("*") if path.is_file()]
    assert found["written"]["variables"]["ODIBI_CONFIG_FILE"].endswith("odibi.toml")  # a found file may not set it


@pytest.mark.xdist_group("postgresql")
def test_postgres_is_written_to_and_undone(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password goes into no file; a database without the right is refused."""
    import psycopg
    from tests.services.postgres import PASSWORD

    found = report("postgres", url=postgresql)
    assert found["status"] == "arrived", found
    assert PASSWORD not in settings() + json.dumps(found)
    assert found["written"]["variables"]["PGPASSWORD"]
    with psycopg.connect(postgresql) as connection:
        there = connection.execute("select count(*) from pg_tables where tablename = 'odibi_connect'").fetchone()
        connection.execute("drop role if exists reader")
        connection.execute("create role reader login password 'reader'")
    assert there == (0,)
    reader = postgresql.replace(f"tester:{PASSWORD}", "reader:reader")
    refused = report("postgres", url=reader)
    assert (refused["status"], "permission denied" in refused["message"]) == ("failed", True)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("ODIBI_CONFIG_FILE", "odibi.toml")
    assert connect("postgres", "--check").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["slak"], 2, "did you mean 'slack'"),
        (["openlineage"], 2, "--set url=…"),
        (["openlineage", "--set", "url"], 2, "--set must be KEY=VALUE"),
        (["openlineage", "--set", "uri=x"], 2, "did you mean 'url'"),
        (["openlineage", "--set", "url=marquez"], 2, "--set url is 'marquez', which cannot be right"),
        (["alertmanager", "--set", "url=host:9093"], 2, "http://"),
        (["email", "--set", "server=x", "--set", "from=a", "--set", "to=b", "--set", "port=x"], 2, "port must be"),
        (["openlineage", "--check"], 2, "is not configured; odibi connect openlineage does it"),
        (["openlineage", "--check", "--set", "url=x"], 2, "--set has no effect with --check"),
        (["--anyway"], 2, "--anyway has no effect without NAME"),
        (["--check"], 0, "nothing is configured"),
        ([], 0, "alertmanager"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_before_anything_is_sent(arguments: list[str], code: int, words: str) -> None:
    """And nothing is written."""
    done = connect(*arguments)
    assert (done.exit_code, words in done.output) == (code, True), done.output
    assert not Path("odibi.toml").exists()


def test_a_terminal_is_asked_and_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr, one question after another; Enter takes the default."""
    import typer

    from odibi_core.cli import connect as module

    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, default: str, hide_input: bool, **_: Any) -> str:
        asked.append((text, hide_input))
        return {0: server.url, 1: SECRET}.get(len(asked) - 1, default)

    class Terminal:
        isatty: Callable[[], bool] = staticmethod(lambda: True)

    with loopback() as server:
        monkeypatch.setattr(typer, "prompt", prompt)
        monkeypatch.setattr(sys, "stdin", Terminal())
        module.connect("openlineage")
    assert [hidden for _, hidden in asked] == [False, True, False]
    assert server.requests[0].json()["job"]["namespace"] == "default"
    assert SECRET not in settings()


def test_a_file_that_is_no_toml_is_left_as_it_is() -> None:
    """The error names it."""
    Path("odibi.toml").write_text("not = = toml")
    with loopback() as server:
        done = connect("openlineage", url=server.url)
    assert (done.exit_code, "must be TOML" in done.output) == (2, True), done.output
    assert settings() == "not = = toml"
