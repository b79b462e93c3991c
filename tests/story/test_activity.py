"""The story of a program: its activity beside its steps, and a verdict with the captured errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.story import build, read_lineage, render
from odibi_core.viewer import embed

ERRORS: dict[str, Any] = {
    "errors": [
        {"error_type": "LookupError", "message": "row 7", "count": 2, "operations": ["import"]},
        {"error_type": "ValueError", "message": "bad"},
    ],
    "error_count": 3,
}
LOG: dict[str, Any] = {
    "log": [{"timestamp": "2026-01-01T00:00:01Z", "level": "warning", "event_type": "slow", "fields": {"n": 1}}],
    "log_levels": {"warning": 1, "info": 2},
}
REST: dict[str, Any] = {
    "operations": [{"name": "load", "calls": 2, "total_ms": 5.0, "children": [{"name": "fetch", "calls": 4}]}],
    "costs": {
        "total": {"cost_usd": 6.25, "calls": 2, "unknown_costs": 1},
        "by_operation": [{"operation": "orders", "calls": 2, "cost_usd": 6.25}],
    },
}


def story(activity: dict[str, Any], *states: str) -> dict[str, Any]:
    steps = [{"step_name": f"s{n}", "state": state} for n, state in enumerate(states)]
    return build(read_lineage({"pipeline_name": "x", "status": "success", "steps": steps, "activity": activity}))


def test_a_run_that_captured_errors_did_not_just_succeed() -> None:
    """Its label, colour, sentence and list of attention show them, with steps and without."""
    for document in (story(ERRORS), story(ERRORS, "success", "success")):
        run = document["run"]
        assert (run["status"], run["tone"], run["label"]) == ("success", "warn", "Succeeded with 3 captured errors")
        assert run["sentence"].endswith("3 errors were captured: LookupError: row 7.")
        assert [entry["anchor"] for entry in document["attention"]] == ["errors", "errors"]
        assert "LookupError: row 7" in render(document)
    assert story(ERRORS)["run"]["sentence"].startswith("The run completed without steps.")


def test_a_step_that_failed_in_a_run_that_went_on_is_told() -> None:
    """The program handled its exception; not all of its steps succeeded."""
    run = story({}, "success", "failed")["run"]
    assert (run["tone"], run["label"]) == ("warn", "Succeeded with 1 failed step")
    assert run["sentence"] == "The run completed, but 1 of 2 steps failed: s1."


def test_a_program_without_steps_tells_what_it_did() -> None:
    """Lines, operations and costs as figures and sections; no `0 / 0` steps."""
    document = story({**LOG, **REST})
    assert document["run"]["sentence"] == (
        "The run succeeded without steps, with 3 log lines and 2 measured operations."
    )
    figures = {figure["label"]: (figure["value"], figure["note"]) for figure in document["figures"]}
    assert figures["Log lines"] == ("3", "1 warning")
    assert figures["Estimated cost"] == ("6.25 USD", "2 calls, 1 of unknown cost")
    assert "Steps succeeded" not in figures
    operations = document["activity"]["operations"]
    assert [(operation["name"], operation["depth"]) for operation in operations] == [("load", 0), ("fetch", 1)]
    assert document["activity"]["log"][0]["fields"] == [["n", "1"]]


def test_costs_that_are_all_unknown_are_no_0() -> None:
    """Neither in the figure nor in the table; a free call costs 0.00 USD."""
    rows = [{"operation": "a", "calls": 2, "cost_usd": 0.0, "unknown_costs": 2}, {"operation": "b", "calls": 1}]
    costs = {"total": {"cost_usd": 0.0, "calls": 2, "unknown_costs": 2}, "by_operation": rows}
    document = story({"costs": costs})
    assert document["activity"]["cost"]["rows"] == [["a", 2, "unknown"], ["b", 1, "0.00 USD"]]
    assert [figure["value"] for figure in document["figures"]] == ["unknown"]


def test_a_run_that_did_nothing_beside_its_steps_is_told_as_before() -> None:
    """No sections, no remark."""
    document = story({}, "success")
    assert (document["activity"], document["run"]["label"]) == ({}, "Succeeded")
    assert document["run"]["sentence"] == "The only step succeeded."


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
NAMES = ("errors", "error_count", "log", "log_levels", "operations", "costs", "total", "fields", "children", "level")


@settings(max_examples=50)
@given(st.recursive(json, lambda inner: st.dictionaries(st.sampled_from(NAMES), inner | st.lists(inner, max_size=2))))
def test_an_activity_from_anywhere_raises_nothing(activity: Any) -> None:
    """A value of another type is absent."""
    embed(story(activity))


@pytest.mark.parametrize(("name", "most"), [("errors", 50), ("log", 1_000), ("operations", 300)])
def test_what_is_drawn_is_bounded(name: str, most: int) -> None:
    """However much a foreign lineage holds."""
    document = story({name: [{"name": "x", "message": "x " * 5_000}] + [{"name": "x", "message": "x"}] * 2_000})
    assert len(document["activity"][name]) == most
    assert len(render(document)) < 2_000_000
