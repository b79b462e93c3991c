"""Mapped steps: a function for each item of a list that is known only while the run goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.checks import row_count
from odibi_core.errors import ConfigurationError, PipelineDefinitionError
from odibi_core.history.rows import as_dicts, tables_of
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink

PATIENCE = 30  # seconds that a correct run never needs
LOCAL = pytest.mark.parametrize(("executor", "workers"), [("inline", 1), ("threads", 3)])
EVERYWHERE = pytest.mark.parametrize("executor", ["inline", "threads", "processes"])


def run(*steps: Any, bus: EventBus | None = None, **options: Any) -> Result:
    options = {"store": False, "raise_on_error": False, **options}
    return Orchestrator(list(steps), event_bus=bus, **options).execute()


def days() -> list[str]:
    return ["2026-11-01", "2026-11-02", "2026-11-03"]


def load(day: str, factor: int = 1) -> pd.DataFrame:
    return pd.DataFrame({"day": [day] * factor, "n": range(factor)})


def mapped(function: Any = load, **options: Any) -> Step:
    return Step(**{"name": "load", "value": function, "inputs": {"day": "days"}, "map": "day", **options})


@EVERYWHERE
def test_each_item_is_a_call_and_the_results_are_in_the_order_of_the_items(executor: str) -> None:
    """Other inputs and params are those of every call."""

    def total(load: list[pd.DataFrame]) -> int:
        return sum(map(len, load))

    result = run(days, mapped(params={"factor": 2}), total, executor=executor, max_workers=2, keep="all")
    assert [list(frame["day"]) for frame in result.data["load"]] == [[day] * 2 for day in days()]
    assert result.data["total"] == 6


@EVERYWHERE
def test_rows_of_all_items_are_one_frame(executor: str) -> None:
    """It is described and checked as one, with the rows of all."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    step = mapped(combine="rows", checks=[row_count(3, 3)])
    result = run(days, step, bus=bus, executor=executor, max_workers=2)
    assert list(result.data["load"]["day"]) == days()
    assert result.nodes["load"]["row_count"] == 3
    assert result.checks == {"passed": 1, "failed": 0, "not_checked": 0}
    snapshots = [event for event in heard.events if event.event_type == "snapshot" and event.node_name == "load"]
    assert [event.row_count for event in snapshots if event.fields["when"] == "after"] == [3]


def test_rows_of_polars_and_of_plain_lists() -> None:
    """The library of the items is that of the result; frames that do not fit together fail the step."""
    made = run(days, mapped(lambda day: pl.DataFrame({"day": [day]}), combine="rows")).data["load"]
    assert made.equals(pl.DataFrame({"day": days()}))
    assert run(days, mapped(lambda day: [{"day": day}], combine="rows")).data["load"] == [{"day": d} for d in days()]
    failed = run(days, mapped(lambda day: pl.DataFrame({day: [1]}), combine="rows"))
    assert "the rows of its items cannot be combined" in failed.nodes["load"]["error"]


@LOCAL
def test_an_item_that_fails_fails_the_step_after_the_others(executor: str, workers: int, tmp_path: Path) -> None:
    """Each item has its state, its rows and its attempts in the record; the error names the items."""

    def second_fails(day: str) -> list[str]:
        if day.endswith("02"):
            raise ValueError("no delivery")
        return [day]

    result = run(
        days, mapped(second_fails, retries=1), store=tmp_path, executor=executor, max_workers=workers
    )
    assert result.nodes["load"]["error"] == "step 'load' failed for 1 of 3 items: 2026-11-02: no delivery"
    tables = tables_of(RunStore(tmp_path).read(result.run_id))
    rows = {row["task"]: row for row in as_dicts("tasks", tables["tasks"])}
    assert [(rows[at]["item"], rows[at]["status"], rows[at]["attempts"]) for at in range(3)] == [
        ("2026-11-01", "success", 1), ("2026-11-02", "failed", 2), ("2026-11-03", "success", 1),
    ]  # fmt: skip
    assert rows[1]["error"] == "no delivery"
    (node,) = [row for row in as_dicts("nodes", tables["nodes"]) if row["node_name"] == "load"]
    assert (node["tasks"], node["failed_tasks"]) == (3, 1)
    lineage = result.tracker.lineage()
    assert [(step.tasks, step.failed_tasks) for step in lineage.nodes if step.node_name == "load"] == [(3, 1)]


def test_items_run_side_by_side() -> None:
    """Three items meet at a barrier that none passes alone."""
    barrier = threading.Barrier(3)

    def meets(day: str) -> int:
        barrier.wait(PATIENCE)
        return 1

    assert run(days, mapped(meets), executor="threads", max_workers=3).data["load"] == [1, 1, 1]


@LOCAL
def test_no_items(executor: str, workers: int) -> None:
    """An empty list makes an empty list, and no frame."""
    result = run(list, mapped(inputs={"day": "list"}), executor=executor, max_workers=workers)
    assert result.data["load"] == []


@LOCAL
def test_ten_thousand_items(executor: str, workers: int) -> None:
    """Each is run once."""
    step = mapped(lambda day: day, inputs={"day": "numbers"})
    result = run(
        step, initial={"numbers": list(range(10_000))}, executor=executor, max_workers=workers, snapshot_level="off"
    )
    assert result.data["load"] == list(range(10_000))


@LOCAL
def test_a_run_that_stops_ends_a_mapped_step(executor: str, workers: int) -> None:
    """Its items that did not begin never run, and the node is not left open."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)

    def interrupt(day: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(days, mapped(interrupt), bus=bus, executor=executor, max_workers=workers)
    ends = [event.status for event in heard.events if event.event_type == "node_failed"]
    assert ends == ["cancelled"]


@pytest.mark.parametrize("given", ["2026-11-01", 5, {"a": 1}, pd.DataFrame({"a": [1]})], ids=type)
def test_an_input_that_is_no_list(given: Any) -> None:
    """A text, a number, a dict and a frame are refused: their items would be a surprise."""
    result = run(mapped(), initial={"days": given})
    assert "the input 'day' must be a list to map over" in result.nodes["load"]["error"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"map": "dya"}, "map must be the name of one of its inputs (day), got 'dya'"),
        ({"combine": "sum"}, "combine must be one of list, rows, got 'sum'"),
        ({"map": None, "combine": "rows"}, "combine needs map"),
    ],
)
def test_a_mapping_that_cannot_be_right(options: dict[str, Any], message: str) -> None:
    """Refused where the step is made."""
    with pytest.raises(ConfigurationError) as raised:
        mapped(**options)
    assert message in str(raised.value)


def test_only_a_function_of_one_output_is_mapped() -> None:
    """Refused before anything runs."""
    with pytest.raises(PipelineDefinitionError, match="with map it makes one dataset, but it has 2 outputs"):
        run(days, mapped(outputs=["a", "b"]))
    with pytest.raises(PipelineDefinitionError, match="only a step with a function has map"):
        run(days, Step(name="load", type="sql", value="select * from day", inputs={"day": "days"}, map="day"))
