"""Pipelines on Spark: nothing is executed to be recorded, and the jobs have the names of the steps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.checks import between, expression, not_null, references, row_count, schema, sql, unique
from odibi_core.event_bus import EventBus
from odibi_core.testing import RecordingSink

pytestmark = pytest.mark.xdist_group("spark")


def jobs_of(spark: Any) -> dict[int, str | None]:
    """Return the group of each job of the session, by id."""
    found = spark.sparkContext._jsc.sc().statusStore().jobsList(None)
    jobs = [found.apply(place) for place in range(found.size())]
    return {job.jobId(): job.jobGroup().get() if job.jobGroup().isDefined() else None for job in jobs}


def began(spark: Any, block: Any) -> list[str | None]:
    """Return the groups of the jobs that a call begins."""
    before = jobs_of(spark)
    block()
    return [group for number, group in jobs_of(spark).items() if number not in before]


def doubled(numbers: Any) -> Any:
    return numbers.selectExpr("n * 2 as n", "if(n % 4 = 0, null, s) as s")


def steps(*checks: Any) -> list[Step]:
    return [
        Step(name="double", value=doubled, inputs=["numbers"], outputs=["doubled"]),
        Step(name="large", type="sql", value="select * from doubled where n > $least", params={"least": 4},
             inputs=["doubled"], outputs=["large"]),
        Step(name="save", layer="publish", value="large.parquet", inputs=["large"], checks=checks),
        Step(name="save_all", layer="publish", value="all.parquet", inputs=["doubled"]),
    ]  # fmt: skip


def run(spark: Any, *checks: Any, more: Sequence[Step] = (), **options: Any) -> Any:
    numbers = spark.range(8).selectExpr("id as n", "cast(id as string) as s")
    of_run = [*steps(*checks), *more]
    return Orchestrator(of_run, "spark", initial={"numbers": numbers}, store=False, **options).execute()


def bare(spark: Any) -> None:
    """Do the same without odibi."""
    made = doubled(spark.range(8).selectExpr("id as n", "cast(id as string) as s"))
    made.where("n > 4").write.parquet(f"file://{Path('bare1').absolute()}")
    made.write.parquet(f"file://{Path('bare2').absolute()}")


def test_a_recorded_run_begins_the_jobs_of_the_same_code_without_it(spark: Any) -> None:
    """No more and no fewer, with two steps that take one frame; each job has the name of its run and step."""
    without = began(spark, lambda: bare(spark))
    results: list[Any] = []
    groups = began(spark, lambda: results.append(run(spark, snapshot_level="stats")))
    assert len(groups) == len(without)
    run_id = results[0]["run_id"]
    assert set(groups) == {f"{run_id}/save", f"{run_id}/save_all"}
    assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") is None


def test_rows_of_a_plan_come_with_the_job_that_executes_it(spark: Any) -> None:
    """Of the steps that pass it on too; a plan that is never executed has none, and not 0."""
    unused = Step(name="unused", value=doubled, inputs=["numbers"])
    nodes = run(spark, more=[unused])["nodes"]
    assert {name: node["row_count"] for name, node in nodes.items()} == {
        "double": 8, "large": 5, "save": 5, "save_all": 8, "unused": None,
    }  # fmt: skip
    assert all(node["duration_ms"] is not None for node in nodes.values())


def test_the_jobs_of_a_function_have_the_name_of_its_step(spark: Any) -> None:
    """Also those that the function itself begins."""

    def count(numbers: Any) -> int:
        return int(numbers.count())

    made = Orchestrator(
        [Step(name="count", value=count, inputs=["numbers"])], "spark", initial={"numbers": spark.range(3)}, store=False
    )
    groups = began(spark, made.execute)
    assert groups
    assert {group.rpartition("/")[2] for group in groups if group} == {"count"}
    assert None not in groups


def test_checks_of_a_step_that_writes_are_counted_in_its_job(spark: Any) -> None:
    """The failing rows of all of them, without a job more; a check that cannot be counted there is not checked."""
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    asked = [
        between("n", 0, 10, severity="warn"), not_null("s", severity="warn"), row_count(5), unique("n"),
        sql("n > 0"),
    ]  # fmt: skip
    without = began(spark, lambda: run(spark))
    groups = began(spark, lambda: run(spark, *asked, event_bus=bus))
    assert len(groups) == len(without)
    found = [(event.status, event.fields.get("failed_rows")) for event in sink.of_kind("check_result")]
    assert found == [("failed", 2), ("failed", 1), ("success", None), ("skipped", None), ("skipped", None)]


def test_a_check_that_spark_cannot_execute_does_not_stop_the_write(spark: Any) -> None:
    """The data is written, and the check is not checked: never passed."""
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    numbers = spark.range(3).selectExpr("concat('x', id) as s")
    asked = expression(nw.col("s").cast(nw.Int64) > 0)  # Spark fails for a text that is no number
    step = Step(name="save", layer="publish", value="x.parquet", inputs=["numbers"], checks=[asked])
    Orchestrator([step], "spark", initial={"numbers": numbers}, store=False, event_bus=bus).execute()
    assert spark.read.parquet(f"file://{Path('x.parquet').absolute()}").count() == 3
    (found,) = sink.of_kind("check_result")
    assert (found.status, "lazy" in str(found.message)) == ("skipped", True)


def passed(numbers: Any) -> Any:
    return numbers.where("n > 2")


def checked(*checks: Any, **options: Any) -> list[Step]:
    """Return a step with checks that passes its plan on, and two steps that write what is made of it."""
    return [
        Step(name="double", value=doubled, inputs=["numbers"], outputs=["doubled"], checks=checks),
        Step(name="few", value=passed, inputs={"numbers": "doubled"}),
        Step(name="save", layer="publish", value="some.parquet", inputs=["few"], **options),
        Step(name="save_all", layer="publish", value="all.parquet", inputs=["doubled"]),
    ]  # fmt: skip


def recorded(spark: Any, of_run: list[Step], **options: Any) -> tuple[Any, RecordingSink]:
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    numbers = spark.range(8).selectExpr("id as n", "cast(id as string) as s")
    made = Orchestrator(
        of_run, "spark", initial={"numbers": numbers}, store=False, event_bus=bus, raise_on_error=False, **options
    )
    return made.execute(), sink


def test_checks_of_a_step_that_passes_a_plan_on_are_asked(spark: Any) -> None:
    """In the job of the step that executes it, once, for all rows of the frame, and for the frames that it took."""
    result, sink = recorded(spark, checked(
        between("n", 0, 10, severity="warn"), row_count(8), not_null("n", on="numbers"), unique("n", severity="warn"),
    ))  # fmt: skip
    found = [(event.node_name, event.status, event.fields.get("failed_rows")) for event in sink.of_kind("check_result")]
    assert found == [
        ("double", "failed", 2), ("double", "success", None), ("double", "success", 0), ("double", "skipped", None),
    ]  # fmt: skip
    assert result["checks"] == {"passed": 2, "failed": 1, "not_checked": 1}
    assert [event.node_name for event in sink.of_kind("node_complete")].count("double") == 1
    assert result["nodes"]["double"]["row_count"] == 8


@pytest.mark.parametrize("workers", [1, 2])
def test_a_check_that_fails_late_keeps_what_is_made_of_its_frame_from_its_place(spark: Any, workers: int) -> None:
    """The file that was there stays; the steps below are skipped, tries and all, and the run failed."""
    Path("some.parquet").mkdir()
    result, sink = recorded(spark, checked(between("n", 0, 10), retries=1), max_workers=workers)
    statuses = {name: node["status"] for name, node in result["nodes"].items()}
    assert statuses == {"double": "failed", "few": "skipped", "save": "skipped", "save_all": "skipped"}
    assert "2 values of n outside 0 to 10" in result["error"]
    assert not list(Path("some.parquet").iterdir())
    assert not Path("all.parquet").exists()
    ends = [event.node_name for event in sink.events if event.event_type in ("node_failed", "node_skipped")]
    assert sorted(map(str, ends)) == ["double", "few", "save", "save_all"]


def test_missing_values_of_a_late_frame_are_recorded(spark: Any) -> None:
    """As statistics, at the level that asks for them."""
    _, sink = recorded(spark, checked(), snapshot_level="stats")
    (made,) = [event for event in sink.of_kind("snapshot")
               if event.node_name == "double" and event.fields["when"] == "after"]  # fmt: skip
    assert made.fields["stats"] == [{"column": "n", "nulls": 0}, {"column": "s", "nulls": 2}]
    assert (made.metadata or {})["stats_rows"] == 8


def test_a_step_of_another_engine_brings_the_facts_of_the_frame_that_it_takes(spark: Any) -> None:
    """Its rows cross by one job, in which those of the earlier steps are counted."""
    of_run = [*checked()[:2], Step(name="sum", type="sql", value="select sum(n) as n from few", inputs=["few"],
                                   engine="pandas")]  # fmt: skip
    result, _ = recorded(spark, of_run, snapshot_level="stats")
    assert {name: node["row_count"] for name, node in result["nodes"].items()} == {"double": 8, "few": 6, "sum": 1}
    assert result["data"]["sum"]["n"].tolist() == [54]


def test_a_plan_that_is_stopped_ends_the_open_nodes(spark: Any) -> None:
    """A write that fails is the failure of its step alone; the plans that it was made of are unknown."""
    bad = Step(name="bad", type="sql", value="select raise_error('no') as n from doubled", inputs=["doubled"])
    of_run = [checked()[0], bad, Step(name="save", layer="publish", value="x.parquet", inputs=["bad"])]
    result, _ = recorded(spark, of_run)
    assert {name: (node["status"], node["row_count"]) for name, node in result["nodes"].items()} == {
        "double": ("success", None), "bad": ("success", None), "save": ("failed", None),
    }  # fmt: skip


def test_checks_that_need_no_row_are_asked_at_once(spark: Any) -> None:
    """A schema that is wrong ends the step before Spark runs, and rows that are known are compared."""
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    Path("in.csv").write_text("n,s\n1,a\n2,\n")
    read = Step(name="read", layer="ingest", value="in.csv", checks=[row_count(2, 2)])
    wrong = Step(name="wrong", value=lambda read: read, inputs=["read"], checks=[schema({"n": "string"}, exact=False)])
    save = Step(name="save", layer="publish", value="x.parquet", inputs=["wrong"])
    groups = began(spark, lambda: Orchestrator([read, wrong, save], "spark", store=False, event_bus=bus,
                                               raise_on_error=False).execute())  # fmt: skip
    assert {str(group).rpartition("/")[2] for group in groups} == {"read"}  # the types of the texts
    assert [(event.node_name, event.status) for event in sink.of_kind("check_result")] == [
        ("read", "success"), ("wrong", "failed"),
    ]  # fmt: skip
    assert [event.row_count for event in sink.of_kind("node_complete")] == [2]


def test_a_reference_finds_the_frames_of_the_step_by_their_names(spark: Any) -> None:
    """The logical name of an input has precedence over the key of an output, in the check and in its target."""
    known = [{"n": 2}, {"n": 4}]
    asked = references("n", "few.n", severity="warn", on="numbers")
    kept = Step(name="kept", value=lambda numbers, few: numbers.where("n > 5"), checks=[asked],
                inputs={"numbers": "all", "few": "known"}, outputs={"out": "numbers"})  # fmt: skip
    save = Step(name="save", layer="publish", value="x.parquet", inputs=["numbers"])
    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    Orchestrator([kept, save], "spark", initial={"all": spark.range(8).selectExpr("id as n"), "known": known},
                 store=False, event_bus=bus).execute()  # fmt: skip
    (found,) = sink.of_kind("check_result")
    assert (found.status, found.fields.get("failed_rows")) == ("failed", 6)


def test_values_are_checked_as_in_memory(spark: Any) -> None:
    """NaN is missing, a moment has its zone, and no example shows a value; others are not checked, and never passed."""
    made = spark.sql(
        "select * from values (1.10, double('nan'), timestamp'2026-01-01 00:00:00+00:00', 'a'), "
        "(2.20, null, timestamp'2025-12-31 23:00:00-02:00', null) as t(d, f, at, s)"
    )
    asked = [
        not_null("f", severity="warn"), not_null("s", severity="warn"),
        between("at", "2026-01-01T00:30:00+00:00", severity="warn"),
        between("d", 0, Decimal("1.1"), severity="warn"), unique("s", severity="warn"),
    ]  # fmt: skip
    spark_sink, arrow_sink = RecordingSink(), RecordingSink()
    for engine, frame, sink in (("spark", made, spark_sink), ("pyarrow", made.toArrow(), arrow_sink)):
        bus = EventBus()
        bus.subscribe(sink)
        step = Step(name="save", layer="publish", value=f"{engine}.parquet", inputs=["made"], checks=asked)
        Orchestrator([step], engine, initial={"made": frame}, store=False, event_bus=bus).execute()
    counted, whole = ([(event.status, event.fields.get("failed_rows")) for event in sink.of_kind("check_result")]
                      for sink in (spark_sink, arrow_sink))  # fmt: skip
    assert counted[:3] == whole[:3] == [("failed", 2), ("failed", 1), ("failed", 1)]
    # A decimal is compared by Python, and a group of rows needs a shuffle of its own.
    assert counted[3:] == [("skipped", None), ("skipped", None)]
    assert whole[3:] == [("failed", 1), ("success", 0)]
    assert not any(event.fields.get("examples") for event in spark_sink.of_kind("check_result"))
