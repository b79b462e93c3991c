"""Schema differences of wide frames, in a run, while observing, and with a tracker alone: of all columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

import odibi_core
from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import SCHEMA_COLUMNS, describe
from odibi_core.engines.frame_diffs import wide_diffs
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.orchestrator import Orchestrator
from odibi_core.runtime.tracker import Tracker
from odibi_core.story import build, read_lineage
from odibi_core.testing import RecordingSink
from odibi_core.views.answers import SchemaDiff, Snapshot
from odibi_core.views.diffs import difference
from odibi_core.views.lineage import LineageView

WIDE = SCHEMA_COLUMNS + 700
Record = Callable[[Any, Any], dict[str, Any]]


def frame(names: list[str], library: str = "polars", kind: Any = int) -> Any:
    return {"polars": pl, "pandas": pd}[library].DataFrame({name: [kind(1)] for name in names})


def names(count: int = WIDE, prefix: str = "c") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def by_run(before: Any, after: Any) -> dict[str, Any]:
    def first() -> Any:
        return before

    def second(first: Any) -> Any:
        return after

    tracker = Orchestrator([first, second], store=False).execute()["tracker"]
    found: dict[str, Any] = tracker.export_lineage()["steps"][1]
    return found


def by_observer(before: Any, after: Any) -> dict[str, Any]:
    @odibi_core.node
    def first() -> Any:
        return before

    @odibi_core.node
    def second(taken: Any) -> Any:
        return after

    with Observer("program", store=False) as observer:
        second(first())
    found: dict[str, Any] = observer.tracker.export_lineage()["steps"][1]
    return found


def by_tracker(before: Any, after: Any) -> dict[str, Any]:
    tracker = Tracker()
    tracker.start_step("second")
    tracker.snapshot("before", before)
    tracker.snapshot("after", after)
    tracker.end_step("second")
    found: dict[str, Any] = tracker.export_lineage()["steps"][0]
    return found


EVERY_WAY = pytest.mark.parametrize("recorded", [by_run, by_observer, by_tracker])


@EVERY_WAY
@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_a_change_past_the_columns_that_are_kept_is_told(recorded: Record, library: str) -> None:
    """Added, removed and changed in type, at the far end of a wide frame."""
    before = frame(names(), library)
    after = frame([*names(WIDE - 2), "new"], library)
    after = after.assign(c1000=1.5) if library == "pandas" else after.with_columns(c1000=pl.lit(1.5))
    diff = recorded(before, after)["schema_diff"]
    assert diff == {
        "added_columns": ["new"],
        "removed_columns": [f"c{WIDE - 2}", f"c{WIDE - 1}"],
        "changed_types": [{"column": "c1000", "before": "Int64", "after": "Float64"}],
    }


@EVERY_WAY
def test_a_column_that_only_moved_is_no_change(recorded: Record) -> None:
    """Neither into the columns that are kept nor out of them."""
    before, after = frame(names()), frame(names()[::-1])
    assert recorded(before, after)["schema_diff"] == {"added_columns": [], "removed_columns": [], "changed_types": []}


@EVERY_WAY
def test_between_a_narrow_frame_and_a_wide_one(recorded: Record) -> None:
    """Changes that are not listed are counted."""
    for before, after, kind in ((["k"], ["k", *names(3000)], "added"), (["k", *names(3000)], ["k"], "removed")):
        diff = recorded(frame(before), frame(after))["schema_diff"]
        listed = diff[f"{kind}_columns"]
        assert listed == names(len(listed))
        assert len(listed) + diff["left_out"][f"{kind}_columns"] == 3000
        assert len(listed) >= 100


@EVERY_WAY
def test_long_names_and_types_are_compared_whole(recorded: Record) -> None:
    """Two that begin alike stay two, though neither is shown whole."""
    long = "n" * 300
    diff = recorded(frame([f"{long}a"]), frame([f"{long}b"]))["schema_diff"]
    assert len(diff["added_columns"]) == len(diff["removed_columns"]) == 1
    fields = [pl.Field(name, pl.Int64) for name in names(60, "field")]
    before = pl.DataFrame(schema={"s": pl.Struct(fields)})
    after = pl.DataFrame(schema={"s": pl.Struct([*fields[:-1], pl.Field("field59", pl.String)])})
    assert [change["column"] for change in recorded(before, after)["schema_diff"]["changed_types"]] == ["s"]


@EVERY_WAY
def test_many_long_names_leave_room_for_each_other(recorded: Record) -> None:
    """A schema of fewer columns than are kept may still be too long for the record."""
    long = [f"{number}{'x' * 180}" for number in range(450)]
    step = recorded(frame(long), frame([*long[:-1], "new"]))
    assert step["schema_diff"]["added_columns"] == ["new"]
    assert len(step["schema_diff"]["removed_columns"]) == 1
    assert all(len(column["column"]) == len(long[0]) for column in step["after_snapshot"]["schema"][:10])
    assert step["after_snapshot"]["column_count"] == 450


def test_each_input_has_a_difference_of_its_own_and_the_first_is_shown() -> None:
    """As for narrow frames."""

    def left() -> Any:
        return frame(names())

    def right() -> Any:
        return frame(["k"])

    def both(left: Any, right: Any) -> Any:
        return frame([*names(), "k"])

    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    tracker = Orchestrator([right, left, both], event_bus=bus, store=False).execute()["tracker"]
    lineage = tracker.export_lineage()
    assert lineage["steps"][2]["schema_diff"]["added_columns"] == ["k"]
    (made,) = (event for event in heard.of_kind("snapshot") if event.fields["dataset"] == "both")
    assert [told["dataset"] for told in made.fields["schema_diffs"]] == ["left", "right"]


def test_a_record_that_leaves_columns_out_and_tells_no_difference_is_unknown() -> None:
    """As older versions wrote it: the first columns alone would give a wrong difference."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    tracker = Tracker(bus=bus)
    tracker.start_step("s")
    tracker.snapshot("before", frame(names()))
    tracker.snapshot("after", frame(names()[1:]))
    view = LineageView()
    for event in heard.events:
        event.fields.pop("schema_diffs", None)
        view(event)
    assert view.answer().nodes[0].schema_diff is None


def test_narrow_frames_cost_the_record_nothing() -> None:
    """Their difference follows from their snapshots."""
    assert wide_diffs([("a", describe(frame(["k"])))], describe(frame(["k", "v"]))) == []


def test_a_difference_in_a_record_may_be_anything() -> None:
    """It is read as far as it can be."""
    snapshot = Snapshot("a", None, None, 0, [], [], {}, None)
    strange = [{"dataset": "a", "added_columns": [1, {"column": 2}], "left_out": []}]
    for told in (None, 1, [1], [{"dataset": "a"}], strange):
        diff = difference(snapshot, snapshot, told)
        assert diff == SchemaDiff([], [], [])


def test_the_story_counts_the_changes_that_it_does_not_show() -> None:
    """Those past its own bound, and those that the record had no room for."""
    step = {**by_tracker(frame(["k"]), frame(["k", *names(3000)])), "step_name": "s"}
    diff = build(read_lineage({"steps": [step]}))["steps"][0]["diff"]
    assert len(diff["added"]) + diff["more"] == 3000
