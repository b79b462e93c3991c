"""`odibi lineage`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from odibi_core import Orchestrator, Step
from odibi_core.cli import app


def orders() -> pd.DataFrame:
    return pd.DataFrame({"customer": ["ada", "bob"], "amount": [1.5, 2.0]})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    steps = [
        Step(name="orders", value=orders),
        Step(
            name="totals",
            type="sql",
            value="select sum(amount) as total from orders where customer > ''",
            inputs=["orders"],
        ),
        Step(name="halves", type="sql", value="select total / 2 as half, 1 as one from totals", inputs=["totals"]),
    ]
    Orchestrator(steps, pipeline_name="shop", store=tmp_path / "store").execute()
    return tmp_path / "store"


def ask(store: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["lineage", "shop", *arguments, "--store", str(store)])


def test_each_column_has_its_sources_and_how_they_are_known(store: Path) -> None:
    """A column without a source is not unknown; the columns that decide about rows are named."""
    shown = ask(store).stdout
    assert "orders.amount (aggregation)" in shown
    assert "no column: a constant, or a count of rows" in shown
    assert "rows: decided by orders.customer (filter)" in shown


def test_one_column_is_shown_with_all_that_it_comes_from(store: Path) -> None:
    """Back through the steps, as text and as JSON."""
    found = json.loads(ask(store, "--column", "halves.half", "--format", "json").stdout)
    columns = [(each["dataset"], [column["column"] for column in each["columns"]]) for each in found["frames"]]
    assert columns == [("halves", ["half"]), ("totals", ["total"])]


def test_an_unknown_column_is_an_error_with_the_nearest(store: Path) -> None:
    """Nothing is printed to stdout."""
    answer = ask(store, "--column", "halves.hal")
    assert (answer.exit_code != 0, answer.stdout) == (True, "")
    assert "halves.half" in answer.stderr


def test_a_mapped_step_and_a_proved_rule_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other items may differ, and the rule of a function is the finding on the rows of this run."""
    monkeypatch.setenv("ODIBI_ROWS__EXPLAIN", "all")
    sold = pd.DataFrame({"customer": list("abcdefgh") * 8, "amount": [at * 7 % 23 - 5 for at in range(64)]})
    steps = [
        Step(name="parts", value=lambda: [sold.assign(part=str(part)) for part in range(5)]),
        Step(name="all", value=lambda part: part.copy(), inputs={"part": "parts"}, map="part", combine="rows"),
        Step(name="sold", value=lambda: sold),
        Step(name="large", value=lambda sold: sold[sold["amount"] > 3], inputs=["sold"]),
    ]
    Orchestrator(steps, pipeline_name="shop", store=tmp_path).execute()
    shown = ask(tmp_path).stdout
    assert "all (step all, from 3 of 5 items)" in shown
    assert "rows: decided by sold.amount (filter), by the rule that the rows prove" in shown
