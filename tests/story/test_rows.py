"""The rows of a step on the page."""

from __future__ import annotations

from typing import Any

from odibi_core.events import Event
from odibi_core.story.rows import rows_of, unusual_sentence
from odibi_core.testing import FakeClock
from odibi_core.views.answers import NodeLineage
from odibi_core.views.lineage import LineageView

LOST = {
    "dataset": "joined", "main": "flights", "kind": "inner join", "rows_in": 1_000, "rows_out": 400, "lost": 600,
    "gained": 0, "unmatched": {}, "unusual": True, "usual": {"run_id": "20260101T000000-shop-3fa2c1b7",
    "rows_in": 1_000, "rows_out": 995},
    "causes": [
        {"side": "lost", "rows": 600, "of": 600, "text": "hour not in weather", "level": "exact", "is_new": True,
         "same_rows_as": ["origin != EWR"]},
    ],
}  # fmt: skip


def node_with(*changes: dict[str, Any]) -> NodeLineage:
    view, now = LineageView("r1"), FakeClock().now()
    for fields in changes:
        view(Event(now, "debug", "row_change", run_id="r1", node_name="joined", fields=fields))
    return view.answer().nodes[0]


def test_a_frame_has_its_sentence_its_causes_and_the_run_since_when_they_are_new() -> None:
    """An unusual one is the first, and an entry under "needs attention"."""
    usual = {**LOST, "dataset": "other", "unusual": False, "causes": []}
    node = node_with(usual, LOST)
    (found, other) = rows_of(node)
    assert found == {
        "frame": "joined",
        "kind": "inner join",
        "sentence": "600 of 1,000 rows lost (60 %): hour not in weather; usual: 0.5 % lost",
        "unusual": True,
        "since": "3fa2c1b7",
        "causes": [
            {
                "text": "600 rows lost: hour not in weather [proved on all rows]",
                "isNew": True,
                "same": ["origin != EWR"],
            }
        ],
    }
    assert other["frame"] == "other"
    assert unusual_sentence(node) == found["sentence"]


def test_a_frame_without_changed_rows_is_not_on_the_page() -> None:
    """Most steps keep their rows; one with operators of a plan is shown for them."""
    same = {**LOST, "rows_out": 1_000, "lost": 0, "unusual": False, "causes": []}
    assert rows_of(node_with(same)) == []
    stages = [{"operator": "FILTER", "detail": "month = 6", "rows": 86_995}, {"operator": "SCAN", "rows": None}]
    (found,) = rows_of(node_with({**same, "stages": stages}))
    assert found["stages"] == ["FILTER month = 6: 86,995 rows", "SCAN: unknown rows"]


def test_hostile_fields_are_no_failure() -> None:
    """Any program may have written the event."""
    fields = {"dataset": 3, "lost": "many", "causes": [7, {"rows": None}], "stages": "x", "unusual": True, "usual": []}
    (found,) = rows_of(node_with(fields))
    assert found["unusual"] is True
