"""The recorder: how events and samples wait until they are applied."""

from __future__ import annotations

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.metrics import recorder
from odibi_core.metrics.manager import MetricsManager
from odibi_core.testing import RecordingSink


def test_events_wait_for_a_reader_in_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the oldest are folded, a few at a time; an answer has all of them."""
    monkeypatch.setattr(recorder, "_MAX_UNREAD", 100)
    monkeypatch.setattr(recorder, "_CHUNK", 10)
    bus = EventBus()
    metrics = MetricsManager(bus=bus)
    bus.subscribe(metrics)
    waiting: list[int] = []
    for _ in range(250):
        bus.publish("node_complete", fields={"node_name": "clean", "status": "success", "duration_ms": 1.0})
        waiting.append(len(metrics._unread))
    assert waiting[:99] == list(range(1, 100))
    assert set(waiting[99:]) == set(range(90, 100))
    assert metrics.get_node_stats("clean")["executions"] == 250


def test_a_flush_publishes_only_samples_of_its_own() -> None:
    """Measurements of events are in those events, so a flush after them publishes nothing."""
    bus, received = EventBus(), RecordingSink()
    metrics = MetricsManager(bus=bus)
    bus.subscribe(metrics)
    bus.subscribe(received, "metric")
    bus.publish("node_complete", fields={"node_name": "clean", "status": "success", "duration_ms": 1.0})
    metrics.flush()
    assert received.kinds == []
    metrics.increment("rows")
    metrics.flush()
    metrics.flush()
    assert received.kinds == ["metric"]


def test_a_flush_publishes_what_a_partial_one_left_and_what_came_after_it() -> None:
    """A flush at a measurement takes some series at a time; one by call takes all of them."""
    bus, received = EventBus(), RecordingSink()
    metrics = MetricsManager(bus=bus)
    bus.subscribe(received, "metric")
    for name in "abcd":
        metrics.increment("rows", name)
    metrics._flush(2)
    assert len(received.events) == 2
    metrics.increment("rows", "e")
    metrics.flush()
    assert sorted(event.fields["name"] for event in received.events) == ["a", "b", "c", "d", "e"]


def test_a_manager_has_one_bus() -> None:
    """The one that it was given, or one that it creates when it is asked for the first time."""
    bus, other = EventBus(), MetricsManager()
    assert MetricsManager(bus=bus).bus is bus
    assert other.bus is other.bus


def test_measurements_are_applied_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first at once; those of the next moments wait for a reader, or until they are due."""
    now = [100.0]
    monkeypatch.setattr(recorder, "monotonic", lambda: now[0])
    monkeypatch.setattr("odibi_core.metrics.handles.monotonic", lambda: now[0])
    metrics = MetricsManager()
    handle = metrics.counter("rows", "b")
    for count in range(4):
        metrics.increment("rows", "a")
        handle.inc()
        assert len(metrics._pending) == 2 * count + 1
    now[0] += 60
    handle.inc()
    assert metrics._pending == []


def test_a_measuring_call_does_not_wait_for_a_thread_that_publishes() -> None:
    """Lock order: that thread may wait for what the measuring one holds. A flush by call waits for it."""
    waited: list[float] = []

    class Busy:
        def acquire(self, timeout: float) -> bool:
            waited.append(timeout)
            return False

    metrics = MetricsManager(bus=EventBus())
    metrics._emit_lock = Busy()  # type: ignore[assignment]
    metrics._flush_due = 0.0
    metrics.increment("rows", "a")
    assert waited == [0.0]
    metrics.flush()
    assert waited[1] > 0
