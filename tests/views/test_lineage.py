"""The data of one run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from odibi_core.events import Event
from odibi_core.testing import an_event
from odibi_core.views.as_dict import lineage_dict
from odibi_core.views.lineage import MAX_CHECKS, MAX_SNAPSHOTS, LineageView
from odibi_core.views.step import MAX_RETRIES

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(ms: float, kind: str, /, **fields: Any) -> Event:
    return an_event(kind, **{"timestamp": START + timedelta(milliseconds=ms), "run_id": "r1", **fields})


def lineage(*events: Event) -> dict[str, Any]:
    view = LineageView()
    for event in events:
        view(event)
    return lineage_dict(view.answer())


def step(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in answer["steps"] if entry["step_name"] == name)


def frame(
    when: str, dataset: str | None, rows: int | None, *columns: tuple[str, str], **fields: Any
) -> Event:
    schema = [{"column": name, "type": kind} for name, kind in columns]
    return at(
        5, "snapshot", node_name="clean", when=when, dataset=dataset, row_count=rows, schema=schema, **fields
    )


PLAN = at(
    1,
    "pipeline_plan",
    steps=[
        {
            "name": "load",
            "layer": "ingest",
            "type": "function",
            "engine": "pandas",
            "outputs": {"out": "raw"},
        },
        {
            "name": "clean",
            "layer": "transform",
            "inputs": {"x": "raw"},
            "outputs": {"out": "tidy"},
            "depends_on": ["load"],
        },
        {"name": "save", "layer": "publish", "inputs": {"x": "tidy"}, "depends_on": ["clean"]},
    ],
)
BEGUN = (at(0, "pipeline_start", pipeline_name="daily", engine="pandas"), PLAN)


def test_a_planned_step_is_pending_until_it_starts() -> None:
    """Steps stand in the plan's order, whatever started first, and none is left out."""
    answer = lineage(*BEGUN, at(2, "node_start", node_name="save"), at(3, "node_start", node_name="extra"))
    assert [(s["step_name"], s["state"]) for s in answer["steps"]] == [
        ("load", "pending"),
        ("clean", "pending"),
        ("save", "running"),
        ("extra", "running"),
    ]
    assert step(answer, "load")["attempts"] == 0


def test_a_plan_in_chunks_that_comes_after_the_first_start() -> None:
    """The plan's order holds across chunks, and for steps with events before it."""
    chunks = [at(2, "pipeline_plan", steps=[{"name": name}]) for name in ("a", "b", "c")]
    answer = lineage(at(1, "node_start", node_name="c"), at(1, "node_start", node_name="x"), *chunks)
    assert [s["step_name"] for s in answer["steps"]] == ["a", "b", "c", "x"]


@pytest.mark.parametrize(
    ("end", "status", "state"),
    [
        (at(9, "run_lost"), "lost", "lost"),
        (at(9, "pipeline_error", status="cancelled"), "cancelled", "cancelled"),
        (at(9, "pipeline_error", status="failed"), "failed", "lost"),
        (at(9, "pipeline_error"), "failed", "lost"),
        (at(9, "pipeline_complete"), "success", "lost"),
        (at(9, "pipeline_complete", failed_count=1), "failed", "lost"),
        (at(9, "log"), "running", "running"),
    ],
)
def test_what_was_running_shares_the_fate_of_its_run(end: Event, status: str, state: str) -> None:
    """A step that began and never ended is lost or cancelled with its run; what was pending stays so."""
    answer = lineage(*BEGUN, at(2, "node_start", node_name="load"), end)
    assert answer["status"] == status
    assert step(answer, "load")["state"] == state
    assert step(answer, "save")["state"] == "pending"


def test_a_lost_run_ends_with_its_last_sign_of_life() -> None:
    """`run_lost` is written by a later reader, perhaps days later: that is no part of the run."""
    answer = lineage(*BEGUN, at(40, "node_start", node_name="load"), at(86_400_000, "run_lost"))
    assert answer["duration_ms"] == 40
    assert answer["end_time"] == "2026-01-01T00:00:00.040000Z"


def test_a_run_taken_for_lost_may_still_end() -> None:
    """Its own end wins over `run_lost`; a `run_lost` after the end changes nothing."""
    done = at(50, "pipeline_complete", duration_ms=50)
    lost = at(40, "run_lost")
    assert lineage(*BEGUN, lost, done)["status"] == "success"
    assert lineage(*BEGUN, done, lost)["status"] == "success"


def test_times_and_durations() -> None:
    """Durations are those that were measured, offsets those of the timestamps, never negative."""
    answer = lineage(
        *BEGUN,
        at(20, "node_start", node_name="load", worker="w1"),
        at(30, "node_complete", node_name="load", duration_ms=9.5),
        at(-50, "node_start", node_name="clean"),
        at(-60, "node_failed", node_name="clean", error="boom", error_type="ValueError", traceback="tb"),
        at(70, "pipeline_error", duration_ms=71.5, error="clean failed"),
    )
    load, clean = step(answer, "load"), step(answer, "clean")
    assert (load["started_ms"], load["duration_ms"], load["worker"]) == (20, 9.5, "w1")
    assert (clean["started_ms"], clean["duration_ms"]) == (0, 0)
    assert (clean["error_message"], clean["error_type"], clean["traceback"]) == ("boom", "ValueError", "tb")
    assert (answer["duration_ms"], answer["error_message"]) == (71.5, "clean failed")


def test_edges_follow_the_datasets_with_the_rows_they_had() -> None:
    """From the maker of a dataset to its reader, with the rows of that dataset's own snapshot."""
    answer = lineage(
        *BEGUN,
        at(2, "node_start", node_name="load"),
        at(3, "snapshot", node_name="load", when="after", dataset="raw", row_count=7),
        at(4, "node_complete", node_name="load", row_count=7),
    )
    assert answer["edges"] == [
        {"source": "load", "target": "clean", "dataset": "raw", "row_count": 7},
        {"source": "clean", "target": "save", "dataset": "tidy", "row_count": None},
    ]


def test_each_of_several_outputs_has_its_own_rows() -> None:
    """The rows of an edge are those of its dataset, not those of the step."""
    plan = at(
        0,
        "pipeline_plan",
        steps=[
            {"name": "split", "outputs": {"good": "g", "bad": "b"}},
            {"name": "use", "inputs": {"x": "b", "y": "g"}},
        ],
    )
    snaps = [
        at(1, "snapshot", node_name="split", when="after", dataset=d, row_count=n)
        for d, n in (("b", 1), ("g", 9))
    ]
    answer = lineage(plan, *snaps)
    assert {edge["dataset"]: edge["row_count"] for edge in answer["edges"]} == {"b": 1, "g": 9}
    assert step(answer, "split")["after_snapshot"]["name"] == "g"


def test_a_dependency_that_no_dataset_explains_is_an_edge_too() -> None:
    """`depends_on` alone makes an edge without a dataset; one to an unknown step makes none."""
    answer = lineage(
        at(0, "node_start", node_name="a"),
        at(1, "node_complete", node_name="a", row_count=4),
        at(2, "node_start", node_name="b", depends_on=["a", "ghost", "b"]),
    )
    assert answer["edges"] == [{"source": "a", "target": "b", "dataset": None, "row_count": 4}]


def test_the_difference_is_between_the_first_output_and_the_first_input() -> None:
    """By the declared order, not by that in which the snapshots came."""
    plan = at(
        0,
        "pipeline_plan",
        steps=[{"name": "clean", "inputs": {"x": "raw", "y": "rates"}, "outputs": {"o": "tidy"}}],
    )
    answer = lineage(
        plan,
        frame("before", "rates", 3, ("k", "String")),
        frame("before", "raw", 10, ("a", "Int64"), ("b", "String")),
        frame("after", "tidy", 8, ("a", "Float64"), ("c", "String")),
    )
    clean = step(answer, "clean")
    assert clean["row_delta"] == -2
    assert [snap["name"] for snap in clean["before_snapshots"]] == ["raw", "rates"]
    assert clean["schema_diff"] == {
        "added_columns": ["c"],
        "removed_columns": ["b"],
        "changed_types": [{"column": "a", "before": "Int64", "after": "Float64"}],
    }


def test_an_unknown_number_of_rows_gives_an_unknown_difference() -> None:
    """A lazy frame has no count: None, and not a difference from nought."""
    answer = lineage(frame("before", "raw", None, ("a", "Int64")), frame("after", "tidy", 8, ("a", "Int64")))
    assert step(answer, "clean")["row_delta"] is None


def test_a_new_attempt_begins_afresh() -> None:
    """Outputs and checks of a failed attempt are dropped; the first start stays the start of the step."""
    answer = lineage(
        at(1, "node_start", node_name="clean", attempt=1),
        frame("after", "half", 1),
        at(5, "check_result", node_name="clean", check="row_count", passed=False),
        at(6, "node_retry", node_name="clean", attempt=1, error="no route", delay_ms=5),
        at(9, "node_start", node_name="clean", attempt=2),
        frame("after", "tidy", 8),
        at(12, "node_complete", node_name="clean", attempts=2, row_count=8),
    )
    clean = step(answer, "clean")
    assert (clean["state"], clean["attempts"], clean["started_ms"]) == ("success", 2, 0)
    assert clean["after_snapshot"]["name"] == "tidy"
    assert clean["checks"] == []
    assert clean["retries"] == [
        {"attempt": 1, "error": "no route", "delay_ms": 5, "timestamp": "2026-01-01T00:00:00.006000Z"}
    ]


def test_checks_are_counted_once_however_often_they_are_heard() -> None:
    """A doubled event counts once; the summary counts over all steps."""
    bad = at(
        5,
        "check_result",
        node_name="a",
        check="not_null",
        column="x",
        passed=False,
        severity="warn",
        failed_rows=2,
    )
    good = at(6, "check_result", node_name="b", check="unique", column="x", status="success")
    answer = lineage(bad, bad, good)
    assert step(answer, "a")["checks"][0]["failed_rows"] == 2
    assert (answer["summary"]["checks_passed"], answer["summary"]["checks_failed"]) == (1, 1)


def test_the_summary() -> None:
    """Counts over the steps, the rate in percent of all of them, and the sum of their durations."""
    answer = lineage(
        *BEGUN,
        at(2, "node_complete", node_name="load", duration_ms=1.5),
        at(3, "node_failed", node_name="clean", duration_ms=2.5),
        at(4, "node_skipped", node_name="save", reason="clean failed"),
    )
    assert answer["summary"] == {
        "total_steps": 3,
        "success_count": 1,
        "failed_count": 1,
        "skipped_count": 1,
        "success_rate": 33.33,
        "total_duration_ms": 4.0,
        "checks_passed": 0,
        "checks_failed": 0,
        "checks_not_checked": 0,
    }
    assert (step(answer, "save")["skip_reason"], step(answer, "save")["attempts"]) == ("clean failed", 0)


def test_memory_is_bounded_for_each_step() -> None:
    """Five sample rows, fifty retries, and a limit to datasets and checks, for any number of events."""
    view = LineageView()
    rows = [{"x": n} for n in range(1000)]
    for n in range(2000):
        view(at(n, "node_retry", node_name="a", attempt=n))
        view(at(n, "snapshot", node_name="a", when="before", dataset=f"d{n}", sample_data=rows))
        view(at(n, "check_result", node_name="a", check=f"c{n}", passed=True))
    entry = lineage_dict(view.answer())["steps"][0]
    assert [len(entry[name]) for name in ("retries", "before_snapshots", "checks")] == [
        MAX_RETRIES,
        MAX_SNAPSHOTS,
        MAX_CHECKS,
    ]
    assert entry["retries"][-1]["attempt"] == 1999
    assert all(len(snap["sample_data"]) == 5 for snap in entry["before_snapshots"])


def test_later_events_of_an_ended_step_change_its_answer() -> None:
    """Every later event counts, also a start of the run that comes late."""
    view = LineageView()
    events = [
        at(1, "node_start", node_name="a"),
        at(2, "node_complete", node_name="a"),
        at(3, "snapshot", node_name="a", when="after", dataset="d", row_count=2),
        at(3, "check_result", node_name="a", check="c", passed=True),
        at(3, "node_retry", node_name="a", attempt=1),
        at(4, "node_failed", node_name="a", attempts=2),
        at(4, "pipeline_plan", steps=[{"name": "a", "layer": "ingest"}]),
        at(0, "pipeline_start", pipeline_name="late"),
    ]
    for n, event in enumerate(events, start=1):
        view(event)
        assert lineage_dict(view.answer()) == lineage(*events[:n])


def test_an_answer_belongs_to_the_caller() -> None:
    """Taking its steps away leaves the next answer whole."""
    view = LineageView()
    view(at(1, "node_complete", node_name="a"))
    whole = view.answer()
    view.answer().nodes.clear()
    assert view.answer() == whole


def test_the_cost_of_a_step_is_that_of_all_its_calls() -> None:
    """Those of failed attempts too, exactly; calls of unknown cost are counted; a step without a call has no cost."""
    answer = lineage(
        at(0, "node_start", node_name="a"),
        at(1, "cost", node_name="a", estimated_cost_usd=0.1, bytes_processed=5, bytes_billed=10),
        at(2, "node_retry", node_name="a", attempt=1),
        at(3, "cost", node_name="a", estimated_cost_usd=0.2, bytes_processed=1),
        at(4, "cost", node_name="a"),
        at(5, "cost", node_name="no step", estimated_cost_usd=7.0),
        at(6, "node_start", node_name="b"),
    )
    assert step(answer, "a")["cost"] == {
        "cost_usd": 0.3, "calls": 3, "unknown_costs": 1, "bytes_processed": 6, "bytes_billed": 10,
    }  # fmt: skip
    assert "cost" not in step(answer, "b")
    assert answer["activity"]["costs"]["total"]["calls"] == 4
    assert [each["step_name"] for each in answer["steps"]] == ["a", "b"]
