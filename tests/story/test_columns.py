"""The column lineage in the story's document."""

from __future__ import annotations

from typing import Any

import pandas as pd

from odibi_core import Orchestrator, Step
from odibi_core.story.document import build
from odibi_core.story.foreign import read_lineage


def orders() -> pd.DataFrame:
    return pd.DataFrame({"customer": ["ada", "bob"], "amount": [1.5, 2.0]})


def document() -> dict[str, Any]:
    """The story of a run, from its lineage as `lineage.json` has it."""
    sql = "select customer as buyer, sum(amount) as total from orders group by customer"
    steps = [Step(name="orders", value=orders), Step(name="totals", type="sql", value=sql, inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    return build(read_lineage(result["tracker"].export_lineage()))


def test_each_column_has_its_sources_and_the_reason_if_they_are_unknown() -> None:
    """With dataset, column and way; frames whose columns can be chosen are marked."""
    found = document()
    (frame,) = found["columns"]
    assert (frame["step"], frame["dataset"]) == (1, "totals")
    assert frame["columns"] == [
        ["buyer", [["orders", "customer", "identity"]], "sql", 1.0, ""],
        ["total", [["orders", "amount", "aggregation"]], "sql", 1.0, ""],
    ]
    assert frame["indirect"] == [["orders", "customer", "group by"]]
    assert found["steps"][1]["after"]["linked"] is True
    assert found["steps"][1]["before"][0]["linked"] is True


def test_a_renamed_column_is_neither_added_nor_removed() -> None:
    """It has both names; the other changes stay."""
    diff = document()["steps"][1]["diff"]
    assert diff["renamed"] == [["customer", "buyer"]]
    assert (diff["added"], diff["removed"]) == (["total"], ["amount"])
