"""The sentence about a join with few partners."""

from datetime import UTC, datetime
from typing import Any

import pytest

from odibi_core.events import Event
from odibi_core.views.join_wording import join_warning
from odibi_core.views.lineage import LineageView


def match(left: float | None, right: float | None, fan_left: float | None, fan_right: float | None) -> dict[str, Any]:
    return {
        "left": "flights", "right": "airports", "keys": ["dest = faa"], "left_rows": 1000, "right_rows": 50,
        "left_match_rate": left, "right_match_rate": right, "fan_out_left": fan_left, "fan_out_right": fan_right,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "side"),
    [
        (match(0.37, 0.9, 1.0, 20.0), "flights"),
        (match(0.9, 0.02, 1.0, 20.0), None),
        (match(0.9, 0.37, 20.0, 1.0), "airports"),
        (match(0.37, 0.01, 1.0, 1.0), "flights"),
        (match(0.01, 0.9, 1.0, 1.0), None),
        (match(0.0, 0.0, None, None), "flights"),
        (match(0.37, None, 1.0, None), "flights"),
        (match(None, None, None, None), None),
        (match(0.2, 0.2, 3.0, 3.0), None),
        ({}, None),
    ],
)
def test_the_side_that_refers_counts(fields: dict[str, Any], side: str | None) -> None:
    """A table with one row for each key may have rows that nothing refers to."""
    sentence = join_warning(fields)
    assert (sentence is None) == (side is None)
    assert sentence is None or f"rows of {side} have a match" in sentence


def test_lost_rows_are_stated() -> None:
    """If the step made fewer rows than the side has."""
    lost = join_warning({**match(0.37, None, 1.0, None), "rows_out": 370})
    assert lost == (
        "only 37% of the 1,000 rows of flights have a match in airports by dest = faa; 63% of the rows were lost"
    )
    kept = join_warning({**match(0.37, None, 1.0, None), "rows_out": 1000})
    assert kept == "only 37% of the 1,000 rows of flights have a match in airports by dest = faa"


def _lineage(*matches: dict[str, Any]) -> list[str]:
    view = LineageView("r")
    for seq, fields in enumerate(matches):
        event = Event(
            timestamp=datetime(2026, 1, 1, tzinfo=UTC), level="info", event_type="join_match", message="", run_id="r",
            node_name="join", writer_id="w", seq=seq, fields=fields,
        )  # fmt: skip
        view(event)
    return view.answer().few_matches


def test_the_lineage_has_the_sentence_of_the_last_attempt() -> None:
    """A join that found its partners in the end is none."""
    few, all_ = match(0.37, 0.9, 1.0, 20.0), match(0.97, 0.9, 1.0, 20.0)
    assert _lineage(few) == ["join: only 37% of the 1,000 rows of flights have a match in airports by dest = faa"]
    assert _lineage(few, all_) == []
