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
