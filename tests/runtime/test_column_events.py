"""The column lineage of a run: its events, its lineage, its edges."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.errors import ConfigurationError
from odibi_core.history.rows.tables import as_dicts, tables_of
from odibi_core.store.runs import RunStore

ORDERS = pd.DataFrame({"customer": ["ada", "bob"], "amount": [1.5, 2.0]})
TOTAL = "select customer as buyer, sum(amount) as total from orders where amount > 0 group by customer"


def orders() -> pd.DataFrame:
    return ORDERS.copy()


def lineage_of(result: Any, step: str) -> dict[str, Any]:
    steps = {each["step_name"]: each for each in result["tracker"].export_lineage()["steps"]}
    found: dict[str, Any]
    (found,) = steps[step]["column_lineage"]
    return found


def by_column(lineage: dict[str, Any]) -> dict[str, list[str] | None]:
    return {
        each["column"]: None
        if each["sources"] is None
        else [f"{source['dataset']}.{source['column']}" for source in each["sources"]]
        for each in lineage["columns"]
    }


def test_a_sql_step_has_its_columns_in_lineage_and_edges() -> None:
    """The edge has the sources, the columns that decide about rows, the method and the confidence."""
    steps = [Step(name="orders", value=orders), Step(name="total", type="sql", value=TOTAL, inputs=["orders"])]
    result = Orchestrator(steps, store=".odibi").execute()
    lineage = lineage_of(result, "total")
    assert by_column(lineage) == {"buyer": ["orders.customer"], "total": ["orders.amount"]}
    store = RunStore(".odibi")
    (edge,) = as_dicts("edges", tables_of(store.read(result["run_id"]))["edges"])
    assert edge["column_sources"] == '{"buyer":["customer"],"total":["amount"]}'
    assert edge["deciding_columns"] == '["amount","customer"]'
    assert (edge["unknown_columns"], edge["columns_method"], edge["columns_confidence"]) == ("[]", "sql", 1.0)


def test_a_renamed_column_is_found_and_not_only_dropped_and_added() -> None:
    """It is also among the added and the removed columns, which older readers know."""
    steps = [Step(name="orders", value=orders), Step(name="total", type="sql", value=TOTAL, inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    total = result["tracker"].export_lineage()["steps"][1]
    assert total["schema_diff"]["renamed_columns"] == [{"before": "customer", "after": "buyer"}]
    assert "buyer" in total["schema_diff"]["added_columns"]


def test_a_step_that_writes_and_hands_on_copies_its_columns() -> None:
    """Each column is the same one of its input."""
    steps = [Step(name="orders", value=orders), Step(name="kept", layer="store", value="kept.csv", inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    assert by_column(lineage_of(result, "kept")) == {"customer": ["orders.customer"], "amount": ["orders.amount"]}


def test_without_the_setting_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_SNAPSHOT__LINEAGE=false` turns every method off."""
    monkeypatch.setenv("ODIBI_SNAPSHOT__LINEAGE", "false")
    steps = [Step(name="orders", value=orders), Step(name="total", type="sql", value=TOTAL, inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    assert "column_lineage" not in result["tracker"].export_lineage()["steps"][1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"total": ["other.amount"]}, "columns must name input.column, got 'other.amount'"),
        ({"total": [3]}, "columns must be a list of columns for 'total', got a list"),
        ([("total", "amount")], "columns must be names of columns mapped to lists"),
    ],
)
def test_a_wrong_declaration_is_refused_before_the_run(columns: Any, message: str) -> None:
    """It names what was given."""
    with pytest.raises(ConfigurationError, match=message):
        Step(name="total", value=len, inputs=["orders", "people"], columns=columns)
