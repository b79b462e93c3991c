"""Section 2 of the contract: metrics, row by row, up to the toolkit's own calls."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from odibi_core.metrics.exporter import MetricsExporter
from odibi_core.metrics_manager import Metric, MetricsManager, MetricType
from odibi_core.orchestrator import Orchestrator

VALUES = [
    "node_duration_ms",
    "throughput_rows_per_sec",
    "cache_hit",
    "cache_miss",
    "error_count",
    "retry_count",
    "checkpoint_size_bytes",
    "data_size_bytes",
    "row_count",
    "worker_utilization_pct",
    "memory_usage_mb",
    "success_count",
    "failure_count",
]
MEMBERS = [
    "NODE_DURATION",
    "THROUGHPUT",
    "CACHE_HIT",
    "CACHE_MISS",
    "ERROR_COUNT",
    "RETRY_COUNT",
    "CHECKPOINT_SIZE",
    "DATA_SIZE",
    "ROW_COUNT",
    "WORKER_UTILIZATION",
    "MEMORY_USAGE",
    "SUCCESS_COUNT",
    "FAILURE_COUNT",
]


@pytest.fixture
def metrics() -> MetricsManager:
    """Two nodes: `clean` ran twice and once from the cache, `load` failed."""
    manager = MetricsManager()
    manager.record_node_execution("clean", 10.0, success=True, engine="pandas", rows=100, cached=True)
    manager.record_node_execution("clean", 30.0, success=True, engine="pandas", rows=900, cached=False)
    manager.record_node_execution("load", 5.0, success=False, engine="polars")
    manager.record_memory_usage("clean", 64.5)
    return manager


def test_metric_type_values_and_member_names() -> None:
    assert [member.value for member in MetricType] == VALUES
    assert [member.name for member in MetricType] == MEMBERS
    assert all(isinstance(member, str) and member == member.value for member in MetricType)


@pytest.mark.parametrize("spelling", [MetricType.NODE_DURATION, "node_duration_ms", "node_duration"])
def test_metric_type_may_be_the_enum_its_value_or_its_member_name(spelling: str) -> None:
    manager = MetricsManager()
    manager.record(spelling, "step", 12.5, {"engine": "pandas"})
    assert [metric.metric_type for metric in manager.metrics] == ["node_duration_ms"]
    assert manager.get_node_stats("step")["avg_duration_ms"] == 12.5


def test_memory_usage_by_its_member_name() -> None:
    manager = MetricsManager()
    manager.record("memory_usage", "step", 12)
    assert manager.get_summary()["nodes"]["step"]["memory_mb"] == 12


def test_record_row_count_and_increment_cache_hit_as_users_write_them() -> None:
    manager = MetricsManager()
    manager.record("row_count", "step", 10000)
    manager.increment("cache_hit")
    assert manager.get_summary()["nodes"]["step"]["row_count"] == 10000
    assert manager.counters["cache_hit"] == 1


def test_increment_with_name_value_labels_and_set_gauge() -> None:
    manager = MetricsManager()
    manager.increment(MetricType.CACHE_HIT, "step", value=3, labels={"engine": "pandas"})
    manager.set_gauge(MetricType.WORKER_UTILIZATION, "pool", 75.5, labels={"host": "a"})
    manager.set_gauge(MetricType.WORKER_UTILIZATION, "pool", 25.5, labels={"host": "a"})
    assert manager.counters["cache_hit:step"] == 3
    assert 'odibi_worker_utilization_pct{node="pool",host="a"} 25.5' in manager.export_prometheus()


def test_an_unknown_string_is_a_custom_metric() -> None:
    manager = MetricsManager()
    manager.record("my_metric", "step", 7, {"team": "a"})
    manager.increment("my_events", "step", 2)
    text = manager.export_prometheus()
    assert 'odibi_my_metric{node="step",team="a"} 7' in text
    assert 'odibi_my_events_total{node="step"} 2' in text


def test_custom_names_with_dots_and_tags_are_prometheus_names_and_labels() -> None:
    manager = MetricsManager()
    manager.increment("operation.success", labels={"operation": "load", "env": "dev"})
    manager.observe("operation.duration.seconds", None, 0.2, {"operation": "load"})
    manager.set_gauge("health_check.status", None, 1, {"check": "disk"})
    text = manager.export_prometheus()
    assert 'operation_success_total{env="dev",operation="load"} 1' in text
    assert "# TYPE operation_duration_seconds histogram" in text
    assert 'operation_duration_seconds_sum{operation="load"} 0.2' in text
    assert 'health_check_status{check="disk"} 1' in text


def test_record_node_execution_records_duration_outcome_cache_and_throughput(metrics: MetricsManager) -> None:
    assert {metric.metric_type for metric in metrics.metrics} == {
        "node_duration_ms", "success_count", "failure_count", "error_count", "cache_hit", "cache_miss",
        "throughput_rows_per_sec", "row_count", "memory_usage_mb",
    }  # fmt: skip
    assert metrics.counters["error_count:load"] == metrics.counters["failure_count:load"] == 1
    assert [metric.value for metric in metrics.get_metrics_by_type("throughput")] == [10_000, 30_000]


def test_metrics_are_recent_raw_metric_objects_with_aware_timestamps(metrics: MetricsManager) -> None:
    first = metrics.metrics[0]
    assert isinstance(first, Metric)
    assert (type(first.metric_type), first.name, first.labels) == (str, "clean", {"engine": "pandas"})
    assert first.timestamp.tzinfo is UTC
    assert [metric.timestamp for metric in metrics.metrics] == sorted(m.timestamp for m in metrics.metrics)


def test_metrics_are_bounded_by_100_000_and_the_aggregates_forget_nothing() -> None:
    manager = MetricsManager()
    count = manager.counter("error_count", "a")
    for _ in range(120_000):
        count.inc()
    assert len(manager.metrics) == 100_000
    assert manager.counters["error_count:a"] == 120_000


def test_counters_are_summed_over_labels() -> None:
    manager = MetricsManager()
    manager.record_node_execution("step", 1.0, True, engine="pandas")
    manager.record_node_execution("step", 1.0, True, engine="polars")
    assert manager.counters["success_count:step"] == 2
    assert manager.counters["success_count:nothing"] == 0


def test_get_metrics_by_type_and_by_name(metrics: MetricsManager) -> None:
    assert {metric.name for metric in metrics.get_metrics_by_type(MetricType.NODE_DURATION)} == {
        "clean",
        "load",
    }
    assert {metric.metric_type for metric in metrics.get_metrics_by_name("load")} == {
        "node_duration_ms", "failure_count", "error_count", "cache_miss",
    }  # fmt: skip


def test_get_node_stats(metrics: MetricsManager) -> None:
    assert metrics.get_node_stats("clean") == {
        "node_name": "clean", "executions": 2, "avg_duration_ms": 20.0, "min_duration_ms": 10.0,
        "max_duration_ms": 30.0, "success_count": 2, "failure_count": 0,
    }  # fmt: skip
    assert metrics.get_node_stats("nothing") == {}


def test_get_cache_hit_rate(metrics: MetricsManager) -> None:
    assert metrics.get_cache_hit_rate() == pytest.approx(1 / 3)
    assert MetricsManager().get_cache_hit_rate() == 0.0


def test_get_summary(metrics: MetricsManager) -> None:
    summary = metrics.get_summary()
    assert summary["total_metrics"] == len(metrics.metrics)
    assert (summary["total_nodes"], summary["total_duration_ms"], summary["avg_duration_ms"]) == (
        2,
        45.0,
        15.0,
    )
    assert summary["cache_hit_rate"] == pytest.approx(1 / 3)
    assert summary["error_count"] == 1
    assert list(summary["top_nodes_by_duration"].items()) == [("clean", 40.0), ("load", 5.0)]
    assert summary["cache_lookups"] == 3
    assert summary["nodes"]["clean"] == {
        "duration_ms": 40.0, "row_count": 900, "memory_mb": 64.5, "throughput": 30_000.0,
    }  # fmt: skip


def test_export_prometheus_writes_to_a_path(metrics: MetricsManager, tmp_path: Path) -> None:
    text = metrics.export_prometheus(tmp_path / "m.prom")
    assert (tmp_path / "m.prom").read_text(encoding="utf-8") == text


def test_save_to_file_as_json(metrics: MetricsManager, tmp_path: Path) -> None:
    metrics.save_to_file(tmp_path / "m.json")
    saved = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert list(saved) == [
        "timestamp", "pipeline_name", "total_duration_ms", "total_nodes", "cache_hit_rate", "error_count", "nodes",
    ]  # fmt: skip
    assert (saved["total_nodes"], saved["total_duration_ms"], saved["error_count"]) == (2, 45.0, 1)


def test_save_to_file_as_parquet_by_suffix(metrics: MetricsManager, tmp_path: Path) -> None:
    metrics.save_to_file(str(tmp_path / "m.parquet"))
    assert len(pd.read_parquet(tmp_path / "m.parquet")) == len(metrics.metrics)


def test_exporter_export_json(metrics: MetricsManager) -> None:
    document = json.loads(MetricsExporter(metrics).export_json())
    assert {"export_time", "total_metrics", "summary", "by_type", "by_node"} <= set(document)
    assert set(document["by_type"]) == {metric.metric_type for metric in metrics.metrics}
    assert [node["node_name"] for node in document["by_node"]] == ["clean", "load"]


def test_entries_of_by_type_carry_name_value_labels_timestamp(metrics: MetricsManager) -> None:
    """Of a duration the last one; the time is that of the last measurement."""
    by_type = json.loads(MetricsExporter(metrics).export_json())["by_type"]
    assert all({"name", "value", "labels", "timestamp"} <= set(entry) for each in by_type.values() for entry in each)
    duration = by_type["node_duration_ms"][0]
    last = metrics.get_metrics_by_type("node_duration")[1]
    assert (duration["name"], duration["value"], duration["labels"]) == ("clean", 30.0, {"engine": "pandas"})
    assert abs(datetime.fromisoformat(duration["timestamp"]) - last.timestamp) < timedelta(milliseconds=10)


def test_exporter_export_dataframe(metrics: MetricsManager) -> None:
    frame = MetricsExporter(metrics).export_dataframe()
    assert list(frame.columns) == ["metric_type", "name", "value", "timestamp", "label_engine"]
    assert len(frame) == len(metrics.metrics)
    assert frame.loc[frame["metric_type"] == "node_duration_ms", "value"].tolist() == [10.0, 30.0, 5.0]


def test_exporter_export_parquet_is_bytes(metrics: MetricsManager) -> None:
    content = MetricsExporter(metrics).export_parquet()
    assert isinstance(content, bytes)
    assert len(pd.read_parquet(io.BytesIO(content))) == len(metrics.metrics)


SAVES: dict[str, Callable[[MetricsExporter, Path], Any]] = {
    "prometheus": MetricsExporter.save_prometheus,
    "json": MetricsExporter.save_json,
    "parquet": MetricsExporter.save_parquet,
}


@pytest.mark.parametrize("name", SAVES)
def test_exporter_save_prometheus_json_parquet(metrics: MetricsManager, tmp_path: Path, name: str) -> None:
    SAVES[name](MetricsExporter(metrics), tmp_path / "sub" / f"m.{name}")
    assert (tmp_path / "sub" / f"m.{name}").stat().st_size > 100


def test_exporter_get_node_summary(metrics: MetricsManager) -> None:
    assert MetricsExporter(metrics).get_node_summary("clean") == {
        "node_name": "clean", "total_executions": 2, "avg_duration_ms": 20.0, "min_duration_ms": 10.0,
        "max_duration_ms": 30.0, "avg_throughput": 20_000.0,
    }  # fmt: skip
    assert MetricsExporter(metrics).get_node_summary("nothing") == {}


def test_exporter_generate_report(metrics: MetricsManager) -> None:
    report = MetricsExporter(metrics).generate_report()
    assert "ODIBI CORE Metrics Report" in report
    assert f"Total Metrics: {len(metrics.metrics)}" in report
    assert "Cache Hit Rate: 33.3%" in report
    assert "Average Duration: 15.00ms" in report
    slowest = report.index("Top Nodes by Duration:")
    assert slowest < report.index("1. clean") < report.index("2. load")


def test_a_rate_of_no_lookups_is_a_dash_for_people_and_nothing_for_prometheus() -> None:
    """`cache_hit_rate` stays the float that older code formats; `cache_lookups` stands beside it."""
    manager = MetricsManager()
    manager.record(MetricType.NODE_DURATION, "clean", 1.0)
    assert "Cache Hit Rate: –" in MetricsExporter(manager).generate_report()
    assert "odibi_cache_hit_rate" not in manager.export_prometheus()
    summary = manager.get_summary()
    assert (f"{summary['cache_hit_rate']:.1%}", summary["cache_lookups"]) == ("0.0%", 0)
    manager.increment("cache_miss", "clean")
    assert "Cache Hit Rate: 0.0%" in MetricsExporter(manager).generate_report()
    assert "odibi_cache_hit_rate 0.0" in manager.export_prometheus()


def test_an_explicit_record_node_execution_without_the_cache_is_a_miss() -> None:
    """`cached` is False unless it is said to be true."""
    manager = MetricsManager()
    manager.record_node_execution("clean", 1.0, True)
    assert manager.get_summary()["cache_lookups"] == manager.counters["cache_miss:clean"] == 1


def test_nodes_stand_in_the_order_of_execution() -> None:
    """By their first end, whatever they are called and however they ended."""
    manager = MetricsManager()
    for name, success in (("zebra", True), ("load", False), ("aardvark", True), ("zebra", False)):
        manager.record_node_execution(name, 1.0, success, rows=1)
    assert list(manager.get_summary()["nodes"]) == ["zebra", "load", "aardvark"]


NAMES = {
    "odibi_node_duration_ms": 30.0,
    "odibi_throughput_rows_per_sec": 30_000.0,
    "odibi_cache_hits_total": 1.0,
    "odibi_cache_misses_total": 1.0,
    "odibi_memory_usage_mb": 64.5,
    "odibi_success_count_total": 2.0,
    "odibi_node_duration_seconds_count": 2.0,
    "odibi_node_duration_seconds_sum": 0.04,
    "odibi_node_rows_total": 1000.0,
}


@pytest.mark.parametrize("name", NAMES)
def test_prometheus_names_of_a_node(metrics: MetricsManager, name: str) -> None:
    families = text_string_to_metric_families(MetricsExporter(metrics).export_prometheus())
    found = [
        s for family in families for s in family.samples if s.name == name and s.labels["node"] == "clean"
    ]
    assert [sample.value for sample in found] == [NAMES[name]]


@pytest.mark.parametrize("name", ["odibi_failure_count_total", "odibi_error_count_total"])
def test_prometheus_names_of_a_failure(metrics: MetricsManager, name: str) -> None:
    assert f'{name}{{node="load",engine="polars"}} 1' in metrics.export_prometheus()


@pytest.mark.parametrize(
    "name", ["odibi_cache_hit_rate", "odibi_uptime_seconds", "odibi_process_resident_memory_bytes"]
)
def test_prometheus_names_of_the_process(metrics: MetricsManager, name: str) -> None:
    families = text_string_to_metric_families(metrics.export_prometheus())
    (sample,) = [sample for family in families for sample in family.samples if sample.name == name]
    assert sample.value > 0
    assert sample.labels == {}


def test_user_labels_are_kept(metrics: MetricsManager) -> None:
    assert 'odibi_node_duration_ms{node="clean",engine="pandas"} 30.0' in metrics.export_prometheus()


def test_a_memory_recorded_by_hand_goes_before_the_measured_one() -> None:
    """Both are exported, and the summary has what was recorded by hand."""
    metrics = MetricsManager()

    def clean() -> list[dict[str, int]]:
        metrics.record_memory_usage("clean", 0.5)
        return [{"n": 1}]

    Orchestrator([clean], metrics_manager=metrics, store=False).execute()
    assert metrics.get_summary()["nodes"]["clean"]["memory_mb"] == 0.5
    text = metrics.export_prometheus()
    assert 'odibi_memory_usage_mb{node="clean"} 0.5' in text
    assert 'odibi_memory_usage_mb{node="clean",engine="pandas"}' in text
