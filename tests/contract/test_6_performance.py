"""Contract, section 6: `track_performance` and `performance_monitor`, row by row."""

from __future__ import annotations

import asyncio

import pytest

from odibi_core.observability import get_metrics, performance_monitor, track_performance
from odibi_core.process.state import current_bus
from odibi_core.testing import RecordingSink


@pytest.fixture
def heard() -> RecordingSink:
    """Everything that the program says."""
    sink = RecordingSink()
    current_bus().subscribe(sink)
    return sink


def test_track_performance_is_a_context_manager(heard: RecordingSink) -> None:
    """`track_performance(operation, tags=None)` says how long the block took, with its tags."""
    with track_performance("load_orders", tags={"source": "api"}):
        pass
    (event,) = heard.events
    assert (event.event_type, event.operation, event.status) == (
        "operation_complete",
        "load_orders",
        "success",
    )
    assert event.duration_ms is not None
    assert event.duration_ms >= 0
    assert event.fields["tags"] == {"source": "api"}


def test_track_performance_passes_an_exception_on_and_tells_the_failure(heard: RecordingSink) -> None:
    """The same object; the event has its message, type and traceback."""
    error = ValueError("no such order")
    with pytest.raises(ValueError, match="no such order") as raised, track_performance("load_orders"):
        raise error
    assert raised.value is error
    (event,) = heard.events
    assert (event.event_type, event.status, event.level) == ("operation_failed", "failed", "error")
    assert (event.error, event.fields["error_type"]) == ("no such order", "ValueError")
    assert "test_track_performance_passes" in event.fields["traceback"]


def test_performance_monitor_is_a_decorator(heard: RecordingSink) -> None:
    """`performance_monitor(operation=None, tags=None)`: each call is measured, the result is the function's."""

    @performance_monitor(operation="double", tags={"team": "a"})
    def double(number: int) -> int:
        return number * 2

    assert (double(2), double(number=3)) == (4, 6)
    assert [event.operation for event in heard.events] == ["double", "double"]


def test_performance_monitor_names_the_operation_after_the_function(heard: RecordingSink) -> None:
    """Where no operation is given."""

    @performance_monitor()
    def load() -> None:
        """Nothing."""

    load()
    assert heard.events[0].operation == load.__qualname__


def test_performance_monitor_measures_async_functions_too(heard: RecordingSink) -> None:
    """To the end of the coroutine, and not to its making."""

    @performance_monitor("fetch")
    async def fetch() -> int:
        assert heard.events == []
        await asyncio.sleep(0)
        return 3

    assert asyncio.run(fetch()) == 3
    assert [event.operation for event in heard.events] == ["fetch"]


def test_the_calls_feed_get_metrics_under_the_names_of_the_older_package() -> None:
    """`operation.duration.seconds`, `operation.success`, `.failure` and `.error`, with the tags as labels."""
    with track_performance("load", tags={"source": "api"}):
        pass
    with pytest.raises(KeyError), track_performance("load", tags={"source": "file"}):
        raise KeyError("x")
    text = get_metrics().export_prometheus()
    assert 'operation_success_total{operation="load",source="api"} 1' in text
    assert 'operation_failure_total{operation="load",source="file"} 1' in text
    assert 'operation_error_total{error_type="KeyError",operation="load",source="file"} 1' in text
    assert 'operation_duration_seconds_count{operation="load",source="api"} 1' in text
