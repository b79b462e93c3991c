"""Frames that are changed in place: the record has the frame that each step really took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

import odibi_core
from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import describe
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.testing import RecordingSink

LIBRARIES = pytest.mark.parametrize("library", ["pandas", "polars"])


def frame(library: str) -> Any:
    return {"pandas": pd, "polars": pl}[library].DataFrame({"n": [1, 2, 3]})


def add_row(taken: Any) -> None:
    if isinstance(taken, pd.DataFrame):
        taken.loc[len(taken)] = [4]
    else:
        taken.extend(pl.DataFrame({"n": [4]}))


def add_column(taken: Any) -> None:
    if isinstance(taken, pd.DataFrame):
        taken["more"] = 1.5
    else:
        taken.insert_column(1, pl.Series("more", [1.5] * len(taken)))


def set_value(taken: Any) -> None:
    if isinstance(taken, pd.DataFrame):
        taken.loc[0, "n"] = 99
    else:
        taken[0, "n"] = 99


CHANGES = pytest.mark.parametrize("change", [add_row, add_column, set_value])


def run(*steps: Any, **options: Any) -> tuple[Result, RecordingSink]:
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    options = {"store": False, "raise_on_error": False, "snapshot_level": "sample", **options}
    return Orchestrator(list(steps), event_bus=bus, **options).execute(), heard


def look(description: dict[str, Any]) -> tuple[Any, ...]:
    """The parts of a snapshot that must be true."""
    return description["row_count"], description["schema"], description["sample_data"]


def taken_by(name: str, lineage: dict[str, Any]) -> dict[str, Any]:
    (step,) = (step for step in lineage["steps"] if step["step_name"] == name)
    found: dict[str, Any] = step["before_snapshots"][0]
    return found


@LIBRARIES
@CHANGES
def test_each_step_is_shown_what_it_took(library: str, change: Callable[[Any], None]) -> None:
    """The step that changes it took the frame as it was made, the next one took it changed, and marked as such."""
    after = Descriptions("sample", 5)
    changed = frame(library)
    change(changed)

    def made() -> Any:
        return frame(library)

    def changes(made: Any) -> int:
        change(made)
        return 1

    def reads(made: Any, changes: int) -> int:
        return len(made)

    result, _ = run(made, changes, reads)
    lineage = result["tracker"].export_lineage()
    first, second = taken_by("changes", lineage), taken_by("reads", lineage)
    assert look(first) == look(after.after("made", frame(library)) or {})
    assert look(second) == look(after.after("made", changed) or {})
    assert "changed_in_place" not in first["metadata"]
    assert second["metadata"]["changed_in_place"] is True
    rows = {(edge["source"], edge["target"]): edge["row_count"] for edge in lineage["edges"]}
    assert rows["made", "changes"] == 3
    assert rows["made", "reads"] == len(changed)


@LIBRARIES
@CHANGES
def test_a_frame_that_is_handed_on_under_another_name(library: str, change: Callable[[Any], None]) -> None:
    """It is one frame: what is done to it under the one name has been done to it under the other."""

    def made() -> Any:
        return frame(library)

    def passes(made: Any) -> Any:
        return made

    def changes(passes: Any) -> int:
        change(passes)
        return 1

    def reads(made: Any, changes: int) -> int:
        return 1

    lineage = run(made, passes, changes, reads)[0]["tracker"].export_lineage()
    assert taken_by("reads", lineage)["metadata"].get("changed_in_place") is True


@LIBRARIES
def test_the_rows_of_a_step_that_makes_nothing_are_those_it_took(library: str) -> None:
    """Not those that it left."""

    def publishes(made: Any) -> None:
        add_row(made)

    made = Step(name="made", layer="ingest", value=lambda: frame(library))
    _, heard = run(made, Step(name="out", layer="publish", value=publishes, inputs=["made"]))
    assert [event.row_count for event in heard.of_kind("node_complete")] == [3, 3]


def test_a_frame_that_nothing_may_have_changed_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain costs one look a frame; so do steps of SQL, which change nothing."""
    looks: list[int] = []

    def counted(*args: Any) -> dict[str, Any]:
        looks.append(1)
        described: dict[str, Any] = describe(*args)
        return described

    monkeypatch.setattr("odibi_core.runtime.node_events.describe", counted)

    def made() -> Any:
        return frame("pandas")

    def again(made: Any) -> Any:
        return made[made.n > 1]

    run(made, again)
    assert len(looks) == 2
    sql = [Step(name=f"s{n}", type="sql", value="select * from made", inputs=["made"]) for n in range(3)]
    run(made, *sql)
    assert len(looks) == 2 + 4


@LIBRARIES
@CHANGES
@pytest.mark.parametrize("policy", [{"retries": 2}, {"retries": 2, "timeout_s": 60}], ids=["retried", "timed"])
def test_an_attempt_takes_what_the_first_one_took(
    library: str, change: Callable[[Any], None], policy: dict[str, Any]
) -> None:
    """Changes in place by a failed attempt are gone, for the next attempt and for the other steps."""
    seen: list[str] = []

    def flaky(made: Any) -> int:
        seen.append(repr(made))
        change(made)
        if len(seen) < 3:
            raise ConnectionError("again")
        return 1

    def reads(made: Any, flaky: int) -> str:
        return repr(made)

    made = Step(name="made", layer="ingest", value=lambda: frame(library))
    step = Step(name="flaky", value=flaky, inputs=["made"], **policy)
    result, _ = run(made, step, reads)
    assert {*seen, result["data"]["reads"]} == {repr(frame(library))}
    assert "changed_in_place" not in taken_by("reads", result["tracker"].export_lineage())["metadata"]


@LIBRARIES
@CHANGES
@pytest.mark.parametrize("by", ["a node", "the program"])
def test_an_observed_node_is_shown_what_it_took(library: str, change: Callable[[Any], None], by: str) -> None:
    """The frame was changed after it was made: by a node, or by the code between them."""
    expected = frame(library)
    change(expected)

    @odibi_core.node
    def made() -> Any:
        return frame(library)

    @odibi_core.node
    def changes(taken: Any) -> None:
        change(taken)

    @odibi_core.node
    def reads(taken: Any) -> int:
        return len(taken)

    with Observer("program", store=False) as observer:
        kept = made()
        changes(kept) if by == "a node" else change(kept)
        reads(kept)
    found = taken_by("reads", observer.tracker.export_lineage())
    assert look(found) == look(Descriptions("sample", 5).after("made", expected) or {})
    assert found["metadata"]["changed_in_place"] is True


def stats_of(heard: RecordingSink) -> dict[tuple[str | None, str], list[str]]:
    """Return the columns with statistics by step and side."""
    return {
        (event.node_name, event.fields["when"]): [each["column"] for each in event.fields.get("stats", [])]
        for event in heard.of_kind("snapshot")
    }


@pytest.fixture
def large_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a few milliseconds on a busy machine may otherwise spend its budget on the first frame."""
    monkeypatch.setattr("odibi_core.engines.stats_budget.FLOOR_S", 60.0)


@LIBRARIES
@pytest.mark.usefixtures("large_budget")
def test_statistics_are_recorded_once(library: str) -> None:
    """With the step that made the frame; the steps that take it have its rows, and no second copy."""

    def made() -> Any:
        return frame(library)

    def reads(made: Any) -> Any:
        return made.copy() if library == "pandas" else made.clone()

    _, heard = run(made, reads, snapshot_level="auto")
    assert stats_of(heard) == {("made", "after"): ["n"], ("reads", "before"): [], ("reads", "after"): ["n"]}
    _, heard = run(made, reads, snapshot_level="stats")
    assert stats_of(heard)["reads", "before"] == ["n"]


@LIBRARIES
@CHANGES
@pytest.mark.usefixtures("large_budget")
def test_statistics_of_a_changed_frame_are_recorded_again(library: str, change: Callable[[Any], None]) -> None:
    """The step that takes it has those of the changed frame, and the mark."""

    def made() -> Any:
        return frame(library)

    def changes(made: Any) -> int:
        change(made)
        return 1

    def reads(made: Any, changes: int) -> int:
        return 1

    result, heard = run(made, changes, reads, snapshot_level="auto")
    assert stats_of(heard)["changes", "before"] == []
    found = taken_by("reads", result["tracker"].export_lineage())
    assert found["metadata"]["changed_in_place"] is True
    assert found["stats"][0]["column"] == "n"
    assert found["metadata"]["stats_rows"] == found["row_count"]


def test_a_frame_without_statistics_is_not_taken_for_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the budget was spent, or allowed another sample, nothing is compared that cannot be."""
    monkeypatch.setattr("odibi_core.engines.stats_budget.FLOOR_S", 0.0)
    monkeypatch.setattr("odibi_core.engines.stats_budget.SHARE", 0.0)  # a slow run would earn some

    def made() -> Any:
        return frame("polars")

    def first(made: Any) -> int:
        return 1

    def second(made: Any, first: int) -> int:
        return 1

    result, heard = run(made, first, second, snapshot_level="auto")
    assert set(map(tuple, stats_of(heard).values())) == {()}
    assert "changed_in_place" not in taken_by("second", result["tracker"].export_lineage())["metadata"]
