"""Names of metrics and labels in Prometheus, and the families that each metric becomes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from threading import RLock
from typing import Any, Final, NamedTuple

from odibi_core import _fork
from odibi_core.views.metrics.types import BASE_SCALE, COUNTER, GAUGE, HISTOGRAM, NODE_DURATION, kind_of

LAST: Final = "last"
SUM: Final = "sum"
VALUE: Final = "value"
BUCKETS: Final = "buckets"


class PrometheusFamily(NamedTuple):
    """One family of Prometheus that a metric becomes; `name` is without the `_total` of a counter."""

    name: str
    kind: str
    shows: str
    help: str
    scale: float = 1


def _gauge(name: str, text: str) -> PrometheusFamily:
    return PrometheusFamily(name, GAUGE, LAST, text)


def _counter(name: str, text: str, shows: str = VALUE) -> PrometheusFamily:
    return PrometheusFamily(name, COUNTER, shows, text)


KNOWN: Final[dict[str, tuple[PrometheusFamily, ...]]] = {
    "node_duration_ms": (
        _gauge("odibi_node_duration_ms", "Duration of the node's last execution in milliseconds."),
        PrometheusFamily(
            "odibi_node_duration_seconds",
            HISTOGRAM,
            BUCKETS,
            "Durations of the node's executions.",
            BASE_SCALE[NODE_DURATION],
        ),
    ),
    "throughput_rows_per_sec": (
        _gauge("odibi_throughput_rows_per_sec", "Rows per second of the node's last execution."),
    ),
    "cache_hit": (_counter("odibi_cache_hits", "Results that the cache had."),),
    "cache_miss": (_counter("odibi_cache_misses", "Results that the cache did not have."),),
    "error_count": (_counter("odibi_error_count", "Errors."),),
    "retry_count": (_counter("odibi_retry_count", "Attempts after the first."),),
    "success_count": (_counter("odibi_success_count", "Executions that succeeded."),),
    "failure_count": (_counter("odibi_failure_count", "Executions that failed."),),
    "checkpoint_size_bytes": (_gauge("odibi_checkpoint_size_bytes", "The last checkpoint's size."),),
    "data_size_bytes": (_gauge("odibi_data_size_bytes", "Size of the data."),),
    "row_count": (
        _counter("odibi_node_rows", "Rows that the node produced, over all executions.", SUM),
        _gauge("odibi_node_last_rows", "Rows that the node's last execution produced."),
    ),
    "worker_utilization_pct": (_gauge("odibi_worker_utilization_pct", "Workers busy, percent."),),
    "memory_usage_mb": (_gauge("odibi_memory_usage_mb", "Memory in use, in megabytes."),),
}
HELP: Final = {
    "pipeline_runs": "Runs of a pipeline that ended, by how they ended.",
    "pipeline_checks": "Checks of the data of a pipeline's runs, by result: passed, failed, not_checked.",
    "pipeline_last_run_checks_failed": "Checks that failed in the last run of a pipeline that asked any.",
    "pipeline_duration_seconds": "How long runs of a pipeline took.",
    "pipeline_last_run_failed": "1 when the last run of the pipeline did not succeed, 0 when it did.",
    "pipeline_last_run_timestamp_seconds": "When the last run of the pipeline ended, in seconds since 1970.",
    "pipeline_last_success_timestamp_seconds": "When a run of the pipeline last succeeded, in seconds since 1970.",
    "operation.duration.seconds": "How long operations took.",
    "operation.success": "Operations that succeeded.",
    "operation.failure": "Operations that failed.",
    "operation.error": "Operations that failed, by the type of the error.",
    "bigquery.bytes_processed": "Bytes that an operation processed.",
    "bigquery.cost.usd": "Estimated cost of an operation in US dollars.",
    "bigquery.total_cost.usd": "Estimated cost of all operations in US dollars.",
    "bigquery.cost_alert": "Operations that cost more than the threshold.",
    "bigquery.query.duration.seconds": "How long queries took.",
    "bigquery.query.rows_returned": "Rows that a query returned.",
    "bigquery.query.count": "Queries.",
    "bigquery.operation": "Operations on datasets and tables.",
    "cli.command.started": "Commands that began.",
    "cli.command.success": "Commands that succeeded.",
    "cli.command.failure": "Commands that failed.",
    "cli.command.duration.seconds": "How long commands took.",
    "cli.command.argument": "Arguments that commands were given, by name.",
    "cli.feature.usage": "Uses of a feature.",
    "data_quality.check.executed": "Checks of data that were made.",
    "data_quality.check.passed": "Checks of data that passed.",
    "data_quality.check.not_checked": "Checks of data that could not be asked.",
    "data_quality.check.failed": "Checks of data that failed.",
    "data_quality.check.duration.seconds": "How long checks of data took.",
    "export_accepted": "Items that an exporter accepted.",
    "export_sent": "Items that the receiver of an exporter took.",
    "export_dropped": "Items that an exporter lost, by reason.",
    "export_spooled": "Items that an exporter wrote to disk before they were sent.",
    "health_check.status": "1 when the last check was healthy, 0 when it was not.",
    "health_check.duration.seconds": "How long health checks took.",
}
"""Help texts of the metrics of pipelines and of the toolkit; their Prometheus names are derived from the metric."""
CACHE_HIT_RATE: Final = _gauge("odibi_cache_hit_rate", "Hits as a part of all cache lookups, 0 to 1.")
UPTIME: Final = _gauge("odibi_uptime_seconds", "How long the process has been measuring.")
RESIDENT_MEMORY: Final = _gauge("odibi_process_resident_memory_bytes", "Resident size of the process.")
UNREADABLE_PARTS: Final = _gauge(
    "odibi_metrics_unreadable_parts", "Files of processes on this port that could not be read."
)
_SHOWS: Final = {COUNTER: VALUE, GAUGE: LAST, HISTOGRAM: BUCKETS}
_NOT_IN_NAMES: Final = re.compile("[^a-zA-Z0-9_]")
_REGISTRY: Final = "prometheus"
_NODE: Final = None
"""The name of the series, in place of a label."""
_RESERVED_LABELS: Final = frozenset({"le", "quantile"})
_SUFFIXES: Final = {
    COUNTER: ("", "_total", "_created"),
    GAUGE: ("",),
    HISTOGRAM: ("", "_bucket", "_count", "_sum", "_created"),
}


def is_known(metric: str, kind: str) -> bool:
    """Return true if the metric has fixed names; if it was measured as another kind, it is a custom metric."""
    return metric in KNOWN and kind == kind_of(metric)


def prometheus_families(metric: str, kind: str) -> tuple[PrometheusFamily, ...]:
    """Return the families that a metric of this kind becomes."""
    if is_known(metric, kind):
        return KNOWN[metric]
    return (PrometheusFamily(_custom(metric, kind), kind, _SHOWS[kind], HELP.get(metric, f"The {kind} {metric}.")),)


def _custom(metric: str, kind: str) -> str:
    """Return the name of a custom metric: with the prefix `odibi_`, unless a dotted name has its own namespace."""
    name = _NOT_IN_NAMES.sub("_", metric)
    if "." not in metric and not name.startswith("odibi_"):
        name = f"odibi_{name}"
    if name[0].isdigit():
        name = f"_{name}"
    return name.removesuffix("_total") if kind == COUNTER else name


class FamilyNames:
    """The names of one metric in Prometheus: of each of its families, and of its labels."""

    def __init__(self, families: tuple[tuple[PrometheusFamily, str], ...], known: bool) -> None:
        self.families = families
        self._labels: dict[str | None, str] = {_NODE: "node"} if known else {}
        self._orders: dict[tuple[str | None, ...], list[tuple[str | None, str]]] = {}

    def label_text(self, name: str, labels: Mapping[str, str]) -> str:
        """Return `{node="clean",engine="pandas"} `: the series' name as `node`, then each label under a valid name."""
        written = [f'{label}="{escaped(value)}"' for label, value in self.label_pairs(name, labels)]
        return f"{{{','.join(written)}}} " if written else " "

    def label_pairs(self, name: str, labels: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return the labels of a series as Prometheus has them."""
        asked: tuple[str | None, ...] = (_NODE, *sorted(labels)) if name else tuple(sorted(labels))
        spelled = self._orders.get(asked)
        if spelled is None:
            spelled = self._orders[asked] = [(label, self._spelling(label)) for label in asked]
        return [(spelling, name if label is None else labels[label]) for label, spelling in spelled]

    def _spelling(self, label: str | None) -> str:
        """Return the name of a label; labels that would have the same name get a number, in order of arrival."""
        found = self._labels.get(label)
        if found is None:
            found = plain = "node" if label is None else _allowed(label)
            number = 1
            while found in self._labels.values():
                number += 1
                found = f"{plain}_{number}"
            self._labels[label] = found
        return found


def _allowed(label: str) -> str:
    name = _NOT_IN_NAMES.sub("_", label).lstrip("_") or "label"
    return f"label_{name}" if name[0].isdigit() or name in _RESERVED_LABELS else name


class NameRegistry:
    """The names of metrics in Prometheus, stable for the life of the process.

    A name belongs to the first metric that takes it, so that a query keeps its meaning. If another metric would have
    the same name, a hash of its own name is appended. The names that dashboards read are reserved at construction.
    """

    def __init__(self) -> None:
        self._families: dict[tuple[str, str], FamilyNames] = {}
        self._samples: set[str] = set()
        self._begin()
        for fact in (CACHE_HIT_RATE, UPTIME, RESIDENT_MEMORY, UNREADABLE_PARTS):
            self._take(fact.name, fact.kind)
        for metric in (*KNOWN, *HELP):
            self.add(metric, kind_of(metric))
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Create the lock: at construction, and in a forked child, where no thread could release the inherited one."""
        self._lock = RLock()

    def add(self, metric: str, kind: str) -> FamilyNames:
        """Return the names of a metric; assign them if the metric is new."""
        names = self._families.get((kind, metric))
        if names is None:
            with self._lock:
                names = self._families.get((kind, metric)) or self._named(metric, kind)
        return names

    def _named(self, metric: str, kind: str) -> FamilyNames:
        owner = f"{kind} {metric}"
        given = tuple((family, self._free(family, owner)) for family in prometheus_families(metric, kind))
        names = self._families[kind, metric] = FamilyNames(given, is_known(metric, kind))
        return names

    def _free(self, family: PrometheusFamily, owner: str) -> str:
        """Return the name of a family; if another family has it, the name and a hash of the owner."""
        if self._take(family.name, family.kind):
            return family.name
        marked = f"{family.name}_{zlib.crc32(owner.encode()):08x}"
        while not self._take(marked, family.kind):
            marked += "_"
        return marked

    def _take(self, name: str, kind: str) -> bool:
        wanted = {name + suffix for suffix in _SUFFIXES[kind]}
        if self._samples & wanted:
            return False
        self._samples |= wanted
        return True


def registry_in(memory: dict[str, Any]) -> NameRegistry:
    """Return the registry in an exporter's memory, which both text formats share; create it if there is none."""
    found: NameRegistry = memory.get(_REGISTRY) or memory.setdefault(_REGISTRY, NameRegistry())
    return found


def escaped(value: str) -> str:
    """Return the value of a label as it is written between quotes."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value
