"""An event as the line that another system expects: Elastic's ECS, OpenTelemetry, Google Cloud, Datadog.

A preset moves what these systems know to where they look for it, and keeps everything else: no field is lost, none is
said twice but for a status that has a name there too. Sources: the ECS field reference 8.11 and the ecs-logging
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
"""A duration of more has too many nanoseconds for an integer of JSON's readers."""
_to_json = msgspec.json.Encoder().encode

# What we call it, and what they do.
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

# Names at the top of a line that these systems read themselves: a caller's field of that name gets a `_`.
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
    """Whose lines these are."""

    name: str = ""
    environment: str = ""
    version: str = ""


def ecs(event: Event, service: Service) -> Record:
    """Elastic: what is a plain value of the caller's is a label, what is more stands below `odibi.fields`."""
    said = _said(event)
    line = {
        "@timestamp": said.pop("timestamp"),
        "log.level": said.pop("level"),
        "message": _message(said),
        "ecs.version": ECS_VERSION,
    }
    line |= _given({f"service.{name}": value for name, value in structs.asdict(service).items()})
    _move(said, line, _ECS)
    if (duration := _nanoseconds(said)) is not None:
        line["event.duration"] = duration
    if said.get("status") is not None:
        line["event.outcome"] = _OUTCOMES.get(str(said["status"]), "unknown")
    own = _own(said)
    labels: Record = {}
    nested: Record = {}
    for name, value in said.items():
        if isinstance(value, (dict, list)):
            nested[name] = value
        else:  # a dot would make an object of it, which a label may not be
            labels[unique(name.replace(".", "_"), labels)] = value
    return line | _given({"labels": labels, "odibi": {**own, **_given({"fields": nested})}})


def otel(event: Event, service: Service) -> Record:
    """OpenTelemetry's log data model; what it has no name for is an attribute, ours below `odibi.`."""
    said = _said(event)
    del said["timestamp"]
    level = said.pop("level")
    word, number = _OTEL_SEVERITY.get(level, (level.upper(), 9))
    line: Record = {
        "Timestamp": str((event.timestamp - _EPOCH) // _MICROSECOND * 1000),
        "SeverityText": word,
        "SeverityNumber": number,
        "Body": _message(said),
        "EventName": said.pop("event_type"),
    }
    _move(said, line, {"trace_id": "TraceId", "span_id": "SpanId", "trace_flags": "TraceFlags"})
    if "component" in said:
        line["InstrumentationScope"] = {"Name": said.pop("component")}
    resource = {
        "service.name": service.name,
        "service.version": service.version,
        "deployment.environment.name": service.environment,
    }
    line |= _given({"Resource": _given(resource)})
    attributes: Record = {}
    _move(said, attributes, _OTEL)
    attributes |= {f"odibi.{name}": value for name, value in _own(said).items()}
    _add(said, attributes, frozenset())
    return line | _given({"Attributes": attributes})


def gcp(event: Event, service: Service) -> Record:
    """Google Cloud's structured logging: the rest of the line is its `jsonPayload`."""
    said = _said(event)
    line: Record = {
        "severity": said.pop("level").upper(),
        "time": said.pop("timestamp"),
        "message": _message(said),
        "event_type": said.pop("event_type"),
    }
    if service.name:
        line["serviceContext"] = _given({"service": service.name, "version": service.version})
    labels: Record = {}
    _move(said, labels, _GCP_LABELS)
    labels = {name: str(value) for name, value in labels.items()}
    labels |= _given({"environment": service.environment})
    line |= _given({"logging.googleapis.com/labels": labels})
    place: Record = {}
    _move(said, place, _GCP_PLACE)
    if "line" in place:
        place["line"] = str(place["line"])
    line |= _given({"logging.googleapis.com/sourceLocation": place})
    _move(said, line, _GCP)
    _add(said, line, _GCP_TAKEN)
    return line


def datadog(event: Event, service: Service) -> Record:
    """Datadog's standard attributes; ours that it has no name for stand below `odibi`."""
    said = _said(event)
    line: Record = {
        "timestamp": said.pop("timestamp"),
        "status": said.pop("level"),
        "message": _message(said),
        "ddsource": "python",
        "evt": {"name": said.pop("event_type")},
    }
    line |= _given({"service": service.name, "env": service.environment, "version": service.version})
    _number(said)
    _move(said, line, _DATADOG)
    logger: Record = {}
    _move(said, logger, {"component": "name", "thread.name": "thread_name"})
    error: Record = {}
    _move(said, error, _DATADOG_ERROR)
    user: Record = {}
    _move(said, user, {"user": "name"})
    line |= _given({"logger": logger, "error": error, "usr": user})
    if (duration := _nanoseconds(said)) is not None:
        line["duration"] = duration
    line |= _given({"odibi": _own(said)})
    _add(said, line, _DATADOG_TAKEN)
    return line


_BY_NAME: Final[dict[str, Callable[[Event, Service], Record]]] = {
    "ecs": ecs,
    "otel": otel,
    "gcp": gcp,
    "datadog": datadog,
}
PRESETS: Final = ("odibi", *_BY_NAME)
"""What `LOG_PRESET` may be; `odibi` is the codec's own line, the only one that we read back."""


def line_encoder(preset: str, service: Service | None = None) -> ToLine:
    """What makes the lines of a preset, each with its line feed. Raises `ConfigurationError` on an unknown one."""
    if preset == "odibi":
        return encode
    if preset not in _BY_NAME:
        raise ConfigurationError(
            f"{preset!r} is no preset of log lines{nearest(str(preset), PRESETS)}; one of: {', '.join(PRESETS)}"
        )
    shape, whose = _BY_NAME[preset], service or Service()
    return inert_lines(lambda event: _to_json(shape(event, whose)) + b"\n")


def _said(event: Event) -> Record:
    """The event's fields; the name of its logger stands there once, as its component."""
    said = to_dict(event)
    if LOGGER in said and said[LOGGER] == said.get("component"):
        del said[LOGGER]
    return said


def _message(said: Record) -> Any:
    """What people read; the event's name where nothing else was said. The name itself has its own place."""
    return said.pop("message", None) or said["event_type"]


def _move(said: Record, line: Record, names: Mapping[str, str]) -> None:
    """Give what the other system knows its name there; a value that cannot be meant by it stays."""
    for ours, theirs in names.items():
        # Those ids are texts; a number is that of a span in this process, of which no trace there knows.
        if isinstance(said.get(ours), str if ours in _OF_TRACES else (str, int)):
            line[theirs] = said.pop(ours)


def _number(said: Record) -> None:
    """Ids of a trace as Datadog's own software has them: what fits 64 bits in decimals, what is longer as it is."""
    for name, digits in (("trace_id", 32), ("span_id", 16)):
        text = said.get(name)
        if isinstance(text, str) and len(text) == digits and not text[:-16].strip("0") and _is_hex(text):
            said[name] = str(int(text, 16))


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")


def _own(said: Record) -> Record:
    """Take the standard fields that are left."""
    return {name: said.pop(name) for name in COLUMNS if name in said}


def _add(said: Record, line: Record, taken: frozenset[str]) -> None:
    """Everything else by its own name, or with a `_` behind it where that says something else there."""
    for name, value in said.items():
        label = name
        while label in line or label in taken or (label != name and label in said):
            label += "_"
        line[label] = value


def _nanoseconds(said: Record) -> int | None:
    """Take the duration in the unit that it has elsewhere; what is no number stays ours."""
    duration = said.get("duration_ms")
    if not isinstance(duration, (int, float)) or not abs(duration) < _LONGEST_MS:
        return None
    del said["duration_ms"]
    return round(duration * 1_000_000)


def _given(parts: Record) -> Record:
    """Without what is empty."""
    return {name: value for name, value in parts.items() if value or value == 0}
