"""A lineage as a page of text."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.testing import an_event
from odibi_core.views.lineage import LineageView
from odibi_core.views.report import TITLE, execution_summary


def report(*told: tuple[str, dict[str, Any]]) -> str:
    view = LineageView()
    for kind, fields in told:
        view(an_event(kind, run_id="r1", **fields))
    return execution_summary(view.answer())


def test_the_table_is_aligned() -> None:
    """Every column begins, or for numbers ends, at the same place in each row."""
    text = report(
        ("pipeline_start", {"pipeline_name": "daily"}),
        (
            "node_complete",
            {"node_name": "a", "layer": "ingest", "duration_ms": 61_000.0, "row_count": 1_234_567},
        ),
        ("node_failed", {"node_name": "a longer name", "duration_ms": 2.0, "error": "boom"}),
        ("check_result", {"node_name": "a", "check": "c", "passed": True}),
    )
    lines = text.splitlines()
    assert lines[0] == TITLE
    head, rule, first, second = lines[7:11]
    assert head.index("Error") == second.index("boom")
    assert first.index("1,234,567") + 9 == head.index("Rows") + 4
    assert set(rule) == {"-", " "}
    assert "1 min 01 s" in first
    assert "success rate: 50.0 %" in text
    assert "Checks: 1 passed, 0 failed" in text


def test_nothing_happened() -> None:
    """No steps is an answer too."""
    assert "No steps." in report()


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "\u202eflip", "x" * 5000, ""])
def test_a_name_cannot_break_the_page(name: str) -> None:
    """Neither a line break nor what a terminal obeys gets out of a cell, and no cell is wider than forty."""
    lines = report(("node_failed", {"node_name": name, "error": name, "layer": name})).splitlines()
    assert len(lines) == 12
    assert all(char.isprintable() for line in lines for char in line)
    assert max(map(len, lines)) < 250
