"""The last entries, and the summary of all."""

from __future__ import annotations

from odibi_core.testing import an_event
from odibi_core.views.logs import MAX_ERRORS, MAX_KINDS, OTHER, LogsView


def test_the_entries_are_the_latest_and_flat() -> None:
    """As a line of the log reads: standard fields and others side by side."""
    view = LogsView(limit=2)
    for n in range(3):
        view(an_event("batch", node_name="a", recordsIn=n))
    entries = view.answer()["entries"]
    assert [entry["recordsIn"] for entry in entries] == [1, 2]
    assert entries[0]["node_name"] == "a"


def test_the_summary_counts_what_the_entries_no_longer_hold() -> None:
    """Totals are of every entry; errors are the first ten, with what went wrong and where."""
    view = LogsView(limit=1)
    view(an_event("fine"))
    for n in range(20):
        view(an_event("error", level="error", node_name=f"n{n}", error=f"boom {n}"))
    view(an_event("worse", level="critical", message="no disk"))
    summary = view.summary()
    assert summary["total_entries"] == 22
    assert summary["by_level"] == {"info": 1, "error": 20, "critical": 1}
    assert summary["by_event_type"] == {"fine": 1, "error": 20, "worse": 1}
    assert len(summary["errors"]) == MAX_ERRORS
    assert summary["errors"][0] == {
        "timestamp": "2026-01-01T00:00:00.000000Z", "node_name": "n0", "error": "boom 0",
    }  # fmt: skip


def test_any_number_of_kinds_takes_bounded_memory() -> None:
    """A kind with an id in its name cannot fill the memory, and is still counted."""
    view = LogsView(limit=0)
    for n in range(MAX_KINDS + 50):
        view(an_event(f"kind {n}", level=f"level {n}"))
    summary = view.summary()
    assert summary["by_event_type"][OTHER] == 50
    assert summary["by_level"] == {OTHER: MAX_KINDS + 50}
