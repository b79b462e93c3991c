"""`Messages`: OTLP's requests as protobuf, by the official messages of `opentelemetry-proto`.

The exporters of OpenTelemetry's SDK would encode the same messages. They retry on their own, hide the number of
refused items and take six seconds to end if the collector is down; so the messages are used, and not the exporters.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any, Final

from odibi_core.otlp.model import KIND_INTERNAL, SAMPLED, SCOPE_NAME, STATUS_ERROR, LogRecord, Resource, Span

_INT64: Final = 2**63


class Messages:
    """The messages of the three signals; `message(signal)` makes a request, `refused(signal, …)` reads a response.

    Raises:
        ImportError: `opentelemetry-proto` is not installed.
    """

    def __init__(self) -> None:
        from google.protobuf.json_format import ParseDict
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
        from opentelemetry.proto.common.v1 import common_pb2
        from opentelemetry.proto.logs.v1 import logs_pb2
        from opentelemetry.proto.metrics.v1 import metrics_pb2
        from opentelemetry.proto.resource.v1 import resource_pb2
        from opentelemetry.proto.trace.v1 import trace_pb2

        # The generated modules type their enumerations as classes of their own, and the values here are numbers.
        self._common: Any = common_pb2
        self._logs: Any = logs_pb2
        self._metrics: Any = metrics_pb2
        self._resources: Any = resource_pb2
        self._trace: Any = trace_pb2
        self._parse: Any = ParseDict
        self._make: dict[str, Callable[[Resource, Any], dict[str, Any]]] = {
            "traces": self._traces,
            "logs": self._log_records,
            "metrics": self._metric_rows,
        }
        self._requests: dict[str, Any] = {
            "traces": trace_service_pb2.ExportTraceServiceRequest,
            "logs": logs_service_pb2.ExportLogsServiceRequest,
            "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
        }
        self.responses: dict[str, Any] = {
            "traces": trace_service_pb2.ExportTraceServiceResponse,
            "logs": logs_service_pb2.ExportLogsServiceResponse,
            "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
        }
        """The classes of the responses, by signal."""

    def message(self, signal: str, resource: Resource, items: Sequence[Any]) -> Any:
        """Return a request with spans, log records, or metrics in their form of JSON."""
        return self._requests[signal](**self._make[signal](resource, items))

    def _traces(self, resource: Resource, spans: Iterable[Span]) -> dict[str, Any]:
        scope = self._trace.ScopeSpans(scope=self._scope(), spans=[self._span(span) for span in spans])
        return {"resource_spans": [self._trace.ResourceSpans(resource=self._resource(resource), scope_spans=[scope])]}

    def _log_records(self, resource: Resource, records: Iterable[LogRecord]) -> dict[str, Any]:
        scope = self._logs.ScopeLogs(scope=self._scope(), log_records=[self._record(record) for record in records])
        return {"resource_logs": [self._logs.ResourceLogs(resource=self._resource(resource), scope_logs=[scope])]}

    def _metric_rows(self, resource: Resource, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
        metrics = [self._parse(_with_base64_ids(row), self._metrics.Metric()) for row in rows]
        scope = self._metrics.ScopeMetrics(scope=self._scope(), metrics=metrics)
        made = self._metrics.ResourceMetrics(resource=self._resource(resource), scope_metrics=[scope])
        return {"resource_metrics": [made]}

    def refused(self, signal: str, response: Any) -> tuple[int, str]:
        """Return the number of refused items of a response, and the reason."""
        partial = response.partial_success
        names = {"traces": "rejected_spans", "logs": "rejected_log_records", "metrics": "rejected_data_points"}
        return int(getattr(partial, names[signal])), str(partial.error_message)

    def _scope(self) -> Any:
        return self._common.InstrumentationScope(name=SCOPE_NAME)

    def _resource(self, resource: Resource) -> Any:
        return self._resources.Resource(attributes=self._attributes(resource.attributes))

    def _span(self, span: Span) -> Any:
        links = [
            self._trace.Span.Link(
                trace_id=bytes.fromhex(link.trace_id),
                span_id=bytes.fromhex(link.span_id),
                attributes=self._attributes(link.attributes),
            )
            for link in span.links
        ]
        found = self._trace.Span(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_span_id),
            name=span.name,
            kind=KIND_INTERNAL,
            flags=SAMPLED,
            start_time_unix_nano=span.start_ns,
            end_time_unix_nano=span.end_ns,
            attributes=self._attributes(span.attributes),
            links=links,
        )
        if span.error is not None:
            found.status.code = STATUS_ERROR
            found.status.message = span.error
        return found

    def _record(self, record: LogRecord) -> Any:
        return self._logs.LogRecord(
            time_unix_nano=record.time_ns,
            observed_time_unix_nano=record.time_ns,
            severity_number=record.severity_number,
            severity_text=record.severity_text,
            event_name=record.event_name,
            body=self._common.AnyValue(string_value=record.body),
            attributes=self._attributes(record.attributes),
            trace_id=bytes.fromhex(record.trace_id),
            span_id=bytes.fromhex(record.span_id),
            flags=record.flags,
        )

    def _attributes(self, attributes: Mapping[str, Any]) -> list[Any]:
        pair = self._common.KeyValue
        return [pair(key=name, value=self._value(value)) for name, value in attributes.items() if value is not None]

    def _value(self, value: Any) -> Any:
        make = self._common.AnyValue
        if isinstance(value, str):
            return make(string_value=value)
        if isinstance(value, bool):
            return make(bool_value=value)
        if isinstance(value, int) and -_INT64 <= value < _INT64:
            return make(int_value=value)
        if isinstance(value, (int, float)):
            return make(double_value=value) if isfinite(value) else make(string_value=str(value))
        if isinstance(value, dict):
            values = self._attributes({str(name): item for name, item in value.items()})
            return make(kvlist_value=self._common.KeyValueList(values=values))
        if isinstance(value, (list, tuple)):
            return make(array_value=self._common.ArrayValue(values=[self._value(item) for item in value]))
        return make() if value is None else make(string_value=str(value))


@cache
def messages() -> Messages:
    """Return the messages, loaded once. Raises `ImportError`."""
    return Messages()


def _with_base64_ids(value: Any) -> Any:
    """Return a metric with the ids of its exemplars as protobuf's own JSON has them; OTLP has hexadecimal digits."""
    if isinstance(value, dict):
        return {
            name: b64encode(bytes.fromhex(item)).decode() if name in ("traceId", "spanId") else _with_base64_ids(item)
            for name, item in value.items()
        }
    return [_with_base64_ids(item) for item in value] if isinstance(value, list) else value
