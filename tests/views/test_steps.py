"""Which run a view of one run shows, and when that run has ended."""

from __future__ import annotations

from typing import Any

from odibi_core.events import Event
from odibi_core.testing import an_event
from odibi_core.views.answers import Timeline
from odibi_core.views.timeline import TimelineView


def fed(view: TimelineView, *events: Event) -> Timeline:
    for event in events:
        view(event)
    return view.answer()


def start(run_id: str | None, **fields: Any) -> Event:
    return an_event("pipeline_start", run_id=run_id, pipeline_name=f"p-{run_id}", **fields)


def node(kind: str, name: str, run_id: str | None = "r1", **fields: Any) -> Event:
    return an_event(f"node_{kind}", run_id=run_id, node_name=name, **fields)


def names(answer: Timeline) -> list[str]:
    return [node.node_name for node in answer.nodes]


def test_without_an_id_it_moves_on_with_each_start() -> None:
    """It shows the latest run; later events of the one before are not mixed in."""
    answer = fed(
        TimelineView(),
        start("r1"),
        node("start", "a"),
        start("r2"),
        node("start", "b", "r2"),
        node("start", "c"),
    )
    assert (answer.run_id, answer.pipeline_name, names(answer)) == ("r2", "p-r2", ["b"])


def test_with_an_id_it_hears_that_run_alone() -> None:
    """Neither another run nor an event that names none is taken for it."""
    view = TimelineView("r1")
    answer = fed(
        view, start("r1"), start("r2"), node("start", "a"), node("start", "b", "r2"), node("start", "c", None)
    )
    assert (answer.run_id, names(answer)) == ("r1", ["a"])


def test_a_run_whose_start_is_missing_is_taken_up() -> None:
    """A log that was cut at its beginning still shows the run."""
    assert names(fed(TimelineView(), node("start", "a", "r9"), node("start", "b", "r9"))) == ["a", "b"]


def test_events_that_name_no_run_belong_to_the_one_there_is() -> None:
    """A logger without a run belongs to the current run."""
    assert names(fed(TimelineView(), start("r1"), node("start", "a", None))) == ["a"]


def test_runs_without_an_id_are_told_apart_by_their_starts() -> None:
    """A logger that starts a second pipeline begins a second run; a doubled start does not."""
    first = start(None)
    assert names(fed(TimelineView(), first, node("start", "a", None), first)) == ["a"]
    second = start(None, pid=2)
    assert names(fed(TimelineView(), first, node("start", "a", None), second, node("start", "b", None))) == [
        "b"
    ]


def test_an_echo_or_a_late_start_does_not_open_what_has_ended() -> None:
    """Only a later attempt does, by its number, or by its time where there is no number."""
    begun, ended = node("start", "a", attempt=1), node("complete", "a", attempts=1)
    assert fed(TimelineView(), begun, ended, begun).counts["success"] == 1
    assert fed(TimelineView(), ended, begun).counts["success"] == 1
    assert fed(TimelineView(), begun, ended, node("start", "a", attempt=2)).counts["running"] == 1
    unnumbered = node("start", "a")
    assert fed(TimelineView(), unnumbered, ended, unnumbered).counts["success"] == 1


def test_the_end_of_an_earlier_attempt_that_comes_late_says_nothing() -> None:
    """A failed first attempt does not undo the second one's success."""
    answer = fed(TimelineView(), node("complete", "a", attempts=2), node("failed", "a", attempts=1))
    assert answer.counts["success"] == 1


def test_a_run_that_tells_no_end_has_ended_when_its_steps_have() -> None:
    """A tracker without an orchestrator gets no end of the pipeline; lost or not, it is done."""
    opening = start("r1", open_ended=True)
    done = (opening, node("start", "a"), node("complete", "a"))
    lost = an_event("run_lost", run_id="r1")
    assert fed(TimelineView(), opening).status == "running"
    assert fed(TimelineView(), *done).status == "success"
    assert fed(TimelineView(), *done, node("start", "b")).status == "running"
    assert fed(TimelineView(), *done, node("failed", "b")).status == "failed"
    assert fed(TimelineView(), *done, lost).status == "success"
    assert fed(TimelineView(), *done, node("start", "b"), lost).status == "lost"
