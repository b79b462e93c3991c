"""The span of a node, while OpenTelemetry is on: for the lines, the child processes and the spans of a step's code.

The ids are those under which the node is sent, computed from the run and the node. So a worker process computes them
too, a child process gets them in its `TRACEPARENT`, and a span that the step's code begins is a child of the node.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from odibi_core.events import context
from odibi_core.events.context import Context
from odibi_core.events.trace_context import SPANS_OF, span_in
from odibi_core.settings import get_config


def is_on() -> bool:
    """Return whether spans are sent."""
    config = get_config()
    return config.tracing_enabled and not config.otel_sdk_disabled


def inside(here: Context) -> Context:
    """Return the context of a node with the ids of its span; as it is if no spans are sent."""
    if not is_on() or here.run_id is None:
        return here
    from odibi_core.otlp.ids import is_sampled, span_id, trace_id  # here, because most programs send no spans

    parent = span_in(here.fields)
    trace = parent.get("trace_id") or trace_id("run", here.run_id)
    flags = parent.get("trace_flags") or f"{is_sampled(trace, get_config().tracing_sample_rate):02x}"
    own = span_id("node", here.run_id, here.node_name)
    return here.with_fields({"trace_id": trace, "span_id": own, "trace_flags": flags})


def _is_of_node(here: Context, ids: dict[str, str]) -> bool:
    """Return whether the span is that of the node: so the process of the run decided, and sent it to this worker.

    The settings of a worker of an existing cluster are those of the cluster.
    """
    from odibi_core.otlp.ids import span_id

    return ids.get("span_id") == span_id("node", here.run_id, here.node_name)


@contextmanager
def active() -> Iterator[None]:
    """Make the span of the context the active one of OpenTelemetry, if the program has loaded that."""
    trace = sys.modules.get(SPANS_OF)
    here = context.current()
    ids = span_in(here.fields) if trace is not None else {}
    if trace is None or not ids or not (is_on() or _is_of_node(here, ids)):
        yield
        return
    flags = trace.TraceFlags(int(ids["trace_flags"], 16))
    own = trace.SpanContext(int(ids["trace_id"], 16), int(ids["span_id"], 16), is_remote=False, trace_flags=flags)
    with trace.use_span(trace.NonRecordingSpan(own), record_exception=False, set_status_on_exception=False):
        yield
