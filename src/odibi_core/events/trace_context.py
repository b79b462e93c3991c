"""Which span of a distributed trace events belong to: `trace_id`, `span_id`, `trace_flags`, as W3C's trace context."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.errors import STOPS

_PARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_FIELDS: Final = ("trace_id", "span_id", "trace_flags")
SPANS_OF: Final = "opentelemetry.trace"
"""The module that knows which span is active, where somebody has loaded it."""


def read_traceparent(text: str) -> dict[str, str]:
    """The fields that a `traceparent` says; none where the specification has it ignored.

    A version to come may say more behind the flags, of which then only the lowest is known: whether it is sampled.
    """
    found = _PARENT.fullmatch(text)
    if found is None:
        return {}
    version, trace_id, span_id, flags, more = found.groups()
    if version == "00":
        return {} if more else dict(zip(_FIELDS, (trace_id, span_id, flags), strict=True))
    return {"trace_id": trace_id, "span_id": span_id, "trace_flags": f"{int(flags, 16) & 1:02x}"}


def traceparent(fields: Mapping[str, Any]) -> str:
    """The `traceparent` for a child of the span that fields name; empty where they name none."""
    said = "-".join(["00", *(str(fields.get(name)) for name in _FIELDS)])
    return said if read_traceparent(said) else ""


def span_in(fields: Mapping[str, Any]) -> dict[str, str]:
    """The span that fields name: its ids are no secret, whatever their digits look like. None where they name none."""
    return read_traceparent(traceparent(fields))


def active_span() -> dict[str, str]:
    """The span that OpenTelemetry has active here. It is not imported for that: who has spans has it loaded."""
    trace = sys.modules.get(SPANS_OF)
    if trace is None:
        return {}
    try:
        current = trace.get_current_span()
        if current is trace.INVALID_SPAN:  # nearly always, and every line asks
            return {}
        span = current.get_span_context()
        if not span.is_valid:
            return {}
        ids = f"{span.trace_id:032x}", f"{span.span_id:016x}", f"{span.trace_flags:02x}"
    except STOPS:
        raise
    except BaseException:  # it is only half loaded, or something else by its name
        return {}
    return dict(zip(_FIELDS, ids, strict=True))
