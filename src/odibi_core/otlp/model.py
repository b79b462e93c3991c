"""Spans, log records and the resource, as OTLP has them, before they are encoded as JSON or protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

SCOPE_NAME: Final = "odibi_core"
STATUS_ERROR: Final = 2
KIND_INTERNAL: Final = 1
SAMPLED: Final = 1


class Link(msgspec.Struct, frozen=True):
    """A span of another trace."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class Span(msgspec.Struct, frozen=True):
    """A span that has ended; the times are nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    error: str | None = None
    """The message of a span that failed; None for one that did not."""
    links: tuple[Link, ...] = ()


class LogRecord(msgspec.Struct, frozen=True):
    """A log record; the ids are empty if the event belongs to no trace."""

    time_ns: int
    severity_number: int
    severity_text: str
    event_name: str
    body: str
    attributes: dict[str, Any]
    trace_id: str = ""
    span_id: str = ""
    flags: int = 0


class Resource(msgspec.Struct, frozen=True):
    """The program in which spans, log records and metrics were made."""

    attributes: dict[str, Any]


def resource(service: str, environment: str, version: str, others: Mapping[str, Any]) -> Resource:
    """Return the resource of a service; `others` are those of `OTEL_RESOURCE_ATTRIBUTES`."""
    own = {"service.name": service, "deployment.environment.name": environment, "service.version": version}
    sdk = {"telemetry.sdk.name": SCOPE_NAME, "telemetry.sdk.language": "python"}
    return Resource({**others, **{name: value for name, value in own.items() if value}, **sdk})
