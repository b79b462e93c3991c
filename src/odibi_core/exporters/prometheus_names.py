"""From our names to Prometheus': which families a metric becomes, and how names and labels are spelled."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from odibi_core.views.metrics_types import COUNTER, GAUGE, HISTOGRAM, kind_of

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


class Taken:
    """The names that an exposition already uses, with all that a family of a kind may append to them."""

    def __init__(self) -> None:
        self._samples: set[str] = set()

    def free(self, name: str, kind: str, owner: str) -> str:
        """`name`, or, when another family has it, `name` and a hash of the owner."""
        if self._take(name, kind):
            return name
        marked = f"{name}_{zlib.crc32(owner.encode()):08x}"
        while not self._take(marked, kind):
            marked += "_"
        return marked

    def _take(self, name: str, kind: str) -> bool:
        wanted = {name + suffix for suffix in _SUFFIXES[kind]}
        if self._samples & wanted:
            return False
        self._samples |= wanted
        return True


def label_text(name: str, labels: Mapping[str, str]) -> str:
    """`{node="clean",engine="pandas"} `: the name as `node`, each label under an allowed name of its own."""
    written = [f'node="{escaped(name)}"'] if name else []
    for label, spelling in _labels(tuple(labels), bool(name)):
        written.append(f'{spelling}="{escaped(labels[label])}"')
    return f"{{{','.join(written)}}} " if written else " "


@lru_cache(maxsize=1024)
def _labels(labels: tuple[str, ...], named: bool) -> list[tuple[str, str]]:
    """Each label with the name that it gets, in the order in which they are written."""
    taken = {"node": ""} if named else {}
    for label in sorted(labels):
        taken[_label(label, taken)] = label
    return [(label, spelling) for spelling, label in taken.items() if label or spelling != "node"]


def _label(label: str, taken: Mapping[str, str]) -> str:
    name = _NOT_IN_NAMES.sub("_", label).lstrip("_") or "label"
    if name[0].isdigit() or name in _RESERVED_LABELS:
        name = f"label_{name}"
    plain, number = name, 1
    while name in taken:
        number += 1
        name = f"{plain}_{number}"
    return name


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value
