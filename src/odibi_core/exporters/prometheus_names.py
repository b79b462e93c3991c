"""From our names to Prometheus': which families a metric becomes, and how names and labels are spelled."""

from __future__ import annotations

import os
import re
import weakref
import zlib
from collections.abc import Mapping
from threading import RLock
from typing import Any, Final, NamedTuple

from odibi_core.views.metrics.types import COUNTER, GAUGE, HISTOGRAM, kind_of

LAST: Final = "last"
SUM: Final = "sum"
VALUE: Final = "value"
BUCKETS: Final = "buckets"


class Form(NamedTuple):
    """One Prometheus family that a metric becomes; `name` is without the `_total` of a counter."""

    name: str
    kind: str
    shows: str
    help: str
    scale: float = 1


KNOWN: Final[dict[str, tuple[Form, ...]]] = {
    "node_duration_ms": (
        Form("odibi_node_duration_ms", GAUGE, LAST, "Duration of the node's last execution in milliseconds."),
        Form("odibi_node_duration_seconds", HISTOGRAM, BUCKETS, "Durations of the node's executions.", 0.001),
    ),
    "throughput_rows_per_sec": (
        Form("odibi_throughput_rows_per_sec", GAUGE, LAST, "Rows per second of the node's last execution."),
    ),
    "cache_hit": (Form("odibi_cache_hits", COUNTER, VALUE, "Results that the cache had."),),
    "cache_miss": (Form("odibi_cache_misses", COUNTER, VALUE, "Results that the cache did not have."),),
    "error_count": (Form("odibi_error_count", COUNTER, VALUE, "Errors."),),
    "retry_count": (Form("odibi_retry_count", COUNTER, VALUE, "Attempts after the first."),),
    "success_count": (Form("odibi_success_count", COUNTER, VALUE, "Executions that succeeded."),),
    "failure_count": (Form("odibi_failure_count", COUNTER, VALUE, "Executions that failed."),),
    "checkpoint_size_bytes": (
        Form("odibi_checkpoint_size_bytes", GAUGE, LAST, "The last checkpoint's size."),
    ),
    "data_size_bytes": (Form("odibi_data_size_bytes", GAUGE, LAST, "Size of the data."),),
    "row_count": (
        Form("odibi_node_rows", COUNTER, SUM, "Rows that the node produced, over all executions."),
        Form("odibi_node_last_rows", GAUGE, LAST, "Rows that the node's last execution produced."),
    ),
    "worker_utilization_pct": (Form("odibi_worker_utilization_pct", GAUGE, LAST, "Workers busy, percent."),),
    "memory_usage_mb": (Form("odibi_memory_usage_mb", GAUGE, LAST, "Memory in use, in megabytes."),),
}
HELP: Final = {
    "pipeline_runs": "Runs of a pipeline that ended, by how they ended.",
    "pipeline_checks": "Checks of the data of a pipeline's runs, by result: passed, failed, not_checked.",
    "pipeline_last_run_checks_failed": "Checks that failed in the last run of a pipeline that asked any.",
    "pipeline_duration_seconds": "How long runs of a pipeline took.",
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
    "health_check.status": "1 when the last check was healthy, 0 when it was not.",
    "health_check.duration.seconds": "How long health checks took.",
}
"""What the metrics of pipelines and of the toolkit are about; their names follow from ours."""
CACHE_HIT_RATE: Final = Form(
    "odibi_cache_hit_rate", GAUGE, LAST, "Hits as a part of all cache lookups, 0 to 1."
)
UPTIME: Final = Form("odibi_uptime_seconds", GAUGE, LAST, "How long the process has been measuring.")
RESIDENT_MEMORY: Final = Form(
    "odibi_process_resident_memory_bytes", GAUGE, LAST, "Resident size of the process."
)
UNREADABLE_PARTS: Final = Form(
    "odibi_metrics_unreadable_parts", GAUGE, LAST, "Files of processes on this port that could not be read."
)
_SHOWS: Final = {COUNTER: VALUE, GAUGE: LAST, HISTOGRAM: BUCKETS}
_NOT_IN_NAMES: Final = re.compile("[^a-zA-Z0-9_]")
_REGISTRY: Final = "prometheus"
_NODE: Final = None
"""In place of a label, the name of the series."""
_RESERVED_LABELS: Final = frozenset({"le", "quantile"})
_SUFFIXES: Final = {
    COUNTER: ("", "_total", "_created"),
    GAUGE: ("",),
    HISTOGRAM: ("", "_bucket", "_count", "_sum", "_created"),
}


def is_known(metric: str, kind: str) -> bool:
    """Whether the metric's names are fixed; one that was measured as another kind is a custom metric."""
    return metric in KNOWN and kind == kind_of(metric)


def forms(metric: str, kind: str) -> tuple[Form, ...]:
    """The families that a metric of this kind becomes."""
    if is_known(metric, kind):
        return KNOWN[metric]
    return (Form(_custom(metric, kind), kind, _SHOWS[kind], HELP.get(metric, f"The {kind} {metric}.")),)


def _custom(metric: str, kind: str) -> str:
    """A dotted name is in its owner's namespace already; any other comes into ours."""
    name = _NOT_IN_NAMES.sub("_", metric)
    if "." not in metric and not name.startswith("odibi_"):
        name = f"odibi_{name}"
    if name[0].isdigit():
        name = f"_{name}"
    return name.removesuffix("_total") if kind == COUNTER else name


class FamilyNames:
    """The names that one metric has in Prometheus: of each family that it becomes, and of its labels."""

    def __init__(self, forms: tuple[tuple[Form, str], ...], known: bool) -> None:
        self.forms = forms
        self._labels: dict[str | None, str] = {_NODE: "node"} if known else {}
        self._orders: dict[tuple[str | None, ...], list[tuple[str | None, str]]] = {}

    def label_text(self, name: str, labels: Mapping[str, str]) -> str:
        """Return `{node="clean",engine="pandas"} `: the name as `node`, each label under an allowed name of its own."""
        asked: tuple[str | None, ...] = (_NODE, *sorted(labels)) if name else tuple(sorted(labels))
        spelled = self._orders.get(asked)
        if spelled is None:
            spelled = self._orders[asked] = [(label, self._spelling(label)) for label in asked]
        written = [
            f'{spelling}="{escaped(name if label is None else labels[label])}"' for label, spelling in spelled
        ]
        return f"{{{','.join(written)}}} " if written else " "

    def _spelling(self, label: str | None) -> str:
        """The name of a label: that of the one that came first, numbered for those that would be spelled alike."""
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
    """The names that metrics have in Prometheus, for as long as the process lives.

    A name belongs to the metric that came first, whatever comes later: a query that was right stays right. Another
    metric that would be called the same gets a hash of its own name behind it. The names that dashboards read belong
    to the metrics that they are about, before anything else comes.
    """

    def __init__(self) -> None:
        self._families: dict[tuple[str, str], FamilyNames] = {}
        self._samples: set[str] = set()
        self._begin()
        for fact in (CACHE_HIT_RATE, UPTIME, RESIDENT_MEMORY, UNREADABLE_PARTS):
            self._take(fact.name, fact.kind)
        for metric in (*KNOWN, *HELP):
            self.add(metric, kind_of(metric))
        _registries.add(self)

    def _begin(self) -> None:
        """No thread holds the lock: at the start, and in the child of every fork."""
        self._lock = RLock()

    def add(self, metric: str, kind: str) -> FamilyNames:
        """Return the names of a metric, given to it now if it is new."""
        names = self._families.get((kind, metric))
        if names is None:
            with self._lock:
                names = self._families.get((kind, metric)) or self._named(metric, kind)
        return names

    def _named(self, metric: str, kind: str) -> FamilyNames:
        owner = f"{kind} {metric}"
        given = tuple((form, self._free(form, owner)) for form in forms(metric, kind))
        names = self._families[kind, metric] = FamilyNames(given, is_known(metric, kind))
        return names

    def _free(self, form: Form, owner: str) -> str:
        """The name of a form or, if another family has it, the name and a hash of the owner."""
        if self._take(form.name, form.kind):
            return form.name
        marked = f"{form.name}_{zlib.crc32(owner.encode()):08x}"
        while not self._take(marked, form.kind):
            marked += "_"
        return marked

    def _take(self, name: str, kind: str) -> bool:
        wanted = {name + suffix for suffix in _SUFFIXES[kind]}
        if self._samples & wanted:
            return False
        self._samples |= wanted
        return True


def registry_in(memory: dict[str, Any]) -> NameRegistry:
    """Return the registry of an exporter's memory, put there if there is none; both text formats share it."""
    found: NameRegistry = memory.get(_REGISTRY) or memory.setdefault(_REGISTRY, NameRegistry())
    return found


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value


_registries: Final[weakref.WeakSet[NameRegistry]] = weakref.WeakSet()


def _after_fork() -> None:
    for registry in _registries:
        registry._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
