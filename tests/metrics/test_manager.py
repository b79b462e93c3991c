"""MetricsManager: exact under threads and forks, live equals replay, and nothing that is recorded raises."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.bus.bus import EventBus
from odibi_core.events import decode, encode
from odibi_core.events.clock import utc_now
from odibi_core.metrics.manager import MetricsManager, MetricType
from odibi_core.testing import RecordingSink, an_event
from odibi_core.views.metrics.view import MetricsView

METRICS = st.sampled_from([*MetricType, "node_duration", "operation.success", "my metric", "a.b", "a-b"])
NAMES = st.sampled_from(["a", "b", "", None, "c@example.org"])
LABELS = st.none() | st.dictionaries(
    st.sampled_from(["x", "y", "password"]), st.sampled_from(["1", "2"]) | st.integers(0, 1) | st.booleans()
)
VALUES = (
    st.integers(-(10**400), 10**400)
    | st.floats()
    | st.decimals()
    | st.sampled_from([None, "7", True, 1, 0.1])
)
CALLS = st.tuples(
    st.sampled_from(["record", "increment", "set_gauge", "observe", "counter", "flush", "node", "event"]),
    METRICS, NAMES, VALUES, LABELS,
)  # fmt: skip


def call(manager: MetricsManager, bus: EventBus, said: tuple[str, str, str | None, Any, Any]) -> None:
    how, metric, name, value, labels = said
    if how == "flush":
        manager.flush()
    elif how == "counter":
        manager.counter(metric, name, labels)
    elif how == "node":
        manager.record_node_execution(str(name), value, True, rows=3)
    elif how == "event":
        bus.publish("node_complete", fields={"node_name": name, "duration_ms": 1.5, "cache_hit": True})
    else:
        getattr(manager, how)(metric, name, value, labels)


@settings(max_examples=150, deadline=None)
@given(calls=st.lists(CALLS, max_size=30), max_series=st.sampled_from([3, 1000]))
def test_live_equals_replay(calls: list[Any], max_series: int) -> None:
    """After a flush, the manager and a view fed from the journal's lines have the same answer."""
    bus, heard = EventBus(), RecordingSink()
    manager = MetricsManager(bus=bus, max_series=max_series)
    bus.subscribe(heard)
    bus.subscribe(manager)
    for said in calls:
        if (
            max_series > 3 or said[0] != "event"
        ):  # past the limit, which node overflows depends on the other nodes
            call(manager, bus, said)
    before = manager.answer()
    manager.flush()
    replay = MetricsView(max_series=1000)
    for event in heard.events:
        replay(decode(encode(event)))
    assert manager.answer() == before
    assert replay.answer() == before


def test_nothing_is_said_twice() -> None:
    """A flush emits the changes since the last one, as differences; one without a change emits nothing."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    manager = MetricsManager(bus=bus)
    manager.increment("error_count", "a", 2, {"engine": "x"})
    manager.flush()
    manager.flush()
    manager.increment("error_count", "a", 3, {"engine": "x"})
    manager.close()
    events = heard.of_kind("metric")
    assert [event.fields["value"] for event in events if event.fields["metric"] == "error_count"] == [2, 3]
    assert events[0].fields["labels"] == {"engine": "x"}


def test_two_managers_hear_each_other() -> None:
    """A worker's metrics come home as events; a manager's own do not count twice."""
    bus = EventBus()
    one, two = MetricsManager(bus=bus), MetricsManager(bus=bus)
    bus.subscribe(one)
    bus.subscribe(two)
    one.increment("error_count", "a", 2)
    two.increment("error_count", "a", 3)
    one.flush()
    two.flush()
    assert one.counters["error_count:a"] == two.counters["error_count:a"] == 5


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns after every few instructions: a gap between two of them is found."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_exact_under_threads() -> None:
    """No increment is lost or doubled, by name or bound, while others read and flush."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    manager = MetricsManager(bus=bus, max_samples=100)
    done = threading.Event()

    def work(number: int) -> None:
        bound = manager.counter("error_count", "all")
        for _ in range(5000):
            bound.inc()
            manager.increment("error_count", f"n{number}", 1, {"t": str(number)})
            manager.observe("lat_seconds", "all", 0.1)

    def look() -> None:
        while not done.is_set():
            manager.export_prometheus()
            manager.flush()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    looker = threading.Thread(target=look)
    for thread in [*threads, looker]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    looker.join()
    manager.flush()
    assert manager.counters["error_count:all"] == 20_000
    assert [manager.counters[f"error_count:n{number}"] for number in range(4)] == [5000] * 4
    replay = MetricsView()
    for event in heard.events:
        replay(event)
    assert replay.counters() == manager.counters


def test_a_sink_that_flushes_or_measures_cannot_lock_up() -> None:
    """A sink of the bus may use the manager that speaks on this bus."""
    bus = EventBus()
    manager = MetricsManager(bus=bus)

    def sink(event: Any) -> None:
        if event.event_type != "metric" or event.fields["metric"] != "heard":
            manager.increment("heard")
        manager.flush()

    bus.subscribe(sink)
    manager.increment("error_count", "a")
    worker = threading.Thread(target=manager.flush)
    worker.start()
    worker.join(10)
    assert not worker.is_alive()
    assert manager.counters["heard"] == 1


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __float__(self) -> float:
        raise RuntimeError("no number")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


BAD = [Hostile(), [], {"a": 1}, object(), b"\xff", float("nan"), -5, "\ud800", 10**5000]


@pytest.mark.parametrize("bad", BAD, ids=[str(place) for place in range(len(BAD))])
def test_no_call_raises(bad: Any) -> None:
    """For any metric, name, value and labels the measuring code goes on, and a scrape works."""
    manager = MetricsManager()
    for record in (manager.record, manager.increment, manager.set_gauge, manager.observe):
        record(bad, "n", 1)
        record("m", bad, 1)
        record("m", "n", bad)
        record("m", "n", 1, bad)
        record("m", "n", 1, {"x": bad})
        record("m", "n", 1, {bad: "x"} if bad.__hash__ and not isinstance(bad, Hostile) else {"": bad})
    manager.record_node_execution(bad, bad, bad, bad, bad, bad)
    manager.counter(bad, bad, bad).inc(bad)
    manager.get_summary()
    assert manager.export_prometheus()


def test_a_counter_never_goes_down(caplog: pytest.LogCaptureFixture) -> None:
    """A negative step is refused: counted, warned of once, and not among the raw measurements."""
    manager = MetricsManager()
    manager.increment("error_count", "a", 3)
    with caplog.at_level(logging.WARNING, "odibi_core"):
        for _ in range(5):
            manager.increment("error_count", "a", -1)
        assert manager.counters["error_count:a"] == 3
    assert manager.refused == {"error_count": 5}
    assert len(manager.metrics) == 1
    assert len(caplog.records) == 1
    assert "error_count" in caplog.text


def test_other_kinds_of_numbers_count() -> None:
    """A bool, a Decimal and numpy's scalars are numbers."""
    manager = MetricsManager()
    for value in (True, Decimal("1.5"), np.int64(2), np.float32(0.5), 2**40):
        manager.increment("m", None, value)  # type: ignore[arg-type]  # what users do give
    assert manager.counters["m"] == 5 + 2**40


def test_labels_that_look_equal_stay_apart() -> None:
    """1, True and 1.0 are one key of a dict but three texts."""
    manager = MetricsManager()
    for value in ("1", 1, True, 1.0):
        manager.increment("m", None, 1, {"x": value})
    series = [one for one in manager.answer()["series"] if one["metric"] == "m"]
    assert {one["labels"]["x"]: one["value"] for one in series} == {"1": 2, "True": 1, "1.0": 1}


def test_raw_measurements_are_bounded_and_the_sums_are_not() -> None:
    """`.metrics` keeps the last `max_samples`; the aggregates forget nothing."""
    manager = MetricsManager(max_samples=10)
    for value in range(1000):
        manager.increment("m", "a", value)
    assert [metric.value for metric in manager.metrics] == list(range(990, 1000))
    assert manager.counters["m:a"] == sum(range(1000))
    assert MetricsManager(max_samples=0).metrics == []


def test_label_sets_are_bounded_and_the_sums_are_exact() -> None:
    """Past `max_series`, label sets share the overflow series."""
    manager = MetricsManager(max_series=100, max_samples=10)
    for value in range(5000):
        manager.increment("m", "a", 1, {"i": str(value)})
    assert sum(manager.counters.values()) == 5000
    assert len(manager.answer()["series"]) == 101
    assert 'otel_metric_overflow="true"} 4900' in manager.export_prometheus()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_says_only_its_own(tmp_path: Path) -> None:
    """Measurements before the fork are published by the parent alone."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    manager = MetricsManager(bus=bus)
    manager.increment("m", "a", 10)
    child = os.fork()
    if child == 0:
        try:
            manager.increment("m", "a", 1)
            manager.flush()
            values = [event.fields["value"] for event in heard.of_kind("metric")]
            (tmp_path / "said").write_text(json.dumps([values, manager.counters["m:a"]]))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    manager.flush()
    assert json.loads((tmp_path / "said").read_text()) == [[1], 11]
    assert [event.fields["value"] for event in heard.of_kind("metric")] == [10]


def test_the_memory_of_the_process_is_exported_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is measured in MB of 1,048,576 bytes, and left out if the system does not report it."""
    manager = MetricsManager()
    for measured, exported in ((2.5, ["2621440"]), (None, [])):
        monkeypatch.setattr("odibi_core.metrics.manager.resident_memory_mb", lambda measured=measured: measured)
        lines = manager.export_prometheus().splitlines()
        assert [line.split()[-1] for line in lines if line.startswith("odibi_process_resident_memory")] == exported


def test_a_sample_has_the_time_at_which_it_was_recorded() -> None:
    """In UTC, of the clock that the events have."""
    before = utc_now()
    manager = MetricsManager()
    manager.increment("error_count", "load")
    (sample,) = manager.metrics
    assert abs(sample.timestamp - before) < abs(utc_now() - before) + timedelta(milliseconds=10)


def test_files_are_written_whole(tmp_path: Path) -> None:
    """Folders are made, the file is the text itself, and no draft stays behind."""
    manager = MetricsManager()
    manager.increment("cache_hit", "a\r\nb")
    text = manager.export_prometheus(tmp_path / "deep" / "m.prom")
    assert (tmp_path / "deep" / "m.prom").read_bytes() == text.encode()
    assert os.listdir(tmp_path / "deep") == ["m.prom"]


class Interrupted(list[Any]):
    """A list into which another thread puts one more, right after it was copied."""

    late: list[Any]

    def __getitem__(self, place: Any) -> Any:
        copied = super().__getitem__(place)
        if self.late:
            self.append(self.late.pop())
        return copied


def test_a_note_that_comes_while_others_are_settled_is_kept() -> None:
    """Only what was copied is taken off the list: a note from another thread waits for the next settling."""
    manager = MetricsManager()
    counter = manager.counter("error_count", "a")
    manager._pending = notes = Interrupted()
    notes.late = [(counter._series, 5, 0.0)]
    notes.append((counter._series, 1, 0.0))
    assert manager.counters["error_count:a"] == 1
    assert manager.counters["error_count:a"] == 6


def test_an_event_that_comes_while_others_are_read_is_kept() -> None:
    """As of the notes, only the events that were copied are taken off the list."""
    manager = MetricsManager()
    done = an_event("operation_complete", operation="load", duration_ms=1.0)
    manager._unread = unread = Interrupted()
    unread.late = [done]
    unread.append(done)
    assert manager.counters["operation.success"] == 1
    assert manager.counters["operation.success"] == 2


def test_an_event_that_cannot_be_read_is_told_and_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query gets its number; the bus counts the failure at its next call of the manager."""
    bus, manager = EventBus(), MetricsManager()
    bus.subscribe(manager)
    read = manager._view.fold
    monkeypatch.setattr(manager._view, "fold", lambda event: read(event) if event.row_count != 7 else 1 / 0)
    manager._due = float("inf")
    for row_count in (1, 7, 3):
        bus.emit("node_complete", {"node_name": "a", "row_count": row_count})
    assert manager.counters["success_count:a"] == 2
    assert bus.failures == {}
    bus.emit("node_complete", {"node_name": "a", "row_count": 4})
    assert bus.failures == {"MetricsManager": 1}
    assert manager.counters["success_count:a"] == 3
    bus.emit("node_complete", {"node_name": "a", "row_count": 5})
    assert bus.failures == {"MetricsManager": 1}


@pytest.mark.parametrize("how", ["increment", "set_gauge", "observe"])
def test_a_sum_past_what_json_can_hold_is_the_same_before_and_after_it_is_said(how: str) -> None:
    """It is rounded once, where it is published, and so are answers."""
    manager = MetricsManager(bus=EventBus())
    getattr(manager, how)("mine.rows", "a", 100)
    manager.flush()
    getattr(manager, how)("mine.rows", "a", 2**63 + 1000)
    before = manager.answer()
    manager.flush()
    assert manager.answer() == before
