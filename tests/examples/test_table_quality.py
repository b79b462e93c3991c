"""The checker of a table's quality, run as a user does, and its record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.plan import ROOT
from tests.cli.conftest import command, environment
from tests.openlineage import checking

EXAMPLE = ROOT / "examples" / "table_quality.py"
ORDERS = "order,customer,amount\n1,ada,20\n2,bob,35.5\n2,,12\n"


@pytest.fixture(autouse=True)
def orders() -> None:
    Path("orders.csv").write_text(ORDERS)


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        env=environment(METRICS_ENABLED="false"), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def answer(*arguments: str) -> Any:
    asked = [*command(*arguments), "--format", "json"]
    return json.loads(
        subprocess.run(asked, env=environment(), capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_each_check_is_printed_and_the_exit_code_is_the_verdict(engine: str) -> None:
    """A failed check makes it 1; the checks, their times and the command are in the record."""
    done = check(
        "orders.csv",
        "--engine",
        engine,
        "--not-null",
        "customer",
        "--unique",
        "order",
        "--between",
        "amount",
        "0",
        "90",
    )
    assert done.returncode == 1, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "passed  row_count", "FAILED  not_null(customer)", "FAILED  unique(order)", "passed  between(amount)",
    ]  # fmt: skip
    usage = answer("usage")
    assert {name: told["last_passed"] for name, told in usage["data_quality"].items()} == {
        "row_count": True, "not_null(customer)": False, "unique(order)": False, "between(amount)": True,
    }  # fmt: skip
    assert usage["commands"]["table_quality"]["success"] == 1


def test_the_exit_code_is_0_if_every_check_passes() -> None:
    """The record has no errors, and is valid in OpenLineage."""
    assert check("orders.csv", "--not-null", "order").returncode == 0
    assert answer("errors")["groups"] == []
    checking.check(checking.exported(Path(".odibi")))


def test_a_missing_table_is_exit_code_2_and_one_error() -> None:
    """The error is recorded once, although it passes several layers."""
    done = check("order.csv")
    assert done.returncode == 2
    assert "did you mean 'orders.csv'" in done.stderr
    (group,) = answer("errors")["groups"]
    assert (group["error_type"].rpartition(".")[2], group["count"]) == ("SourceNotFoundError", 1)
    assert answer("usage")["commands"]["table_quality"]["failed"] == 1
