"""Spark reads the Parquet of a shared store as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.plan import ROOT
from tests.history.remote.hosts import ship_all

import odibi_core
from odibi_core.history.compaction import Options, compact
from odibi_core.store.runs import RunStore

READER = ROOT / "tests" / "services" / "spark_reader.py"


def orders() -> list[dict[str, int]]:
    return [{"amount": 20}, {"amount": 35}, {"amount": 1}]


def total(orders: list[dict[str, int]]) -> list[dict[str, int]]:
    return [{"total": sum(each["amount"] for each in orders)}]


@pytest.mark.services
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java (Debian: default-jre-headless)")
def test_spark_reads_the_tables_of_all_hosts(tmp_path: Path) -> None:
    """`spark.read.parquet(prefix/tables/nodes)` over the batches of two hosts: the answer of the table, exactly."""
    share = tmp_path / "share"
    for host, runs in (("a", 3), ("b", 2)):
        for _ in range(runs):
            odibi_core.run([orders, total], pipeline_name=f"of-{host}", store=tmp_path / host)
        compact(RunStore(tmp_path / host), Options(grace_s=0))
        ship_all(tmp_path / host, str(share))
    done = subprocess.run(
        [sys.executable, str(READER), share.as_uri()], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [
        {"pipeline_name": f"of-{host}", "node_name": step, "runs": runs, "rows": runs * rows}
        for host, runs in (("a", 3), ("b", 2))
        for step, rows in (("orders", 3), ("total", 1))
    ]
