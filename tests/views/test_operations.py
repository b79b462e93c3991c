"""The tree of measured operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from odibi_core import Orchestrator
from odibi_core.events import Event
from odibi_core.observability import track_performance
from odibi_core.process.state import current_bus
from odibi_core.testing import an_event
from odibi_core.views import operations
from odibi_core.views.operations import MAX_DEPTH, OTHER, OperationsView


def done(name: str, span: int, parent: int | None = None, ms: float = 1.0, **fields: Any) -> Event:
    kind = fields.pop("kind", "operation_complete")
    about = {"operation_id": span} | ({} if parent is None else {"parent_id": parent})
    return an_event(kind, operation=name, duration_ms=ms, **about, **fields)


def tree(*events: Event) -> list[dict[str, Any]]:
    view = OperationsView()
    for event in events:
        view(event)
    found: list[dict[str, Any]] = to_builtins(view.answer())
    return found


def names(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["name"]: names(row["children"]) for row in rows}


def size(rows: list[dict[str, Any]]) -> int:
    return sum(1 + size(row["children"]) for row in rows)


def test_parts_come_before_the_whole() -> None:
    """In the order of their ends: the tree has them under it, the longest first."""
    rows = tree(
        done("parse", 3, 2, 2), done("load", 2, 1, 5), done("write", 4, 1, 7), done("job", 1, None, 20)
    )
    assert names(rows) == {"job": {"write": {}, "load": {"parse": {}}}}
    assert list(rows[0]["children"][0]["children"]) == []
    assert (rows[0]["total_ms"], rows[0]["self_ms"]) == (20, 8)


def test_equal_paths_are_one() -> None:
    """Calls, failures, the sum, the shortest and the longest; the same name elsewhere is another one."""
    rows = tree(
        done("parse", 2, 1, 2),
        done("load", 1, None, 3),
        done("parse", 4, 3, 4, kind="operation_failed"),
        done("load", 3, None, 9),
        done("parse", 5, None, 1),
    )
    assert names(rows) == {"load": {"parse": {}}, "parse": {}}
    (parse,) = rows[0]["children"]
    assert parse == {
        "name": "parse", "calls": 2, "failures": 1, "total_ms": 6, "self_ms": 6, "min_ms": 2, "max_ms": 4,
        "children": [],
    }  # fmt: skip


def test_a_part_may_outlive_its_whole() -> None:
    """A task that was begun inside and not waited for is put where it belongs, also after its parent was added up."""
    rows = tree(done("job", 1, None, 5), done("job", 9, None, 5), done("late", 2, 9), done("later", 3, 2))
    assert names(rows) == {"job": {"late": {"later": {}}}}
    assert rows[0]["self_ms"] == 9


def test_parts_whose_whole_is_not_told_stand_at_the_top() -> None:
    """It may still run, or stand in another record; equal ones are one."""
    assert names(tree(done("parse", 2, 1), done("parse", 3, 7), done("load", 4))) == {"load": {}, "parse": {}}


def test_parts_side_by_side_leave_nothing_to_the_whole() -> None:
    """And not less than nothing."""
    rows = tree(done("a", 2, 1, 8), done("b", 3, 1, 8), done("job", 1, None, 10))
    assert rows[0]["self_ms"] == 0


def test_of_a_generator_the_time_in_which_it_worked_counts() -> None:
    """`active_ms`; the rest was its consumer's."""
    assert tree(done("rows", 1, None, 100, active_ms=2.5))[0]["total_ms"] == 2.5


@pytest.mark.parametrize(
    "events",
    [
        [done("a", 1, 1)],
        [done("a", 1, 2), done("b", 2, 1)],
        [done("a", 1, 2), done("b", 2, 3), done("c", 3, 1), done("a", 1, 3)],
        [done("a", 1), done("a", 1), done("a", 1, 1)],
    ],
)
def test_ids_that_go_round_in_a_ring(events: list[Event]) -> None:
    """Lines that cannot be right are still counted, and nothing hangs."""
    assert sum(row["calls"] for row in _all(tree(*events))) == len(events)


def _all(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for row in rows for found in (row, *_all(row["children"]))]


@pytest.mark.parametrize("child_first", [True, False])
def test_a_deep_recursion_is_cut(child_first: bool) -> None:
    """More levels than are shown, in either order; the first ones are right."""
    events = [done("fib", level, level - 1 or None, 1) for level in range(1, 3000)]
    rows = tree(*(reversed(events) if child_first else events))
    assert size(rows) == MAX_DEPTH
    assert rows[0]["calls"] == 1


@pytest.mark.parametrize("parent", [None, 1])
def test_more_names_than_can_be_kept_are_others(monkeypatch: pytest.MonkeyPatch, parent: int | None) -> None:
    """An operation named after each order: bounded, and no call is lost from the figures."""
    monkeypatch.setattr(operations, "MAX_NODES", 50)
    rows = tree(*(done(f"order {number}", number + 10, parent) for number in range(500)))
    assert size(rows) <= 52
    (other,) = [row for row in rows if row["name"] == OTHER]
    assert sum(row["calls"] for row in rows) == 500
    assert other["calls"] > 400


def test_everything_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all inputs: wholes that never come, each part under a new name, chains that only grow."""
    monkeypatch.setattr(operations, "MAX_NODES", 20)
    monkeypatch.setattr(operations, "_REMEMBERED", 30)
    view = OperationsView()
    for number in range(2000):
        view(done(f"n{number}", 3 * number, 10**6 + number))
        view(done(f"c{number}", 3 * number + 1, 3 * number - 2))
    assert size(to_builtins(view.answer())) < 200
    assert len(view._known) <= 30
    assert len(view._waiting) <= 30
    assert view._nodes < 200


def test_what_is_measured_here_makes_the_tree() -> None:
    """End to end: blocks inside blocks."""
    view = OperationsView()
    current_bus().subscribe(view)
    with track_performance("job"):
        for _ in range(2):
            with track_performance("load"), track_performance("parse"):
                pass
    rows = to_builtins(view.answer())
    assert names(rows) == {"job": {"load": {"parse": {}}}}
    assert rows[0]["children"][0]["calls"] == 2


def test_steps_stand_at_the_top_with_what_was_measured_in_them() -> None:
    """Their durations and failures too; an operation outside of any step is no part of one, though of its name."""
    rows = tree(
        done("parse", 2, 1, 2, node_name="load"),
        done("read", 1, None, 5, node_name="load"),
        an_event("node_complete", node_name="load", duration_ms=8),
        an_event("node_failed", node_name="send", duration_ms=3, error="x"),
        an_event("node_skipped", node_name="after"),
        done("load", 9, None, 1),
    )
    assert [(row["name"], row.get("kind"), row["total_ms"], row["failures"]) for row in rows] == [
        ("load", "step", 8, 0), ("send", "step", 3, 1), ("load", None, 1, 0),
    ]  # fmt: skip
    assert names(rows[:1]) == {"load": {"read": {"parse": {}}}}
    assert rows[0]["self_ms"] == 3


def test_calls_of_one_step_are_one_line() -> None:
    """A decorated function is called often; the operations of a later call are counted too."""
    rows = tree(
        *(
            event
            for call in range(3)
            for event in (
                done("read", call, None, 2, node_name="load"),
                an_event("node_complete", node_name="load", duration_ms=5),
            )
        )
    )
    assert [(row["name"], row["calls"], row["self_ms"]) for row in rows] == [("load", 3, 9)]
    assert [(child["name"], child["calls"]) for child in rows[0]["children"]] == [("read", 3)]


def test_what_was_measured_in_a_step_without_an_end_is_shown() -> None:
    """Its process was killed."""
    assert names(tree(done("read", 1, None, 2, node_name="load"))) == {"read": {}}


def test_steps_of_a_pipeline_make_the_tree(tmp_path: Path) -> None:
    """End to end: each step once, with the blocks inside of it."""

    def load() -> list[dict[str, int]]:
        with track_performance("parse"):
            return [{"n": 1}]

    def clean(load: list[dict[str, int]]) -> list[dict[str, int]]:
        return load

    orchestrator = Orchestrator([load, clean], store=tmp_path)
    view = OperationsView()
    orchestrator.bus.subscribe(view)
    current_bus().subscribe(view)
    orchestrator.execute()
    assert names(to_builtins(view.answer())) == {"load": {"parse": {}}, "clean": {}}
