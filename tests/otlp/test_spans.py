"""Spans of runs: a tree with stable ids, attempts as children, failures with their type, and nothing invented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.otlp.made import recorded, run

from odibi_core import Orchestrator, Step
from odibi_core.events import Event
from odibi_core.events.clock import utc_now
from odibi_core.otlp.model import LogRecord, Span
from odibi_core.otlp.signals import Signals, spans_and_logs
from odibi_core.testing import RecordingSink

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    store = tmp_path_factory.mktemp("spans")
    return recorded(store, run(store, tags={"team": "sales"}))


@pytest.fixture
def spans(events: list[Event]) -> dict[str, Span]:
    return {span.name: span for span in spans_and_logs(events)[0]}


def test_a_run_is_a_tree_of_spans(spans: dict[str, Span]) -> None:
    """The run is the root, nodes are its children, attempts, items and operations those of their node."""
    root = spans["run shop"]
    names = {span.span_id: span.name for span in spans.values()}
    parents = {span.name: names.get(span.parent_span_id, "") for span in spans.values()}
    assert parents == {
        "run shop": "", "load": "run shop", "flaky": "run shop", "bad": "run shop", "total": "run shop",
        "items": "run shop", "one": "run shop", "one item": "one", "after": "run shop",
        "flaky attempt 1": "flaky", "flaky attempt 2": "flaky", "flaky attempt 3": "flaky",
        "inner": "flaky attempt 3",
    }  # fmt: skip
    assert {span.trace_id for span in spans.values()} == {root.trace_id}
    assert len(root.trace_id) == 32
    assert len(root.span_id) == 16
    assert all(root.start_ns <= span.start_ns <= span.end_ns <= root.end_ns for span in spans.values())


def test_results_and_errors_are_attributes(spans: dict[str, Span]) -> None:
    """Results have the words of the conventions; a failure has its type, and makes the status of its span an error."""
    results = {
        name: span.attributes["odibi.node.result"]
        for name, span in spans.items()
        if "odibi.node.result" in span.attributes
    }
    assert results == {
        "load": "success", "flaky": "success", "bad": "failure", "after": "skip", "total": "success",
        "items": "success", "one": "success",
    }  # fmt: skip
    assert {name for name, span in spans.items() if span.error is not None} == {
        "flaky attempt 1", "flaky attempt 2", "bad", "run shop",
    }  # fmt: skip
    assert spans["bad"].attributes["error.type"] == "KeyError"
    assert spans["flaky attempt 2"].error == "no luck 2"
    root = spans["run shop"].attributes
    assert (root["odibi.run.result"], root["odibi.run.tag.team"]) == ("failure", "sales")
    assert (root["odibi.run.nodes.failed"], root["odibi.run.nodes.skipped"]) == (1, 1)


def test_rows_and_code_are_attributes_if_they_are_known(spans: dict[str, Span]) -> None:
    """An unknown number of rows is no attribute; SQL names the system that runs it."""
    flaky, items, total = (spans[name].attributes for name in ("flaky", "items", "total"))
    assert (flaky["odibi.rows.in"], flaky["odibi.rows.out"], flaky["odibi.node.attempts"]) == (3, 3, 3)
    assert flaky["code.function.name"] == "pipeline.<locals>.flaky"
    assert str(flaky["code.file.path"]).endswith("made.py")
    assert "odibi.rows.in" not in items
    assert total["db.system.name"] == "duckdb"


def test_log_records_have_the_trace_and_the_span_of_their_node(events: list[Event]) -> None:
    """There are no span events: a failure with its traceback is a log record of its node's span."""
    spans, logs = spans_and_logs(events)
    ids = {span.span_id: span.name for span in spans}
    found = {(record.event_name, ids[record.span_id]) for record in logs}
    assert ("order_loaded", "load") in found
    assert ("node_start", "load") in found
    assert ("node_failed", "bad") in found
    assert ("pipeline_error", "run shop") in found
    assert ("node_retry", "flaky attempt 1") in found
    failed = next(record for record in logs if record.event_name == "node_failed")
    assert failed.severity_number == 17
    assert "KeyError" in failed.attributes["exception.stacktrace"]


def test_live_and_replay_make_the_same_spans_and_logs(tmp_path: Path) -> None:
    """The fold is pure: what was folded while the run was live is what its record gives, ids included."""
    from odibi_core.observability import EventBus

    spans: list[Span] = []
    logs: list[LogRecord] = []
    bus = EventBus()
    bus.subscribe(Signals(spans.append, lambda item: logs.append(item.record())), name="otlp")
    run_id = run(tmp_path, event_bus=bus)
    assert spans_and_logs(recorded(tmp_path, run_id)) == (spans, logs)
    assert len({span.span_id for span in spans}) == len(spans)


def test_traceparent_is_the_parent_of_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in a trace continues it."""
    monkeypatch.setenv("TRACEPARENT", PARENT)
    spans, logs = spans_and_logs(recorded(tmp_path, run(tmp_path)))
    root = next(span for span in spans if span.name == "run shop")
    assert (root.trace_id, root.parent_span_id) == (PARENT[3:35], PARENT[36:52])
    assert {record.trace_id for record in logs} == {root.trace_id}


def test_runs_that_share_a_file_are_linked(tmp_path: Path) -> None:
    """The reader's span links to the span of the version that was read, and that one to the writer's node."""
    path = str(tmp_path / "orders.parquet")
    writer = [
        Step(name="orders", value=lambda: __import__("pandas").DataFrame({"a": [1]})),
        Step(name="save", layer="publish", value=path, inputs=("orders",)),
    ]
    runs = [
        Orchestrator(steps, pipeline_name=name, store=tmp_path / "store").execute()["run_id"]
        for name, steps in (("first", writer), ("second", [Step(name="read", layer="ingest", value=path)]))
    ]
    first, second = (spans_and_logs(recorded(tmp_path / "store", run_id))[0] for run_id in runs)
    version = next(span for span in first if span.name == "write orders.parquet")
    (link,) = next(span for span in second if span.name == "read").links
    assert (link.trace_id, link.span_id) == (version.trace_id, version.span_id)
    (back,) = version.links
    save = next(span for span in first if span.name == "save")
    assert (back.trace_id, back.span_id) == (save.trace_id, save.span_id)
    assert version.attributes["odibi.run.id"] == runs[0]


def test_a_run_without_an_end_has_the_spans_of_all_nodes_that_began(events: list[Event]) -> None:
    """A killed run: open spans end at the last event, and are marked as incomplete."""
    until = next(place for place, event in enumerate(events) if event.event_type == "node_retry")
    spans = {span.name: span for span in spans_and_logs(events[: until + 1])[0]}
    assert set(spans) == {"load", "flaky", "flaky attempt 1", "run shop"} | (set(spans) & {"items", "one"})
    assert spans["flaky"].attributes["odibi.incomplete"] is True
    assert spans["run shop"].attributes["odibi.incomplete"] is True
    assert "odibi.incomplete" not in spans["load"].attributes


def odd_events() -> Iterator[Event]:
    """Events as any program may write them."""
    odd: list[Any] = [None, 7, "x", [], {}, float("nan"), {"a": [1]}]
    for kind in (
        "pipeline_start", "pipeline_plan", "node_start", "node_retry", "snapshot", "file_access", "task",
        "operation_complete", "node_complete", "node_failed", "error", "run_lost",
    ):  # fmt: skip
        for value in odd:
            names = "attempt attempts call delay_ms steps tags git task uri modified when"
            fields = dict.fromkeys(names.split(), value)
            yield Event(
                timestamp=utc_now(), level="info", event_type=kind, run_id="r", node_name="n" if value else None,
                duration_ms=value, status=value, error=value, operation=value, fields=fields,
            )  # fmt: skip


def test_strange_events_raise_nothing() -> None:
    """Fields of the wrong type are unknown values."""
    spans, logs = spans_and_logs(odd_events())
    assert spans
    assert logs


def test_a_recording_sink_shows_that_the_pipeline_publishes_what_the_fold_reads(tmp_path: Path) -> None:
    """The kinds that the fold handles are those of a real run, so that the tests above do not pass on nothing."""
    from odibi_core.observability import EventBus

    bus, sink = EventBus(), RecordingSink()
    bus.subscribe(sink, name="recording")
    run(tmp_path, event_bus=bus)
    kinds = {event.event_type for event in sink.events}
    assert {"pipeline_plan", "node_retry", "snapshot", "task", "operation_complete", "node_skipped"} <= kinds
