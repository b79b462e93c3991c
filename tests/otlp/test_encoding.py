"""OTLP as JSON, as protobuf, by SDK and by gRPC: four ways, one content."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.resources import Resource as SdkResource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from tests.otlp.made import recorded, run
from typer.testing import CliRunner

from odibi_core.cli import app
from odibi_core.otlp.files import otlp_lines
from odibi_core.otlp.grpc_receiver import GrpcReceiver
from odibi_core.otlp.json_requests import attributes_json, logs_request, traces_request
from odibi_core.otlp.metrics import instrument
from odibi_core.otlp.model import SCOPE_NAME, LogRecord, Span, resource
from odibi_core.otlp.protobuf import messages
from odibi_core.otlp.signals import spans_and_logs
from odibi_core.otlp.targets import Target

SHOP = resource("shop", "prod", "1.2", {"team": "sales"})
STRANGE = {
    "a": [1, 2.5, None, {"b": True}],
    "big": 2**70,
    "nan": float("nan"),
    "none": None,
    "text": "ü\x00\ud800",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("otlp")
    run(folder)
    return folder


@pytest.fixture(scope="module")
def folded(store: Path) -> tuple[list[Span], list[LogRecord]]:
    from odibi_core.store.runs import RunStore

    return spans_and_logs(recorded(store, RunStore(store).ids()[0]))


def hexadecimal(value: Any) -> Any:
    """Protobuf's JSON has ids as base64, OTLP's as hexadecimal digits."""
    if isinstance(value, dict):
        return {
            name: b64decode(item).hex()
            if name in ("traceId", "spanId", "parentSpanId")
            else hexadecimal(item)
            for name, item in value.items()
        }
    return [hexadecimal(item) for item in value] if isinstance(value, list) else value


def plain(message: Any) -> Any:
    return hexadecimal(MessageToDict(message, use_integers_for_enums=True))


def test_json_is_what_the_official_messages_say(folded: tuple[list[Span], list[LogRecord]]) -> None:
    """The JSON of spans and log records is that of the protobuf messages, field by field."""
    spans, logs = folded
    assert json.loads(traces_request(SHOP, spans)) == plain(messages().message("traces", SHOP, spans))
    assert json.loads(logs_request(SHOP, logs)) == plain(messages().message("logs", SHOP, logs))


def test_metrics_are_the_same_in_both_forms(store: Path) -> None:
    """Sums, gauges and histograms with exemplars survive the way through protobuf."""
    from odibi_core.store.runs import RunStore

    events = recorded(store, RunStore(store).ids()[0])
    (line,) = otlp_lines(events, SHOP, ["metrics"])["metrics"]
    request = json.loads(line)
    rows = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    again = plain(messages().message("metrics", SHOP, rows))["resourceMetrics"][0]["scopeMetrics"][0][
        "metrics"
    ]
    assert again == rows
    duration = next(row for row in rows if row["name"] == "odibi.node.duration")
    points = duration["histogram"]["dataPoints"]
    assert duration["unit"] == "s"
    assert sum(int(point["count"]) for point in points) == 6
    spans = {span.span_id: span.name for span in spans_and_logs(events)[0]}
    for point in points:
        node = point["attributes"][0]["value"]["stringValue"]
        assert spans[point["exemplars"][0]["spanId"]] == node
        assert sum(int(count) for count in point["bucketCounts"]) == int(point["count"])


def test_strange_values_are_encoded_alike() -> None:
    """Nested and too large values, NaN, and text that UTF-8 does not have."""
    clean = {**STRANGE, "text": "ü\x00"}
    span = Span("a" * 32, "b" * 16, "", "n", 1, 2, clean)
    (scope,) = json.loads(traces_request(SHOP, [span]))["resourceSpans"][0]["scopeSpans"]
    attributes = plain(messages().message("traces", SHOP, [span]))["resourceSpans"][0]["scopeSpans"][0][
        "spans"
    ][0]["attributes"]
    assert attributes == scope["spans"][0]["attributes"] == attributes_json(clean)


def test_the_sdk_encodes_a_span_to_the_same_message(folded: tuple[list[Span], list[LogRecord]]) -> None:
    """OpenTelemetry's own encoder makes the same message of the same span."""

    def context(trace: str, span: str) -> Any:
        return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(1))

    spans = [span for span in folded[0] if not span.links]
    readable = [
        ReadableSpan(
            span.name,
            context(span.trace_id, span.span_id),
            parent=context(span.trace_id, span.parent_span_id) if span.parent_span_id else None,
            resource=SdkResource(SHOP.attributes),
            attributes=span.attributes,
            kind=SpanKind.INTERNAL,
            instrumentation_scope=InstrumentationScope(SCOPE_NAME),
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
            start_time=span.start_ns,
            end_time=span.end_ns,
        )
        for span in spans
    ]
    theirs, ours = encode_spans(readable), messages().message("traces", SHOP, spans)
    for message in (theirs, ours):
        for span in message.resource_spans[0].scope_spans[0].spans:
            span.flags = 0  # the SDK sets a bit for a local parent as well
            span.status.message = span.status.message  # and the status of a span without one
    assert plain(theirs) == plain(ours)


@pytest.mark.parametrize(
    ("metric", "kind", "name", "unit"),
    [
        ("node_duration_ms", "histogram", "odibi.node.duration", "s"),
        ("operation.duration.seconds", "histogram", "operation.duration", "s"),
        ("bigquery.cost.usd", "histogram", "bigquery.cost", "USD"),
        ("orders", "counter", "odibi.orders", "1"),
        ("lag_ms", "gauge", "odibi.lag", "s"),
        ("my.app.rows", "gauge", "my.app", "{row}"),
    ],
)
def test_names_of_metrics_are_dotted_and_without_a_unit(metric: str, kind: str, name: str, unit: str) -> None:
    """The unit is a field of its own."""
    found = instrument(metric, kind)
    assert (found.name, found.unit) == (name, unit)


class Service(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc]
    """A collector by gRPC, which answers by a script of status codes, then takes everything."""

    def __init__(self) -> None:
        self.script: list[tuple[Any, float | None]] = []
        self.spans: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.refused = 0

    def Export(self, request: Any, context: Any) -> Any:
        self.metadata = dict(context.invocation_metadata())
        if self.script:
            code, pause_s = self.script.pop(0)
            if pause_s is not None:
                packed = Packed()
                packed.Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=int(pause_s))))
                status = status_pb2.Status(code=code.value[0], details=[packed])
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(code, "busy")
        self.spans += [span.name for span in request.resource_spans[0].scope_spans[0].spans]
        response = trace_service_pb2.ExportTraceServiceResponse()
        response.partial_success.rejected_spans = self.refused
        return response


@pytest.fixture
def by_grpc() -> Iterator[tuple[Service, GrpcReceiver[Span]]]:
    service, server = Service(), grpc.server(ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    target = Target(
        "traces",
        f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "grpc",
        {"X-Tenant": "a"},
        compress=True,
    )
    yield service, GrpcReceiver(target, SHOP)
    server.stop(None)


def test_grpc_sends_and_keeps_the_rules_of_the_protocol(by_grpc: tuple[Service, GrpcReceiver[Span]]) -> None:
    """Unavailable is tried again, exhausted only with a pause, anything else is refused; partial success is counted."""
    service, receiver = by_grpc
    span = Span("a" * 32, "b" * 16, "", "n", 1, 2, {})
    code = grpc.StatusCode
    service.script = [
        (code.UNAVAILABLE, None),
        (code.RESOURCE_EXHAUSTED, None),
        (code.RESOURCE_EXHAUSTED, 7.0),
    ]
    service.script += [(code.UNAUTHENTICATED, None)]
    outcomes = [receiver.send([span], 5.0) for _ in range(5)]
    assert [(each.is_unsent, each.refused, each.after_s) for each in outcomes] == [
        (True, 0, None), (False, 1, None), (True, 0, 7.0), (False, 1, None), (False, 0, None),
    ]  # fmt: skip
    assert outcomes[3].reason == "grpc_unauthenticated"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in outcomes[3].detail
    assert service.spans == ["n"]
    assert service.metadata["x-tenant"] == "a"
    service.refused = 1
    assert receiver.send([span], 5.0).refused == 1


def test_the_command_writes_the_lines_of_the_file_format(store: Path, tmp_path: Path) -> None:
    """One file a signal, one request a line, twice the same; without a folder the same lines on stdout."""
    asked = ["export", "otlp", "shop", "--store", str(store)]
    assert CliRunner().invoke(app, [*asked, "-o", str(tmp_path / "out")]).exit_code == 0
    files = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert set(files) == {"traces.jsonl", "metrics.jsonl", "logs.jsonl"}
    printed = CliRunner().invoke(app, [*asked, "--signal", "traces"])
    assert printed.stdout == files["traces.jsonl"]
    scope = json.loads(files["traces.jsonl"])["resourceSpans"][0]["scopeSpans"][0]
    assert [span["name"] for span in scope["spans"]][-1] == "run shop"
    assert CliRunner().invoke(app, [*asked[:2], "nothing", "--store", str(store)]).exit_code != 0
