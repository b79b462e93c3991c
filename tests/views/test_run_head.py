"""The start and the end of a run: one answer, whichever view gives it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict
from tests.families.test_views import Said, whole_runs

from odibi_core.events import Event
from odibi_core.testing import an_event
from odibi_core.views.answers import Run
from odibi_core.views.lineage import LineageView
from odibi_core.views.runs import RunsView
from odibi_core.views.timeline import TimelineView

OPENING = an_event("pipeline_start", run_id="r1", pipeline_name="p", open_ended=True)
DONE = an_event("node_complete", run_id="r1", node_name="a")
LOST = an_event("run_lost", run_id="r1")


def heads(events: list[Event]) -> list[Run]:
    runs, timeline, lineage = RunsView(), TimelineView(), LineageView()
    for view in (runs, timeline, lineage):
        for event in events:
            view(event)
    return [head(answer) for answer in (*runs.answer(), timeline.answer(), lineage.answer())]


def head(answer: Run) -> Run:
    fields = asdict(answer)
    return Run(**{name: fields[name] for name in Run.__struct_fields__})


@given(whole_runs(), st.integers(1, 40))
def test_every_view_gives_a_run_the_same_start_and_end(lines: list[Said], until: int) -> None:
    """At every moment of a run: name, status, times, duration and error."""
    first, *others = heads([an_event(kind, **fields) for kind, fields in lines[:until]])
    assert others == [first, first]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([OPENING], "running"),
        ([OPENING, DONE], "success"),
        ([OPENING, LOST], "lost"),
        ([OPENING, DONE, LOST], "success"),
        ([OPENING, DONE, an_event("node_start", run_id="r1", node_name="b")], "running"),
    ],
)
def test_the_run_of_a_tracker_alone_ends_with_its_steps(events: list[Event], status: str) -> None:
    """In the list of runs as in the lineage, because no event reports its end."""
    assert {head.status for head in heads(events)} == {status}
