"""A step that looks at its span, in a module that has loaded OpenTelemetry, as instrumented code has."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry import trace

from odibi_core.observability import environment_for_workers, get_logger


def spans_here() -> dict[str, Any]:
    """Return the process, and the span that a child process and a span of OpenTelemetry would be children of."""
    active = trace.get_current_span().get_span_context()
    get_logger("inside").info("asked")
    return {
        "pid": os.getpid(),
        "child": environment_for_workers().get("TRACEPARENT", ""),
        "active": f"00-{active.trace_id:032x}-{active.span_id:016x}-{int(active.trace_flags):02x}",
    }
