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
    for _ in range(250):
        bus.publish("node_complete", fields={"node_name": "clean", "status": "success", "duration_ms": 1.0})
        assert len(metrics._unread) <= 100
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
