"""Pipelines on Spark: nothing is executed to be recorded, and the jobs have the names of the steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals as nw
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.checks import between, expression, not_null, row_count, sql, unique
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


def run(spark: Any, *checks: Any, **options: Any) -> Any:
    numbers = spark.range(8).selectExpr("id as n", "cast(id as string) as s")
    return Orchestrator(steps(*checks), "spark", initial={"numbers": numbers}, store=False, **options).execute()


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


def test_rows_are_known_where_a_frame_is_executed(spark: Any) -> None:
    """A written frame has its rows; a plan that was only passed on has none, and not 0."""
    nodes = run(spark)["nodes"]
    assert {name: node["row_count"] for name, node in nodes.items()} == {
        "double": None, "large": None, "save": 5, "save_all": 8,
    }  # fmt: skip


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
