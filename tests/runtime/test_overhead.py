"""The time that recording takes of a run, as the run itself states it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from odibi_core import observe
from odibi_core.bus.bus import EventBus
from odibi_core.runtime import node_events, record
from odibi_core.runtime import overhead as overhead_module
from odibi_core.runtime.orchestrator import Orchestrator
from odibi_core.runtime.overhead import Overhead
from odibi_core.store.runs import RunStore
from odibi_core.testing import FakeClock, RecordingSink
from odibi_core.views.answers import Lineage
from odibi_core.views.lineage import LineageView


def test_it_adds_up_descriptions_and_events() -> None:
    """In milliseconds, and in percent of the duration."""
    overhead = Overhead()
    overhead.add(0.010)
    overhead.add_event(0.004)
    overhead.add_event(0.002)
    assert overhead.end(1_000, None) == {"overhead_ms": 16.0, "overhead_pct": 1.6}


def test_the_recording_before_and_after_a_run_is_no_part_of_its_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The share is one of both together, so that it is below 100 % for a short run too."""
    clock = FakeClock()
    monkeypatch.setattr(overhead_module, "monotonic", clock.monotonic)
    overhead = Overhead()
    with overhead.measured():
        clock.advance(0.3)
    overhead.add(0.005)
    assert overhead.end(10, None) == {"overhead_ms": 305.0, "overhead_pct": 98.39}


def test_events_that_were_not_measured_count_at_the_mean() -> None:
    """The journal knows how many there were: lines of loggers, measurements."""
    overhead = Overhead()
    overhead.add_event(0.004)
    overhead.add_event(0.002)
    assert overhead.end(100, 10)["overhead_ms"] == pytest.approx(30)
    assert overhead.end(100, 1)["overhead_ms"] == pytest.approx(6)


def test_a_run_without_a_duration_has_no_share() -> None:
    """It is unknown, and not 0."""
    assert Overhead().end(0, 0) == {"overhead_ms": 0.0, "overhead_pct": None}


def test_no_time_of_two_threads_is_lost() -> None:
    """Each thread adds to a sum of its own."""
    overhead = Overhead()

    def work() -> None:
        for _ in range(5_000):
            overhead.add(1e-3)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # a thread that ended may have lent its number to a later one, which then goes on with its sum
    assert overhead.end(1, None)["overhead_ms"] == pytest.approx(20_000)


def lineage_of(root: Path, run_id: str) -> Lineage:
    """Return the lineage that the files of a run have."""
    view = LineageView(run_id)
    for event in RunStore(root).read(run_id):
        view(event)
    return view.answer()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of the runtime, which only a test advances: a busy machine takes no time by it."""
    fake = FakeClock()
    for module in (node_events, overhead_module, record):
        monkeypatch.setattr(module, "monotonic", fake.monotonic)
    return fake


def test_a_slow_record_is_in_the_overhead_and_the_step_is_not(clock: FakeClock) -> None:
    """The time of the recorder's sinks counts, the time of the steps does not."""
    received: list[str] = []

    def rests() -> int:
        clock.advance(0.05)
        return 1

    def slow_sink(event: Any) -> None:
        received.append(event.event_type)
        clock.advance(0.002)

    quick = Orchestrator([rests], store=False).execute()
    bus = EventBus()
    bus.subscribe(slow_sink)
    slow = Orchestrator([rests], store=False, event_bus=bus).execute()
    assert (quick.overhead_ms, quick.overhead_pct, quick.duration_ms) == (0, 0, 50)
    assert received[-1] == "pipeline_complete"  # it states the overhead, and is not in it
    assert {"pipeline_start", "pipeline_plan", "node_start", "node_complete"} <= set(received)
    spent = 2 * len(received[:-1])
    assert slow.overhead_ms == pytest.approx(spent)
    assert slow.overhead_pct == pytest.approx(100 * spent / (50 + spent), abs=0.01)


def test_result_event_and_record_state_the_same(tmp_path: Path) -> None:
    """One figure, wherever it is read."""

    def made() -> Any:
        return pl.DataFrame({"n": [1]})

    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    result = Orchestrator([made], store=tmp_path, event_bus=bus).execute()
    (end,) = sink.of_kind("pipeline_complete")
    stored = lineage_of(tmp_path, result.run_id)
    assert result.overhead_ms > 0
    assert end.fields["overhead_ms"] == stored.overhead_ms == result.overhead_ms
    assert end.fields["overhead_pct"] == stored.overhead_pct == result.overhead_pct


def test_an_observed_run_states_it_too(tmp_path: Path) -> None:
    """With its events of loggers, which nothing measures one by one."""
    with observe("nightly", store=tmp_path) as run:
        for number in range(50):
            run.say("loaded", number=number)
    assert (lineage_of(tmp_path, run.run_id).overhead_ms or 0) > 0
