"""The answer for live progress."""

from __future__ import annotations

from odibi_core.testing import an_event
from odibi_core.views.timeline import TimelineView


def test_the_counts_are_of_every_state() -> None:
    """Each state has its number, nought too, so that a bar needs no cases; `total` is what was announced."""
    view = TimelineView()
    view(an_event("pipeline_start", run_id="r", pipeline_name="p", steps=5))
    for kind, name in (("start", "a"), ("complete", "b"), ("failed", "c"), ("skipped", "d")):
        view(an_event(f"node_{kind}", run_id="r", node_name=name, error="boom"))
    answer = view.answer()
    assert answer.counts == {
        "pending": 0, "running": 1, "success": 1, "failed": 1, "skipped": 1, "cancelled": 0, "lost": 0,
    }  # fmt: skip
    assert answer.total == 5
    assert [node.error for node in answer.nodes] == [None, None, "boom", None]


def test_more_steps_than_announced_are_the_total() -> None:
    """A bar never shows more than all."""
    view = TimelineView()
    view(an_event("pipeline_start", run_id="r", steps=1))
    for name in "ab":
        view(an_event("node_start", run_id="r", node_name=name))
    assert view.answer().total == 2


def test_data_is_not_kept() -> None:
    """The progress of a run does not hold its samples."""
    view = TimelineView()
    view(an_event("snapshot", run_id="r", node_name="a", sample_data=[{"x": 1}]))
    assert view.answer().nodes == []
