"""How checks stand, from the record of several programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from odibi_core.events import Event, kinds
from odibi_core.testing import an_event
from odibi_core.views.health import HealthView

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def answered(run_id: str, seconds: int, status: str) -> Event:
    when = NOON + timedelta(seconds=seconds)
    return an_event(kinds.HEALTH_CHECK, timestamp=when, run_id=run_id, status=status, check="disk")


def test_of_programs_side_by_side_the_latest_answer_stands() -> None:
    """They are read one after the other, so the last that is read need not be the last that was given."""
    view = HealthView()
    for event in (answered("a", 0, "healthy"), answered("a", 60, "unhealthy"), answered("b", 30, "healthy")):
        view(event)
    disk = view.answer()["checks"]["disk"]
    assert (disk["status"], disk["since"], disk["asked"]) == ("unhealthy", "2025-01-01T12:01:00.000000Z", 3)


def test_within_one_program_order_counts_and_no_clock() -> None:
    """A clock may be set back."""
    view = HealthView()
    for event in (answered("a", 60, "unhealthy"), answered("a", 0, "healthy")):
        view(event)
    assert view.answer()["checks"]["disk"]["status"] == "healthy"
