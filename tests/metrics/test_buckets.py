"""Own buckets of a histogram, and metrics that state a fact: in the text, in a replay and over several processes."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.endpoint.merged import MergedMetrics
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event
from odibi_core.metrics.manager import MetricsManager
from odibi_core.observability import Orchestrator, set_config, track_performance
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink
from odibi_core.views.metrics.view import MetricsView


def measured() -> tuple[MetricsManager, RecordingSink]:
    bus, sink = EventBus(), RecordingSink()
    bus.subscribe(sink)
    metrics = MetricsManager(bus=bus)
    metrics.set_buckets("fetch_ms", [1, 7, 20.5])
    for value in (0.5, 7, 8, 100):
        metrics.observe("fetch_ms", "loader", value)
    return metrics, sink


def counts(text: str) -> list[str]:
    return [line.partition("{")[2] for line in text.splitlines() if line.startswith("odibi_fetch_ms_bucket")]


WANTED = [
    'node="loader",le="1.0"} 1', 'node="loader",le="7.0"} 2', 'node="loader",le="20.5"} 3',
    'node="loader",le="+Inf"} 4',
]  # fmt: skip


def test_the_text_has_the_buckets_that_were_set() -> None:
    """Also after the manager was pickled."""
    metrics, _ = measured()
    assert counts(metrics.export_prometheus()) == WANTED
    assert counts(pickle.loads(pickle.dumps(metrics)).export_prometheus()) == WANTED  # noqa: S301 (made here)


def test_a_replay_has_the_same_buckets() -> None:
    """The events name them: a view without settings has the same answer."""
    metrics, sink = measured()
    metrics.flush()
    metrics.observe("fetch_ms", "loader", 2)
    metrics.flush()
    again = MetricsView()
    for event in sink.events:
        again(event)
    assert again.answer() == metrics.answer()
    assert again.families["histogram", "fetch_ms"].bounds == (1.0, 7.0, 20.5)


def test_several_processes_have_them_together() -> None:
    """The process that answers a scrape did not set them itself."""
    import json

    merged = MergedMetrics()
    for _ in range(2):
        merged.add(json.loads(measured()[0].export("snapshot"))["series"])
    found = merged.view().families["histogram", "fetch_ms"]
    assert found.bounds == (1.0, 7.0, 20.5)
    assert found.series[0].answer()["buckets"] == {"1.0": 2, "7.0": 2, "20.5": 2, "+Inf": 2}


@pytest.mark.parametrize("bounds", [[], [1, 1], [2, 1], [1, math.inf], [math.nan], ["1"], [True], list(range(101))])
def test_bounds_that_are_none_are_refused(bounds: Any) -> None:
    """Ascending finite numbers, at most a hundred."""
    with pytest.raises(ConfigurationError, match="the buckets of 'fetch_ms' must be"):
        MetricsManager().set_buckets("fetch_ms", bounds)


def test_bounds_that_come_too_late_are_refused() -> None:
    """Counted values cannot be sorted again, and a counter has no buckets."""
    metrics, _ = measured()
    metrics.set_buckets("fetch_ms", (1, 7, 20.5))
    with pytest.raises(ConfigurationError, match="before its first value"):
        metrics.set_buckets("fetch_ms", [1, 2])
    with pytest.raises(ConfigurationError, match="must be of a histogram, got 'cache_hit', which is a counter"):
        metrics.set_buckets("cache_hit", [1, 2])


def replayed(events: Iterable[Event]) -> MetricsView:
    view = MetricsView()
    for event in events:
        view(event)
    return view


def one() -> list[int]:
    return [1]


def test_a_run_has_the_buckets_of_the_settings_and_of_its_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first event names them: a replay without settings has the same numbers."""
    monkeypatch.setenv("ODIBI_METRICS__BUCKETS", "node_duration=0.001 1e6, pipeline_duration_seconds=7.5")
    metrics = MetricsManager()
    metrics.set_buckets("operation.duration.seconds", [2, 4])

    def timed() -> list[int]:
        with track_performance("load"):
            return [1]

    result = Orchestrator([one, timed], store=tmp_path, metrics_manager=metrics).execute()
    monkeypatch.delenv("ODIBI_METRICS__BUCKETS")
    set_config(None)
    again = replayed(RunStore(tmp_path).read(result["run_id"]))
    assert again.answer() == metrics.answer()
    bounds = {metric: family.bounds for (_, metric), family in again.families.items() if family.bounds}
    assert bounds == {
        "node_duration_ms": (0.001, 1e6), "pipeline_duration_seconds": (7.5,), "operation.duration.seconds": (2.0, 4.0),
    }  # fmt: skip
    assert 'le="7.5"} 1' in metrics.export_prometheus()


def test_buckets_that_a_running_program_sets_are_in_its_record() -> None:
    """The events of an operation name none: the call itself is an event."""
    bus, sink = EventBus(), RecordingSink()
    bus.subscribe(sink)
    metrics = MetricsManager(bus=bus)
    bus.subscribe(metrics)
    metrics.set_buckets("operation.duration.seconds", [2, 4])
    bus.publish("operation_complete", fields={"operation": "load", "duration_ms": 3000.0})
    assert replayed(sink.events).answer() == metrics.answer()
    assert replayed(sink.events).families["histogram", "operation.duration.seconds"].bounds == (2.0, 4.0)


def test_without_settings_no_event_names_buckets(tmp_path: Path) -> None:
    """The built-in ones follow from the names of the metrics."""
    result = Orchestrator([one], store=tmp_path).execute()
    assert not [event for event in RunStore(tmp_path).read(result["run_id"]) if "metric_buckets" in event.fields]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("node_duration_ms=5 1", "ascending numbers"),
        ("node_duration_ms", "a list of metric=bounds"),
        ("node_duration_ms=a", "a list of metric=bounds"),
        ("node_duration_ms=1.2.3", "a list of metric=bounds"),
        ("cache_hit=1 2", "must be of a histogram"),
    ],
)
def test_wrong_buckets_end_a_run_before_it_begins(given: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, and the setting if its form is wrong."""
    monkeypatch.setenv("ODIBI_METRICS__BUCKETS", given)
    with pytest.raises(ConfigurationError, match=reason):
        Orchestrator([one], store=False)


def test_a_fact_and_a_state() -> None:
    """A fact is 1 with labels; of the states, one is 1."""
    metrics = MetricsManager()
    metrics.set_info("model_info", {"version": "3"})
    for state in ("running", "idle"):
        metrics.set_state("loader_state", state, ["idle", "running"])
    text = metrics.export_prometheus()
    assert 'odibi_model_info{version="3"} 1' in text
    assert 'odibi_loader_state{state="idle"} 1' in text
    assert 'odibi_loader_state{state="running"} 0' in text
    with pytest.raises(ConfigurationError, match="must be one of idle, running, got 'runing'"):
        metrics.set_state("loader_state", "runing", ["idle", "running"])
