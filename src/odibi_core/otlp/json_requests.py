"""OTLP's requests as JSON: the bodies of OTLP/HTTP, and the lines of OTLP's file format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final, TypeAlias

import msgspec

from odibi_core.otlp.model import KIND_INTERNAL, SAMPLED, SCOPE_NAME, STATUS_ERROR, LogRecord, Resource, Span

Json: TypeAlias = dict[str, Any]
_SCOPE: Final = {"name": SCOPE_NAME}
_INT64: Final = 2**63
_encode: Final = msgspec.json.Encoder().encode


def traces_request(resource: Resource, spans: Iterable[Span]) -> bytes:
    """Return an `ExportTraceServiceRequest`."""
    scope = {"scope": _SCOPE, "spans": [_span(span) for span in spans]}
    return _encode({"resourceSpans": [{"resource": _resource(resource), "scopeSpans": [scope]}]})


def logs_request(resource: Resource, records: Iterable[LogRecord]) -> bytes:
    """Return an `ExportLogsServiceRequest`."""
    scope = {"scope": _SCOPE, "logRecords": [_record(record) for record in records]}
    return _encode({"resourceLogs": [{"resource": _resource(resource), "scopeLogs": [scope]}]})


def metrics_request(resource: Resource, metrics: Sequence[Json]) -> bytes:
    """Return an `ExportMetricsServiceRequest` of metrics as `metrics_of` makes them."""
    scope = {"scope": _SCOPE, "metrics": metrics}
    return _encode({"resourceMetrics": [{"resource": _resource(resource), "scopeMetrics": [scope]}]})


def _resource(resource: Resource) -> Json:
    return {"attributes": attributes_json(resource.attributes)}


def _span(span: Span) -> Json:
    row: Json = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": KIND_INTERNAL,
        "flags": SAMPLED,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": attributes_json(span.attributes),
    }
    if span.error is not None:
        row["status"] = {"code": STATUS_ERROR, "message": span.error}
    if span.parent_span_id:
        row["parentSpanId"] = span.parent_span_id
    if span.links:
        row["links"] = [
            {"traceId": link.trace_id, "spanId": link.span_id, "attributes": attributes_json(link.attributes)}
            for link in span.links
        ]
    return row


def _record(record: LogRecord) -> Json:
    row: Json = {
        "timeUnixNano": str(record.time_ns),
        "observedTimeUnixNano": str(record.time_ns),
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "eventName": record.event_name,
        "body": {"stringValue": record.body},
        "attributes": attributes_json(record.attributes),
    }
    if record.trace_id:
        row |= {"traceId": record.trace_id, "spanId": record.span_id, "flags": record.flags}
    return row


def attributes_json(attributes: Mapping[str, Any]) -> list[Json]:
    """Return attributes as a list of keys and typed values; None is no attribute."""
    return [{"key": name, "value": _value(value)} for name, value in attributes.items() if value is not None]


def _value(value: Any) -> Json:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return {"intValue": str(value)}
    if isinstance(value, (int, float)):
        return {"doubleValue": float(value)} if isfinite(value) else {"stringValue": str(value)}
    if isinstance(value, dict):
        return {"kvlistValue": _values(attributes_json({str(name): item for name, item in value.items()}))}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": _values([_value(item) for item in value])}
    return {} if value is None else {"stringValue": str(value)}


def _values(values: list[Json]) -> Json:
    """Return the values of a list; an empty one has none, as in protobuf's JSON."""
    return {"values": values} if values else {}
