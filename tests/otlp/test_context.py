"""The span of a node reaches the code of its step: its spans, its lines, its child processes, in every executor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.delivery.loopback import dead_url
from tests.otlp.made import recorded

from odibi_core import Orchestrator, Step
from odibi_core.observability import environment_for_workers, get_logger
from odibi_core.otlp.model import Span
from odibi_core.otlp.signals import spans_and_logs
from odibi_core.runtime.exports import close_exports


@pytest.fixture(autouse=True)
def _on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TRACING_ENABLED", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", dead_url())
    yield
    close_exports(0)


def parent_of_child_processes() -> list[str]:
    return [environment_for_workers()["TRACEPARENT"]]


def spans_of_run(folder: Path, **options: object) -> tuple[dict[str, Span], str]:
    """Run a step that returns the `TRACEPARENT` of its child processes; return the spans of the run, and that."""
    step = Step(name="asks", value=parent_of_child_processes)
    result = Orchestrator([step], pipeline_name="p", store=folder, keep="all", **options).execute()  # type: ignore[arg-type]
    spans, _ = spans_and_logs(recorded(folder, str(result["run_id"])))
    return {span.name: span for span in spans}, result["data"]["asks"][0]


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_child_processes_are_children_of_the_node(executor: str, tmp_path: Path) -> None:
    """The id that a worker computes is that of the span which is sent."""
    spans, parent = spans_of_run(tmp_path, executor=executor)
    assert parent[3:35] == spans["run p"].trace_id
    assert parent[36:52] == spans["asks"].span_id


def test_spans_of_a_step_are_children_of_its_node_and_runs_of_the_span_around_them(tmp_path: Path) -> None:
    """One connected trace: a span of the program, the run, the node, a span of the step's code."""
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")

    def asks() -> list[int]:
        with tracer.start_as_current_span("query"):
            get_logger("shop").info("asked")
        return [1]

    with tracer.start_as_current_span("outer") as outer:
        result = Orchestrator([asks], pipeline_name="p", store=tmp_path).execute()
    events = recorded(tmp_path, str(result["run_id"]))
    spans = {span.name: span for span in spans_and_logs(events)[0]}
    query = next(span for span in memory.get_finished_spans() if span.name == "query")
    assert query.parent is not None
    assert f"{query.parent.span_id:016x}" == spans["asks"].span_id
    assert spans["asks"].parent_span_id == spans["run p"].span_id
    assert spans["run p"].parent_span_id == f"{outer.get_span_context().span_id:016x}"
    assert {spans["run p"].trace_id, f"{query.get_span_context().trace_id:032x}"} == {spans["run p"].trace_id}
    asked = next(event for event in events if event.event_type == "asked")
    assert asked.fields["span_id"] == f"{query.get_span_context().span_id:016x}"


def test_nothing_is_active_if_no_spans_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A span of the step would be the child of a span that is never sent."""
    monkeypatch.setenv("TRACING_ENABLED", "false")
    from odibi_core.settings import set_config

    set_config(None)
    seen: list[bool] = []

    def asks() -> list[int]:
        seen.append(trace.get_current_span().get_span_context().is_valid)
        return [1]

    Orchestrator([asks], pipeline_name="p", store=tmp_path).execute()
    assert seen == [False]
