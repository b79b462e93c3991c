"""Contract, section 2: the names of the in-house package, one test each: emitted, of the right type, tags as labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from prometheus_client.openmetrics import parser as open_metrics_parser
from prometheus_client.parser import text_string_to_metric_families as prometheus

from odibi_core.event_bus import EventBus
from odibi_core.metrics_manager import MetricsManager

open_metrics: Any = open_metrics_parser.text_string_to_metric_families
TAGS = {"team": "data", "cost.center": "42"}
OWN_TAGS = {"team": "data", "cost_center": "42"}


class Call(NamedTuple):
    """An event of a toolkit's call, and the labels that are its own."""

    event: str
    fields: dict[str, Any]
    labels: dict[str, str]


SUCCEEDED = Call("operation_complete", {"operation": "load", "duration_ms": 1500.0}, {"operation": "load"})
FAILED = Call(
    "operation_failed",
    {"operation": "load", "duration_ms": 1500.0, "error": "no", "error_type": "ValueError"},
    {"operation": "load"},
)
COST = Call(
    "cost", {"operation": "load", "bytes_processed": 4096, "estimated_cost_usd": 1.5}, {"operation": "load"}
)
ALERT = Call("alert_raised", {"rule": "cost_threshold", "operation": "load"}, {"operation": "load"})
QUERY = Call(
    "query", {"query_type": "select", "duration_ms": 1500.0, "rows_returned": 10}, {"query_type": "select"}
)
TOUCHED = Call(
    "bigquery_operation",
    {"operation_type": "insert", "dataset": "raw", "table": "t", "rows_affected": 3},
    {"operation_type": "insert", "dataset": "raw", "table": "t"},
)
STARTED = Call("cli_command", {"command": "load", "status": "running"}, {"command": "load"})
ENDED = Call(
    "cli_command", {"command": "load", "status": "success", "duration_ms": 1500.0}, {"command": "load"}
)
BROKE = Call(
    "cli_command", {"command": "load", "status": "failed", "duration_ms": 1500.0}, {"command": "load"}
)
ARGUMENT = Call(
    "cli_argument",
    {"command": "load", "argument": "--day", "value": "x"},
    {"command": "load", "argument": "--day"},
)
FEATURE = Call("feature_usage", {"feature": "dry_run"}, {"feature": "dry_run"})
PASSED = Call(
    "data_quality_check", {"check": "nulls", "passed": True, "duration_ms": 1500.0}, {"check": "nulls"}
)
REFUSED = Call(
    "data_quality_check", {"check": "nulls", "passed": False, "duration_ms": 1500.0}, {"check": "nulls"}
)
HEALTHY = Call(
    "health_check", {"check": "disk", "status": "healthy", "duration_ms": 1500.0}, {"check": "disk"}
)
UNHEALTHY = Call(
    "health_check", {"check": "disk", "status": "unhealthy", "duration_ms": 1500.0}, {"check": "disk"}
)

COUNTERS = [
    ("operation.success", SUCCEEDED, 1),
    ("operation.failure", FAILED, 1),
    ("operation.error", FAILED._replace(labels={"operation": "load", "error_type": "ValueError"}), 1),
    ("bigquery.total_cost.usd", COST, 1.5),
    ("bigquery.cost_alert", ALERT, 1),
    ("bigquery.query.count", QUERY, 1),
    ("bigquery.operation", TOUCHED, 1),
    ("cli.command.started", STARTED, 1),
    ("cli.command.success", ENDED, 1),
    ("cli.command.failure", BROKE, 1),
    ("cli.command.argument", ARGUMENT, 1),
    ("cli.feature.usage", FEATURE, 1),
    ("data_quality.check.executed", PASSED, 1),
    ("data_quality.check.passed", PASSED, 1),
    ("data_quality.check.failed", REFUSED, 1),
]
HISTOGRAMS = [
    ("operation.duration.seconds", SUCCEEDED, 1.5),
    ("bigquery.bytes_processed", COST, 4096),
    ("bigquery.cost.usd", COST, 1.5),
    ("bigquery.query.duration.seconds", QUERY, 1.5),
    ("bigquery.query.rows_returned", QUERY, 10),
    ("cli.command.duration.seconds", ENDED, 1.5),
    ("data_quality.check.duration.seconds", PASSED, 1.5),
    ("health_check.duration.seconds", HEALTHY, 1.5),
]
GAUGES = [("health_check.status", HEALTHY, 1), ("health_check.status", UNHEALTHY, 0)]


def measured(call: Call, times: int = 1) -> MetricsManager:
    bus, metrics = EventBus(), MetricsManager()
    bus.subscribe(metrics)
    for _ in range(times):
        bus.publish(call.event, fields=call.fields | {"tags": TAGS})
    return metrics


def family(families: Any, name: str) -> Any:
    (found,) = (each for each in families if each.name == name)
    return found


def ids(row: Any) -> str | None:
    return row if isinstance(row, str) else getattr(row, "event", None)


@pytest.mark.parametrize(("name", "call", "value"), COUNTERS, ids=ids)
def test_counter(name: str, call: Call, value: float) -> None:
    """Dots become underscores, `_total` ends it; the call's own labels and every tag are there."""
    metrics, spelled = measured(call, times=2), name.replace(".", "_")
    assert metrics.counters[name] == 2 * value
    for found in (
        family(prometheus(metrics.export_prometheus()), spelled),
        family(open_metrics(metrics.export("openmetrics")), spelled),
    ):
        (sample,) = found.samples
        assert (found.type, sample.name, sample.value) == ("counter", f"{spelled}_total", 2 * value)
        assert sample.labels == call.labels | OWN_TAGS


@pytest.mark.parametrize(("name", "call", "value"), HISTOGRAMS, ids=ids)
def test_histogram(name: str, call: Call, value: float) -> None:
    """Count, sum and buckets, in the unit that the name says; `+Inf` is the count."""
    metrics, spelled = measured(call, times=2), name.replace(".", "_")
    for families in (prometheus(metrics.export_prometheus()), open_metrics(metrics.export("openmetrics"))):
        found = family(families, spelled)
        samples = {
            sample.name + sample.labels.get("le", ""): sample.value
            for sample in found.samples
            if {label: said for label, said in sample.labels.items() if label != "le"}
            == call.labels | OWN_TAGS
        }
        assert found.type == "histogram"
        assert len(samples) == len(found.samples)
        assert (samples[f"{spelled}_count"], samples[f"{spelled}_sum"]) == (2, 2 * value)
        assert samples[f"{spelled}_bucket+Inf"] == 2


@pytest.mark.parametrize(("name", "call", "value"), GAUGES, ids=ids)
def test_gauge(name: str, call: Call, value: float) -> None:
    """1 when healthy, 0 when not."""
    metrics, spelled = measured(call), name.replace(".", "_")
    found = family(prometheus(metrics.export_prometheus()), spelled)
    (sample,) = found.samples
    assert (found.type, sample.value, sample.labels) == ("gauge", value, call.labels | OWN_TAGS)


def test_every_name_has_words_of_its_own() -> None:
    """The help text says what is measured, not only what it is called."""
    for name, call, _ in [*COUNTERS, *HISTOGRAMS, *GAUGES]:
        text = measured(call).export_prometheus()
        (line,) = (one for one in text.splitlines() if one.startswith(f"# HELP {name.replace('.', '_')}"))
        assert name not in line
