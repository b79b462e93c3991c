"""Exemplars in OpenMetrics: the last sampled trace of each counter and bucket, bounded, and off by default."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser

import odibi_core
from odibi_core.events import context
from odibi_core.metrics.manager import MetricsManager
from odibi_core.views.metrics.exemplars import Exemplar, LastExemplars, labels_of
from odibi_core.views.metrics.series import CounterSeries, Family

parse: Any = parser.text_string_to_metric_families
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = {"trace_id": TRACE, "span_id": "00f067aa0ba902b7", "trace_flags": "01"}


def exemplars(metrics: MetricsManager) -> dict[tuple[str, str], Any]:
    """Return the exemplars by sample and upper bound, as Prometheus' own library reads them."""
    samples = (
        sample for family in parse(metrics.export("openmetrics")) for sample in family.samples
    )
    return {(each.name, each.labels.get("le", "")): each.exemplar for each in samples if each.exemplar}


def test_the_last_measurement_in_a_trace_is_on_its_bucket_and_counter() -> None:
    """By calls and by handles; a gauge has none, and a refused value neither."""
    metrics = MetricsManager(exemplars=True)
    metrics.observe("fetch_ms", "loader", 7)
    with context.bind(run_id="run-1", **SPAN):
        for value in (8, 9):
            metrics.observe("fetch_ms", "loader", value)
        metrics.histogram("fetch_ms", "loader").observe(1e9)
        metrics.counter("jobs").inc(2)
        metrics.increment("jobs", None, -1)
        metrics.set_gauge("depth", None, 3)
    metrics.increment("jobs")
    found = exemplars(metrics)
    assert {key: each.value for key, each in found.items()} == {
        ("odibi_fetch_ms_bucket", "10.0"): 9, ("odibi_fetch_ms_bucket", "+Inf"): 1e9, ("odibi_jobs_total", ""): 2,
    }  # fmt: skip
    assert {tuple(each.labels.items()) for each in found.values()} == {
        (("trace_id", TRACE), ("span_id", SPAN["span_id"]), ("run_id", "run-1"))
    }
    assert all(each.timestamp.sec > 1e9 for each in found.values())


def test_a_run_with_tracing_has_the_spans_of_its_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the events, in the unit of the family; the text format 0.0.4 has none."""
    monkeypatch.setenv("ODIBI_METRICS__EXEMPLARS", "true")
    monkeypatch.setenv("TRACING_ENABLED", "true")
    monkeypatch.setenv("TRACING_SAMPLE_RATE", "1")
    for signal in ("TRACES", "METRICS", "LOGS"):
        monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "none")

    def clean() -> list[int]:
        return [1]

    result = odibi_core.run([clean], store=False)
    metrics = result["metrics"]
    found = {name: each for (name, _), each in exemplars(metrics).items()}
    assert found["odibi_node_duration_seconds_bucket"].labels["run_id"] == result["run_id"]
    assert len(found["odibi_node_duration_seconds_bucket"].labels["trace_id"]) == 32
    assert "odibi_success_count_total" in found
    assert "trace_id" not in metrics.export_prometheus()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_none_of_its_parent(tmp_path: Path) -> None:
    """The parent has them itself: a port of several processes would serve each twice."""
    metrics = MetricsManager(exemplars=True)
    with context.bind(**SPAN):
        metrics.increment("jobs")
    child = os.fork()
    if child == 0:
        try:
            metrics.increment("jobs")
            (tmp_path / "child").write_text(json.dumps([*exemplars(metrics), metrics.export("snapshot")]))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    (written,) = json.loads((tmp_path / "child").read_text())
    assert "exemplars" not in json.loads(written)["series"][0]
    assert exemplars(metrics)


def test_off_and_unsampled_have_none() -> None:
    """No receiver has a trace that is not sampled."""
    unsampled = MetricsManager(exemplars=True)
    with context.bind(**{**SPAN, "trace_flags": "00"}):
        unsampled.increment("jobs")
    off = MetricsManager()
    with context.bind(**SPAN):
        off.increment("jobs")
        off.counter("jobs").inc()
    assert exemplars(unsampled) == exemplars(off) == {}


def test_labels_fit_the_limit_of_openmetrics() -> None:
    """At most 128 characters: a long run id is left out."""
    labels = labels_of(SPAN, "r" * 60)
    assert labels == {"trace_id": TRACE, "span_id": SPAN["span_id"]}
    assert labels_of(SPAN, "r" * 40) == {**labels, "run_id": "r" * 40}
    assert labels_of({}, "r") is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr("odibi_core.views.metrics.exemplars.MOST", 2)
    family, kept = Family("jobs", "counter"), LastExemplars()
    series = [family.add(str(number), {}) for number in range(3)]
    for each in series:
        assert isinstance(each, CounterSeries)
        kept.put(each, Exemplar({}, 1, 0.0))
    assert [kept.of(each) is not None for each in series] == [False, True, True]
