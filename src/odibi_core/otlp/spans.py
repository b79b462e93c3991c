"""`SpanFold`: the spans of runs, folded from their events.

A run is the root span, or a child of the span in `TRACEPARENT`; a node is its child, an attempt of a node that was
retried, an item of a mapped step and an operation are children of the node. There are no span events, which
OpenTelemetry is deprecating: `log_records` makes log records of the events, with the ids of these spans.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.recent import remember
from odibi_core.otlp.ids import span_id, trace_id
from odibi_core.otlp.model import Link, Span
from odibi_core.otlp.run import NODE_ENDS, OpenNode, Run, nanoseconds
from odibi_core.views.source_texts import SourceOf, no_source
from odibi_core.views.values import count, number, text

Emit = Callable[[Span, Run], object]
_RUNS_KEPT: Final = 1_000
"""Ended runs whose ids are kept for late events."""
_MAX_ATTEMPTS: Final = 1_000
_MAX_LINKS: Final = 128
"""Links of one span, as OpenTelemetry's SDK bounds them."""
_RUN_ENDS: Final = kinds.PIPELINE_ENDS | {kinds.RUN_LOST}
_RESULTS: Final = {"success": "success", "failed": "failure", "cancelled": "cancellation", "lost": "error"}
"""Results as the conventions for CI/CD name them: success, failure, error, timeout, cancellation, skip."""


class SpanFold:
    """A fold of the events of any number of runs.

    Args:
        emit: Called with each span when it has ended, and with its run.
        source_of: Returns the stored SQL of steps.
    """

    def __init__(self, emit: Emit, source_of: SourceOf = no_source) -> None:
        self._emit = emit
        self._source_of = source_of
        self._open: dict[str, Run] = {}
        self._ended: dict[str, Run] = {}
        self._handlers: dict[str, Callable[[Run, Event], None]] = {
            kinds.PIPELINE_START: Run.begin,
            kinds.PIPELINE_PLAN: Run.plan_steps,
            kinds.NODE_START: self._node_start,
            kinds.NODE_RETRY: self._node_retry,
            kinds.SNAPSHOT: Run.take_rows,
            kinds.FILE_ACCESS: self._file_access,
            kinds.TASK: self._task,
            kinds.ERROR: Run.fail,
            kinds.OPERATION_COMPLETE: self._operation,
            kinds.OPERATION_FAILED: self._operation,
            **dict.fromkeys(NODE_ENDS, self._node_end),
            **dict.fromkeys(_RUN_ENDS, self._run_end),
        }

    def __call__(self, event: Event) -> Run | None:
        """Fold an event; return its run, or None if it belongs to none."""
        if event.run_id is None:
            return None
        run = self._open.get(event.run_id) or self._ended.get(event.run_id)
        if run is None:
            run = self._open[event.run_id] = Run(event, self._source_of)
        run.last_ns = max(run.last_ns, nanoseconds(event))
        if not run.is_over:
            handler = self._handlers.get(event.event_type)
            if handler is not None:
                handler(run, event)
        return run

    def open_node(self, event: Event) -> OpenNode | None:
        """Return the node of an event that is running before the event is folded."""
        run = self._open.get(event.run_id) if event.run_id is not None else None
        return None if run is None else run.node(event)

    def finish(self) -> None:
        """End the spans of runs whose end is not recorded: they are marked `odibi.incomplete`."""
        for run in list(self._open.values()):
            self._close_nodes(run, None)
            self._end(run, run.last_ns, {"odibi.incomplete": True}, None)

    def _node_start(self, run: Run, event: Event) -> None:
        name = text(event.node_name)
        if name is None:
            return
        key = _key(event, name)
        node = run.nodes.get(key)
        if node is None:
            run.nodes[key] = OpenNode(run, event, name, key)
        elif (attempt := count(event.fields.get("attempt"))) is not None and attempt > node.attempt:
            node.attempt, node.attempt_start_ns = attempt, nanoseconds(event)

    def _node_retry(self, run: Run, event: Event) -> None:
        node = run.node(event)
        if node is None or node.attempt > _MAX_ATTEMPTS:
            return
        node.attempt = count(event.fields.get("attempt")) or node.attempt
        node.is_retried = True
        self._attempt(run, node, event, text(event.error) or "failed")
        delay_ms = number(event.fields.get("delay_ms")) or 0.0
        node.attempt, node.attempt_start_ns = node.attempt + 1, nanoseconds(event) + int(delay_ms * 1e6)

    def _attempt(self, run: Run, node: OpenNode, event: Event, error: str | None) -> None:
        end_ns = nanoseconds(event)
        attributes = {"odibi.node.name": node.name, "odibi.node.attempt": node.attempt, **_error_of(event, error)}
        self._emit(
            Span(
                run.trace_id, node.current_span_id, node.span_id, f"{node.name} attempt {node.attempt}",
                min(node.attempt_start_ns, end_ns), end_ns, attributes, error,
            ), run,
        )  # fmt: skip

    def _node_end(self, run: Run, event: Event) -> None:
        name = text(event.node_name)
        if name is None:
            return
        key = _key(event, name)
        node = run.nodes.pop(key, None)
        if node is None:  # skipped, or the log begins after its start
            node = OpenNode(run, event, name, key, start_ns=_start_of(event))
        is_failure = event.event_type in (kinds.NODE_FAILED, "node_error")
        error = text(event.error) or "failed" if is_failure and event.status != "cancelled" else None
        if node.is_retried:
            self._attempt(run, node, event, error)
        run.was_failing = run.was_failing or error is not None
        self._emit(self._node_span(run, node, event, error), run)

    def _node_span(self, run: Run, node: OpenNode, event: Event, error: str | None) -> Span:
        end_ns = nanoseconds(event)
        attributes = node.attributes(run, event)
        attributes["odibi.node.result"] = _result(event)
        attributes.update(_error_of(event, error))
        start_ns = min(node.start_ns, end_ns)
        links = node.links
        if (taken := text(event.fields.get("taken_from"))) is not None:
            attributes["odibi.node.taken_from"] = taken
        return Span(
            run.trace_id, node.span_id, run.span_id, node.name, start_ns, end_ns, attributes, error, tuple(links)
        )  # fmt: skip

    def _file_access(self, run: Run, event: Event) -> None:
        """Connect runs that share a dataset: the span of a written version links to the writer, readers link to it."""
        node, uri = run.node(event), text(event.fields.get("uri"))
        version = _version(event)
        if uri is None or version is None:
            return
        trace, own = trace_id("dataset", uri, version), span_id("version", uri, version)
        names = {"odibi.dataset.uri": uri, "odibi.dataset.name": text(event.fields.get("dataset"))}
        attributes = {name: value for name, value in names.items() if value is not None}
        if event.fields.get("access") == "read":
            links = node.links if node is not None else run.links
            if len(links) < _MAX_LINKS:
                links.append(Link(trace, own, attributes))
            return
        writer = node.span_id if node is not None else run.span_id
        attributes |= {"odibi.run.id": run.run_id, "odibi.pipeline.name": run.pipeline}
        at = nanoseconds(event)
        link = Link(run.trace_id, writer, {"odibi.run.id": run.run_id})
        self._emit(Span(trace, own, "", f"write {_base(uri)}", at, at, attributes, links=(link,)), run)

    def _task(self, run: Run, event: Event) -> None:
        node, number_ = run.node(event), count(event.fields.get("task"))
        if node is None or number_ is None:
            return
        error = text(event.error) or "failed" if event.status in ("failed", "retried") else None
        attributes: dict[str, Any] = {"odibi.node.name": node.name, "odibi.task.number": number_}
        for name, key in (("odibi.task.item", "item"), ("odibi.task.attempt", "attempts")):
            if (value := event.fields.get(key)) is not None:
                attributes[name] = value
        attributes.update(_error_of(event, error))
        own = span_id(run.run_id, "task", node.name, number_, event.fields.get("attempts"), event.status)
        self._child(run, event, own, f"{node.name} item", attributes, error)

    def _operation(self, run: Run, event: Event) -> None:
        name = text(event.operation)
        if name is None:
            return
        error = text(event.error) or "failed" if event.event_type == kinds.OPERATION_FAILED else None
        attributes = {"odibi.operation.name": name, **_error_of(event, error)}
        own = span_id(run.run_id, "operation", event.writer_id, event.seq)
        self._child(run, event, own, name, attributes, error)

    def _child(
        self, run: Run, event: Event, own: str, name: str, attributes: dict[str, Any], error: str | None
    ) -> None:
        """Emit a span that its end alone reports, below the node that is running, or below the run."""
        node = run.node(event)
        parent = node.current_span_id if node is not None else run.span_id
        self._emit(Span(run.trace_id, own, parent, name, _start_of(event), nanoseconds(event), attributes, error), run)

    def _run_end(self, run: Run, event: Event) -> None:
        is_failure = event.event_type != kinds.PIPELINE_COMPLETE and event.status != "cancelled"
        error = text(event.error) or "failed" if is_failure else None
        run.was_failing = run.was_failing or event.event_type != kinds.PIPELINE_COMPLETE
        result = "error" if event.event_type == kinds.RUN_LOST else _result(event)
        attributes: dict[str, Any] = {"odibi.run.result": result}
        for key in ("success_count", "failed_count", "skipped_count"):
            if (value := count(event.fields.get(key))) is not None:
                attributes[f"odibi.run.nodes.{key.removesuffix('_count')}"] = value
        attributes.update(_error_of(event, error))
        self._close_nodes(run, event)
        self._end(run, nanoseconds(event), attributes, error)

    def _close_nodes(self, run: Run, end: Event | None) -> None:
        """End the nodes that are open at the end of their run."""
        for node in list(run.nodes.values()):
            attributes = node.attributes(run, None)
            cancelled = end is not None and end.status == "cancelled"
            attributes |= {"odibi.incomplete": True, "odibi.node.result": "cancellation" if cancelled else "error"}
            error = None if cancelled or end is None else "the run ended before the node"
            end_ns = max(node.start_ns, run.last_ns)
            self._emit(
                Span(
                    run.trace_id, node.span_id, run.span_id, node.name, node.start_ns, end_ns, attributes, error,
                    tuple(node.links),
                ), run,
            )  # fmt: skip
        run.nodes.clear()

    def _end(self, run: Run, end_ns: int, attributes: dict[str, Any], error: str | None) -> None:
        run.is_over = True
        self._open.pop(run.run_id, None)
        remember(self._ended, run.run_id, run, _RUNS_KEPT)
        span = Span(
            run.trace_id, run.span_id, run.parent_span_id, f"run {run.pipeline}", min(run.start_ns, end_ns), end_ns,
            {**run.attributes(), **attributes}, error, tuple(run.links),
        )  # fmt: skip
        run.forget()
        self._emit(span, run)


def _key(event: Event, name: str) -> tuple[Any, ...]:
    """Return the identity of an open node: calls of one function have numbers in their process."""
    call = count(event.fields.get("call"))
    return (name,) if call is None else (name, event.writer_id, call)


def _start_of(event: Event) -> int:
    """Return the start of what an event ends, by its duration."""
    return nanoseconds(event) - int((number(event.duration_ms) or 0.0) * 1e6)


def _result(event: Event) -> str:
    if event.event_type == kinds.NODE_SKIPPED:
        return "skip"
    if event.fields.get("error_type") == "StepTimeoutError":
        return "timeout"
    return _RESULTS.get(str(event.status), "failure" if text(event.error) else "success")


def _error_of(event: Event, error: str | None) -> dict[str, Any]:
    """Return the attributes of a failure; its traceback is on the log record."""
    if error is None:
        return {}
    return {"error.type": text(event.fields.get("error_type")) or "_OTHER", "exception.message": error}


def _version(event: Event) -> str | None:
    """Return the text by which writers and readers know the same version of a file or table; None if unknown."""
    fields = event.fields
    for name in ("version", "etag"):
        if (known := text(fields.get(name))) is not None:
            return f"{name} {known}"
    modified = text(fields.get("modified"))
    return None if modified is None else f"{modified} {fields.get('bytes')}"


def _base(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2] or uri
