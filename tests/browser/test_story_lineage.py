"""The column lineage in the saved story: chosen by mouse or keyboard, without a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.browser.conftest import Visit

from odibi_core import Orchestrator, Step
from odibi_core.story import write_story

pytestmark = pytest.mark.browser


def orders() -> pd.DataFrame:
    return pd.DataFrame({"customer": ["ada", "bob"], "amount": [1.5, 2.0]})


@pytest.fixture
def story(visit: Visit, tmp_path: Path) -> Any:
    first = "select customer as buyer, sum(amount) as total from orders group by customer"
    steps = [
        Step(name="orders", value=orders),
        Step(name="totals", type="sql", value=first, inputs=["orders"]),
        Step(name="shares", type="sql", value="select buyer, total / 2 as half from totals", inputs=["totals"]),
    ]
    result = Orchestrator(steps, store=False).execute()
    return visit.open(write_story(result["tracker"].lineage(), tmp_path / "story.html"))


def test_a_column_shows_its_sources_and_its_uses_by_the_keyboard(visit: Visit, story: Any) -> None:
    """Through several steps; their nodes are marked in the graph, and the choice can be cleared."""
    story.locator(".step-name", has_text="totals").click()
    story.locator(".step-panel button.column", has_text="total").last.focus()
    story.keyboard.press("Enter")
    shown = story.locator("#columns .lineage")
    assert "orders.amount" in shown.inner_text()
    assert "shares.half" in shown.inner_text()
    assert story.locator(".node.is-source").count() == 1
    assert story.locator(".node.is-use").count() == 1
    story.locator("#columns .chip", has_text="orders.amount").press("Enter")
    assert "No step of this run records where this dataset comes from." in shown.inner_text()
    story.locator("#columns button", has_text="Clear").click()
    assert (shown.inner_text(), story.locator(".node.is-source").count()) == ("", 0)
    assert (visit.errors, visit.requests) == ([], [])
