"""Tables of metrics: names, aliases, kinds, and buckets of histograms."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Any, Final, TypeAlias

import msgspec

from odibi_core.events import sanitize_value

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"
KINDS: Final = (COUNTER, GAUGE, HISTOGRAM)
Measurement: TypeAlias = tuple[str, str, str, dict[str, str], float]
"""`(kind, metric, name, labels, value)`, as `MetricsManager.forward` passes it to a receiver."""


class MetricType(StrEnum):
    """Names of the standard metrics; any other string is a custom metric."""

    NODE_DURATION = "node_duration_ms"
    THROUGHPUT = "throughput_rows_per_sec"
    CACHE_HIT = "cache_hit"
    CACHE_MISS = "cache_miss"
    ERROR_COUNT = "error_count"
    RETRY_COUNT = "retry_count"
    CHECKPOINT_SIZE = "checkpoint_size_bytes"
    DATA_SIZE = "data_size_bytes"
    ROW_COUNT = "row_count"
    WORKER_UTILIZATION = "worker_utilization_pct"
    MEMORY_USAGE = "memory_usage_mb"
    SUCCESS_COUNT = "success_count"
    FAILURE_COUNT = "failure_count"


class Metric(msgspec.Struct, frozen=True):
    """One raw measurement; `metric_type` is the string, `timestamp` is in UTC."""

    metric_type: str
    name: str
    value: Any
    labels: dict[str, str]
    timestamp: datetime


NODE_DURATION: Final = MetricType.NODE_DURATION.value
THROUGHPUT: Final = MetricType.THROUGHPUT.value
CACHE_HIT: Final = MetricType.CACHE_HIT.value
CACHE_MISS: Final = MetricType.CACHE_MISS.value
ERROR_COUNT: Final = MetricType.ERROR_COUNT.value
RETRY_COUNT: Final = MetricType.RETRY_COUNT.value
ROW_COUNT: Final = MetricType.ROW_COUNT.value
MEMORY_USAGE: Final = MetricType.MEMORY_USAGE.value
SUCCESS_COUNT: Final = MetricType.SUCCESS_COUNT.value
FAILURE_COUNT: Final = MetricType.FAILURE_COUNT.value

ALIASES: Final = {member.name.lower(): member.value for member in MetricType}
"""Aliases: the name of a member in lower case, such as `"node_duration"` for `"node_duration_ms"`."""

BASE_SCALE: Final = {NODE_DURATION: 0.001}
"""Factors that turn the values of a metric into the base unit, in which Prometheus has its histogram."""

STANDARD_KINDS: Final[dict[str, str]] = {
    **dict.fromkeys((CACHE_HIT, CACHE_MISS, ERROR_COUNT, RETRY_COUNT, SUCCESS_COUNT, FAILURE_COUNT), COUNTER),
    NODE_DURATION: HISTOGRAM,
    **dict.fromkeys(
        (
            "operation.success", "operation.failure", "operation.error", "bigquery.total_cost.usd",
            "bigquery.cost_alert", "bigquery.query.count", "bigquery.operation", "cli.command.started",
            "cli.command.success", "cli.command.failure", "cli.command.argument", "cli.feature.usage",
            "data_quality.check.executed", "data_quality.check.passed", "data_quality.check.failed",
            "data_quality.check.not_checked", "pipeline_runs", "pipeline_checks", "export_accepted", "export_sent",
            "export_spooled", "export_dropped",
        ),
        COUNTER,
    ),
    **dict.fromkeys(
        (
            "operation.duration.seconds", "bigquery.bytes_processed", "bigquery.cost.usd",
            "bigquery.query.duration.seconds", "bigquery.query.rows_returned", "cli.command.duration.seconds",
            "data_quality.check.duration.seconds", "health_check.duration.seconds", "pipeline_duration_seconds",
        ),
        HISTOGRAM,
    ),
}  # fmt: skip
STANDARD_KINDS.update({alias: STANDARD_KINDS[metric] for alias, metric in ALIASES.items() if metric in STANDARD_KINDS})

MOST_BOUNDS: Final = 100
"""Buckets of one histogram: each is a series in Prometheus."""
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_MILLISECONDS: Final = tuple(bound * 1000 for bound in _SECONDS)
_BYTES: Final = tuple(float(512 * 8**power) for power in range(14))
_MONEY: Final = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0)
_ROWS: Final = tuple(float(10**power) for power in range(10))
_BOUNDS_OF: Final[dict[str, tuple[float, ...]]] = {
    "pipeline_duration_seconds": (
        0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0,
    )
}  # fmt: skip
"""Buckets of metrics that need other bounds than those of their unit."""
_BOUNDS_BY_WORD: Final = {
    "ms": _MILLISECONDS,
    "milliseconds": _MILLISECONDS,
    "bytes": _BYTES,
    "usd": _MONEY,
    "rows": _ROWS,
}


def canonical(metric_type: object) -> str:
    """Return the name of a metric, given as enum member, as value, or as alias."""
    name = str.__str__(metric_type) if issubclass(type(metric_type), str) else str(sanitize_value(metric_type))
    return ALIASES.get(name, name)


def kind_of(metric: Any) -> str:
    """Return the kind that `record` gives a metric, by any of its spellings: a gauge, if the metric is a custom one."""
    if type(metric) is str or type(metric) is MetricType:
        return STANDARD_KINDS.get(metric, GAUGE)
    return STANDARD_KINDS.get(canonical(metric), GAUGE)


def valid_bounds(bounds: object) -> tuple[float, ...] | None:
    """Return the upper bounds of buckets as numbers; None unless they are finite, ascending and not too many."""
    if not isinstance(bounds, (list, tuple)) or not 0 < len(bounds) <= MOST_BOUNDS:
        return None
    if any(isinstance(bound, bool) or not isinstance(bound, (int, float)) for bound in bounds):
        return None
    found = tuple(float(bound) for bound in bounds)
    is_ascending = all(lower < upper for lower, upper in pairwise(found))
    return found if is_ascending and all(map(isfinite, found)) else None


def bounds_of(metric: str) -> tuple[float, ...]:
    """Return the upper bounds of a histogram's buckets by the unit in its name, without the last, unbounded one."""
    words = metric.replace(".", "_").split("_")
    by_word = (bounds for word, bounds in _BOUNDS_BY_WORD.items() if word in words)
    return _BOUNDS_OF.get(metric) or next(by_word, _SECONDS)
