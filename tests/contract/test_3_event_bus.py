"""Section 3 of the contract, row by row: the event bus."""

from __future__ import annotations

import inspect
import io
import logging
import os
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from odibi_core import event_bus, observability
from odibi_core.event_bus import AutomationHook, EventBus, EventPriority, RegisteredHook
from odibi_core.metrics_manager import MetricsManager
from odibi_core.orchestrator import Orchestrator
from odibi_core.sinks.alert_hook import create_alert_hook
from odibi_core.sinks.cache_stats_hook import create_cache_stats_hook
from odibi_core.sinks.log_rotation_hook import create_log_rotation_hook
from odibi_core.sinks.metrics_export_hook import create_metrics_export_hook
from odibi_core.sinks.summary_hook import create_summary_hook
from odibi_core.testing import FailingSink

Heard = list[dict[str, Any]]


@pytest.fixture
def bus() -> EventBus:
    return EventBus(max_workers=4)


def _append(order: list[str], label: str, event: dict[str, Any]) -> None:
    order.append(label)


def source() -> int:
    return 1


def broken() -> int:
    raise ValueError("broken on purpose")


def test_register_hook_returns_a_registered_hook_with_its_attributes(bus: EventBus) -> None:
    """`name, callback, priority, event_type, enabled`; `AutomationHook` is the same class."""

    def callback(event: dict[str, Any]) -> None: ...

    hook = bus.register_hook("node_start", callback, EventPriority.HIGH, "mine")
    assert isinstance(hook, RegisteredHook)
    assert (hook.name, hook.callback, hook.priority, hook.event_type, hook.enabled) == (
        "mine",
        callback,
        EventPriority.HIGH,
        "node_start",
        True,
    )
    assert bus.register_hook("node_start", callback).name == "callback"
    assert AutomationHook is RegisteredHook


def test_signatures_are_the_contracts() -> None:
    """Users pass these by position and by name."""
    assert list(inspect.signature(EventBus.register_hook).parameters) == [
        "self",
        "event_type",
        "callback",
        "priority",
        "name",
        "async_execution",
    ]
    assert list(inspect.signature(EventBus.emit).parameters) == ["self", "event_type", "event_data"]
    assert inspect.signature(EventBus).parameters["max_workers"].default == 4


def test_priorities_run_critical_high_normal_low_and_ties_by_registration(bus: EventBus) -> None:
    """`MEDIUM` is `NORMAL`."""
    order: list[str] = []
    for name in ("LOW", "NORMAL", "MEDIUM", "CRITICAL", "HIGH", "NORMAL", "LOW", "CRITICAL"):
        label = f"{name}-{len(bus.get_hooks('x'))}"
        bus.register_hook("x", partial(_append, order, label), EventPriority[name])
    bus.emit("x")
    assert order == [
        "CRITICAL-3",
        "CRITICAL-7",
        "HIGH-4",
        "NORMAL-1",
        "MEDIUM-2",
        "NORMAL-5",
        "LOW-0",
        "LOW-6",
    ]
    assert EventPriority["MEDIUM"] is EventPriority["NORMAL"]
    assert EventPriority.CRITICAL < EventPriority.HIGH < EventPriority.NORMAL < EventPriority.LOW


def test_a_hook_runs_in_the_emitting_thread_before_emit_returns(bus: EventBus) -> None:
    """So that what follows may rely on it."""
    threads: list[threading.Thread] = []
    bus.register_hook("x", lambda _: threads.append(threading.current_thread()))
    emitter = threading.Thread(target=bus.emit, args=("x",))
    emitter.start()
    emitter.join()
    bus.emit("x")
    assert threads == [emitter, threading.current_thread()]


def test_an_asynchronous_hook_runs_on_the_pool_and_delays_nobody(bus: EventBus) -> None:
    """`emit` returns while the hook still waits for something that comes afterwards."""
    emitted, done = threading.Event(), threading.Event()
    seen: list[threading.Thread] = []

    def slow(_: dict[str, Any]) -> None:
        assert emitted.wait(10)
        seen.append(threading.current_thread())
        done.set()

    bus.register_hook("x", slow, async_execution=True)
    bus.emit("x")
    emitted.set()
    assert done.wait(10)
    assert seen[0] is not threading.current_thread()


def test_a_hook_that_raises_is_logged_with_its_name_counted_and_the_next_one_runs(
    bus: EventBus, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it reaches the code that said the event."""
    after: Heard = []
    failing = FailingSink(ValueError("the reason"))
    hook = bus.register_hook("x", failing, EventPriority.HIGH, "fragile")
    bus.register_hook("x", after.append)
    with caplog.at_level(logging.ERROR, "odibi_core"):
        bus.emit("x")
    assert (failing.calls, hook.failures, bus.failures, len(after)) == (1, 1, {"fragile": 1}, 1)
    assert "fragile" in caplog.text
    assert "the reason" in caplog.text


def test_an_asynchronous_hook_that_raises_is_counted_too(bus: EventBus) -> None:
    """On its own thread, with its own name."""
    hook = bus.register_hook("x", FailingSink(), name="far away", async_execution=True)
    bus.emit("x")
    assert bus.shutdown(10)
    assert (hook.failures, bus.failures["far away"]) == (1, 1)


def test_a_hook_that_hangs_on_the_pool_does_not_slow_the_pipeline(bus: EventBus) -> None:
    """A run ends though an asynchronous hook of it never does; `shutdown` says that it could not drain."""
    forever = threading.Event()
    bus.register_hook("node_complete", lambda _: forever.wait(60), async_execution=True)
    result = Orchestrator([source], event_bus=bus, store=False).execute()
    assert result["status"] == "success"
    assert bus.shutdown(0.05) is False
    forever.set()


def test_each_hook_gets_its_own_plain_dict_and_the_callers_is_not_touched(bus: EventBus) -> None:
    """With `event_type` and `timestamp` added; also what is inside it is each hook's own."""
    heard: Heard = []

    def vandal(event: dict[str, Any]) -> None:
        heard.append(dict(event))
        event["rows"] = "changed"
        event["nested"]["list"].append("theirs")
        event["nested"]["new"] = 1

    bus.register_hook("x", vandal)
    bus.register_hook("x", vandal)
    given = {"rows": 3, "nested": {"list": [1]}}
    bus.emit("x", given)
    assert given == {"rows": 3, "nested": {"list": [1]}}
    assert type(heard[1]) is dict
    assert heard[1]["rows"] == 3
    assert heard[1]["nested"]["list"] == [1, "theirs"]  # its own, which it changed after we looked
    assert heard[0]["nested"] is not heard[1]["nested"]
    assert heard[0]["event_type"] == "x"
    assert datetime.fromisoformat(heard[0]["timestamp"]).tzinfo is not None


def run_keys(steps: list[Any], metrics: MetricsManager | None = None) -> dict[str, dict[str, Any]]:
    bus = EventBus()
    heard: dict[str, dict[str, Any]] = {}
    for kind in (
        "pipeline_start",
        "pipeline_complete",
        "pipeline_error",
        "node_start",
        "node_complete",
        "node_error",
    ):
        bus.register_hook(kind, partial(heard.__setitem__, kind))
    orchestrator = Orchestrator(
        steps,
        event_bus=bus,
        metrics_manager=metrics,
        pipeline_name="nightly",
        store=False,
        raise_on_error=False,
    )
    orchestrator.execute()
    return heard


def test_a_run_that_succeeds_emits_its_events_with_their_keys() -> None:
    """`pipeline_start, node_start, node_complete, pipeline_complete`, all with `run_id`; no `pipeline_error`."""
    metrics = MetricsManager()
    heard = run_keys([source], metrics)
    assert set(heard) == {"pipeline_start", "pipeline_complete", "node_start", "node_complete"}
    assert len({event["run_id"] for event in heard.values()}) == 1
    assert heard["pipeline_start"]["pipeline_name"] == "nightly"
    assert set(heard["node_start"]) >= {"step_name", "node_name", "layer", "engine"}
    assert set(heard["node_complete"]) >= {"step_name", "node_name", "duration_ms", "row_count", "cache_hit"}
    end = heard["pipeline_complete"]
    assert (end["pipeline_name"], end["success_count"], end["failed_count"]) == ("nightly", 1, 0)
    assert end["metrics_manager"] is metrics
    assert end["tracker"].export_lineage()["status"] == "success"


def test_a_run_that_fails_ends_with_pipeline_error_alone() -> None:
    """**Decided**: `pipeline_complete` means success; a failed node is heard as `node_error` with its message."""
    heard = run_keys([broken])
    assert "pipeline_complete" not in heard
    end = heard["pipeline_error"]
    assert set(end) >= {
        "run_id",
        "pipeline_name",
        "duration_ms",
        "success_count",
        "failed_count",
        "metrics_manager",
        "tracker",
        "error_message",
    }
    failed = heard["node_error"]
    assert (failed["step_name"], failed["node_name"]) == ("broken", "broken")
    assert "broken on purpose" in failed["error_message"]
    assert failed["duration_ms"] >= 0


def test_star_hears_everything(bus: EventBus) -> None:
    """Every event of a run, and what users emit, each under its own name."""
    heard: Heard = []
    bus.register_hook("*", heard.append)
    bus.emit("mine", {"a": 1})
    Orchestrator([source], event_bus=bus, store=False).execute()
    kinds = [event["event_type"] for event in heard]
    assert kinds[0] == "mine"
    assert {"pipeline_start", "pipeline_plan", "node_start", "node_complete", "pipeline_complete"} <= set(
        kinds
    )


@pytest.mark.parametrize("registered", ["node_failed", "node_error"])
@pytest.mark.parametrize("emitted", ["node_failed", "node_error"])
def test_node_failed_and_node_error_are_one_event(bus: EventBus, registered: str, emitted: str) -> None:
    """**Decided**: registered under either name, it is heard under that name, whichever was emitted."""
    heard: Heard = []
    bus.register_hook(registered, heard.append)
    bus.emit(emitted, {"node_name": "a", "error": "bad"})
    assert [event["event_type"] for event in heard] == [registered]
    assert (heard[0]["error_message"], heard[0]["step_name"]) == ("bad", "a")
    assert bus.get_hooks(emitted) == bus.get_hooks(registered)


def test_get_enable_disable_unregister_and_clear_hooks(bus: EventBus) -> None:
    """By event type and name; each says whether there was such a hook."""
    heard: list[str] = []
    bus.register_hook("x", lambda _: heard.append("a"), name="a")
    bus.register_hook("x", lambda _: heard.append("b"), EventPriority.HIGH, name="b")
    bus.register_hook("y", lambda _: heard.append("c"), name="c")
    assert [hook.name for hook in bus.get_hooks("x")] == ["b", "a"]
    assert bus.disable_hook("x", "b")
    bus.emit("x")
    assert bus.enable_hook("x", "b")
    bus.emit("x")
    assert heard == ["a", "b", "a"]
    assert bus.unregister_hook("x", "a")
    assert not bus.unregister_hook("x", "a")
    assert not bus.disable_hook("x", "nobody")
    assert not bus.enable_hook("nothing", "b")
    bus.clear_hooks("x")
    assert bus.get_hooks("x") == []
    assert len(bus.get_hooks("y")) == 1
    bus.clear_hooks()
    bus.emit("y")
    assert heard == ["a", "b", "a"]


def test_shutdown_drains_and_the_bus_is_a_context_manager() -> None:
    """Every call that was accepted has run when the block is left."""
    done: list[int] = []
    with EventBus(max_workers=2) as bus:
        bus.register_hook("x", lambda event: done.append(event["n"]), async_execution=True)
        for n in range(200):
            bus.emit("x", {"n": n})
    assert sorted(done) == list(range(200))
    assert bus.dropped == 0


@pytest.mark.parametrize("steps", [[source], [broken]], ids=["success", "failure"])
def test_the_built_in_hooks_hear_pipeline_error_too(
    steps: list[Any], capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    """Registered for `pipeline_complete`, since one that is silent on failure would be useless; they say so."""
    hooks: list[Any] = [
        create_summary_hook(),
        create_metrics_export_hook(tmp_path, formats=["json", "prometheus"]),
        create_log_rotation_hook(tmp_path, max_age_days=30),
        create_alert_hook(threshold_failed=1),
        create_cache_stats_hook(),
    ]
    bus = EventBus()
    alerts: Heard = []
    registered = [bus.register_hook("pipeline_complete", hook) for hook in hooks]
    bus.register_hook("alert_raised", alerts.append)
    Orchestrator(steps, event_bus=bus, pipeline_name="nightly", store=False, raise_on_error=False).execute()
    failed = steps == [broken]
    printed = capsys.readouterr().out
    assert [hook.calls for hook in registered] == [1] * 5
    assert bus.failures == {}
    assert "Pipeline: nightly" in printed
    assert "hit rate" in printed
    assert ("ALERT" in printed, len(alerts)) == (failed, int(failed))
    assert sorted(path.suffix for path in tmp_path.glob("metrics_*")) == [".json", ".prom"]
    assert all("pipeline_error" in (type(hook).__doc__ or "") for hook in hooks)


BUILT_IN = ("create_summary_hook", "create_metrics_export_hook", "create_log_rotation_hook", "create_alert_hook",
            "create_cache_stats_hook")  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_hooks_are_methods_of_the_bus_and_functions_of_both_modules(name: str) -> None:
    """`bus.create_…_hook()`, `odibi_core.observability.create_…_hook`, `odibi_core.event_bus.create_…_hook`."""
    assert getattr(EventBus(), name) is getattr(observability, name) is getattr(event_bus, name)


def test_the_signatures_of_the_built_in_hooks_are_the_contracts() -> None:
    """Users pass these by position and by name."""

    def defaults(name: str) -> dict[str, Any]:
        parameters = inspect.signature(getattr(EventBus, name)).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD}

    empty = inspect.Parameter.empty
    assert defaults("create_metrics_export_hook") == {"export_dir": empty, "formats": None}
    assert defaults("create_log_rotation_hook") == {"log_dir": empty, "max_files": None, "max_age_days": 30}
    assert defaults("create_alert_hook") == {"threshold_failed": 1}


def ended(**more: Any) -> dict[str, Any]:
    """The data of a run's end, as users of the older system emit it by hand."""
    return {"pipeline_name": "daily", "success_count": 3, "failed_count": 0, "duration_ms": 1500.0, **more}


@pytest.mark.parametrize("formats", [None, ("json", "prometheus")])
def test_the_metrics_export_hook_without_formats_writes_json_and_prometheus(
    bus: EventBus, tmp_path: Path, formats: Any
) -> None:
    """`create_metrics_export_hook(dir, None)`, as the older system's default is spelled out."""
    bus.register_hook("pipeline_complete", bus.create_metrics_export_hook(str(tmp_path), formats))
    bus.emit("pipeline_complete", ended(metrics_manager=MetricsManager()))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".prom"]
    assert bus.failures == {}


def aged(folder: Path, days: list[float]) -> None:
    """Log files `0.jsonl`, `1.jsonl` … last written so many days ago."""
    for number, age in enumerate(days):
        path = folder / f"{number}.jsonl"
        path.write_text("{}\n")
        when = datetime.now(UTC).timestamp() - age * 86_400
        os.utime(path, (when, when))


@pytest.mark.parametrize(
    ("arguments", "days", "kept"),
    [
        ((5,), [0] * 9, "45678"),
        ((5,), [90 - number for number in range(9)], "45678"),
        ((5,), [90, 80], "01"),
        ((1,), [0, 3, 2], "0"),
        ((None,), [90, 31, 29, 1], "23"),
        ((), [90, 31, 29, 1], "23"),
        ((None, None), [90, 31, 29, 1], "0123"),
        ((3, 30), [90, 31, 29, 1], "23"),
        ((1, 30), [90, 31, 29, 1], "3"),
        ((None, 7), [8, 6], "1"),
    ],
)
def test_the_log_rotation_hook_keeps_the_newest_files(
    bus: EventBus, tmp_path: Path, arguments: tuple[Any, ...], days: list[float], kept: str
) -> None:
    """`create_log_rotation_hook(dir, 5)` keeps five, whatever their age; if both limits are given, both apply."""
    aged(tmp_path, days)
    bus.register_hook("pipeline_complete", bus.create_log_rotation_hook(str(tmp_path), *arguments))
    bus.emit("pipeline_complete", ended())
    assert "".join(sorted(path.stem for path in tmp_path.iterdir())) == kept
    assert bus.failures == {}


def test_a_built_in_hook_hears_the_other_end_only_beside_pipeline_complete(bus: EventBus) -> None:
    """Registered for another event it hears that one alone; registered for both ends, it is called once an end."""
    out = io.StringIO()
    bus.register_hook("node_complete", bus.create_summary_hook(out))
    bus.emit("pipeline_error", ended(failed_count=1))
    assert out.getvalue() == ""
    both = bus.create_summary_hook(out)
    bus.register_hook("pipeline_complete", both)
    bus.register_hook("pipeline_error", both)
    bus.emit("pipeline_error", ended(failed_count=1))
    assert out.getvalue().count("Pipeline: daily (failed)") == 1


def test_the_older_systems_hook_examples_run_as_they_are_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """System A: hooks made by the bus, registered with priorities, and an end of a run that is emitted by hand."""
    from odibi_core.metrics import MetricsManager, MetricType
    from odibi_core.observability import EventBus, EventPriority

    bus = EventBus()
    metrics = MetricsManager()
    metrics.record(MetricType.NODE_DURATION, "read_data", 125.5)
    metrics.increment(MetricType.CACHE_HIT, "read_data")
    metrics.increment(MetricType.CACHE_MISS, "clean")

    def on_complete(event_data: dict[str, Any]) -> None:
        print(f"Pipeline completed: {event_data['success_count']} successes")

    def send_alert(event_data: dict[str, Any]) -> None:
        print(f"mail: {event_data['failed_count']} of {event_data['pipeline_name']}")

    bus.register_hook("pipeline_complete", on_complete, priority=EventPriority.LOW, name="custom")
    bus.register_hook("pipeline_complete", send_alert, priority=EventPriority.CRITICAL, name="alert_mail")
    bus.register_hook(
        "pipeline_complete", bus.create_summary_hook(), priority=EventPriority.HIGH, name="summary"
    )
    bus.register_hook(
        "pipeline_complete",
        bus.create_metrics_export_hook("metrics/", formats=["json", "prometheus", "parquet"]),
    )
    bus.register_hook(
        "pipeline_complete", bus.create_log_rotation_hook("logs/", max_files=10, max_age_days=30)
    )
    bus.register_hook("pipeline_complete", bus.create_alert_hook(threshold_failed=2))
    bus.register_hook("pipeline_complete", bus.create_cache_stats_hook())
    bus.register_hook("pipeline_complete", lambda event: event, async_execution=True, name="notify")

    bus.emit(
        "pipeline_complete",
        {
            "pipeline_name": "energy", "success_count": 8, "failed_count": 2, "duration_ms": 5432.1,
            "metrics_manager": metrics,
        },
    )  # fmt: skip
    assert bus.disable_hook("pipeline_complete", "custom")
    bus.emit("pipeline_complete", {"success_count": 8})
    assert len(bus.get_hooks("pipeline_complete")) == 8
    bus.clear_hooks("pipeline_complete")
    assert bus.shutdown()
    printed = capsys.readouterr().out
    assert (
        printed.index("mail: 2 of energy") < printed.index("Pipeline: energy") < printed.index("8 successes")
    )
    assert printed.count("8 successes") == 1
    assert "ALERT" in printed
    assert "Cache: 1 hits, 1 misses (50.0% hit rate)" in printed
    assert sorted(path.suffix for path in Path("metrics").iterdir()) == [".json", ".parquet", ".prom"]
    assert bus.failures == {"alert_mail": 1}  # the second event has no pipeline_name
