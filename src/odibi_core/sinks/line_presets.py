"""Presets of log lines for other systems: Elastic's ECS, OpenTelemetry, Google Cloud, Datadog.

A preset moves known fields to the names of the system, and keeps all others. No field is lost, and only a status with a
name in the system too is written twice. Sources: the ECS field reference 8.11 and the ecs-logging
specification, OpenTelemetry's log data model, Google Cloud's structured logging, Datadog's standard attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import structs

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import COLUMNS, Event, encode, to_dict
from odibi_core.events.inert import inert_lines
from odibi_core.events.leveled import LOGGER
from odibi_core.redaction.keys import unique

Record = dict[str, Any]
ToLine = Callable[[Event], bytes]

ECS_VERSION: Final = "8.11.0"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_MS: Final = 1e12
"""A longer duration has too many nanoseconds for an integer in JSON readers."""
_to_json = msgspec.json.Encoder().encode

# Names of odibi to names of the system.
_ECS: Final = {
    "event_type": "event.action",
    "component": "log.logger",
    "user": "user.name",
    "error": "error.message",
    "error_type": "error.type",
    "traceback": "error.stack_trace",
    "trace_id": "trace.id",
    "span_id": "span.id",
    "code.file.path": "log.origin.file.name",
    "code.line.number": "log.origin.file.line",
    "code.function.name": "log.origin.function",
    "thread.name": "process.thread.name",
    "process.name": "process.name",
}
_OTEL: Final = {
    "user": "user.name",
    "error": "exception.message",
    "error_type": "exception.type",
    "traceback": "exception.stacktrace",
    "run_id": "odibi.run.id",
    "node_name": "odibi.node.name",
}
_GCP: Final = {
    "trace_id": "logging.googleapis.com/trace",
    "span_id": "logging.googleapis.com/spanId",
    "traceback": "stack_trace",
}
_GCP_LABELS: Final = {
    name: name for name in ("run_id", "node_name", "component", "operation", "correlation_id", "user")
}
_GCP_PLACE: Final = {"code.file.path": "file", "code.line.number": "line", "code.function.name": "function"}
_DATADOG: Final = {"trace_id": "dd.trace_id", "span_id": "dd.span_id"}
_DATADOG_ERROR: Final = {"error": "message", "error_type": "kind", "traceback": "stack"}

# Top-level names that these systems interpret: a field of the caller with such a name gets a `_`.
_GCP_TAKEN: Final = frozenset(
    {"severity", "time", "timestamp", "timestampSeconds", "timestampNanos", "@type", "message"}
)
_DATADOG_TAKEN: Final = frozenset(
    {
        "@timestamp", "timestamp", "_timestamp", "Timestamp", "eventTime", "date", "published_date", "time", "syslog",
        "status", "severity", "level", "host", "hostname", "service", "message", "msg", "log", "ddsource", "ddtags",
        "dd", "env", "version",
    }
)  # fmt: skip

_OTEL_SEVERITY: Final = {
    "debug": ("DEBUG", 5),
    "info": ("INFO", 9),
    "warning": ("WARN", 13),
    "error": ("ERROR", 17),
    "critical": ("FATAL", 21),
}
_OF_TRACES: Final = ("trace_id", "span_id", "trace_flags")
_OUTCOMES: Final = {"success": "success", "failed": "failure"}


class Service(msgspec.Struct, frozen=True):
    """The service that writes the lines."""

    name: str = ""
    environment: str = ""
    version: str = ""


def ecs(event: Event, service: Service) -> Record:
    """Return an event in Elastic's ECS: plain values of the caller are labels, nested ones are in `odibi.fields`."""
    fields = _fields(event)
    line = {
        "@timestamp": fields.pop("timestamp"),
        "log.level": fields.pop("level"),
        "message": _take_message(fields),
        "ecs.version": ECS_VERSION,
    }
    line |= _not_empty({f"service.{name}": value for name, value in structs.asdict(service).items()})
    _move(fields, line, _ECS)
    if (duration := _take_nanoseconds(fields)) is not None:
        line["event.duration"] = duration
    if fields.get("status") is not None:
        line["event.outcome"] = _OUTCOMES.get(str(fields["status"]), "unknown")
    own = _take_standard(fields)
    labels: Record = {}
    nested: Record = {}
    for name, value in fields.items():
        if isinstance(value, (dict, list)):
            nested[name] = value
        else:  # a dot would make it an object, which a label must not be
            labels[unique(name.replace(".", "_"), labels)] = value
    return line | _not_empty({"labels": labels, "odibi": {**own, **_not_empty({"fields": nested})}})


def otel(event: Event, service: Service) -> Record:
    """Return an event in OpenTelemetry's log data model; fields without a name there are attributes."""
    fields = _fields(event)
    del fields["timestamp"]
    level = fields.pop("level")
    word, number = _OTEL_SEVERITY.get(level, (level.upper(), 9))
    line: Record = {
        "Timestamp": str((event.timestamp - _EPOCH) // _MICROSECOND * 1000),
        "SeverityText": word,
        "SeverityNumber": number,
        "Body": _take_message(fields),
        "EventName": fields.pop("event_type"),
    }
    _move(fields, line, {"trace_id": "TraceId", "span_id": "SpanId", "trace_flags": "TraceFlags"})
    if "component" in fields:
        line["InstrumentationScope"] = {"Name": fields.pop("component")}
    resource = {
        "service.name": service.name,
        "service.version": service.version,
        "deployment.environment.name": service.environment,
    }
    line |= _not_empty({"Resource": _not_empty(resource)})
    attributes: Record = {}
    _move(fields, attributes, _OTEL)
    attributes |= {f"odibi.{name}": value for name, value in _take_standard(fields).items()}
    _add(fields, attributes, frozenset())
    return line | _not_empty({"Attributes": attributes})


def gcp(event: Event, service: Service) -> Record:
    """Return an event for Google Cloud's structured logging; the rest of the line is its `jsonPayload`."""
    fields = _fields(event)
    line: Record = {
        "severity": fields.pop("level").upper(),
        "time": fields.pop("timestamp"),
        "message": _take_message(fields),
        "event_type": fields.pop("event_type"),
    }
    if service.name:
        line["serviceContext"] = _not_empty({"service": service.name, "version": service.version})
    labels: Record = {}
    _move(fields, labels, _GCP_LABELS)
    labels = {name: str(value) for name, value in labels.items()}
    labels |= _not_empty({"environment": service.environment})
    line |= _not_empty({"logging.googleapis.com/labels": labels})
    place: Record = {}
    _move(fields, place, _GCP_PLACE)
    if "line" in place:
        place["line"] = str(place["line"])
    line |= _not_empty({"logging.googleapis.com/sourceLocation": place})
    _move(fields, line, _GCP)
    _add(fields, line, _GCP_TAKEN)
    return line


def datadog(event: Event, service: Service) -> Record:
    """Return an event in Datadog's standard attributes; standard fields without a name there are in `odibi`."""
    fields = _fields(event)
    line: Record = {
        "timestamp": fields.pop("timestamp"),
        "status": fields.pop("level"),
        "message": _take_message(fields),
        "ddsource": "python",
        "evt": {"name": fields.pop("event_type")},
    }
    line |= _not_empty({"service": service.name, "env": service.environment, "version": service.version})
    _convert_trace_ids(fields)
    _move(fields, line, _DATADOG)
    logger: Record = {}
    _move(fields, logger, {"component": "name", "thread.name": "thread_name"})
    error: Record = {}
    _move(fields, error, _DATADOG_ERROR)
    user: Record = {}
    _move(fields, user, {"user": "name"})
    line |= _not_empty({"logger": logger, "error": error, "usr": user})
    if (duration := _take_nanoseconds(fields)) is not None:
        line["duration"] = duration
    line |= _not_empty({"odibi": _take_standard(fields)})
    _add(fields, line, _DATADOG_TAKEN)
    return line


_BY_NAME: Final[dict[str, Callable[[Event, Service], Record]]] = {
    "ecs": ecs,
    "otel": otel,
    "gcp": gcp,
    "datadog": datadog,
}
PRESETS: Final = ("odibi", *_BY_NAME)
"""Values of `LOG_PRESET`; `odibi` is the line of the codec, the only one that odibi reads back."""


def line_encoder(preset: str, service: Service | None = None) -> ToLine:
    """Return the encoder of a preset's lines, line feed included; raise `ConfigurationError` for an unknown preset."""
    if preset == "odibi":
        return encode
    if preset not in _BY_NAME:
        raise ConfigurationError(
            f"the preset of log lines must be one of {', '.join(PRESETS)}, "
            f"got {preset!r}{nearest(str(preset), PRESETS)}"
        )
    to_record, writer = _BY_NAME[preset], service or Service()
    return inert_lines(lambda event: _to_json(to_record(event, writer)) + b"\n")


def _fields(event: Event) -> Record:
    """Return the fields of an event, with the name of its logger once, as its component."""
    fields = to_dict(event)
    if LOGGER in fields and fields[LOGGER] == fields.get("component"):
        del fields[LOGGER]
    return fields


def _take_message(fields: Record) -> Any:
    """Take the message; the type of the event if it has no message."""
    return fields.pop("message", None) or fields["event_type"]


def _move(fields: Record, line: Record, names: Mapping[str, str]) -> None:
    """Move fields to their names in the system; a value of another type stays."""
    for name, target in names.items():
        # Ids of traces are texts; a number is a span of this process, which is unknown to the system.
        if isinstance(fields.get(name), str if name in _OF_TRACES else (str, int)):
            line[target] = fields.pop(name)


def _convert_trace_ids(fields: Record) -> None:
    """Convert ids of a trace to Datadog's form: decimal if they fit 64 bits, otherwise unchanged."""
    for name, digits in (("trace_id", 32), ("span_id", 16)):
        text = fields.get(name)
        if isinstance(text, str) and len(text) == digits and not text[:-16].strip("0") and _is_hex(text):
            fields[name] = str(int(text, 16))


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")


def _take_standard(fields: Record) -> Record:
    """Take the remaining standard fields."""
    return {name: fields.pop(name) for name in COLUMNS if name in fields}


def _add(fields: Record, line: Record, taken: frozenset[str]) -> None:
    """Add all other fields by name, with a `_` behind a name that is taken."""
    for name, value in fields.items():
        label = name
        while label in line or label in taken or (label != name and label in fields):
            label += "_"
        line[label] = value


def _take_nanoseconds(fields: Record) -> int | None:
    """Take the duration in nanoseconds; None, and left in place, if it is not a number."""
    duration = fields.get("duration_ms")
    if not isinstance(duration, (int, float)) or not abs(duration) < _LONGEST_MS:
        return None
    del fields["duration_ms"]
    return round(duration * 1_000_000)


def _not_empty(parts: Record) -> Record:
    """Return the parts that are not empty."""
    return {name: value for name, value in parts.items() if value or value == 0}
