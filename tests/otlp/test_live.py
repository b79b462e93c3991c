"""Spans, logs and metrics on their way: to a collector that decodes the official messages, and to none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
from tests.delivery.loopback import Reply, dead_url, loopback, running
from tests.otlp.collector import Collector
from tests.otlp.made import recorded, run

from odibi_core import Orchestrator, Step
from odibi_core.delivery import deliveries
from odibi_core.delivery.delivery import Delivery
from odibi_core.delivery.spool import folder_of, waiting_in
from odibi_core.otlp.signals import spans_and_logs
from odibi_core.process.state import get_metrics
from odibi_core.runtime.exports import close_exports
from odibi_core.settings import set_config


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sending is on, and no pause before a retry takes long; the next test has exporters of its own."""
    monkeypatch.setenv("TRACING_ENABLED", "true")
    monkeypatch.setenv("TRACING_SAMPLE_RATE", "1")
    monkeypatch.setattr(Delivery, "_pause", lambda self, seconds: self._closing.wait(min(seconds, 0.001)))
    yield
    close_exports(0)


def lost() -> dict[str, int]:
    """The dropped items of every delivery that is still open."""
    return {each.name: each.counts.dropped.total() for each in deliveries()}


def test_a_collector_gets_what_the_record_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every span with its ids, every log record with its span, metrics with an exemplar, and the resource."""
    with running(Collector()) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=sales")
        run_id = run(tmp_path)
        assert close_exports(30)
    spans, logs = spans_and_logs(recorded(tmp_path, run_id))
    sent = {
        (span.span_id.hex(), span.parent_span_id.hex(), span.name, span.status.code)
        for span in collector.spans
    }
    assert sent == {
        (span.span_id, span.parent_span_id, span.name, 0 if span.error is None else 2) for span in spans
    }
    in_run = [record for record in collector.logs if record.trace_id.hex() == spans[0].trace_id]
    assert [(record.event_name, record.span_id.hex()) for record in in_run] == [
        (record.event_name, record.span_id) for record in logs
    ]
    assert collector.resources[0]["service.name"] == "shop"
    assert collector.resources[0]["team"] == "sales"
    assert collector.requests[0].headers["x-tenant"] == "a b"
    durations = next(metric for metric in collector.metrics if metric.name == "odibi.node.duration")
    points = {point.attributes[0].value.string_value: point for point in durations.histogram.data_points}
    assert points["load"].count == 1
    assert points["load"].exemplars[0].span_id.hex() == next(s.span_id for s in spans if s.name == "load")


def test_a_busy_collector_gets_everything_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with `Retry-After`, then 503: each batch is sent again, and taken once."""
    with running(Collector(Reply(429, {"Retry-After": "0"}), Reply(503))) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        run_id = run(tmp_path)
        assert close_exports(30)
    assert len(collector.requests) == 3
    assert len(collector.spans) == len(spans_and_logs(recorded(tmp_path, run_id))[0])
    assert not collector.logs
    assert not collector.metrics


def test_a_partial_success_is_counted_and_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refused spans are dropped as `rejected`, with the collector's reason on stderr."""
    with running(Collector(refused=2)) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
        monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        run(tmp_path)
        traces = next(each for each in deliveries() if each.name == "otlp_traces")
        assert close_exports(30)
    assert len(collector.requests) == 1
    assert traces.counts.dropped == {"rejected": 2}
    assert "too old" in traces.problem
    assert get_metrics().counters["export_dropped:"] == 2 or traces.counts.is_whole


def test_a_dead_collector_is_one_line_for_all_signals_and_every_item_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run succeeds as ever, its end is bounded, and the sums add up."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", dead_url())
    run(tmp_path)
    every = deliveries()
    assert not close_exports(30)  # it gives up after its last attempts
    assert all(each.counts.is_whole for each in every)
    traces = next(each for each in every if each.name == "otlp_traces")
    assert traces.counts.dropped.total() == traces.counts.accepted > 10
    complaints = [line for line in capsys.readouterr().err.splitlines() if "odibi-core: otlp" in line]
    assert len(complaints) == 1
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in complaints[0]


def test_with_a_spool_the_next_process_sends_what_a_dead_collector_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spans and log records of the first run wait in the store, with their ids, and go before those of the second."""
    monkeypatch.setenv("ODIBI_OTEL__SPOOL", "true")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", dead_url())
    first = run(tmp_path)
    assert close_exports(30)
    made, logs = spans_and_logs(recorded(tmp_path, first))
    assert waiting_in(folder_of(tmp_path, "otlp_traces"))[0] == len(made)
    set_config(None)
    with running(Collector()) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        run(tmp_path)
        assert close_exports(30)
    assert [span.span_id.hex() for span in collector.spans[: len(made)]] == [span.span_id for span in made]
    in_first = [record for record in collector.logs if record.trace_id.hex() == made[0].trace_id]
    assert [record.event_name for record in in_first] == [record.event_name for record in logs]
    assert not waiting_in(folder_of(tmp_path, "otlp_traces"))[0]


def test_a_span_of_sql_has_its_text_redacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is that of the record, without its secret; a function has none, and a long text is cut."""
    query = "SELECT sum(a) s FROM load WHERE 'postgres://me:hunter2secret@db/shop' <> ''"
    long = f"SELECT a FROM load -- {'x' * 20_000}"
    steps = [
        Step(name="load", value=lambda: pandas.DataFrame({"a": [1]})),
        Step(name="total", type="sql", value=query, inputs=("load",)),
        Step(name="long", type="sql", value=long, inputs=("load",)),
    ]
    with running(Collector()) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        Orchestrator(steps, store=tmp_path).execute()
        assert close_exports(30)
    texts = {
        span.name: attribute.value.string_value
        for span in collector.spans
        for attribute in span.attributes
        if attribute.key == "db.query.text"
    }
    assert set(texts) == {"total", "long"}
    assert texts["total"].startswith("SELECT sum(a) s FROM load WHERE 'postgres://")
    assert "hunter2" not in texts["total"]
    assert len(texts["long"]) == 16 * 1024 + 1


def test_a_web_page_is_no_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 with HTML is not taken for a success: the items are dropped as `not_otlp`."""
    with loopback(default=Reply(200, {"Content-Type": "text/html"}, b"<html>")) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        run(tmp_path)
        traces = next(each for each in deliveries() if each.name == "otlp_traces")
        close_exports(30)
    assert set(traces.counts.dropped) == {"not_otlp"}


def test_json_needs_no_library_and_is_otlp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`http/json`: the bodies are those of the export of the recorded run."""
    with loopback() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        run(tmp_path)
        assert close_exports(30)
    paths = {request.path: request.json() for request in server.requests}
    names = [span["name"] for span in paths["/v1/traces"]["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    assert names[-1] == "run shop"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such.pem", "/no/such.pem"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon", "grpc"),
    ],
)
def test_a_wrong_setting_is_one_warning_and_the_run_goes_on(
    variable: str, value: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The warning names the setting; nothing is sent to a default address instead."""
    monkeypatch.setenv(variable, value)
    assert run(tmp_path)
    found = [line for line in (capsys.readouterr().err + caplog.text).splitlines() if expected in line]
    assert found
    assert not [each for each in deliveries() if each.name == "otlp"]


@pytest.mark.parametrize(("variable", "value"), [("OTEL_SDK_DISABLED", "true"), ("TRACING_ENABLED", "false")])
def test_nothing_is_attached_unless_the_settings_ask_for_it(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch of the program and that of OpenTelemetry."""
    monkeypatch.setenv(variable, value)
    set_config(None)
    run(tmp_path)
    assert not [each for each in deliveries() if each.name.startswith("otlp")]
