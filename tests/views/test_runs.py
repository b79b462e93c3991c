"""One row for each run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from odibi_core.events import Event
from odibi_core.testing import an_event
from odibi_core.views.as_dict import answer_dict
from odibi_core.views.runs import RunsView

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float, kind: str, /, run_id: str | None = "r1", **fields: Any) -> Event:
    return an_event(kind, timestamp=START + timedelta(seconds=seconds), run_id=run_id, **fields)


def rows(*events: Event, limit: int = 100) -> list[dict[str, Any]]:
    view = RunsView(limit)
    for event in events:
        view(event)
    return [answer_dict(row) for row in view.answer()]


OPENING = at(
    0, "pipeline_start", pipeline_name="p", engine="polars", pid=7, host="h", steps=3, process_start=1.5
)


def test_a_run_that_says_nothing_more_is_running() -> None:
    """Nothing but an event ends a run, however old its last event is."""
    (row,) = rows(OPENING, at(5, "log"))
    assert (row["status"], row["end"], row["duration_ms"]) == ("running", None, 5000)
    assert (row["pid"], row["host"], row["process_start"], row["engine"], row["steps"]) == (
        7,
        "h",
        1.5,
        "polars",
        3,
    )


def test_run_lost_makes_it_lost_at_its_last_sign_of_life() -> None:
    """`run_lost` may be written much later; a run that ended cannot be lost."""
    (row,) = rows(OPENING, at(5, "log"), at(9999, "run_lost"))
    assert row["status"] == "lost"
    assert row["end"] == row["last_event"] == "2026-01-01T00:00:05.000000Z"
    (row,) = rows(OPENING, at(5, "pipeline_complete"), at(9999, "run_lost"))
    assert row["status"] == "success"


def test_counts_and_rows_are_of_the_steps_until_the_end_tells_them() -> None:
    """A step counts once, doubled or tried again; the numbers of the end itself win."""
    steps = (
        at(1, "node_start", node_name="a"),
        at(2, "node_complete", node_name="a", layer="publish", row_count=10),
        at(2, "node_complete", node_name="a", layer="publish", row_count=10),
        at(3, "node_failed", node_name="b", layer="publish", row_count=99),
        at(4, "node_complete", node_name="b", layer="publish", row_count=5),
        at(4, "node_skipped", node_name="c"),
    )
    (row,) = rows(OPENING, *steps)
    assert [row[name] for name in ("success_count", "failed_count", "skipped_count", "rows")] == [2, 0, 1, 15]
    (row,) = rows(OPENING, *steps, at(5, "pipeline_error", failed_count=3, duration_ms=5.5, error="boom"))
    assert [row[name] for name in ("status", "failed_count", "rows", "duration_ms", "error")] == [
        "failed", 3, 15, 5.5, "boom",
    ]  # fmt: skip


PLAN = [
    {"name": "read", "depends_on": []}, {"name": "clean", "depends_on": ["read"]},
    {"name": "write", "depends_on": ["clean"]},
]  # fmt: skip


@pytest.mark.parametrize("ended", [(), (at(9, "pipeline_complete"),)], ids=["running", "ended"])
@pytest.mark.parametrize(
    ("counts", "read", "published"),
    [
        ((10, 8, 8), 10, 8),
        ((10, 8, None), 10, None),
        ((None, 8, 8), None, 8),
        ((0, 0, 0), 0, 0),
    ],
)
def test_rows_are_those_read_and_those_published(
    counts: tuple[int | None, ...], read: int | None, published: int | None, ended: tuple[Event, ...]
) -> None:
    """Not the sum over steps; a missing number is unknown, and not 0. Without a plan the layers decide."""
    layers = ("ingest", "transform", "publish")
    steps = [
        at(place, "node_complete", node_name=step["name"], layer=layer, row_count=rows)
        for place, (step, layer, rows) in enumerate(zip(PLAN, layers, counts, strict=True))
    ]
    for before in ((), (at(0, "pipeline_plan", steps=PLAN),)):
        (row,) = rows(OPENING, *before, *steps, *ended)
        assert (row["rows_read"], row["rows"]) == (read, published)


def test_a_source_is_a_step_that_needs_no_other_whatever_its_layer_is() -> None:
    """Of a plan; and a run that reads and publishes nothing has neither number."""
    plan = at(0, "pipeline_plan", steps=PLAN)
    done = [
        at(1, "node_complete", node_name=name, layer="transform", row_count=3) for name in ("read", "clean")
    ]
    (row,) = rows(OPENING, plan, *done)
    assert (row["rows_read"], row["rows"]) == (3, None)
    (row,) = rows(OPENING, *done)
    assert (row["rows_read"], row["rows"]) == (None, None)


def test_a_plan_may_come_in_parts() -> None:
    """That of a long pipeline does: the sources of its first part count too."""
    parts = [at(0, "pipeline_plan", steps=[step]) for step in ({"name": "a"}, {"name": "b", "depends_on": ["a"]})]
    done = at(1, "node_complete", node_name="a", layer="transform", row_count=3)
    assert [row["rows_read"] for row in rows(OPENING, *parts, done)] == [3]


def test_a_step_that_only_connects_reads_nothing_where_others_ingest() -> None:
    """A list of files has no rows; the steps that read them have."""
    plan = at(0, "pipeline_plan", steps=[{"name": "files"}, {"name": "orders", "depends_on": ["files"]}])
    files = at(1, "node_complete", node_name="files", layer="connect")
    orders = at(2, "node_complete", node_name="orders", layer="ingest", row_count=7)
    assert [row["rows_read"] for row in rows(OPENING, plan, files, orders)] == [7]
    assert [row["rows_read"] for row in rows(OPENING, files, orders)] == [7]
    assert [row["rows_read"] for row in rows(OPENING, plan, files)] == [None]


def test_the_run_that_started_last_comes_first() -> None:
    """And of more runs than the limit, the latest."""
    starts = [at(n, "pipeline_start", f"r{n}") for n in (2, 1, 3)]
    assert [row["run_id"] for row in rows(*starts)] == ["r3", "r2", "r1"]
    assert [row["run_id"] for row in rows(*starts, limit=2)] == ["r3", "r1"]


def test_what_names_no_run_is_no_run() -> None:
    """A log line from outside of any run makes no row."""
    assert rows(at(0, "error", None), at(0, "node_start", None, node_name="a")) == []


def test_a_run_whose_start_is_missing_has_a_row() -> None:
    """Known by its id and from its first event on."""
    (row,) = rows(at(3, "node_start", node_name="a"), at(4, "pipeline_complete", pipeline_name="p"))
    assert (row["pipeline_name"], row["status"], row["duration_ms"]) == ("p", "success", 1000)


def test_steps_are_forgotten_when_their_run_ends() -> None:
    """Memory grows with the runs, not with their steps."""
    view = RunsView()
    for n in range(100):
        view(at(1, "node_start", node_name=f"s{n}"))
    view(at(2, "pipeline_complete"))
    assert all(not run.steps for run in view._runs.values())


def test_a_trackers_run_that_is_found_dead_with_all_its_steps_done_is_done() -> None:
    """No one was there to announce its end; a step in the middle of its work makes it lost all the same."""
    opening, lost = at(0, "pipeline_start", open_ended=True), at(9, "run_lost")
    done = at(1, "node_complete", node_name="a")
    assert rows(opening, done, lost)[0]["status"] == "success"
    assert rows(opening, done, at(2, "node_failed", node_name="b"), lost)[0]["status"] == "failed"
    assert rows(opening, done, at(2, "node_start", node_name="b"), lost)[0]["status"] == "lost"
    assert rows(opening, lost)[0]["status"] == "lost"
