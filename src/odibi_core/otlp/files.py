"""A run as the lines of OTLP's file format: one request a line, one signal a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Any, Final

from odibi_core.events import Event
from odibi_core.otlp.json_requests import logs_request, metrics_request, traces_request
from odibi_core.otlp.metrics import Exemplars, metrics_of
from odibi_core.otlp.model import LogRecord, Resource, Span
from odibi_core.otlp.run import nanoseconds
from odibi_core.otlp.signals import Signals
from odibi_core.views.metrics.view import MetricsView
from odibi_core.views.source_texts import SourceOf, no_source

_ITEMS: Final = 1_000
"""Spans or log records of one line."""


def otlp_lines(
    events: Iterable[Event], resource: Resource, signals: Collection[str], source_of: SourceOf = no_source
) -> dict[str, list[bytes]]:
    """Return the requests of each signal of recorded events, without line ends.

    Args:
        events: The events of a run, in order.
        resource: The program that made them.
        signals: `traces`, `metrics`, `logs`.
        source_of: Returns the stored SQL of steps.

    Returns:
        The lines by signal; a signal without content has none.
    """
    spans: list[Span] = []
    logs: list[LogRecord] = []
    exemplars, view = Exemplars(), MetricsView()
    fold = Signals(spans.append, lambda item: logs.append(item.record()), exemplars=exemplars, source_of=source_of)
    first_ns = last_ns = 0
    for event in events:
        fold(event)
        view(event)
        last_ns = nanoseconds(event)
        first_ns = first_ns or last_ns
    fold.finish()
    lines: dict[str, list[bytes]] = {}
    if "traces" in signals:
        lines["traces"] = _in_parts(traces_request, resource, spans)
    if "metrics" in signals:
        lines["metrics"] = _in_parts(metrics_request, resource, metrics_of(view, first_ns, last_ns, exemplars))
    if "logs" in signals:
        lines["logs"] = _in_parts(logs_request, resource, logs)
    return lines


def _in_parts(request: Callable[[Resource, Any], bytes], resource: Resource, items: Sequence[Any]) -> list[bytes]:
    rest = iter(items)
    return [request(resource, part) for part in iter(lambda: list(islice(rest, _ITEMS)), [])]
