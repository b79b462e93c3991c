"""The cost of the rows after each operator of a plan: `python -m benchmarks.plan_operators [--quick] [--sql|--spark]`.

For lazy polars: a plan as it is, with the counts of polars itself, and with counting nodes in the plan (`map_batches`).
The counts of polars are private parts of it. The nodes are public, but they stop filters on their way into a file, and
Python is called for each batch. For SQL: a statement over frames of pandas, with the profile of DuckDB and without. For
Spark: a job that writes, with its metrics read from the status store and without.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from odibi_core.engines import plan_operators
from odibi_core.plugins import load

Plan = Callable[[Any, Callable[[Any], Any]], Any]
"""Makes a plan of a source; the second argument puts a counter behind an operator."""


def _filters(source: pl.LazyFrame, counted: Callable[[Any], Any]) -> pl.LazyFrame:
    found = counted(counted(source.filter(pl.col("v") > 0.3)).filter(pl.col("g") > 5))
    return found.select("k", "v")  # type: ignore[no-any-return]


def _few(source: pl.LazyFrame, counted: Callable[[Any], Any]) -> pl.LazyFrame:
    return counted(source.with_columns(w=pl.col("v") * 2).filter(pl.col("id") < 1_000))  # type: ignore[no-any-return]


def _joined(source: pl.LazyFrame, counted: Callable[[Any], Any]) -> pl.LazyFrame:
    other = pl.LazyFrame({"k": range(900), "w": range(900)})
    found = counted(counted(source.filter(pl.col("v") > 0.3)).join(other, on="k")).filter(pl.col("w") > 100)
    return counted(found).group_by("g").agg(pl.col("v").sum(), pl.len())  # type: ignore[no-any-return]


PLANS: dict[str, Plan] = {"two filters": _filters, "a filter for few rows": _few, "filter, join, group": _joined}


def _rows(rows: int) -> pl.DataFrame:
    number = pl.int_range(rows, eager=True).alias("id")
    return pl.DataFrame([number]).with_columns(
        k=(pl.col("id") * 7919) % 1000, g=(pl.col("id") * 31) % 50, v=((pl.col("id") * 104_729) % 10_007) / 10_007,
        s=(pl.col("id") % 100_000).cast(pl.String),
    )  # fmt: skip


def _counted(frame: Any) -> Any:
    total = [0]

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        total[0] += batch.height
        return batch

    return frame.map_batches(
        count, predicate_pushdown=False, projection_pushdown=True, slice_pushdown=False, streamable=True,
        validate_output_schema=False,
    )  # fmt: skip


def _in_turn(contenders: dict[str, Callable[[], Any]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds of each contender, all in turn."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            began = clock()
            work()
            times[name].append(clock() - began)
    return {name: statistics.median(each) for name, each in times.items()}


def of_polars(folder: Path, *, quick: bool) -> None:
    """Print the processor time of plans, as they are and with counts."""
    engine = load("engines", "polars-lazy")()
    print("| plan | rows | as it is, ms | with the counts of polars | with counting nodes |\n|---|---|---|---|---|")
    for rows, rounds in ((10_000, 200), (1_000_000, 40), (5_000_000, 10)):
        if quick and rows > 10_000:
            continue
        frame, path = _rows(rows), folder / f"{rows}.parquet"
        frame.write_parquet(path)
        for source, scan in (("Parquet", lambda: pl.scan_parquet(path)), ("memory", frame.lazy)):  # noqa: B023
            for name, plan in PLANS.items():
                _print(engine, f"{name}, {source}", plan, scan, rows, 2 if quick else rounds)


def _print(engine: Any, name: str, plan: Plan, scan: Callable[[], Any], rows: int, rounds: int) -> None:
    def bare() -> Any:
        return engine.collected([plan(scan(), lambda each: each)])

    def ours() -> Any:
        with plan_operators.wanted():
            (made,) = bare()
        assert plan_operators.take({"made": made})["made"].stages
        return made

    def nodes() -> Any:
        return engine.collected([plan(scan(), _counted)])

    took = _in_turn({"bare": bare, "ours": ours, "nodes": nodes}, rounds, time.process_time)
    ratios = [f"{took[each] / took['bare']:.2f} ×" for each in ("ours", "nodes")]
    print(f"| {name} | {rows:,} | {took['bare'] * 1e3:,.1f} | {' | '.join(ratios)} |")


def of_spark(folder: Path, *, quick: bool) -> None:
    """Print the time of jobs that write, with their metrics and without."""
    from benchmarks.spark import session
    from odibi_core.events import context

    spark, engine = session(), load("engines", "spark")()
    print("| job | rows | as it is, ms | with its metrics |\n|---|---|---|---|")
    for rows, rounds in ((100_000, 11), (3_000_000, 7)):
        numbers = spark.range(rows).selectExpr("id", "id % 1000 as k", "sha2(string(id), 256) as s")
        frame = numbers.where("id % 3 <> 0").groupBy("k").agg({"s": "max"}).where("k > 5")

        def write(wanted: bool, frame: Any = frame) -> None:
            engine.late_frames.counts_operators = wanted
            late = engine.late(frame.select("*"), None, asked=False, nulls=False)
            with context.bind(run_id="r", node_name="n"):
                engine.write(late.frame, str(folder / "out.parquet"))
            assert bool(late.operators.stages) == wanted, late.operators

        write(True)
        took = _in_turn(
            {"bare": lambda: write(False), "ours": lambda: write(True)}, 1 if quick else rounds, time.perf_counter
        )
        print(f"| filter, group, filter | {rows:,} | {took['bare'] * 1e3:,.0f} | {took['ours'] / took['bare']:.2f} × |")


def of_sql(*, quick: bool) -> None:
    """Print the processor time of SQL over frames of several sizes, without and with the profile."""
    from odibi_core.engines import duckdb_profile

    engine = load("engines", "pandas")()
    query = """
        SELECT g, count(*) AS n, avg(v) AS mean FROM source JOIN other USING (k)
        WHERE v > 0.3 AND w > 100 GROUP BY g HAVING n > 1 ORDER BY n
    """
    print("| rows | as it is, ms | with its profile | more, ms |\n|---|---|---|---|")
    for rows, rounds in ((1_000, 400), (100_000, 200), (1_000_000, 60), (3_000_000, 20)):
        if quick and rows > 1_000:
            continue
        source, other = _rows(rows).to_pandas(), pl.DataFrame({"k": range(900), "w": range(900)}).to_pandas()

        def bare(source: Any = source, other: Any = other) -> None:
            engine.sql(query, {"source": source, "other": other})

        def ours(bare: Callable[[], None] = bare) -> None:
            with duckdb_profile.wanted():
                bare()
            assert duckdb_profile.take()

        took = _in_turn({"bare": bare, "ours": ours}, 2 if quick else rounds, time.process_time)
        more = took["ours"] - took["bare"]
        print(f"| {rows:,} | {took['bare'] * 1e3:.1f} | {took['ours'] / took['bare']:.2f} × | {more * 1e3:.2f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan_operators")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--sql", action="store_true")
    asked = parser.parse_args()
    if asked.sql:
        of_sql(quick=asked.quick)
        return
    with tempfile.TemporaryDirectory() as folder:
        (of_spark if asked.spark else of_polars)(Path(folder), quick=asked.quick)


if __name__ == "__main__":
    main()
