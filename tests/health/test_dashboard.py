"""The dashboard of a pipeline: what it takes for a number, what it keeps, and what it reports."""

from __future__ import annotations

import enum
import logging
import os
import threading
import tracemalloc
from types import SimpleNamespace
from typing import Any, NoReturn

import pybreaker
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError
from odibi_core.health.dashboard import PipelineHealthDashboard
from odibi_core.instrument.circuit_breaker import CircuitBreaker
from odibi_core.logs.program_logger import ProgramLog
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.settings import Log
from odibi_core.testing import RecordingSink


class Hostile:
    """Every access fails."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(name)

    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")

    __float__ = __int__ = __len__ = __str__


def with_hostile(given: Any) -> Any:
    """The arguments, with an object in the place of its class: pytest itself cannot show those objects."""
    if type(given) is dict:
        return {with_hostile(name): with_hostile(value) for name, value in given.items()}
    return Hostile() if given is Hostile else given


class State(enum.Enum):
    """Of a breaker of the program."""

    OPEN = "open"
    CLOSED = "closed"


def test_nothing_recorded_is_healthy_and_knows_no_numbers() -> None:
    """A pipeline that has not begun has no bottleneck."""
    report = PipelineHealthDashboard().healthReport()
    assert (report["status"], report["batchCount"], report["cacheHitRates"]) == ("HEALTHY", 0, {})
    assert report["bottleneckStage"] is report["bottleneckRps"] is report["meanRecentThroughputRps"] is None


def test_the_bottleneck_is_the_slowest_stage_of_the_last_batch_that_was_measured() -> None:
    """A batch without throughputs names no stage, and does not count in the mean of the slowest stages."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch({"read": 10.0, "enrich": 50.0})
    for _ in range(3):
        dashboard.recordBatch({"read": 500.0, "enrich": 60.0})
    dashboard.recordBatch({})
    report = dashboard.healthReport()
    assert (report["bottleneckStage"], report["bottleneckRps"]) == ("enrich", 60.0)
    assert report["meanRecentThroughputRps"] == (10 + 3 * 60) / 4


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        ("open", True), (" OPEN ", True), (State.OPEN, True), ("closed", False), ("half-open", False),
        ("half_open", False), (State.CLOSED, False), (None, False), (0, False),
        (SimpleNamespace(state="open"), True), (SimpleNamespace(current_state="closed"), False),
    ],
)  # fmt: skip
def test_a_circuit_is_open_however_its_state_is_given(state: Any, is_open: bool) -> None:
    """As a text, as a member of an enum, as what has a state."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(circuitStates={"lookup": state})
    report = dashboard.healthReport()
    assert (report["status"], report["openCircuits"]) == (
        ("DEGRADED", ["lookup"]) if is_open else ("HEALTHY", [])
    )


def test_breakers_may_be_given_as_they_are() -> None:
    """Breakers of both libraries; once closed again, the pipeline is healthy again."""
    ours = CircuitBreaker("ours", fail_max=1)
    theirs = pybreaker.CircuitBreaker(fail_max=1)
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(circuitStates={"ours": ours, "theirs": theirs})
    assert dashboard.healthReport()["openCircuits"] == []
    with pytest.raises(ValueError, match="twelve"):
        ours.call(int, "twelve")
    theirs.open()
    dashboard.recordBatch(circuitStates={"ours": ours, "theirs": theirs})
    assert dashboard.healthReport()["openCircuits"] == ["ours", "theirs"]
    theirs.close()
    dashboard.recordBatch(circuitStates={"theirs": theirs})
    assert dashboard.healthReport()["status"] == "HEALTHY"


def test_what_a_batch_leaves_out_stays_as_it_was() -> None:
    """Circuits and caches that are left out keep their state; an empty mapping removes them."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch({}, {"lookup": "open"}, {"sites": {"hits": 1, "misses": 3}})
    dashboard.recordBatch({"read": 1.0})
    report = dashboard.healthReport()
    assert (report["openCircuits"], report["cacheHitRates"]) == (["lookup"], {"sites": 0.25})
    dashboard.recordBatch({}, {}, {})
    report = dashboard.healthReport()
    assert (report["openCircuits"], report["cacheHitRates"]) == ([], {})


@pytest.mark.parametrize(
    ("info", "rates"),
    [
        ({"a": {"hits": 3, "misses": 1}}, {"a": 0.75}),
        ({"a": SimpleNamespace(hits=0, misses=0)}, {"a": 0.0}),
        (SimpleNamespace(hits=1, misses=1), {"cache": 0.5}),
        ({"hits": 1, "misses": 1}, {"cache": 0.5}),
        ({"hits": {"hits": 1, "misses": 1}}, {"hits": 0.5}),
        ({"a": {"hits": "x", "misses": 1}, "b": {"hits": 1, "misses": 0}}, {"b": 1.0}),
        ({"a": {"hits": -1, "misses": 1}, "c": {"hits": 1}, "d": 7, "e": None, "f": Hostile}, {}),
        ({"a": 0.987, "b": 1, "c": True, "d": float("nan"), "e": -0.1, "hits": 0.5}, {"a": 0.987, "b": 1, "hits": 0.5}),
    ],
)
def test_a_cache_is_told_of_by_hits_and_misses(info: Any, rates: dict[str, float]) -> None:
    """As `cache_info()` has them or as a dict; what is neither is left out, and without lookups the rate is 0."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(cacheInfo=with_hostile(info))
    assert dashboard.healthReport()["cacheHitRates"] == rates


@pytest.mark.parametrize(
    ("alerts", "counted"),
    [(3, 3), (["a", "b"], 2), (None, 0), (-2, 0), (float("nan"), 0), ("x", 1), (Hostile, 0), (True, 1)],
)
def test_alerts_are_counted(alerts: Any, counted: int) -> None:
    """By their number, or as a list of them."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch({}, {}, {}, with_hostile(alerts))
    assert dashboard.healthReport()["totalAlerts"] == counted


@pytest.mark.parametrize(
    "hostile", [None, 7, "text", [1, 2], Hostile, {Hostile: Hostile}, {"a": Hostile, 3: "x"}]
)
def test_nothing_that_is_recorded_raises(hostile: Any) -> None:
    """An impossible value is skipped; the batch counts, and the report is published."""
    heard = RecordingSink()
    bus = EventBus()
    bus.subscribe(heard)
    logger = StructuredLogger("x", bus=bus)
    dashboard = PipelineHealthDashboard(logger)
    hostile = with_hostile(hostile)
    dashboard.recordBatch(hostile, hostile, hostile, hostile)
    dashboard.recordBatch({"a": float("inf"), "b": -1, "c": float("nan"), "d": 10**400, "e": "5"})
    report = dashboard.healthReport(hostile)
    assert (report["batchCount"], report["bottleneckStage"], report["bottleneckRps"]) == (2, "e", 5.0)
    assert [event.event_type for event in heard.events] == ["pipeline_health"]


def test_names_are_redacted_and_bounded() -> None:
    """The names of stages, circuits and caches are foreign text, and stand in the log."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(
        {"ada@canary.org": 1.0}, {"u ada@canary.org": "open"}, {"c ada@canary.org": {"hits": 1, "misses": 1}}
    )
    assert "canary" not in str(dashboard.healthReport())


def test_memory_does_not_grow_with_batches_nor_with_names() -> None:
    """100,000 batches, of stages, circuits and caches that are called anew each time, leave the last ten."""
    dashboard = PipelineHealthDashboard(StructuredLogger("x"))
    cache = {"hits": 1, "misses": 1}

    def record(batch: int) -> None:
        dashboard.recordBatch({f"s{batch}": 1.0}, {f"c{batch}": "closed"}, {f"m{batch}": cache}, 1)

    for batch in range(2000):
        record(batch)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for batch in range(2000, 100_000):
            record(batch)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    report = dashboard.healthReport()
    assert (report["batchCount"], report["totalAlerts"]) == (100_000, 100_000)
    assert after - before < 2_000_000, (
        "what is remembered of clean texts is bounded, and nothing else is kept"
    )
    assert len(report["cacheHitRates"]) == 1


def test_one_batch_of_very_many_names_is_bounded() -> None:
    """At most a thousand caches are kept."""
    dashboard = PipelineHealthDashboard()
    dashboard.recordBatch(cacheInfo={f"c{n}": {"hits": 1, "misses": 1} for n in range(50_000)})
    assert len(dashboard.healthReport()["cacheHitRates"]) == 1000


def test_threads_may_record_at_once() -> None:
    """Every batch and every alert counts."""
    dashboard = PipelineHealthDashboard()

    def work() -> None:
        for _ in range(2000):
            dashboard.recordBatch({"read": 1.0}, {}, {}, 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = dashboard.healthReport()
    assert (report["batchCount"], report["totalAlerts"]) == (8000, 8000)


def test_a_forked_child_can_record_though_the_lock_was_held() -> None:
    """In the child, a lock that another thread held is made anew."""
    dashboard = PipelineHealthDashboard()
    with dashboard._lock:
        child = os.fork()
        if child == 0:
            done = threading.Thread(target=dashboard.recordBatch, daemon=True)
            done.start()
            done.join(20)
            os._exit(1 if done.is_alive() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_logger_of_the_program_says_it_too() -> None:
    """With the logger's own name as the component; and nothing below its level."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    logger = ProgramLog(Log(), bus=bus).get_logger("course")
    dashboard = PipelineHealthDashboard(logger)
    dashboard.healthReport()
    logger.set_level("error")
    dashboard.healthReport()
    (said,) = heard.events
    assert (said.event_type, said.component, said.status) == ("pipeline_health", "course", "HEALTHY")


def test_a_report_belongs_to_who_asked() -> None:
    """Changing it changes neither the dashboard nor what was logged."""
    logger = StructuredLogger("x")
    dashboard = PipelineHealthDashboard(logger)
    dashboard.recordBatch({}, {"a": "open"}, {"c": {"hits": 1, "misses": 1}})
    dashboard.healthReport()["cacheHitRates"].clear()
    assert dashboard.healthReport()["cacheHitRates"] == {"c": 0.5}
    assert logger.query_logs(event_type="pipeline_health")[0]["cacheHitRates"] == {"c": 0.5}


def test_it_speaks_where_it_was_told_to() -> None:
    """On a bus that was given; a logger of another library is refused, and not silently ignored."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    PipelineHealthDashboard(bus).healthReport()
    assert [event.event_type for event in heard.events] == ["pipeline_health"]
    with pytest.raises(ConfigurationError, match=r"logger must be a StructuredLogger.*got a Logger"):
        PipelineHealthDashboard(logging.getLogger("x"))  # type: ignore[arg-type]  # that is the point
