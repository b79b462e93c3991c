"""Section 2 of the contract: a real Prometheus scrapes a running program, and answers a query for each name."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.services.prometheus_server import PrometheusServer
from tests.services.promtool import WAIVED, complaints

pytestmark = pytest.mark.services

TAGS = {"team": "data", "cost_center": "42"}
"""The tags that the program gives wherever a call takes some; a label cannot be called `cost.center`."""
COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


class Metric(NamedTuple):
    """A family, what it is, and labels that a series of it must have."""

    family: str
    kind: str
    labels: dict[str, str]


CLEAN = {"node": "clean", "engine": "pandas"}
EXISTING_DASHBOARDS = [
    Metric("odibi_node_duration_ms", GAUGE, CLEAN),
    Metric("odibi_throughput_rows_per_sec", GAUGE, CLEAN),
    Metric("odibi_cache_hits", COUNTER, {"node": "read"}),
    Metric("odibi_cache_misses", COUNTER, {"node": "clean"}),
    Metric("odibi_cache_hit_rate", GAUGE, {}),
    Metric("odibi_uptime_seconds", GAUGE, {}),
    Metric("odibi_memory_usage_mb", GAUGE, CLEAN),
    Metric("odibi_success_count", COUNTER, CLEAN),
    Metric("odibi_failure_count", COUNTER, {"node": "report", "engine": "pandas"}),
    Metric("odibi_error_count", COUNTER, {"node": "report", "engine": "pandas"}),
]
FURTHER_METRIC_TYPES = [
    Metric("odibi_retry_count", COUNTER, {"node": "clean"}),
    Metric("odibi_checkpoint_size_bytes", GAUGE, {"node": "clean"}),
    Metric("odibi_data_size_bytes", GAUGE, {"node": "clean"}),
    Metric("odibi_worker_utilization_pct", GAUGE, {"node": "pool"}),
]
ECOSYSTEM = [
    Metric("odibi_node_duration_seconds", HISTOGRAM, CLEAN),
    Metric("odibi_node_rows", COUNTER, CLEAN),
    Metric("odibi_process_resident_memory_bytes", GAUGE, {}),
    Metric("odibi_export_sent", COUNTER, {"exporter": "textfile"}),
    Metric("odibi_pipeline_runs", COUNTER, {"pipeline": "daily", "status": "success"}),
    Metric("odibi_pipeline_runs", COUNTER, {"pipeline": "monthly", "status": "failed"}),
    Metric("odibi_pipeline_duration_seconds", HISTOGRAM, {"pipeline": "daily"}),
    Metric("odibi_pipeline_last_success_timestamp_seconds", GAUGE, {"pipeline": "daily"}),
]
LOAD = {"operation": "load", **TAGS}
REPORT = {"operation": "report", **TAGS}
SELECT = {"query_type": "select", **TAGS}
COMMAND = {"command": "load"}
NULLS = {"check": "nulls"}
TOOLKIT = [
    Metric("operation_duration_seconds", HISTOGRAM, LOAD),
    Metric("operation_duration_seconds", HISTOGRAM, {"operation": "monitored", **TAGS}),
    Metric("operation_success", COUNTER, LOAD),
    Metric("operation_failure", COUNTER, LOAD),
    Metric("operation_error", COUNTER, {"error_type": "ValueError", **LOAD}),
    Metric("bigquery_bytes_processed", HISTOGRAM, REPORT),
    Metric("bigquery_cost_usd", HISTOGRAM, REPORT),
    Metric("bigquery_total_cost_usd", COUNTER, REPORT),
    Metric("bigquery_cost_alert", COUNTER, REPORT),
    Metric("bigquery_query_duration_seconds", HISTOGRAM, SELECT),
    Metric("bigquery_query_rows_returned", HISTOGRAM, SELECT),
    Metric("bigquery_query_count", COUNTER, SELECT),
    Metric("bigquery_operation", COUNTER, {"operation_type": "insert", "dataset": "raw", "table": "orders"}),
    Metric("cli_command_started", COUNTER, COMMAND),
    Metric("cli_command_success", COUNTER, COMMAND),
    Metric("cli_command_failure", COUNTER, COMMAND),
    Metric("cli_command_duration_seconds", HISTOGRAM, COMMAND),
    Metric("cli_command_argument", COUNTER, {"argument": "--day", **COMMAND}),
    Metric("cli_feature_usage", COUNTER, {"feature": "dry_run"}),
    Metric("data_quality_check_executed", COUNTER, NULLS),
    Metric("data_quality_check_passed", COUNTER, NULLS),
    Metric("data_quality_check_failed", COUNTER, {"check": "unique"}),
    Metric("data_quality_check_duration_seconds", HISTOGRAM, NULLS),
    Metric("health_check_status", GAUGE, {"check": "disk"}),
    Metric("health_check_duration_seconds", HISTOGRAM, {"check": "disk"}),
]
SAMPLES = {COUNTER: ("_total",), GAUGE: ("",), HISTOGRAM: ("_bucket", "_count", "_sum")}


def queries(metric: Metric) -> list[str]:
    """A query for each kind of sample that a family of this type has, by all of its labels."""
    labels = ",".join(f'{name}="{value}"' for name, value in metric.labels.items())
    return [f"{metric.family}{suffix}{{{labels}}}" for suffix in SAMPLES[metric.kind]]


@pytest.mark.parametrize(
    "metric",
    [*EXISTING_DASHBOARDS, *FURTHER_METRIC_TYPES, *ECOSYSTEM, *TOOLKIT],
    ids=lambda metric: "_".join([metric.family, *metric.labels.values()]),
)
def test_prometheus_answers_a_query_for_each_name(prometheus: PrometheusServer, metric: Metric) -> None:
    """Under the name that dashboards read, of the right type, and no tag is dropped on the way."""
    for query in queries(metric):
        assert prometheus.eventually(query), query
    assert prometheus.type_of(metric.family) == metric.kind


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ('bigquery_total_cost_usd_total{team="data"} / bigquery_cost_usd_count', 150),
        ('bigquery_query_duration_seconds_sum{team="data"} / bigquery_query_duration_seconds_count', 0.25),
        ('bigquery_query_rows_returned_sum{team="data"} / bigquery_query_rows_returned_count', 10),
        ('health_check_status{check="disk"}', 1),
        ('health_check_status{check="queue"}', 0),
        ('odibi_memory_usage_mb{node="clean",engine=""}', 64.5),
        ('odibi_node_last_rows{node="clean"}', 50),
        ('odibi_pipeline_runs_total{status="success"} / ignoring(status) odibi_pipeline_duration_seconds_count', 1),
    ],
)  # fmt: skip
def test_prometheus_has_the_values_that_were_measured(
    prometheus: PrometheusServer, query: str, value: float
) -> None:
    """In the units that the names say."""
    assert [each.value for each in prometheus.eventually(query)] == pytest.approx([value])


def test_promtool_accepts_what_a_running_program_serves(prometheus: PrometheusServer) -> None:
    """Nothing to complain of but the names that are kept for older dashboards."""
    for metric in TOOLKIT:
        assert prometheus.eventually(queries(metric)[0])
    text = prometheus.scraped_text()
    assert all(f"# TYPE {metric.family}" in text for metric in TOOLKIT)
    assert complaints(text) <= WAIVED


def test_promtool_finds_a_name_that_is_not_waived(prometheus: PrometheusServer) -> None:
    """Sabotage: a duration in a unit that is no base unit, under a new name."""
    text = prometheus.scraped_text().replace("odibi_node_duration_ms", "odibi_node_waited_ms")
    assert complaints(text) - WAIVED == {"odibi_node_waited_ms"}


def test_prometheus_answers_nothing_for_a_tag_that_was_dropped(prometheus: PrometheusServer) -> None:
    """Sabotage: the check asks by the labels; one that no series has is no answer."""
    metric = TOOLKIT[0]
    assert prometheus.eventually(queries(metric)[0])
    assert not prometheus.answer(queries(metric._replace(labels={**metric.labels, "floor": "3"}))[0])
