"""Log records of events: the line preset `otel`, with the trace and the span of the run and the node."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from odibi_core.events import Event, kinds
from odibi_core.otlp.model import LogRecord
from odibi_core.otlp.run import nanoseconds
from odibi_core.sinks.line_presets import Service, otel

LEFT_OUT: Final = kinds.FOR_MACHINES | {kinds.TASK}
"""Kinds that are spans or metrics, or that programs read."""
_SERVICE: Final = Service()


class LogItem(NamedTuple):
    """An event that becomes a log record when it is sent: one that is dropped before costs nothing."""

    event: Event
    trace_id: str
    span_id: str
    flags: int

    def record(self) -> LogRecord:
        """Return the log record."""
        return log_record(*self)


def log_record(event: Event, trace_id: str, span_id: str, flags: int) -> LogRecord:
    """Return the record of an event; without a run, it has the span that was active in the program."""
    line = otel(event, _SERVICE)
    attributes: dict[str, Any] = line.get("Attributes", {})
    return LogRecord(
        nanoseconds(event), line["SeverityNumber"], line["SeverityText"], line["EventName"], str(line["Body"]),
        attributes, trace_id or str(line.get("TraceId", "")), span_id or str(line.get("SpanId", "")), flags,
    )  # fmt: skip
