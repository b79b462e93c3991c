"""The card of a run with its background: what a comment on a pull request answers first."""

from __future__ import annotations

from odibi_core.story.background import Background
from odibi_core.story.card import MOST_FINDINGS, run_card
from odibi_core.testing import an_event
from odibi_core.views.answers import Lineage
from odibi_core.views.cards import Card, markdown
from odibi_core.views.lineage import LineageView


def lineage(status: str = "success") -> Lineage:
    """Return a run of one step."""
    view = LineageView("r")
    kind = "pipeline_complete" if status == "success" else "pipeline_error"
    for name, fields in (
        ("pipeline_start", {"pipeline_name": "shop", "steps": 1}),
        ("node_start", {"node_name": "load"}),
        ("node_complete", {"node_name": "load", "row_count": 3, "status": "success"}),
        (kind, {"status": status, "duration_ms": 20.0}),
    ):
        view(an_event(name, run_id="r", **fields))
    return view.answer()


def titles(card: Card) -> list[str]:
    """Return the headings of the sections."""
    return [section.title for section in card.sections]


def test_a_run_with_findings_is_amber_and_names_them() -> None:
    """Before the differences to the last good run; the step to blame is in the first sentences."""
    known = Background(
        run={"run_id": "r", "blame": "load lost half of its rows", "blame_step": "load", "partition": "2026-01-31"},
        alerts=[{"alert_id": f"a{place}", "node_name": "load", "message": f"finding {place}"} for place in range(10)],
        changes=[{"step": "load", "text": "load: 3 rows, and 6 before", "why": "the file is shorter"}],
        compared_with="20260130T040000-shop-0000abcd",
    )
    card = run_card(lineage(), known)
    assert card.tone == "warn"
    assert card.title.startswith("shop succeeded with 10 unusual findings")
    assert "load lost half of its rows" in card.lead
    assert titles(card)[:2] == ["Unusual", "Changed since the last good run 0000abcd"]
    unusual, changed = card.sections[:2]
    assert len(unusual.items) == MOST_FINDINGS + 1
    assert unusual.items[-1] == "and 2 more"
    assert changed.items == ["load: 3 rows, and 6 before (the file is shorter)"]
    assert ("Partition", "2026-01-31") in card.foot
    assert markdown.render(card).startswith("### ⚠️ shop succeeded with 10 unusual findings")


def test_what_was_not_compared_is_not_unchanged() -> None:
    """Without an earlier run the card names that; with one and without a difference, it has that sentence."""
    first = run_card(lineage(), Background(run={"run_id": "r"}))
    assert "Changes: not compared" in first.sections[0].items[0]
    same = run_card(lineage(), Background(run={"run_id": "r"}, changes=[], compared_with="x-y-0000abcd"))
    assert same.sections[0].items == ["Nothing that was recorded changed beyond the noise."]
    assert titles(run_card(lineage())) == [""], "a run in memory has its steps alone"


def test_a_run_that_ended_early_is_no_success() -> None:
    """Cancelled, lost and running runs have words and tones of their own."""
    assert run_card(lineage("cancelled")).title.startswith("shop was cancelled")
    assert run_card(lineage("cancelled")).tone == "warn"
    assert run_card(lineage("failed")).tone == "bad"
