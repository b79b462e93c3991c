"""Costs of calls: the events, the alerts, and values that are no amounts."""

import os
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest

from odibi_core.costs import tracker as cost_tracker
from odibi_core.costs.tracker import track_cost, track_query_performance
from odibi_core.events import Event, to_dict
from odibi_core.settings import ObservabilityConfig, set_config
from odibi_core.testing import FakeClock, RecordingSink


def settings(**given: Any) -> None:
    set_config(ObservabilityConfig(**given))


def alerts(heard: RecordingSink) -> list[Event]:
    return heard.of_kind("alert_raised")


class Rude:
    """Raises whatever it is asked."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("no")

    def __float__(self) -> float:
        raise RuntimeError("no")

    __index__ = __str__ = __repr__ = __float__  # type: ignore[assignment]


def test_an_alert_is_raised_past_the_threshold_and_not_at_it(heard: RecordingSink) -> None:
    """The threshold itself is no alert; the alert follows the cost, and names both amounts."""
    settings(cost_alert_threshold_usd=10)
    track_cost("report", 1, 10.0)
    assert not alerts(heard)
    track_cost("report", 1, 10.01, tags={"team": "sales"})
    assert [event.event_type for event in heard.events] == ["cost", "cost", "alert_raised"]
    (alert,) = alerts(heard)
    said = to_dict(alert)
    assert said["message"] == "a call cost 10.01 USD, over the threshold of 10.00 USD"
    wanted: dict[str, Any] = {
        "rule": "cost_threshold",
        "severity": "warning",
        "level": "warning",
        "operation": "report",
    }
    wanted |= {"value": 10.01, "threshold": 10.0, "tags": {"team": "sales"}}
    assert wanted.items() <= said.items()


def test_the_budget_is_told_of_once_and_not_at_each_call_after(heard: RecordingSink) -> None:
    """The call that passes it raises the alert; those before and after do not."""
    settings(cost_budget_usd=0.3)
    for _ in range(3):
        track_cost("report", 1, 0.1)
    assert not alerts(heard), "0.1 three times is 0.3, and not more"
    for _ in range(5):
        track_cost("report", 1, 0.1)
    (alert,) = alerts(heard)
    assert (alert.fields["rule"], alert.fields["value"], alert.level) == ("cost_budget", 0.4, "error")


def test_a_month_begins_with_nothing_spent(heard: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget is a month's: in the next month it may be passed, and alert, again."""
    clock = FakeClock()
    monkeypatch.setattr(cost_tracker, "utc_now", clock.now)
    settings(cost_budget_usd=1)
    track_cost("report", 1, 0.9)
    clock.advance(31 * 86400)
    track_cost("report", 1, 0.9)
    assert not alerts(heard)
    track_cost("report", 1, 0.9)
    clock.advance(31 * 86400)
    track_cost("report", 1, 1.9)
    assert [alert.fields["value"] for alert in alerts(heard)] == [1.8, 1.9]


def test_switched_off_nothing_is_recorded(heard: RecordingSink) -> None:
    """COST_TRACKING_ENABLED=false: no cost, no alert."""
    settings(cost_tracking_enabled=False, cost_alert_threshold_usd=1, cost_budget_usd=1)
    track_cost("report", 1, 99.0)
    assert not heard.events


def test_settings_that_fail_do_not_lose_a_cost(heard: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they cannot be read there is no threshold, and the cost is recorded all the same."""

    def failing() -> ObservabilityConfig:
        raise OSError("no such file")

    monkeypatch.setattr(cost_tracker, "get_config", failing)
    track_cost("report", 1, 1e6)
    assert heard.kinds == ["cost"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Decimal("0.10"), 0.1),
        (Fraction(1, 4), 0.25),
        (numpy.float64(2.5), 2.5),
        (numpy.int64(3), 3),
        (7, 7),
        (0, 0),
    ],
)
def test_an_amount_of_any_numeric_type_is_a_number(heard: RecordingSink, given: Any, kept: float) -> None:
    """As JSON has it, and with no remark."""
    track_cost("report", given, given)
    (event,) = heard.events
    assert (event.fields["estimated_cost_usd"], event.fields["bytes_processed"]) == (kept, kept)
    assert type(event.fields["estimated_cost_usd"]) is type(kept)
    assert "cost_note" not in event.fields


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (-5, -5),
        (2**80, str(2**80)),
        (1e300, 1e300),
        ("12.50", "12.50"),
        (Decimal("1e999"), "Infinity"),
        (True, True),
        (None, None),
    ],
)
def test_what_is_no_amount_is_recorded_as_given_and_says_so(
    heard: RecordingSink, given: Any, kept: Any
) -> None:
    """No alert, no exception; the note states that it counts as unknown."""
    settings(cost_alert_threshold_usd=1, cost_budget_usd=1)
    track_cost("report", given, given, tags={"x": given})
    (event,) = heard.events
    assert event.fields.get("estimated_cost_usd") == kept
    assert "counted as unknown" in event.fields["cost_note"]


def test_whatever_is_given_nothing_is_raised(heard: RecordingSink) -> None:
    """Objects that raise in every method, as operation, amount and tags."""
    rude: Any = Rude()
    track_cost(rude, rude, rude, rude)
    track_query_performance(rude, rude, rude, rude, rude)
    assert heard.kinds == ["cost", "query"]


def test_the_time_of_a_query_is_in_milliseconds_where_it_is_a_time(heard: RecordingSink) -> None:
    """Seconds that are a number become `duration_ms`; anything else stays what it was, under its own name."""
    track_query_performance("SELECT", 1.5, 10, 100, tags={"team": "sales"})
    track_query_performance("SELECT", Decimal("0.25"), None, None)
    track_query_performance("SELECT", "soon", 10, 100)
    right, exact, wrong = heard.events
    assert (right.duration_ms, right.fields["rows_returned"], right.fields["tags"]) == (
        1500,
        10,
        {"team": "sales"},
    )
    assert exact.duration_ms == 250
    assert "rows_returned" not in exact.fields
    assert (wrong.duration_ms, wrong.fields["duration_seconds"]) == (None, "soon")


def test_secrets_in_tags_do_not_stay(heard: RecordingSink) -> None:
    """Tags go the way of every event."""
    track_cost("report for ada@example.com", 1, 1, tags={"api_key": "k-123", "owner": "ada@example.com"})
    said = str(to_dict(heard.events[0]))
    assert "ada@example.com" not in said
    assert "k-123" not in said


def test_a_forked_child_has_spent_nothing(heard: RecordingSink) -> None:
    """It is a process of its own: what its parent spent does not count against its budget."""
    settings(cost_budget_usd=1)
    track_cost("report", 1, 0.9)
    child = os.fork()
    if child == 0:
        track_cost("report", 1, 0.9)
        os._exit(len(alerts(heard)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    track_cost("report", 1, 0.9)
    assert len(alerts(heard)) == 1
