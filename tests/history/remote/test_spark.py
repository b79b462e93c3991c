"""Spark reads the Parquet of a shared store as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.history.remote.hosts import ship_all

import odibi_core
from odibi_core.history.compaction import Options, compact
from odibi_core.store.runs import RunStore

pytestmark = pytest.mark.xdist_group("spark")


def orders() -> list[dict[str, int]]:
    return [{"amount": 20}, {"amount": 35}, {"amount": 1}]


def total(orders: list[dict[str, int]]) -> list[dict[str, int]]:
    return [{"total": sum(each["amount"] for each in orders)}]


def test_spark_reads_the_tables_of_all_hosts(spark: Any, tmp_path: Path) -> None:
    """`spark.read.parquet(prefix/tables/nodes)` over the batches of two hosts: the answer of the table, exactly."""
    share = tmp_path / "share"
    for host, runs in (("a", 3), ("b", 2)):
        for _ in range(runs):
            odibi_core.run([orders, total], pipeline_name=f"of-{host}", store=tmp_path / host)
        compact(RunStore(tmp_path / host), Options(grace_s=0))
        ship_all(tmp_path / host, str(share))
    nodes = spark.read.parquet(f"{share.as_uri()}/tables/nodes").where("status = 'success'")
    nodes.createOrReplaceTempView("nodes_of_hosts")
    answer = spark.sql(
        "select pipeline_name, node_name, count(*) as runs, sum(rows_out) as rows from nodes_of_hosts "
        "group by pipeline_name, node_name order by pipeline_name, node_name"
    )
    assert [row.asDict() for row in answer.collect()] == [
        {"pipeline_name": f"of-{host}", "node_name": step, "runs": runs, "rows": runs * rows}
        for host, runs in (("a", 3), ("b", 2))
        for step, rows in (("orders", 3), ("total", 1))
    ]
