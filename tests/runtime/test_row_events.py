"""The events of rows: counts of each step, in every place where it may run, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.checks import not_null
from odibi_core.event_bus import EventBus
from odibi_core.history.rows.tables import as_dicts, tables_of
from odibi_core.observability import node, observe
from odibi_core.runtime.row_events import Frames, RowEvents
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink
from odibi_core.views.lineage import LineageView

ROWS = 1_000


def flights() -> pd.DataFrame:
    return pd.DataFrame({"id": range(ROWS), "tail": [f"N{n % 50}" for n in range(ROWS)]})


def planes() -> pd.DataFrame:
    return pd.DataFrame({"tail": [f"N{n}" for n in range(40)], "seats": range(40)})


def early(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[flights["id"] % 5 < 3]


def seated(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    return flights.merge(planes, on="tail", how="left")


STEPS: list[Step | Callable[..., Any]] = [flights, planes, early, seated]


def tables(run_id: str) -> dict[str, list[dict[str, Any]]]:
    found = tables_of(RunStore(".odibi").read(run_id))
    return {name: as_dicts(name, rows) for name, rows in found.items()}


def by_step(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["node_name"]: row for row in rows}


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_each_frame_that_was_made_of_others_has_its_rows_in_the_tables(executor: str) -> None:
    """Also for a step in another process: the lost rows of a filter, and the unmatched ones of a left join."""
    result = Orchestrator(STEPS, store=".odibi", executor=executor).execute()
    found = tables(result["run_id"])
    rows = by_step(found["row_changes"])
    assert sorted(rows) == ["early", "seated"]
    early, seated = rows["early"], rows["seated"]
    assert (early["rows_in"], early["rows_out"], early["lost"], early["gained"]) == (ROWS, 600, 400, 0)
    assert (early["main_dataset"], early["how"], early["unusual"]) == ("flights", "index", None)
    assert (seated["lost"], seated["unmatched"], seated["unmatched_by"]) == (0, 200, '{"planes":200}')
    nodes = by_step(found["nodes"])
    assert (nodes["early"]["rows_lost"], nodes["seated"]["rows_unmatched"]) == (400, 200)
    assert nodes["flights"]["rows_lost"] is None
    edges = {(edge["source"], edge["target"]): edge for edge in found["edges"]}
    assert edges["flights", "early"]["rows_lost"] == 400
    assert edges["planes", "seated"]["rows_unmatched"] is None
    (made,) = [row for row in found["snapshots"] if row["node_name"] == "early" and row["side"] == "after"]
    assert made["rows_lost"] == 400


def test_live_equals_replay() -> None:
    """The view that saw the run and the view of its record have the same rows."""
    view, bus = LineageView(), EventBus()
    bus.subscribe(view)
    result = Orchestrator(STEPS, store=".odibi", event_bus=bus).execute()
    replayed = LineageView(result["run_id"])
    for event in RunStore(".odibi").read(result["run_id"]):
        replayed(event)
    live = [node.row_changes for node in view.answer().nodes]
    assert live == [node.row_changes for node in replayed.answer().nodes]
    assert [change.lost for changes in live for change in changes] == [400, 0]


def test_a_function_that_changes_its_input_in_place_has_the_rows_from_before() -> None:
    """The rows of the input are counted before it runs; the frame afterwards is no evidence."""

    def longer(flights: pd.DataFrame) -> pd.DataFrame:
        flights.loc[ROWS] = pd.Series({"id": ROWS, "tail": "N1"})
        return flights

    result = Orchestrator([flights, longer], store=".odibi").execute()
    (row,) = tables(result["run_id"])["row_changes"]
    assert (row["rows_in"], row["rows_out"], row["lost"]) == (ROWS, ROWS + 1, None)
    assert row["reason"] == "the step changed its input flights in place"


def test_observed_functions_and_several_outputs_have_their_rows(tmp_path: Path) -> None:
    """Each frame in what a `@node` function returns is compared with the frames that it took."""

    @node
    def split(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
        return {"all": frame.with_columns(twice=pl.col("id") * 2), "none": frame.clear()}

    with observe("program", store=tmp_path) as run:
        split(pl.DataFrame({"id": range(ROWS), "word": list(map(str, range(ROWS)))}))
    found = as_dicts("row_changes", tables_of(RunStore(tmp_path).read(run.run_id))["row_changes"])
    rows = {row["dataset"]: row for row in found}
    assert (rows["split.all"]["kind"], rows["split.all"]["lost"]) == ("columns", 0)
    assert (rows["split.none"]["kind"], rows["split.none"]["lost"]) == ("empty", ROWS)


def test_a_mapped_step_compares_what_its_items_made_together() -> None:
    """The rows of all items together are those of the step."""

    def part(flights: pd.DataFrame, digit: int) -> pd.DataFrame:
        return flights[flights["id"] % 10 == digit]

    steps: list[Step | Callable[..., Any]] = [
        flights,
        Step(name="digits", value=lambda: [1, 2]),
        Step(
            name="part", value=part, inputs={"flights": "flights", "digit": "digits"}, map="digit", combine="rows"
        ),
    ]
    result = Orchestrator(steps, store=".odibi").execute()
    rows = by_step(tables(result["run_id"])["row_changes"])
    assert (rows["part"]["rows_in"], rows["part"]["rows_out"]) == (ROWS, 200)


def test_plans_have_the_rows_that_their_one_execution_counted_and_others_are_unknown() -> None:
    """Nothing is executed to count rows: a plan that is executed for its checks, or as a result, has them then."""

    def many() -> pl.LazyFrame:
        return pl.LazyFrame({"id": range(ROWS)})

    def some(many: pl.LazyFrame) -> pl.LazyFrame:
        return many.filter(pl.col("id") < 700)

    def few(some: pl.LazyFrame) -> pl.LazyFrame:
        return some.filter(pl.col("id") < 70)

    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    steps: list[Step | Callable[..., Any]] = [Step(name="many", value=many, checks=[not_null("id")]), some, few]
    Orchestrator(steps, "polars-lazy", store=False, event_bus=bus).execute()
    changes = {event.node_name: event.fields for event in sink.events if event.event_type == "row_change"}
    assert (changes["some"]["rows_in"], changes["some"]["rows_out"]) == (None, None)
    assert "not counted" in changes["some"]["reason"]
    assert (changes["few"]["rows_in"], changes["few"]["rows_out"]) == (None, 70)
    assert [event.event_type for event in sink.events].count("plan_executed") == 1


def test_nothing_is_compared_at_a_level_without_rows() -> None:
    """`off` and `schema` look at no rows."""
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    Orchestrator(STEPS, store=False, event_bus=bus, snapshot_level="schema").execute()
    assert "row_change" not in {event.event_type for event in sink.events}


def test_a_frame_that_raises_is_no_failure_of_the_step() -> None:
    """The rows are unknown, with the type of the error as the reason; the bus counts it, and reports the first."""

    class Broken(pd.DataFrame):
        is_broken = False

        def __len__(self) -> int:
            if self.is_broken:
                raise RuntimeError("broken")
            return super().__len__()

    def broken(flights: pd.DataFrame) -> pd.DataFrame:
        made = Broken(flights)
        Broken.is_broken = True
        return made

    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    result = Orchestrator([flights, broken], store=False, event_bus=bus).execute()
    assert result["success"]
    (change,) = [event.fields for event in sink.events if event.event_type == "row_change"]
    assert (change.get("lost"), change["reason"]) == (None, "the rows could not be compared: RuntimeError")
    assert bus.failures == {"the rows of a step": 1}


def test_a_frame_that_raises_leaves_the_other_frames_of_its_step_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason stands at the frame that it is about, and each frame has one event."""
    compare = RowEvents._fields

    def fails(self: RowEvents, dataset: str, frames: Frames) -> dict[str, Any]:
        if dataset == "late":
            raise RuntimeError("broken")
        return compare(self, dataset, frames)

    def parts(flights: pd.DataFrame) -> dict[str, pd.DataFrame]:
        return {name: flights[flights["id"] < most] for name, most in (("soon", 10), ("late", 20), ("all", 30))}

    monkeypatch.setattr(RowEvents, "_fields", fails)
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    names = ("soon", "late", "all")
    step = Step(name="parts", value=parts, inputs={"flights": "flights"}, outputs={name: name for name in names})
    Orchestrator([flights, step], store=False, event_bus=bus).execute()
    changes = [event.fields for event in sink.events if event.event_type == "row_change"]
    assert [(each["dataset"], each.get("reason") or None) for each in changes] == [
        ("soon", None), ("late", "the rows could not be compared: RuntimeError"), ("all", None),
    ]  # fmt: skip


def test_a_step_that_splits_its_input_loses_no_rows() -> None:
    """Several outputs are explained together: none of them lost the rows of the others."""

    def parts(flights: pd.DataFrame) -> dict[str, pd.DataFrame]:
        return {"first": flights[flights["id"] < 300], "second": flights[flights["id"] >= 300]}

    outputs = {"first": "first", "second": "second"}
    split = Step(name="parts", value=parts, inputs={"flights": "flights"}, outputs=outputs)
    result = Orchestrator([flights, split], store=".odibi").execute()
    rows = tables(result["run_id"])["row_changes"]
    assert [(row["dataset"], row["kind"], row["lost"], row["rule"]) for row in rows] == [
        ("first", "split", 0, None), ("second", "split", 0, None),
    ]  # fmt: skip
