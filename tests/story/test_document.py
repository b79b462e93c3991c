"""A lineage, rich or poor, becomes what the page draws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.families.test_views import sequences
from tests.story.fixture.flights import flights

from odibi_core.events import Event
from odibi_core.story import build, read_lineage
from odibi_core.testing import an_event
from odibi_core.viewer import embed
from odibi_core.views.lineage import LineageView
from odibi_core.views.runs import RunsView


def draw(lineage: dict[str, Any]) -> dict[str, Any]:
    return build(read_lineage(lineage))


def _pairs(document: dict[str, Any]) -> set[tuple[str, str]]:
    names = [step["name"] for step in document["steps"]]
    return {(names[edge["from"]], names[edge["to"]]) for edge in document["graph"]["edges"]}


def test_edges_follow_from_depends_on_or_from_datasets_when_they_are_missing() -> None:
    """The same graph three ways."""
    whole = flights()
    without = {**whole, "edges": []}
    by_data = {**whole, "edges": [], "steps": [{**step, "depends_on": []} for step in whole["steps"]]}
    assert _pairs(draw(whole)) == _pairs(draw(without)) == _pairs(draw(by_data))


def test_the_contracts_fields_alone_are_enough() -> None:
    """No status, no run id, no offsets: they follow from the steps."""
    steps = [
        {
            "step_name": "a",
            "layer": "ingest",
            "state": "success",
            "start_time": "2026-01-01T00:00:01",
            "end_time": "2026-01-01T00:00:03",
        },
        {"step_name": "b", "state": "failed", "error_message": "no", "inputs": ["a"]},
    ]
    document = draw(
        {"pipeline_id": "p1", "pipeline_name": "p", "start_time": "2026-01-01T00:00:00", "steps": steps}
    )
    assert document["run"]["status"] == "failed"
    assert document["run"]["sentence"] == "b failed: no."
    assert document["run"]["durationMs"] == 3000
    assert (document["steps"][0]["startedMs"], document["steps"][0]["durationMs"]) == (1000, 2000)
    assert _pairs(document) == {("a", "b")}


@pytest.mark.parametrize(
    ("status", "states", "said"),
    [
        ("success", ["success", "success"], "All 2 steps succeeded."),
        ("success", ["success"], "The only step succeeded."),
        (
            "cancelled",
            ["success", "cancelled"],
            "The run was cancelled after 1 of 2 steps; s1 was running.",
        ),
        ("lost", ["success", "lost"], "The process died after 1 of 2 steps; s1 was running."),
        (
            "running",
            ["success", "running", "pending"],
            "Still running when this page was written: 1 of 3 steps ended; s1 was running.",
        ),
        ("failed", ["success"], "The run failed; no failed step was recorded."),
        (
            "failed",
            ["failed", "skipped"],
            "s0 failed: no reason was recorded. 1 dependent step was skipped.",
        ),
    ],
)
def test_one_sentence_says_what_happened(status: str, states: list[str], said: str) -> None:
    """For each way that a run can end."""
    steps = [{"step_name": f"s{number}", "state": state} for number, state in enumerate(states)]
    assert draw({"status": status, "steps": steps})["run"]["sentence"] == said


def test_what_needs_attention_comes_worst_first() -> None:
    """The failure, the failed check, the step that needed a second attempt."""
    assert [entry["tone"] for entry in draw(flights())["attention"]] == ["failed", "warn", "retry"]


def test_numbers_that_a_browser_would_round_are_texts() -> None:
    """2**53 + 1 is shown as it was; NaN was named before."""
    row = {"big": 2**53 + 1, "small": 7, "nested": {"a": [1]}, "none": None}
    step = {"step_name": "s", "after_snapshot": {"sample_data": [row]}}
    after = build(read_lineage({"steps": [step]}))["steps"][0]["after"]
    assert dict(zip(after["sampleColumns"], after["sample"][0], strict=True)) == {
        "big": "9007199254740993",
        "small": 7,
        "nested": '{"a": [1]}',
        "none": None,
    }


def test_each_input_of_a_step_is_shown_as_it_was_taken() -> None:
    """Its rows stand at the head of the card, and one that was changed in place is marked."""
    before = [{"name": "a", "row_count": 3}, {"name": "b", "row_count": 2, "metadata": {"changed_in_place": True}}]
    step = {"step_name": "s", "before_snapshots": before, "row_count": 2}
    (drawn,) = draw({"steps": [step]})["steps"]
    assert drawn["rowsBefore"] == [3, 2]
    assert [frame.get("changed") for frame in drawn["before"]] == [None, True]


def test_unknown_rows_of_an_input_stay_unknown() -> None:
    """Beside those of another input, so that the page computes no change from one of two."""
    before = [{"name": "a", "row_count": 3}, {"name": "b"}]
    steps = [{"step_name": "s", "before_snapshots": before}, {"step_name": "t", "before_snapshots": before[1:]}]
    assert [each.get("rowsBefore") for each in draw({"steps": steps})["steps"]] == [[3, None], None]


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        ({"calls": 3, "cost_usd": 0.25, "unknown_costs": 1}, {"usd": 0.25, "calls": 3, "unknown": 1}),
        ({"calls": 2, "cost_usd": 0.0, "unknown_costs": 2}, {"usd": None, "calls": 2, "unknown": 2}),
        ({"calls": 1, "cost_usd": 0.0, "bytes_billed": 9}, {"usd": 0.0, "calls": 1, "billed": 9}),
        ({"cost_usd": 0.5}, None),
        (None, None),
    ],
)
def test_an_unknown_cost_of_a_step_stays_unknown(cost: Any, shown: Any) -> None:
    """Calls of unknown cost are counted; without calls there is none."""
    (drawn,) = draw({"steps": [{"step_name": "s", "cost": cost}]})["steps"]
    assert drawn.get("cost") == shown


def test_a_failed_attempt_has_its_time_after_the_start_of_the_run() -> None:
    """The page draws the pause between attempts; of a step without a start it draws none."""
    tried = [{"attempt": 1, "delay_ms": 500, "timestamp": "2026-01-01T00:00:03Z"}]
    about = {"step_name": "s", "retries": tried, "start_time": "2026-01-01T00:00:01Z"}
    lineage = {"start_time": "2026-01-01T00:00:00Z", "steps": [about, {"step_name": "t", "retries": tried}]}
    assert [each["retries"][0].get("atMs") for each in draw(lineage)["steps"]] == [3000.0, None]


def test_tables_and_texts_are_bounded_and_say_so() -> None:
    """10,000 columns and a value of 10 MB do not make a page that no browser opens."""
    names = [f"c{number}" for number in range(10_000)]
    frame = {
        "column_count": 10_000,
        "schema": [{"column": name, "type": "int64"} for name in names],
        "sample_data": [dict.fromkeys(names, "x" * 1_000)] * 5,
    }
    step = {"step_name": "s", "after_snapshot": frame, "traceback": "y" * 10_000_000}
    document = draw({"steps": [step]})
    after = document["steps"][0]["after"]
    assert (len(after["schema"]), after["columns"], after["moreSampleColumns"]) == (200, 10_000, 9_940)
    assert "9,936,000 characters" in document["steps"][0]["traceback"]
    assert len(embed(document)) < 400_000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    (
        "step_name",
        "layer",
        "type",
        "state",
        "duration_ms",
        "started_ms",
        "start_time",
        "inputs",
        "outputs",
        "depends_on",
        "attempts",
        "row_count",
        "before_snapshot",
        "before_snapshots",
        "after_snapshot",
        "schema_diff",
        "row_delta",
        "error_message",
        "retries",
        "checks",
        "worker",
    )
)
STEPS = st.lists(st.dictionaries(FIELDS, ANYTHING, max_size=8) | ANYTHING, max_size=4)
TOPS = st.sampled_from(
    [
        "pipeline_id",
        "pipeline_name",
        "status",
        "start_time",
        "end_time",
        "duration_ms",
        "edges",
        "summary",
        "error",
    ]
)


@given(STEPS, st.dictionaries(TOPS, ANYTHING, max_size=5))
def test_a_lineage_that_is_wrong_in_any_field_is_drawn_as_far_as_it_goes(
    steps: Any, top: dict[str, Any]
) -> None:
    """Never an exception, always valid JSON."""
    assert embed(build(read_lineage({**top, "steps": steps})))


@settings(max_examples=40)
@given(sequences())
def test_a_record_that_is_wrong_in_any_field_is_drawn_too(events: list[Event]) -> None:
    """Without the decoding of a foreign file: the view has read every value already."""
    view = LineageView()
    for event in events:
        view(event)
    assert embed(build(view.answer()))


def test_a_probable_edge_and_many_calls_are_told() -> None:
    """An edge that is certain for one dataset is certain; a step of many calls has their number, and lasts till the
    last of them.
    """
    steps = [
        {"step_name": "a", "state": "success"},
        {
            "step_name": "b", "state": "failed", "calls": 1000, "failed_calls": 3, "duration_ms": 5000.0,
            "start_time": "2026-01-01T00:00:01", "end_time": "2026-01-01T00:00:03",
        },
        {"step_name": "c", "state": "success"},
    ]  # fmt: skip
    edges = [
        {"source": "a", "target": "b", "dataset": "a", "probable": True},
        {"source": "a", "target": "c", "dataset": "a", "probable": True},
        {"source": "a", "target": "c", "dataset": "a2"},
    ]
    document = draw({"steps": steps, "edges": edges})
    found = {(edge["from"], edge["to"]): edge.get("probable", False) for edge in document["graph"]["edges"]}
    assert found == {(0, 1): True, (0, 2): False}
    step = document["steps"][1]
    assert (step["calls"], step["failedCalls"], step["spanMs"]) == (1000, 3, 2000.0)


def test_the_rows_read_and_published_are_those_of_the_list_of_runs() -> None:
    """Files that a connecting step lists have no rows; the steps that read them have."""
    layers = {"files": "connect", "a": "ingest", "b": "ingest", "clean": "transform", "save": "publish"}
    needs = {"files": [], "a": ["files"], "b": ["files"], "clean": ["a", "b"], "save": ["clean"]}
    plan = [{"name": name, "layer": layers[name], "depends_on": needs[name]} for name in layers]
    rows = {"files": None, "a": 10, "b": 5, "clean": 12, "save": 12}
    runs, view = RunsView(), LineageView()
    for event in (
        an_event("pipeline_plan", run_id="r", steps=plan),
        *(
            an_event("node_complete", run_id="r", node_name=name, layer=layers[name], row_count=rows[name])
            for name in layers
        ),
    ):
        runs(event)
        view(event)
    (row,) = runs.answer()
    (figure,) = [figure for figure in build(view.answer())["figures"] if figure["label"] == "Rows read"]
    assert (row.rows_read, row.rows, figure["value"], figure["note"]) == (15, 12, "15", "12 published")
