"""One failed run, seen at once in every system that it is sent to; each on loopback, and real where it is available."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.alerts.test_receivers import smtp
from tests.architecture.plan import ROOT
from tests.delivery.loopback import Loopback, Reply, dead_url, loopback, running
from tests.log_shipping.servers import Datagrams, ElasticServer, LokiServer
from tests.openlineage.marquez import Marquez
from tests.otlp.collector import Collector
from tests.ports import kept_port
from tests.services.alertmanager import alertmanager
from tests.services.prometheus_server import prometheus, wait_for
from tests.sinks.sentry_server import SentryServer, sentry_server

from odibi_core.store.runs import RunStore

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.xdist_group("prometheus")]
PROGRAM = ROOT / "tests" / "services" / "failing_program.py"
CANARY = "ada@canary.example"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#data"
RULES = """
[[rule]]
kind = "failure"
name = "nightly failed"
severity = "error"
runbook = "https://wiki.example.com/nightly"
"""
ROUTE = '[[route]]\nname = "{}"\n{} = "{}"\n'
PROMETHEUS_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}/odibi_recording_rules.yml", "{rules}/odibi_alerting_rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs: [{{job_name: odibi, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""


@dataclass
class Receivers:
    """Everything that listens, and what came."""

    collector: Collector
    marquez: Marquez
    loki: LokiServer
    elastic: ElasticServer
    slack: Loopback
    pager: Loopback
    """The webhook behind Alertmanager."""
    sentry: SentryServer
    datadog: Datagrams
    mails: list[Message]
    variables: dict[str, str]
    """The settings of the program."""
    root: Path

    def run_id(self) -> str:
        """The failed run."""
        (run_id,) = [row["run_id"] for row in RunStore(self.root).rows() if row["status"] == "failed"]
        return str(run_id)


def rules(folder: Path, **routes: tuple[str, str]) -> str:
    """Write the rules with their routes; return the path of the file."""
    text = RULES + "".join(ROUTE.format(name, kind, address) for name, (kind, address) in routes.items())
    (folder / "rules.toml").write_text(text, encoding="utf-8")
    return str(folder / "rules.toml")


@contextmanager
def prometheus_of(folder: Path, pager: str, port: int) -> Iterator[str]:
    """Run an Alertmanager that calls the pager, and a Prometheus with the shipped rules; yield the former's address."""
    with alertmanager(folder, pager) as url:
        config = PROMETHEUS_CONFIG.format(
            rules=ROOT / "prometheus_rules", alertmanager=url.removeprefix("http://"), port=port
        )
        with prometheus(folder, config):
            yield url


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    """Run the failing program once, with every receiver listening; it is served until the last test."""
    folder = tmp_path_factory.mktemp("out")
    with ExitStack() as stack:
        enter, port = stack.enter_context, kept_port()
        pager = enter(loopback())
        slack = enter(loopback(default=Reply(200, {}, b"ok")))
        mail_port, mails = enter(smtp())
        sentry, datadog = enter(sentry_server()), enter(Datagrams())
        collector, marquez = enter(running(Collector())), enter(running(Marquez()))
        loki, elastic = enter(running(LokiServer())), enter(running(ElasticServer()))
        alertmanager_url = enter(prometheus_of(folder, pager.url, port))
        mail = f"mailto://127.0.0.1:{mail_port}?from=odibi@example.com&to=team@example.com&mode=insecure"
        variables = {
            "SLACK_ON_LOOPBACK": slack.url, "METRICS_ENABLED": "true", "PROMETHEUS_PORT": str(port),
            "TRACING_ENABLED": "true", "TRACING_SAMPLE_RATE": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OPENLINEAGE_URL": marquez.url, "ODIBI_LOKI__URL": loki.url, "ODIBI_ELASTIC__URL": elastic.url,
            "SENTRY_ENABLED": "true", "SENTRY_DSN": sentry.dsn,
            "DATADOG_ENABLED": "true", "DD_DOGSTATSD_PORT": str(datadog.port),
            "ODIBI_ALERTS__RULES": rules(
                folder, alertmanager=("alertmanager", alertmanager_url), mail=("url", mail), slack=("url", SLACK)
            ),
        }  # fmt: skip
        with program(folder, variables):
            yield Receivers(
                collector, marquez, loki, elastic, slack, pager, sentry, datadog, mails, variables, folder / ".odibi"
            )


@contextmanager
def program(folder: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run the program, and begin the block when its pipelines have ended."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **variables}
    with (folder / "stderr.txt").open("w") as err:
        child = subprocess.Popen(
            [sys.executable, str(PROGRAM)], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err,
        )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ended\n", (folder / "stderr.txt").read_text()
        yield child
    finally:
        child.communicate(timeout=60)


def test_prometheus_fires_and_alertmanager_pages(out: Receivers) -> None:
    """The shipped rule and the rule of the program both reach the webhook."""
    names = {"OdibiPipelineFailed", "nightly failed"}
    assert wait_for(lambda: names <= {each["labels"]["alertname"] for each in paged(out)})
    (alert,) = [each for each in paged(out) if each["labels"]["alertname"] == "nightly failed"][:1]
    assert alert["annotations"]["runbook_url"] == "https://wiki.example.com/nightly"


def paged(out: Receivers) -> list[dict[str, Any]]:
    return [alert for request in out.pager.requests for alert in request.json()["alerts"]]


def test_the_trace_is_a_tree(out: Receivers) -> None:
    """The run is the root, its nodes are children, and the failed one has the status."""
    assert wait_for(lambda: [span for span in out.collector.spans if span.status.code == 2])
    failed = next(span for span in out.collector.spans if span.name == "total")
    own = {span.span_id: span for span in out.collector.spans if span.trace_id == failed.trace_id}
    parents = {span.name: own[span.parent_span_id].name if span.parent_span_id else None for span in own.values()}
    assert parents == {"run nightly": None, "orders": "run nightly", "total": "run nightly"}
    assert wait_for(lambda: [record for record in out.collector.logs if record.event_name == "node_failed"])
    assert wait_for(lambda: [metric for metric in out.collector.metrics if metric.name == "odibi.pipeline.runs"])


def test_lineage_is_valid_and_ends_with_the_failure(out: Receivers) -> None:
    """Marquez takes valid events only: the failed run has its start and its one end."""
    assert wait_for(lambda: [event for event in out.marquez.events if event["eventType"] == "FAIL"])
    (of_run, *_) = [event for event in out.marquez.events if event["eventType"] == "FAIL"]
    assert of_run["job"]["namespace"] == "default"
    assert {request.path for request in out.marquez.requests} == {"/api/v1/lineage"}


def test_the_lines_are_in_loki_and_elasticsearch(out: Receivers) -> None:
    """The same events, by run and step."""
    run_id = out.run_id()
    assert wait_for(lambda: [line for line in out.loki.lines() if line["event_type"] == "pipeline_error"])
    assert {labels.get("pipeline") for labels in out.loki.labels()} == {"nightly", "failing_program"}
    assert [line["run_id"] for line in out.loki.lines() if line["event_type"] == "node_failed"] == [run_id]
    assert wait_for(lambda: [each for each in documents(out) if each["event.action"] == "pipeline_error"])
    assert [each["odibi"]["node_name"] for each in documents(out) if each["event.action"] == "node_failed"] == ["total"]


def documents(out: Receivers) -> list[dict[str, Any]]:
    return list(out.elastic.documents.values())


def test_the_failure_is_in_sentry_and_the_measurements_in_datadog(out: Receivers) -> None:
    """Each once: the exception of the node, and that which the program captured."""
    assert wait_for(lambda: len(out.sentry.events) >= 2)
    types = {event["exception"]["values"][-1]["type"] for event in out.sentry.events}
    assert types == {"LookupError", "RuntimeError"}
    assert wait_for(lambda: any(b"odibi.pipeline_runs" in packet for packet in list(out.datadog.found.queue)))


def test_a_mail_and_slack_have_the_alert(out: Receivers) -> None:
    """One of each, with the step and no address of a person."""
    assert wait_for(lambda: out.mails and out.slack.requests)
    (mail,) = out.mails
    assert mail["Subject"] == "error: nightly failed (nightly)"
    (attachment,) = out.slack.requests[0].json()["attachments"]
    assert "step total" in attachment["text"]


def test_no_receiver_got_the_address_of_a_person(out: Receivers) -> None:
    """The message of the exception has one; redaction comes before every way out."""
    servers_here = (out.collector, out.marquez, out.loki, out.elastic, out.slack, out.pager)
    bodies = [request.body for each in servers_here for request in each.requests]
    bodies += [*out.sentry.bodies, *(bytes(mail) for mail in out.mails), *out.datadog.found.queue]
    assert len(bodies) > 10
    assert not [body for body in bodies if CANARY.encode() in body]


def test_postgresql_answers_the_query_of_a_dashboard(out: Receivers, postgresql: str) -> None:
    """After one export: the failed run by its cause."""
    command = [sys.executable, "-m", "odibi_core", "store", "export", "--to", postgresql, "--store", str(out.root)]
    done = subprocess.run([*command, "--schema", "everything_out"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(postgresql) as connection:
        rows = connection.execute(
            "select node_name, error_type from everything_out.errors where run_id = %s and node_name is not null",
            (out.run_id(),),
        ).fetchall()
    assert rows == [("total", "LookupError")]


def test_a_language_model_is_answered_why_last_night_failed(out: Receivers) -> None:
    """By the client of the protocol's own library."""
    from mcp import Client

    from odibi_core.mcp_server.server import new_server

    async def ask() -> Any:
        async with Client(new_server(lambda: RunStore(out.root), "1.0")) as client:
            return await client.call_tool("explain_run", {"run": "nightly"})

    data = asyncio.run(ask()).structured_content["data"]
    assert data["errors"][0]["node_name"] == "total"
    assert "has no customer" in data["errors"][0]["message"]


def test_with_every_receiver_dead_the_run_is_the_same_and_its_end_bounded(tmp_path: Path) -> None:
    """Each receiver is named once on stderr, and what waits on disk is sent by the next process."""
    dead = dead_url()
    port = dead.rpartition(":")[2]
    variables = {
        "SLACK_ON_LOOPBACK": dead, "METRICS_ENABLED": "false", "TRACING_ENABLED": "true", "TRACING_SAMPLE_RATE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": dead, "OPENLINEAGE_URL": dead, "ODIBI_LOKI__URL": dead,
        "ODIBI_ELASTIC__URL": dead, "SENTRY_ENABLED": "true", "SENTRY_DSN": f"http://key@127.0.0.1:{port}/1",
        "DATADOG_ENABLED": "true", "DD_DOGSTATSD_PORT": port,
        "ODIBI_ALERTS__RULES": rules(tmp_path, alertmanager=("alertmanager", dead), slack=("url", SLACK)),
    }  # fmt: skip
    with program(tmp_path, variables):
        assert [row["status"] for row in RunStore(tmp_path / ".odibi").rows()].count("failed") == 1
    complaints = (tmp_path / "stderr.txt").read_text()
    for name in ("otlp", "loki", "elastic", "openlineage"):
        assert complaints.count(f"odibi-core: {name}:") == 1
    assert "Sentry" in complaints
    waiting = list((tmp_path / ".odibi" / "delivery").rglob("*.spool"))
    assert {path.parent.name for path in waiting} >= {"openlineage"}
    with running(Marquez()) as marquez, program(tmp_path, {**variables, "OPENLINEAGE_URL": marquez.url}):
        assert wait_for(lambda: len([event for event in marquez.events if event["eventType"] == "FAIL"]) >= 2)


