"""`Signals`: events in, sampled spans and log records out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from odibi_core.events import Event
from odibi_core.otlp.ids import is_sampled
from odibi_core.otlp.log_records import LEFT_OUT, LogItem
from odibi_core.otlp.metrics import MEASURED, Exemplars
from odibi_core.otlp.model import SAMPLED, LogRecord, Span
from odibi_core.otlp.run import Run
from odibi_core.otlp.spans import SpanFold
from odibi_core.views.source_texts import SourceOf, no_source

_SPANS_HELD: Final = 10_000
"""Spans of one run that wait for its end, if the run was not sampled: it may still fail."""


class Signals:
    """A fold of events that emits spans and log records.

    A run is sampled as a whole: as the span in `TRACEPARENT` was, else by its trace id and the rate, so that every
    process decides alike. A run that fails is sent in any case, with the spans that were held back. Log records are
    not sampled.

    Args:
        on_span: Called with each span to send; None for no spans.
        on_log: Called with each event to send as a log record; None for none.
        sample_rate: Share of the runs that are sampled, 0 to 1.
        exemplars: Gets the durations of nodes and runs, with their spans.
        source_of: Returns the stored SQL of steps.
    """

    def __init__(
        self,
        on_span: Callable[[Span], object] | None,
        on_log: Callable[[LogItem], object] | None,
        sample_rate: float = 1.0,
        exemplars: Exemplars | None = None,
        source_of: SourceOf = no_source,
    ) -> None:
        self._on_span, self._on_log = on_span, on_log
        self._exemplars = exemplars
        self._sample_rate = sample_rate
        self._held: dict[str, deque[Span]] = {}
        self._spans = SpanFold(self._emit, source_of)
        self.unsampled = 0
        """Spans that were not sent because their run was not sampled."""

    def __call__(self, event: Event) -> None:
        """Fold an event."""
        node = self._spans.open_node(event)
        run = self._spans(event)
        if run is not None and run.was_failing:
            self._release(run)
        trace_id = span_id = ""
        flags = 0
        if run is not None:
            node = node or run.node(event)
            trace_id, span_id = run.trace_id, node.span_of(event) if node is not None else run.span_id
            flags = SAMPLED if self._is_sent(run) else 0
            if self._exemplars is not None and flags and event.event_type in MEASURED:
                self._exemplars.take(event, trace_id, span_id)
        if self._on_log is not None and event.event_type not in LEFT_OUT:
            self._on_log(LogItem(event, trace_id, span_id, flags))

    def finish(self) -> None:
        """End the spans of runs whose end is not recorded."""
        self._spans.finish()

    def _is_sent(self, run: Run) -> bool:
        if run.was_failing:
            return True
        if run.parent_is_sampled is not None:
            return run.parent_is_sampled
        return is_sampled(run.trace_id, self._sample_rate)

    def _emit(self, span: Span, run: Run) -> None:
        if self._on_span is None:
            return
        if self._is_sent(run):
            self._release(run)
            self._on_span(span)
            return
        held = self._held.setdefault(run.run_id, deque())
        held.append(span)
        if len(held) > _SPANS_HELD:
            held.popleft()
            self.unsampled += 1
        if run.is_over:
            self.unsampled += len(self._held.pop(run.run_id))

    def _release(self, run: Run) -> None:
        """Send the spans that were held back."""
        if self._on_span is not None:
            for span in self._held.pop(run.run_id, ()):
                self._on_span(span)


def spans_and_logs(events: Iterable[Event]) -> tuple[list[Span], list[LogRecord]]:
    """Return the spans and the log records of recorded events, those of unfinished runs included."""
    spans: list[Span] = []
    logs: list[LogRecord] = []
    signals = Signals(spans.append, lambda item: logs.append(item.record()))
    for event in events:
        signals(event)
    signals.finish()
    return spans, logs
