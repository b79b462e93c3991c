"""The cost estimator, run as a program of its own against a fake BigQuery on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.openlineage.checking import check, exported

ROOT = Path(__file__).resolve().parents[2]
ORDERS = "SELECT country, orders FROM sales.orders"


def estimator(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return python(str(ROOT / "examples" / "bigquery_costs"), *arguments)


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def recorded_costs(*options: str) -> Any:
    return json.loads(python("-m", "odibi_core", "costs", "--format", "json", *options).stdout)


def test_it_estimates_the_bytes_and_the_cost_of_a_query() -> None:
    """It runs no query and records no cost."""
    done = estimator("--demo", ORDERS)
    assert done.returncode == 0, done.stderr
    assert "reads:  256.00 GiB of demo-project.sales.orders" in done.stdout
    assert "costs:  1.56 USD: 256.00 GiB billed at 6.25 USD per TiB" in done.stdout
    assert recorded_costs()["total"]["calls"] == 0


def test_it_runs_the_query_and_records_the_cost() -> None:
    """The cost is recorded by operation and run; the log line, the command and the query are in the same run."""
    done = estimator("--demo", ORDERS, "--run", "--max-usd", "5")
    assert done.returncode == 0, done.stderr
    assert "run:    3 rows" in done.stdout
    answer = recorded_costs("--budget", "50")
    (row,) = answer["rows"]
    assert (row["operation"], row["cost_usd"]) == ("cost_estimator", 1.5625)
    assert answer["budget"]["share"] == 1.5625 / 50
    said = python("-m", "odibi_core", "logs", "--format", "json", "--limit", "0").stdout.splitlines()
    kinds = [json.loads(line)["event_type"] for line in said]
    assert check(exported(Path(".odibi")))  # valid events of OpenLineage
    assert {"estimated", "cli_command", "query", "cost", "pipeline_complete"} <= set(kinds)


@pytest.mark.parametrize("extra", [[], ["--price", "4"]])
def test_a_query_over_the_limit_is_refused_before_it_runs(extra: list[str]) -> None:
    """The exit code is 1, the output has the estimate and the limit, and the record has the refusal and no cost."""
    done = estimator("--demo", "SELECT * FROM web.clicks", "--run", "--max-usd", "5", *extra)
    assert done.returncode == 1
    assert "the query was not run: it would cost" in done.stderr
    answer = recorded_costs()
    assert (answer["total"]["calls"], answer["queries"]["failed"]) == (0, 1)


def test_a_query_that_bigquery_refuses_is_exit_code_2() -> None:
    """The output has BigQuery's own message, and no traceback."""
    done = estimator("--demo", "SELECT * FROM sales.order")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("BigQuery refused it: ")
    assert "Not found: Table sales.order; the demo has sales.orders" in last
