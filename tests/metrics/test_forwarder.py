"""Forwarding of raw measurements: every one, once, in order, without delay for the measuring code."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.metrics.forwarder import Forwarder
from odibi_core.metrics.manager import MetricsManager
from odibi_core.testing import RecordingSink
from odibi_core.views.metrics.types import Measurement
from odibi_core.views.metrics.view import MetricsView

PATIENCE_S = 30.0


def test_every_measurement_is_handed_on_once() -> None:
    """By every call and handle, with kind, name, labels and the value as it was given."""
    metrics, heard = MetricsManager(), list[Measurement]()
    end = metrics.forward(heard.extend)
    metrics.increment("error_count", "load", 2, {"engine": "pandas"})
    metrics.set_gauge("depth", None, float("inf"))
    metrics.observe("lat_seconds", "load", 0.1)
    metrics.record("row_count", "load", 7)
    metrics.counter("error_count", "load").inc()
    metrics.gauge("depth", "queue").set(3)
    metrics.histogram("lat_seconds", "load").observe(0.2)
    metrics.increment("error_count", "load", -1)
    assert end()
    assert heard == [
        ("counter", "error_count", "load", {"engine": "pandas"}, 2),
        ("gauge", "depth", "", {}, float("inf")),
        ("histogram", "lat_seconds", "load", {}, 0.1),
        ("gauge", "row_count", "load", {}, 7),
        ("counter", "error_count", "load", {}, 1),
        ("gauge", "depth", "queue", {}, 3),
        ("histogram", "lat_seconds", "load", {}, 0.2),
    ]


def test_what_is_measured_by_events_too() -> None:
    """Of nodes and of the toolkit's calls; those of another manager are forwarded by its own process."""
    bus, heard = EventBus(), list[Measurement]()
    metrics, other = MetricsManager(bus=bus), MetricsManager(bus=bus)
    bus.subscribe(metrics)
    end = metrics.forward(heard.extend)
    bus.publish("node_complete", fields={"node_name": "load", "duration_ms": 5.0})
    bus.publish("feature_usage", fields={"feature": "dry_run"})
    other.increment("error_count", "load")
    other.flush()
    assert metrics.counters["error_count:load"] == 1
    assert end()
    assert {(kind, metric) for kind, metric, *_ in heard} == {
        ("counter", "success_count"),
        ("histogram", "node_duration_ms"),
        ("gauge", "memory_usage_mb"),
        ("counter", "cli.feature.usage"),
    }


def test_nothing_is_lost_under_threads() -> None:
    """Every measurement of four threads arrives, to the unit."""
    metrics, heard = MetricsManager(), list[Measurement]()
    end = metrics.forward(heard.extend)

    def work() -> None:
        hits = metrics.counter("cache_hit", "load")
        for _ in range(5000):
            hits.inc()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert end(PATIENCE_S)
    assert len(heard) == metrics.counters["cache_hit:load"] == 20_000


def test_the_last_of_a_burst_comes_without_another_call() -> None:
    """Notes that wait for the next call are handed on soon, also when there is none."""
    metrics, heard, all_of_them = MetricsManager(), list[Measurement](), threading.Event()

    def take(batch: list[Measurement]) -> None:
        heard.extend(batch)
        if len(heard) == 1000:
            all_of_them.set()

    end = metrics.forward(take)
    for _ in range(1000):
        metrics.increment("cache_hit", "load")
    assert all_of_them.wait(PATIENCE_S)
    end()


def test_a_receiver_that_hangs_costs_nothing_but_what_it_missed() -> None:
    """The calls go on, the numbers are right, the bound holds, and the end comes."""
    hangs, go = threading.Event(), threading.Event()

    def never(batch: list[Measurement]) -> None:
        hangs.set()
        go.wait(PATIENCE_S)

    metrics = MetricsManager()
    end = metrics.forward(never)
    metrics.increment("cache_hit", "load")
    assert hangs.wait(PATIENCE_S)
    for _ in range(1000):
        metrics.increment("cache_hit", "load")
    assert metrics.counters["cache_hit:load"] == 1001
    assert end(0.05) is False
    go.set()


def test_past_the_bound_it_drops_and_counts() -> None:
    """accepted + dropped is what was put, to the unit."""
    hangs, go, heard = threading.Event(), threading.Event(), list[Measurement]()

    def slow(batch: list[Measurement]) -> None:
        hangs.set()
        go.wait(PATIENCE_S)
        heard.extend(batch)

    forward = Forwarder(slow, apply_due=int, on_error=print, bound=10)
    series = MetricsView().find("counter", "error_count", "load", None)
    forward.put([(series, 1, 0.0)])
    assert hangs.wait(PATIENCE_S)
    for _ in range(6):
        forward.put([(series, 1, 0.0)] * 3)
    assert (forward.accepted, forward.dropped) == (10, 9)
    go.set()
    assert forward.close(PATIENCE_S)
    assert len(heard) == forward.done == 10


def test_a_receiver_that_fails_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """It fails for itself: the next batch is handed on, and other receivers do not notice."""
    bus, told = EventBus(), RecordingSink()
    bus.subscribe(told)
    metrics, heard, failed = MetricsManager(bus=bus), list[Measurement](), threading.Semaphore(0)

    def fails(batch: list[Measurement]) -> None:
        failed.release()
        raise RuntimeError("no network")

    with caplog.at_level(logging.ERROR, "odibi_core"):
        ends = [metrics.forward(fails), metrics.forward(heard.extend)]
        for _ in range(2):
            metrics.increment("cache_hit", "load")
            assert metrics.counters
            assert failed.acquire(timeout=PATIENCE_S)
        assert [end(PATIENCE_S) for end in ends] == [True, True]
    assert caplog.text.count("RuntimeError: no network") == 1
    (said,) = told.of_kind("hook_failed")
    assert (said.level, said.message, said.error) == ("warning", "fails failed", "RuntimeError: no network")
    assert bus.failures == {"fails": 1}
    assert len(heard) == 2


def test_after_its_end_nothing_is_handed_on() -> None:
    """A second end does nothing."""
    metrics, heard = MetricsManager(), list[Measurement]()
    end = metrics.forward(heard.extend)
    assert end()
    assert end()
    metrics.increment("cache_hit", "load")
    assert metrics.counters["cache_hit:load"] == 1
    assert heard == []


def test_a_forked_child_hands_on_what_it_measures(tmp_path: Path) -> None:
    """By a thread of its own; what waited at the fork is the parent's."""
    metrics, heard = MetricsManager(), list[Measurement]()
    end = metrics.forward(heard.extend)
    metrics.increment("cache_hit", "before")
    child = os.fork()
    if not child:
        heard.clear()
        metrics.increment("cache_hit", "child")
        done = end(PATIENCE_S)
        (tmp_path / "child").write_text(f"{done} {[name for _, _, name, *_ in heard]}")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert end(PATIENCE_S)
    assert [name for _, _, name, *_ in heard] == ["before"]
    assert (tmp_path / "child").read_text() == "True ['child']"


def test_without_a_receiver_nothing_is_different() -> None:
    """No thread, and the same events as ever."""
    before, heard, bus = threading.active_count(), RecordingSink(), EventBus()
    bus.subscribe(heard)
    metrics = MetricsManager(bus=bus)
    metrics.increment("cache_hit", "load")
    metrics.flush()
    assert heard.kinds == ["metric"]
    assert threading.active_count() == before
