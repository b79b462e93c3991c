"""A real Prometheus scrapes native histograms by protobuf, and exemplars by both formats that have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.services.prometheus_server import prometheus, wait_for

from odibi_core.endpoint.server import serve_metrics
from odibi_core.events import context
from odibi_core.metrics.manager import MetricsManager

pytestmark = pytest.mark.services
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - {{job_name: native, static_configs: [{{targets: ["127.0.0.1:{native}"]}}]}}
  - {{job_name: text, static_configs: [{{targets: ["127.0.0.1:{text}"]}}]}}
"""
FEATURES = "--enable-feature=native-histograms,exemplar-storage"
SPAN = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "trace_flags": "01"}
IDS = (SPAN["trace_id"], "run-1")


def measured(*, native: bool) -> MetricsManager:
    """Hundred durations of 1 to 100 ms, the last within a trace."""
    metrics = MetricsManager(native_histograms=native, exemplars=True)
    for value in range(1, 100):
        metrics.record("node_duration_ms", "clean", value)
    with context.bind(run_id="run-1", **SPAN):
        metrics.record("node_duration_ms", "clean", 100)
        metrics.increment("jobs")
    return metrics


def test_prometheus_has_native_histograms_and_exemplars(tmp_path: Path) -> None:
    """A native histogram answers a quantile without any bound chosen before, within the 9 % of its buckets."""
    with (
        serve_metrics(measured(native=True), tmp_path / "native", port=0) as native,
        serve_metrics(measured(native=False), tmp_path / "text", port=0) as text,
        prometheus(tmp_path, CONFIG.format(native=native.port, text=text.port), FEATURES) as server,
    ):
        quantiles = server.eventually('histogram_quantile(0.9, odibi_node_duration_seconds{job="native"})')
        assert [each.value for each in quantiles] == [pytest.approx(0.090, rel=0.09)]
        counts = server.eventually('histogram_count(odibi_node_duration_seconds{job="native"})')
        assert [each.value for each in counts] == [100]
        assert server.eventually('odibi_node_duration_seconds_bucket{job="text",le="0.1"}')
        assert not server.answer('odibi_node_duration_seconds_bucket{job="native"}')

        def jobs() -> set[tuple[str, str]]:
            found = server.exemplars('{__name__=~"odibi_node_duration_seconds.*|odibi_jobs_total"}')
            assert {(each["labels"]["trace_id"], each["labels"]["run_id"]) for each in found} <= {IDS}
            return {(each["series"]["job"], each["series"]["__name__"]) for each in found}

        wanted = {
            ("native", "odibi_node_duration_seconds"), ("native", "odibi_jobs_total"),
            ("text", "odibi_node_duration_seconds_bucket"), ("text", "odibi_jobs_total"),
        }  # fmt: skip
        assert wait_for(lambda: jobs() >= wanted), jobs()
