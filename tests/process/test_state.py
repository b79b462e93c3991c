"""The singletons of a process: its bus, its metrics, its subscribers."""

from __future__ import annotations

import pytest

from odibi_core import Orchestrator, node, observe
from odibi_core.bus.bus import EventBus
from odibi_core.events import bind, context
from odibi_core.process import state as program
from odibi_core.process.state import current_bus, get_metrics, join, listen, program_bus, unlisten
from odibi_core.runtime.program import init_observability
from odibi_core.settings import ObservabilityConfig, read_settings
from odibi_core.testing import RecordingSink, fresh_program


def test_nothing_is_made_before_its_first_use() -> None:
    """An import and a subscription make no bus."""
    listen(RecordingSink())
    assert program._program.bus is None


def test_there_is_one_bus_and_one_set_of_metrics() -> None:
    """Each call returns the same bus and the same metrics, and the metrics publish on the bus."""
    assert program_bus() is program_bus()
    assert get_metrics() is get_metrics()
    assert get_metrics().bus is program_bus()


def test_the_current_bus_is_that_of_the_current_run() -> None:
    """Outside of any run it is the program's bus."""
    assert current_bus() is program_bus()
    with observe("nightly", store=False) as run:
        assert current_bus() is run.bus
        with observe("inner", store=False) as inner:
            assert current_bus() is inner.bus
    assert current_bus() is program_bus()


def test_a_subscriber_of_the_process_receives_each_event_once() -> None:
    """A subscriber of the process receives the events of runs that began before or after it subscribed."""
    early = RecordingSink()
    with observe("first", store=False) as run:
        listen(early)
        run.say("from_a_run")
    program_bus().publish("from_the_program")
    Orchestrator([_one], store=False).execute()
    assert [kind for kind in early.kinds if kind.startswith("from_")] == ["from_a_run", "from_the_program"]
    assert early.kinds.count("node_complete") == 1
    unlisten(early)
    heard = len(early.events)
    program_bus().publish("later")
    with observe("second", store=False) as run:
        run.say("later")
    assert len(early.events) == heard


def test_the_events_of_a_bus_that_joins_twice_arrive_once() -> None:
    """A second join changes nothing, as when a pipeline runs several times on one bus."""
    heard, bus = RecordingSink(), EventBus()
    listen(heard)
    join(bus)
    join(bus)
    bus.publish("x")
    assert heard.kinds == ["x"]


def test_the_metrics_of_the_process_are_those_of_all_its_runs() -> None:
    """Nodes of an orchestrator, decorated nodes, and events outside of both."""
    metrics = get_metrics()
    Orchestrator([_one], store=False).execute()
    with observe("nightly", store=False):
        node(_one)()
    program_bus().publish("operation_complete", fields={"operation": "load", "duration_ms": 2.0})
    metrics.increment("mine", value=2)
    counters = metrics.counters
    assert counters["success_count:_one"] == 2
    assert counters["operation.success"] == 1
    assert counters["mine"] == 2


def test_events_of_a_run_are_measured_for_the_process() -> None:
    """Metrics are kept before the first call of `get_metrics`."""
    with observe("nightly", store=False):
        current_bus().publish("operation_complete", fields={"operation": "load"})
    assert get_metrics().counters["operation.success"] == 1


def test_what_a_run_counted_for_itself_is_counted_for_the_process_too() -> None:
    """A count of a run enters the totals once, although both managers subscribe to the run's bus."""
    total = get_metrics()
    with observe("nightly", store=False) as run:
        run.metrics.increment("mine", value=3)
    assert total.counters["mine"] == 3


def test_the_sinks_of_every_bus_are_listed_by_name() -> None:
    """The log's health check counts dropped events by these names."""
    with observe("nightly", store=False) as run:
        run.bus.subscribe(RecordingSink(), name="mine")
        assert "mine" in [name for name, _ in program.sinks()]


def test_a_fresh_program_leaves_the_old_one_as_it_was() -> None:
    """A test may subscribe and register in a fresh program without an effect on the old one."""
    bus = program_bus()
    with bind(run_id="r"):
        before = context.current(), context.inherited()
        with fresh_program():
            assert program_bus() is not bus
            assert context.current() is context.inherited() is context.EMPTY
            init_observability(ObservabilityConfig(metrics_enabled=False, health_check_enabled=False))
            assert context.current().run_id == context.inherited().run_id != "r"
        assert program_bus() is bus
        assert (context.current(), context.inherited()) == before


def test_a_fresh_program_warns_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fresh program warns again; otherwise the order of the tests decided which test sees the warning."""
    monkeypatch.setenv("ODIBI_STROE__DIR", "elsewhere")
    for _ in range(2):
        with fresh_program():
            read_settings()
            read_settings()
    assert sum("ODIBI_STROE__DIR" in message for message in caplog.messages) == 2


def _one() -> int:
    return 1
