"""A Spark job that odibi-core records, beside the same job without it: one plan, written as Parquet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Runner, Target, Work

QUERY = "SELECT key, number, text FROM numbers WHERE number % 3 <> 0"


def session() -> Any:
    """Return the Spark session of the benchmarks, on two cores and loopback."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    for name in ("host", "bindAddress"):
        builder = builder.config(f"spark.driver.{name}", "127.0.0.1")
    builder = builder.config("spark.sql.shuffle.partitions", "4").config("spark.driver.memory", "4g")
    spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _numbers(rows: int) -> Any:
    return session().range(rows).selectExpr("id AS number", "id % 1000 AS key", "sha2(string(id), 256) AS text")


def _ours(rows: int) -> Any:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import Orchestrator, Step

        numbers = _numbers(rows)
        steps = [
            Step(name="some", type="sql", value=QUERY, inputs=["numbers"]),
            Step(name="save", layer="publish", value=str(folder / "ours.parquet"), inputs=["some"]),
        ]

        def run(count: int) -> float:
            started = time.perf_counter()
            for _ in range(count):
                Orchestrator(steps, "spark", initial={"numbers": numbers}, store=folder / "store").execute()
            return time.perf_counter() - started

        run(1)  # the first job compiles its code
        yield run

    return prepare


def _bare(rows: int) -> Any:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        numbers = _numbers(rows)

        def run(count: int) -> float:
            started = time.perf_counter()
            for _ in range(count):
                numbers.createOrReplaceTempView("numbers")
                numbers.sparkSession.sql(QUERY).write.mode("overwrite").parquet(f"file://{folder}/bare.parquet")
            return time.perf_counter() - started

        run(1)
        yield run

    return prepare


def works(quick: bool) -> list[Work]:
    """Return the works of this area."""
    rows, rounds = (100_000, 1) if quick else (10_000_000, 7)
    bare = "bare Spark"
    return [
        Work(
            "a Spark job", "ms",
            [Contender("odibi-core", _ours(rows), "ours"), Contender(bare, _bare(rows), note="nothing recorded")],
            [Target(1.03, bare, "ratio")], loops=1, rounds=rounds,
            note=f"{rows:,} rows filtered by SQL and written as Parquet on local[2]; per job",
        )
    ]  # fmt: skip
