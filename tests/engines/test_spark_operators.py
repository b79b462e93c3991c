"""The rows after each operator of a plan of Spark, from the metrics of the job that runs anyway."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core import Orchestrator, Step
from odibi_core.engines import spark_operators, spark_session
from odibi_core.engines.plan_operators import WITHIN, Operators, Stage
from odibi_core.event_bus import EventBus
from odibi_core.plugins import load
from odibi_core.testing import RecordingSink


def seen(operators: Operators) -> list[tuple[str, str, int | None]]:
    assert operators.reason == ""
    return [(each["operator"], each["detail"], each["rows"]) for each in operators.stages]


def executed(*nodes: tuple[str, int | None], edges: list[tuple[int, int]] | None = None) -> spark_operators.Executed:
    """Return an execution of operators, the first on top, each with its rows."""
    found = [
        {
            "id": place, "name": text.partition(" ")[0].partition("(")[0], "desc": text,
            "metrics": [] if rows is None else [{"name": "number of output rows", "accumulatorId": place}],
        }
        for place, (text, rows) in enumerate(nodes)
    ]  # fmt: skip
    links = [(place, place - 1) for place in range(1, len(nodes))] if edges is None else edges
    graph = {"nodes": found, "edges": [{"fromId": one, "toId": other} for one, other in links]}
    return spark_operators.Executed(graph, {str(place): f"{rows:,}" for place, (_, rows) in enumerate(nodes) if rows})


def test_a_plan_is_read_with_conditions_keys_and_limits() -> None:
    """The two parts of an aggregation are one; texts that Spark shows without quotes are hidden beside a secret."""
    scan = "FileScan parquet [a#1L,k#2] DataFilters: [], Location: InMemoryFileIndex(1 paths)[file:/data/orders.parquet], PushedFilters: [], ReadSchema: x"  # noqa: E501
    plan = executed(
        ("HashAggregate(keys=[k#2], functions=[count(1)])", 7),
        ("Exchange hashpartitioning(k#2, 4)", None),
        ("HashAggregate(keys=[k#2], functions=[partial_count(1)])", 14),
        ("Filter ((a#1L > 5) AND isnotnull(k#2))", 1_234),
        ("Filter (password#9 = hunter2)", 2_000),
        (scan, 336_776),
    )
    assert seen(plan.operators()) == [
        ("TABLE_SCAN", "orders.parquet", 336_776),
        ("FILTER", "[REDACTED] over password", 2_000),
        ("FILTER", "((a > 5) AND isnotnull(k))", 1_234),
        ("GROUP_BY", "k", 7),
    ]  # fmt: skip
    joined = executed(
        ("TakeOrderedAndProject(limit=5, orderBy=[k#2 ASC NULLS FIRST], output=[k#2])", None),
        ("BroadcastHashJoin [k#2], [k#5], Inner, BuildRight, (a#1 < b#6), false", 40),
        ("Range (0, 100)", 100), ("BroadcastExchange x", None), ("Range (0, 10)", 10),
        edges=[(1, 0), (2, 1), (3, 1), (4, 3)],
    )  # fmt: skip
    assert seen(joined.operators()) == [
        ("TABLE_SCAN", "", None),  # Spark may stop early: its rows are unknown below a limit
        ("TABLE_SCAN", "", 10),
        ("JOIN", "Inner k = k AND (a < b)", None),
        ("TOP", "5 by k ASC NULLS FIRST", None),
    ]
    assert joined.operators("other") == Operators(reason=WITHIN)


@pytest.mark.xdist_group("spark")
def test_a_job_that_runs_anyway_has_the_rows_of_its_operators(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a further job; a frame within the plan has those below its observation, and others are unknown."""
    engine, numbers = load("engines", "spark")(), spark.range(0, 1_000, 1, 2).selectExpr("id as n", "id % 10 as k")
    some = numbers.where("n >= 100")
    counts = some.groupBy("k").count()
    few = counts.where("count > 89")
    engine.late_frames.counts_operators = True
    late = [engine.late(each, None, asked=each is some, nulls=False) for each in (some, counts, few)]
    tracker = spark.sparkContext.statusTracker()
    spark.sparkContext.setJobGroup("operators", spark_session.description())
    table = engine.arrow(few)
    again = engine.late(numbers.where("n > 1"), None, asked=False, nulls=False)
    with monkeypatch.context() as patch:
        patch.setattr(spark_operators, "_newest", lambda *_: 1 / 0)
        assert engine.arrow(again.frame).num_rows == 998
    for name in ("spark.jobGroup.id", "spark.job.description"):
        spark.sparkContext.setLocalProperty(name, None)
    assert len(tracker.getJobIdsForGroup("operators")) <= 3  # adaptive plans begin one for each shuffle
    assert table.num_rows == 10
    assert seen(late[2].operators) == [
        ("TABLE_SCAN", "", 1_000), ("FILTER", "(id >= 100)", 900), ("GROUP_BY", "k", 10), ("FILTER", "(count > 89)", 10)
    ]  # fmt: skip
    assert seen(late[0].operators) == seen(late[2].operators)[:2]
    assert late[1].operators == Operators(reason=WITHIN)
    assert again.operators == Operators(reason=spark_operators.OTHER_VERSION)


@pytest.mark.xdist_group("spark")
def test_a_step_has_the_operators_of_its_plan_when_a_later_step_executes_it(spark: Any) -> None:
    """Its row change has them, with the reason for those of a step whose plan is only a part."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    steps = [
        Step(name="some", value=lambda numbers: numbers.where("n > 4"), inputs=["numbers"]),
        Step(name="kinds", value=lambda some: some.selectExpr("n % 3 as k").distinct(), inputs=["some"]),
        Step(name="save", layer="publish", value="kinds.parquet", inputs=["kinds"]),
    ]
    numbers = spark.range(8).selectExpr("id as n")
    Orchestrator(steps, "spark", initial={"numbers": numbers}, store=False, event_bus=bus).execute()
    found = {each.node_name: each.fields for each in heard.events if each.event_type == "row_change"}
    stages: list[Stage] = found["kinds"]["stages"]
    assert [(each["operator"], each["rows"]) for each in stages] == [("TABLE_SCAN", 8), ("FILTER", 3), ("GROUP_BY", 3)]
    assert found["some"]["stages_reason"] == WITHIN
