"""The differences to the last good run on the page: what follows from one of them is folded under it."""

from __future__ import annotations

from typing import Any

from odibi_core.story import read_background
from odibi_core.story.unusual import MOST_CHANGES, changes


def listed(rows: list[Any], **more: Any) -> list[dict[str, Any]]:
    found = changes(read_background({"changes": rows, **more}), {"a": 0})
    assert found is not None
    return list(found.get("list", []))


def test_a_change_is_folded_under_the_one_that_it_follows_from() -> None:
    """Each stands once; a place that is none of an earlier first change is ignored."""
    rows = [
        {"text": "a made 4 rows", "step": "a"},
        {"text": "a.x: 9 % nulls", "step": "a", "follows": 0},
        {"text": "other", "follows": 7},
        {"text": "wrong", "follows": "0"},
        {"text": "nested", "follows": 1},
    ]
    first, *others = listed(rows)
    assert (first["text"], [each["text"] for each in first["follows"]]) == ("made 4 rows", ["x: 9 % nulls"])
    assert [each["text"] for each in others] == ["other", "wrong", "nested"]


def test_a_finding_of_the_other_list_is_not_repeated_among_those_that_follow() -> None:
    """The first one is marked, so that the page shows only what follows from it."""
    rows = [{"text": "rows", "alert": "1"}, {"text": "x", "follows": 0, "alert": "2"}, {"text": "y", "follows": 0}]
    (first,) = listed(rows, alerts=[{"alert_id": "1"}, {"alert_id": "2"}])
    assert (first["stated"], first["follows"]) == (True, [{"text": "y"}])


def test_the_changes_that_follow_are_bounded_and_counted() -> None:
    """The page states how many there are."""
    rows = [{"text": "rows"}, *({"text": f"c{place}", "follows": 0} for place in range(MOST_CHANGES + 5))]
    (first,) = listed(rows)
    assert (len(first["follows"]), first["moreFollow"]) == (MOST_CHANGES, 5)
