"""The span of a distributed trace that events belong to: `trace_id`, `span_id`, `trace_flags` as in W3C's standard."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.errors import STOPS

_PARENT: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_FIELDS: Final = ("trace_id", "span_id", "trace_flags")
SPANS_OF: Final = "opentelemetry.trace"
"""The module that knows the active span, if the program has loaded it."""


def read_traceparent(text: str) -> dict[str, str]:
    """Return the fields of a `traceparent`; none if the specification ignores it.

    A later version may have more parts behind the flags; then only the lowest flag, sampled, is known.
    """
    found = _PARENT.fullmatch(text)
    if found is None:
        return {}
    version, trace_id, span_id, flags, more = found.groups()
    if version == "00":
        return {} if more else dict(zip(_FIELDS, (trace_id, span_id, flags), strict=True))
    return {"trace_id": trace_id, "span_id": span_id, "trace_flags": f"{int(flags, 16) & 1:02x}"}


def traceparent(fields: Mapping[str, Any]) -> str:
    """Return the `traceparent` for a child of the span in `fields`; empty if there is none."""
    parent = "-".join(["00", *(str(fields.get(name)) for name in _FIELDS)])
    return parent if read_traceparent(parent) else ""


def span_in(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the span in `fields`; its ids are no secret even if their digits look like one. Empty if there is none."""
    return read_traceparent(traceparent(fields))


def active_span() -> dict[str, str]:
    """Return the active span of OpenTelemetry, which is not imported: a program with spans has loaded it."""
    trace = sys.modules.get(SPANS_OF)
    if trace is None:
        return {}
    try:
        current = trace.get_current_span()
        if current is trace.INVALID_SPAN:  # nearly always, and for every event
            return {}
        span = current.get_span_context()
        if not span.is_valid:
            return {}
        ids = f"{span.trace_id:032x}", f"{span.span_id:016x}", f"{span.trace_flags:02x}"
    except STOPS:
        raise
    except BaseException:  # half loaded, or another module of this name
        return {}
    return dict(zip(_FIELDS, ids, strict=True))
