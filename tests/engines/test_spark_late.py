"""Late facts of Spark frames: counted by a job that executes them anyway, and never by a part of their rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from odibi_core.checks import not_null, row_count, unique
from odibi_core.checks.counts import Counting
from odibi_core.engines import spark_late, spark_plans, spark_rows
from odibi_core.plugins import load

pytestmark = pytest.mark.xdist_group("spark")
BEHIND = {
    "nothing": lambda frame: frame,
    "columns": lambda frame: frame.selectExpr("n * 2 as m").withColumnRenamed("m", "x"),
    "aggregation": lambda frame: frame.groupBy("k").count(),
    "sort": lambda frame: frame.orderBy(frame.k.desc()),
    "union": lambda frame: frame.union(frame),
    "join": lambda frame: frame.join(frame.groupBy("k").count(), "k"),
    "self-join": lambda frame: frame.alias("a").join(frame.alias("b"), "n"),
    "outer join": lambda frame: frame.join(frame.sparkSession.range(2).withColumnRenamed("id", "k"), "k", "left"),
    "filter after aggregation": lambda frame: frame.groupBy("k").count().where("count > 1"),
    "distinct": lambda frame: frame.select("k").distinct(),
    "window": lambda frame: frame.selectExpr("n", "row_number() over (partition by k order by n) as r"),
}
"""Code behind a frame of 20 rows that takes each of them."""
PARTLY = {
    "limit": lambda frame: frame.limit(3),
    "sorted limit": lambda frame: frame.orderBy("n").limit(3),
    "limit over columns": lambda frame: frame.selectExpr("n + 1").limit(3),
    "limit over a union": lambda frame: frame.union(frame).limit(25),
}
"""Code behind it that takes some, so that a count would be wrong."""


@pytest.fixture
def engine(spark: Any) -> Any:
    return load("engines", "spark")()


@pytest.fixture
def numbers(spark: Any) -> Any:
    """A frame of 20 rows and 2 partitions."""
    return spark.range(0, 20, 1, 2).selectExpr("id as n", "id % 3 as k")


def jobs(spark: Any) -> int:
    return int(spark.sparkContext._jsc.sc().statusStore().jobsList(None).size())


@pytest.mark.parametrize("behind", BEHIND)
def test_rows_are_those_of_the_frame_whatever_is_behind_it(engine: Any, numbers: Any, behind: str) -> None:
    """Not those that a filter, a join or an aggregation leaves, and not twice those that a plan takes twice."""
    late = engine.late(numbers, None, asked=True, nulls=False)
    table = engine.arrow(BEHIND[behind](numbers))
    assert spark_rows.rows(numbers) == 20
    assert late.is_known
    assert table.num_rows == BEHIND[behind](numbers).count()


@pytest.mark.parametrize("behind", PARTLY)
def test_a_frame_that_is_not_taken_whole_stays_unknown(engine: Any, numbers: Any, behind: str) -> None:
    """A limit stops the rows on their way, and a count of those that came would be wrong."""
    engine.late(numbers, None, asked=True, nulls=False)
    engine.arrow(PARTLY[behind](numbers))
    assert spark_rows.rows(numbers) is None
    engine.arrow(numbers.groupBy("k").count())
    assert spark_rows.rows(numbers) == 20  # by the first execution that takes them all


def test_without_the_verdict_a_limit_gives_a_wrong_count(
    engine: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sabotaged twin of the test above."""
    monkeypatch.setattr(spark_late, "_is_fit", lambda late, verdict: verdict is not None)
    engine.late(numbers, None, asked=True, nulls=False)
    engine.arrow(numbers.limit(3))
    assert spark_rows.rows(numbers) not in (None, 20)


@pytest.mark.parametrize("adaptive", ["true", "false"])
def test_an_empty_side_of_a_join_gives_no_false_zero(
    engine: Any, spark: Any, numbers: Any, adaptive: str
) -> None:
    """Spark skips one side if the other is empty: then its rows are unknown, or all of them."""
    spark.conf.set("spark.sql.adaptive.enabled", adaptive)
    spark.conf.set("spark.sql.codegen.wholeStage", "false")
    try:
        engine.late(numbers, None, asked=True, nulls=False)
        empty = spark.range(5).where("id > 7").selectExpr("id as n")
        assert engine.arrow(numbers.join(empty.hint("broadcast"), "n")).num_rows == 0
        assert spark_rows.rows(numbers) in (None, 20)
    finally:
        spark.conf.unset("spark.sql.adaptive.enabled")
        spark.conf.unset("spark.sql.codegen.wholeStage")


def test_a_filter_on_its_way_to_the_file_is_not_stopped(engine: Any, spark: Any, numbers: Any) -> None:
    """The rows of a frame that nothing asks for stay unknown rather than cost the reading of a whole file."""
    path = f"file://{Path('x.parquet').absolute()}"
    numbers.write.partitionBy("k").parquet(path)
    frame = spark.read.parquet(path)
    made = frame.withColumnRenamed("n", "m")
    for each in (frame, made):
        engine.late(each, None, asked=False, nulls=False)
    execution = engine.late_frames.execution(made.where("k = 2 and m > 3"))
    plan = execution.frame._jdf.queryExecution().executedPlan().toString()
    assert "GreaterThan(n,3)" in plan
    assert "(k#" in plan.partition("PartitionFilters: [")[2].partition("]")[0]
    asked = engine.late(made, None, asked=True, nulls=False)
    engine.arrow(made.where("k = 2 and m > 3"))
    assert (asked.is_known, spark_rows.rows(made)) == (True, 20)


def test_columns_that_no_step_takes_are_not_read_for_a_count(engine: Any, spark: Any, numbers: Any) -> None:
    """Rows are counted without a look at a column."""
    path = f"file://{Path('x.parquet').absolute()}"
    numbers.write.parquet(path)
    frame = spark.read.parquet(path)
    engine.late(frame, None, asked=True, nulls=False)
    execution = engine.late_frames.execution(frame.groupBy("k").count(), counted=False)
    plan = execution.frame._jdf.queryExecution().executedPlan().toString()
    assert "CollectMetrics" in plan
    assert "ReadSchema: struct<k:bigint>" in plan


def test_a_cached_frame_is_taken_from_the_cache(engine: Any, spark: Any, numbers: Any) -> None:
    """Spark finds cached rows by their plan, which an observation inside it would change."""
    made = numbers.selectExpr("n", "k + 1 as k").cache()
    try:
        made.count()
        engine.late(numbers, None, asked=True, nulls=False)
        execution = engine.late_frames.execution(made.groupBy("k").count(), counted=False)
        assert "InMemoryTableScan" in execution.frame._jdf.queryExecution().executedPlan().toString()
        assert engine.arrow(made.groupBy("k").count()).num_rows == 3
        assert spark_rows.rows(numbers) is None
    finally:
        made.unpersist()


def test_an_execution_in_the_code_of_a_step_is_not_counted(engine: Any, spark: Any, numbers: Any) -> None:
    """A look at some rows, before and after: the frames of the code carry no observation."""
    engine.late(numbers, None, asked=True, nulls=True)
    numbers.take(3)
    numbers.where("n > 15").count()
    assert spark_rows.rows(numbers) is None
    before = jobs(spark)
    numbers.groupBy("k").count().toArrow()
    bare = jobs(spark) - before
    engine.arrow(numbers.groupBy("k").count())
    assert jobs(spark) - before == 2 * bare
    known = spark_rows.known(numbers)
    assert known is not None
    assert (known.rows, known.nulls) == (20, {"n": 0, "k": 0})


def test_only_what_costs_next_to_nothing_is_counted_unasked(engine: Any, numbers: Any) -> None:
    """The rows of an aggregation, beside which a count is nothing; not those that Spark makes by the million."""
    counts = numbers.groupBy("k").count()
    for each in (numbers, counts):
        engine.late(each, None, asked=False, nulls=False)
    engine.arrow(counts.selectExpr("k", "count * 2 as twice"))
    assert (spark_rows.rows(numbers), spark_rows.rows(counts)) == (None, 3)


def test_another_version_of_spark_executes_the_frame_as_it_is(
    engine: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans are looked at by calls that pyspark does not promise: without them the rows are unknown."""

    def missing(*_: Any) -> Any:
        raise AttributeError("no such method")

    monkeypatch.setattr(spark_plans, "frame_of", missing)
    late = engine.late(numbers, None, asked=True, nulls=True)
    assert engine.arrow(numbers.where("n > 15")).num_rows == 4
    assert not late.is_known


def test_a_frame_whose_rows_are_known_is_not_late(engine: Any) -> None:
    """A frame of rows in memory, and a value that is no frame of Spark."""
    assert engine.late(engine.frame([{"n": 1}]), None, asked=True, nulls=False) is None
    assert engine.late([{"n": 1}], None, asked=True, nulls=False) is None
    few = engine.frame([{"n": 1}])
    late = engine.late(few, partial(Counting, [row_count(2), unique("n")]), asked=False, nulls=False)
    assert late.is_known
    assert [result and result.passed for result in late.results] == [False, None]
    assert not engine.late(few, partial(Counting, [not_null("n")]), asked=True, nulls=False).is_known
