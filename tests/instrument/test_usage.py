"""Usage: its events, the values left out of them, and that the program is not disturbed."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.events import encode
from odibi_core.observability import get_analytics, set_config, track_cli_command
from odibi_core.testing import RecordingSink


@pytest.mark.parametrize(
    ("args", "kept"),
    [
        (["--password", "hunter2", "orders"], ["--password", "[REDACTED]", "orders"]),
        (["--token=hunter2"], ["--token=[REDACTED]"]),
        (["--verbose", "--table", "orders"], ["--verbose", "--table", "orders"]),
        (["--api-key", "--table", "orders"], ["--api-key", "--table", "orders"]),
        ({"password": "hunter2", "table": "orders"}, {"password": "[REDACTED]", "table": "orders"}),
    ],
)
def test_secrets_of_a_command_line_are_told_by_their_flag(heard: RecordingSink, args: Any, kept: Any) -> None:
    """In the item behind the flag, in the flag itself, or by the argument's name."""
    get_analytics().start_command("load", args)
    assert heard.events[0].fields["args"] == kept


def test_the_value_of_a_secret_argument_is_hidden(heard: RecordingSink) -> None:
    """By the argument's name; that it was given is recorded."""
    get_analytics().track_command_argument("login", "api_key", "hunter2")
    assert heard.events[0].fields["value"] == "[REDACTED]"


@pytest.mark.parametrize(
    ("code", "status"), [(None, "success"), (0, "success"), (2, "failed"), ("bad", "failed")]
)
def test_leaving_the_program_ends_the_command(heard: RecordingSink, code: Any, status: str) -> None:
    """By its exit code."""
    with pytest.raises(SystemExit), track_cli_command("load"):
        raise SystemExit(code)
    assert heard.events[-1].status == status


def test_the_opt_out_is_respected(heard: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is published, nothing is counted, and every call still works."""
    monkeypatch.setenv("ODIBI_USAGE__ENABLED", "false")
    set_config(None)
    analytics = get_analytics()
    with track_cli_command("load", {"table": "orders"}) as execution:
        analytics.track_command_argument("load", "table", "orders")
    analytics.end_command(execution)
    analytics.track_feature_usage("lineage")
    analytics.track_bigquery_operation("load")
    analytics.track_data_quality_check("not_null", True, 0.5)
    assert heard.events == []
    assert not any(analytics.report().values())


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    "value", [None, 7, float("nan"), b"\xff", "\ud800", "x" * 300, CYCLE, object(), ["a"] * 9]
)
def test_nothing_here_raises(heard: RecordingSink, value: Any) -> None:
    """With any arguments; each is one valid line."""
    analytics = get_analytics()
    analytics.end_command(analytics.start_command(value, value, value), value, value)
    analytics.end_command(value)
    analytics.track_command_argument(value, value, value)
    analytics.track_feature_usage(value, value)
    analytics.track_bigquery_operation(value, value, value, value, value)
    analytics.track_data_quality_check(value, value, value, value)
    assert len(heard.events) == 6
    for event in heard.events:
        encode(event).decode()
    analytics.report()


def test_it_speaks_in_the_run_that_it_is_called_in() -> None:
    """So that the run's record has it."""
    from odibi_core.events.context import using_bus

    bus, own = EventBus(), RecordingSink()
    bus.subscribe(own)
    with using_bus(bus):
        get_analytics().track_feature_usage("lineage")
    assert own.kinds == ["feature_usage"]
