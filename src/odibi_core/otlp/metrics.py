"""Metrics as OTLP has them: dotted names without a unit, units of UCUM, cumulative sums, exemplars on histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from odibi_core.events import Event, kinds
from odibi_core.events.recent import remember
from odibi_core.otlp.json_requests import attributes_json
from odibi_core.otlp.run import nanoseconds
from odibi_core.views.metrics.series import Family, Series
from odibi_core.views.metrics.types import COUNTER, HISTOGRAM, NODE_DURATION, kind_of
from odibi_core.views.metrics.view import MetricsView
from odibi_core.views.values import number, text

Json = dict[str, Any]
_CUMULATIVE: Final = 2
MEASURED: Final = kinds.PIPELINE_ENDS | {kinds.NODE_COMPLETE, kinds.NODE_FAILED}
"""Events whose duration is in a histogram with exemplars."""
_EXEMPLARS_KEPT: Final = 10_000
_MIB: Final = 2.0**20


class Instrument(NamedTuple):
    """The name of a metric, its unit, and the factor that turns its values into that unit."""

    name: str
    unit: str
    scale: float = 1.0


KNOWN: Final = {
    "node_duration_ms": Instrument("odibi.node.duration", "s", 0.001),
    "throughput_rows_per_sec": Instrument("odibi.node.throughput", "{row}/s"),
    "row_count": Instrument("odibi.node.rows", "{row}"),
    "success_count": Instrument("odibi.node.successes", "{execution}"),
    "failure_count": Instrument("odibi.node.failures", "{execution}"),
    "error_count": Instrument("odibi.errors", "{error}"),
    "retry_count": Instrument("odibi.node.retries", "{attempt}"),
    "cache_hit": Instrument("odibi.cache.hits", "{lookup}"),
    "cache_miss": Instrument("odibi.cache.misses", "{lookup}"),
    "memory_usage_mb": Instrument("odibi.memory.usage", "By", _MIB),
    "worker_utilization_pct": Instrument("odibi.worker.utilization", "1", 0.01),
    "data_size_bytes": Instrument("odibi.data.size", "By"),
    "checkpoint_size_bytes": Instrument("odibi.checkpoint.size", "By"),
    "pipeline_runs": Instrument("odibi.pipeline.runs", "{run}"),
    "pipeline_checks": Instrument("odibi.pipeline.checks", "{check}"),
    "pipeline_last_run_checks_failed": Instrument("odibi.pipeline.last_run.checks.failed", "{check}"),
    "pipeline_duration_seconds": Instrument("odibi.pipeline.duration", "s"),
    "pipeline_last_success_timestamp_seconds": Instrument("odibi.pipeline.last_success.timestamp", "s"),
    "export_accepted": Instrument("odibi.export.accepted", "{item}"),
    "export_sent": Instrument("odibi.export.sent", "{item}"),
    "export_dropped": Instrument("odibi.export.dropped", "{item}"),
    "export_spooled": Instrument("odibi.export.spooled", "{item}"),
}
_UNITS: Final = {
    "seconds": ("s", 1.0), "milliseconds": ("s", 0.001), "ms": ("s", 0.001), "bytes": ("By", 1.0), "mb": ("By", _MIB),
    "usd": ("USD", 1.0), "rows": ("{row}", 1.0), "pct": ("1", 0.01), "ratio": ("1", 1.0),
}  # fmt: skip
"""Words at the end of a metric's name that are its unit; `mb` are mebibytes everywhere in odibi."""


class Exemplars:
    """The last measurement of each node's and pipeline's duration, with the span in which it was made."""

    def __init__(self) -> None:
        self._last: dict[str, Json] = {}

    def take(self, event: Event, trace_id: str, span_id: str) -> None:
        """Take the end of a node or of a run."""
        value = number(event.duration_ms)
        if value is None:
            return
        is_run = event.event_type in kinds.PIPELINE_ENDS
        name = text(event.fields.get("pipeline_name") if is_run else event.node_name) or ""
        key = f"{'pipeline_duration_seconds' if is_run else NODE_DURATION} {name}"
        exemplar = {
            "timeUnixNano": str(nanoseconds(event)), "asDouble": value / 1000, "traceId": trace_id, "spanId": span_id,
        }  # fmt: skip
        remember(self._last, key, exemplar, _EXEMPLARS_KEPT)

    def of(self, series: Series) -> list[Json]:
        """Return the exemplar of a series, if it has one."""
        found = self._last.get(f"{series.family.metric} {series.name or series.labels().get('pipeline', '')}")
        return [] if found is None else [found]


def instrument(metric: str, kind: str) -> Instrument:
    """Return the instrument of a metric: of a custom one, its name without the unit at its end."""
    if metric in KNOWN and (kind == kind_of(metric) or kind == COUNTER):
        return KNOWN[metric]
    head, separator, last = metric.rpartition("." if "." in metric else "_")
    unit, scale = _UNITS.get(last, ("1", 1.0))
    name = head if separator and last in _UNITS else metric
    return Instrument(name if "." in name else f"odibi.{name}", unit, scale)


def metrics_of(view: MetricsView, start_ns: int, at_ns: int, exemplars: Exemplars | None = None) -> list[Json]:
    """Return every metric of a view, in OTLP's form of JSON.

    Args:
        view: The metrics. The caller holds them unchanged meanwhile.
        start_ns: The time from which sums are counted.
        at_ns: The time of the values.
        exemplars: Exemplars for histograms.
    """
    found = []
    for family in view.families.values():
        series = [one for one in family.sorted() if one.samples]
        if series:
            found.append(_metric(family, series, start_ns, at_ns, exemplars))
    return found


def _metric(family: Family, series: list[Series], start_ns: int, at_ns: int, exemplars: Exemplars | None) -> Json:
    known = instrument(family.metric, family.kind)
    times = {"startTimeUnixNano": str(start_ns), "timeUnixNano": str(at_ns)}
    row: Json = {"name": known.name, "unit": known.unit}
    if family.kind == HISTOGRAM:
        points = [_distribution(one, known.scale, times, exemplars) for one in series]
        return row | {"histogram": {"dataPoints": points, "aggregationTemporality": _CUMULATIVE}}
    is_sum = family.kind == COUNTER or family.metric == "row_count"  # rows are a gauge whose sum is asked for
    points = [
        {"attributes": _labels(one), **times, "asDouble": (one.sum if is_sum else _last(one)) * known.scale}
        for one in series
    ]
    if is_sum:
        return row | {"sum": {"dataPoints": points, "aggregationTemporality": _CUMULATIVE, "isMonotonic": True}}
    return row | {"gauge": {"dataPoints": points}}


def _last(series: Any) -> float:
    return float(series.value)


def _distribution(series: Any, scale: float, times: Mapping[str, str], exemplars: Exemplars | None) -> Json:
    point: Json = {
        "attributes": _labels(series),
        **times,
        "count": str(series.samples),
        "sum": series.sum * scale,
        "bucketCounts": [str(count) for count in series.counts()],
        "explicitBounds": [bound * scale for bound in series.bounds],
        "min": series.min * scale,
        "max": series.max * scale,
    }
    if exemplars is not None and (found := exemplars.of(series)):
        point["exemplars"] = found
    return point


def _labels(series: Series) -> list[Json]:
    labels = dict(series.labels())
    if series.name:
        labels = {"odibi.node.name": series.name, **labels}
    return attributes_json({"odibi.engine" if name == "engine" else name: value for name, value in labels.items()})
