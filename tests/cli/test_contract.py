"""`odibi contract`: the rules of a contract, and their results in a run."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Here

from odibi_core.checks import from_contract
from odibi_core.orchestrator import Orchestrator
from odibi_core.step import Step

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders-7
name: Orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: amount, required: true}
"""


@pytest.fixture
def contract(here: Here) -> Path:
    file = Path("orders.odcs.yaml").absolute()
    file.write_text(CONTRACT)
    return file


def run_pipeline(file: Path, amounts: list[float | None]) -> None:
    frame = pl.DataFrame({"id": [1, 2], "amount": amounts})
    made = [
        check for check in from_contract(file, severity="warn") if "required" in check.name or "amount" in check.name
    ]
    Orchestrator([Step(name="orders", value=lambda: frame, checks=made)], store=".odibi").execute()


def test_check_lists_the_rules(here: Here, contract: Path) -> None:
    """In both forms; a file that is none exits with an error that names the place."""
    assert "orders.amount.required" in here("contract", "check", str(contract)).stdout
    answer = json.loads(here("contract", "check", str(contract), "--format", "json").stdout)
    assert (answer["contract"], answer["version"], len(answer["rules"])) == ("orders-7", "1.0.0", 5)
    contract.write_text(CONTRACT.replace("integer", "intger"))
    done = here("contract", "check", str(contract))
    assert done.exit_code != 0
    assert "did you mean 'integer'" in done.output


def test_report_has_the_results_of_the_latest_run(here: Here, contract: Path) -> None:
    """A rule that the run did not check is not run; a failed one is exit code 1; --write leaves the contract alone."""
    run_pipeline(contract, [1.0, 2.0])
    run_pipeline(contract, [1.0, None])
    done = here("contract", "report", str(contract), "--format", "json", "--write")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    by_rule = {row["rule"]: row["result"] for row in answer["results"]}
    assert by_rule["orders.amount.required"] == "failed"
    assert by_rule["orders.id.logicalType"] == "not run"
    assert answer["summary"] == {"passed": 2, "failed": 1, "not_checked": 0, "not_run": 2}
    written = json.loads(Path("orders.odcs.results.json").read_text())
    assert written == answer
    assert contract.read_text() == CONTRACT
    assert "1 failed" in here("contract", "report", str(contract)).stdout


def test_report_without_a_run_names_what_to_do(here: Here, contract: Path) -> None:
    """Exit code 3, as for every run that is not found."""
    Orchestrator([Step(name="a", value=lambda: pl.DataFrame({"a": [1]}))], store=".odibi").execute()
    done = here("contract", "report", str(contract))
    assert done.exit_code == 3
    assert "from_contract" in done.output


def test_report_states_that_the_run_had_another_version(here: Here, contract: Path) -> None:
    """The results are of the version that the run checked."""
    run_pipeline(contract, [1.0, 2.0])
    contract.write_text(CONTRACT.replace("1.0.0", "1.1.0"))
    assert "checked version 1.0.0" in here("contract", "report", str(contract)).output
