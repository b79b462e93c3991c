"""The calls of one step: each is counted once, in any order of its events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import Event
from odibi_core.testing import an_event
from odibi_core.views.lineage import LineageView
from odibi_core.views.timeline import TimelineView


def begun(call: int) -> Event:
    return an_event("node_start", run_id="r", node_name="clean", call=call)


def ended(call: int) -> Event:
    failed = call % 3 == 0
    kind, status = ("node_failed", "failed") if failed else ("node_complete", "success")
    about = {"duration_ms": 2.0, "error": f"call {call}" if failed else None, "row_count": None if failed else 10}
    return an_event(kind, run_id="r", node_name="clean", status=status, call=call, **about)


EVENTS = [event for call in range(1, 7) for event in (begun(call), ended(call))]


@given(st.permutations(EVENTS), st.lists(st.sampled_from(EVENTS)))
def test_calls_are_counted_once_in_any_order(order: list[Event], again: list[Event]) -> None:
    """Events that come twice or late change nothing, nor does a start that comes behind its end."""
    view, timeline = LineageView("r"), TimelineView("r")
    for event in [*order, *again]:
        view(event)
        timeline(event)
    (step,) = view.answer().nodes
    (row,) = timeline.answer().nodes
    assert (step.calls, step.failed_calls, step.duration_ms, step.row_count) == (6, 2, 12.0, 40)
    assert (step.state, step.error in ("call 3", "call 6")) == ("failed", True)
    assert (row.calls, row.row_count, row.state) == (6, 40, "failed")


def test_a_call_that_has_not_ended_leaves_the_step_running() -> None:
    """Though an earlier one has, and lost where the run has ended."""
    view = LineageView("r")
    for event in (begun(1), ended(1), begun(2)):
        view(event)
    assert view.answer().nodes[0].state == "running"
    view(an_event("pipeline_complete", run_id="r", status="success"))
    assert view.answer().nodes[0].state == "lost"


def test_one_call_is_a_step_like_any_other() -> None:
    """No count is shown where there is nothing to count."""
    view = LineageView("r")
    for event in (begun(1), ended(1)):
        view(event)
    assert view.answer().nodes[0].calls is None
