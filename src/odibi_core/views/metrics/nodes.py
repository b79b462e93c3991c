"""Measurements of nodes, and statistics of nodes from the measurements."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from odibi_core.events import Event, kinds
from odibi_core.views import values
from odibi_core.views.metrics.series import CounterSeries, GaugeSeries, HistogramSeries, to_json_number, total_of
from odibi_core.views.metrics.types import (
    CACHE_HIT,
    CACHE_MISS,
    COUNTER,
    ERROR_COUNT,
    FAILURE_COUNT,
    GAUGE,
    HISTOGRAM,
    MEMORY_USAGE,
    NODE_DURATION,
    RETRY_COUNT,
    ROW_COUNT,
    SUCCESS_COUNT,
    THROUGHPUT,
)

if TYPE_CHECKING:
    from odibi_core.views.metrics.view import MetricsView

NodeObservation: TypeAlias = tuple[str, str, float, dict[str, str] | None]
"""`(metric, name, value, labels)`"""
_TOP: Final = 10


class CacheReports:
    """Nodes whose cache lookup was reported by an event; the end of such a node does not count it again."""

    def __init__(self) -> None:
        self._nodes: set[tuple[str | None, str]] = set()

    def add(self, run_id: str | None, node: str) -> None:
        if len(self._nodes) < 100_000:  # bounded: a node that never ends stays here
            self._nodes.add((run_id, node))

    def take(self, run_id: str | None, node: str) -> bool:
        found = (run_id, node) in self._nodes
        self._nodes.discard((run_id, node))
        return found


def observations(event: Event, cache_reports: CacheReports) -> Iterable[NodeObservation]:
    """Return the measurements of an event of a node; an empty result for any other event."""
    kind = event.event_type
    if kind not in NODE_KINDS or "taken_from" in event.fields:  # nothing ran
        return ()
    node = values.text(event.node_name)
    if node is None:
        return ()
    engine = values.text(event.engine)
    labels = {"engine": engine} if engine else None
    run_id = values.text(event.run_id)
    if kind == kinds.CACHE_HIT or kind == kinds.CACHE_MISS:
        cache_reports.add(run_id, node)
        return [(kind, node, 1, labels)]
    if kind == kinds.NODE_RETRY:
        return [(RETRY_COUNT, node, 1, labels)]
    cached = None if cache_reports.take(run_id, node) else values.flag(event.cache_hit)
    found = execution(
        node,
        values.number(event.duration_ms),
        kind == kinds.NODE_COMPLETE,
        values.count(event.row_count),
        cached,
        labels,
    )
    memory_mb = values.number(event.memory_mb)
    if memory_mb is not None:
        found.append((MEMORY_USAGE, node, memory_mb, labels))
    return found


NODE_KINDS: Final = frozenset(
    {kinds.NODE_COMPLETE, kinds.NODE_FAILED, kinds.NODE_RETRY, kinds.CACHE_HIT, kinds.CACHE_MISS}
)


def execution(
    node: str,
    duration_ms: float | None,
    success: bool,
    rows: float | None,
    cached: bool | None,
    labels: dict[str, str] | None,
) -> list[NodeObservation]:
    """Return the measurements of one execution of a node."""
    found: list[NodeObservation] = [(SUCCESS_COUNT if success else FAILURE_COUNT, node, 1, labels)]
    if duration_ms is not None:
        found.append((NODE_DURATION, node, duration_ms, labels))
    if not success:
        found.append((ERROR_COUNT, node, 1, labels))
    if cached is not None:
        found.append((CACHE_HIT if cached else CACHE_MISS, node, 1, labels))
    if rows is not None:
        found.append((ROW_COUNT, node, rows, labels))
        if duration_ms is not None and duration_ms > 0:
            found.append((THROUGHPUT, node, rows * 1000 / duration_ms, labels))
    return found


def total(view: MetricsView, metric: str, name: str | None = None) -> float:
    """Return the sum of a counter over all labels, and over all names if none is given."""
    return total_of(series.value for series in _series(view, CounterSeries, metric, name))


def cache_lookups(view: MetricsView) -> float:
    """Return the number of cache lookups."""
    return total(view, CACHE_HIT) + total(view, CACHE_MISS)


def cache_hit_rate(view: MetricsView) -> float:
    """Return the hits as a fraction of all lookups, 0 to 1; 0.0 without any lookup (see `cache_lookups`)."""
    lookups = cache_lookups(view)
    return total(view, CACHE_HIT) / lookups if lookups else 0.0


def rate_text(view: MetricsView) -> str:
    """Return the hit rate as text: `33.3%`, or a dash without any lookup."""
    return f"{cache_hit_rate(view):.1%}" if cache_lookups(view) else "–"


def node_stats(view: MetricsView, name: str) -> dict[str, Any]:
    """Return the executions, durations and outcomes of one node; `{}` for an unknown node."""
    durations = _series(view, HistogramSeries, NODE_DURATION, name)
    return _stats(name, durations, total(view, SUCCESS_COUNT, name), total(view, FAILURE_COUNT, name))


def every_node_stats(view: MetricsView) -> dict[str, dict[str, Any]]:
    """Return `node_stats` by name, from one pass over the series."""
    durations = _by_name(_series(view, HistogramSeries, NODE_DURATION))
    succeeded = _by_name(_series(view, CounterSeries, SUCCESS_COUNT))
    failed = _by_name(_series(view, CounterSeries, FAILURE_COUNT))
    return {
        name: _stats(name, durations.get(name, []), *(_summed(each.get(name, [])) for each in (succeeded, failed)))
        for name in {**durations, **succeeded, **failed}
    }


def _by_name(found: list[_S]) -> dict[str, list[_S]]:
    named: dict[str, list[_S]] = {}
    for series in found:
        named.setdefault(series.name, []).append(series)
    return named


def _summed(counters: list[CounterSeries]) -> float:
    return total_of(series.value for series in counters)


def _stats(name: str, durations: list[HistogramSeries], success: float, failure: float) -> dict[str, Any]:
    count = sum(series.samples for series in durations)
    if not count and not success and not failure:
        return {}
    return {
        "node_name": name,
        "executions": max(count, round(success + failure)),
        "avg_duration_ms": fsum(series.sum for series in durations) / count if count else 0.0,
        "min_duration_ms": min((series.min for series in durations), default=0.0),
        "max_duration_ms": max((series.max for series in durations), default=0.0),
        "success_count": success,
        "failure_count": failure,
    }


def node_throughput(view: MetricsView, name: str) -> float:
    """Return the mean throughput of one node in rows per second; 0 without any."""
    measured = _series(view, GaugeSeries, THROUGHPUT, name)
    count = sum(series.samples for series in measured)
    return fsum(series.sum for series in measured) / count if count else 0.0


def node_summary(view: MetricsView, name: str) -> dict[str, Any]:
    """Return the executions, durations and mean throughput of one node; `{}` for an unknown node."""
    stats = node_stats(view, name)
    if not stats:
        return {}
    durations = {key: stats[key] for key in ("avg_duration_ms", "min_duration_ms", "max_duration_ms")}
    return {
        "node_name": name,
        "total_executions": stats["executions"],
        **durations,
        "avg_throughput": node_throughput(view, name),
    }


def nodes(view: MetricsView) -> dict[str, dict[str, Any]]:
    """Return for each named node its total duration, and the last rows, memory and throughput (None if unknown).

    Nodes are in the order of their first end; nodes that were never executed come last.
    """
    found: dict[str, dict[str, Any]] = {}

    def node(name: str) -> dict[str, Any]:
        unknown = {"duration_ms": 0.0, "row_count": None, "memory_mb": None, "throughput": None}
        return found.setdefault(name, unknown)

    for series in _series(view, HistogramSeries, NODE_DURATION):
        node(series.name)["duration_ms"] += series.sum
    for metric, column in ((ROW_COUNT, "row_count"), (THROUGHPUT, "throughput")):
        for gauge in _series(view, GaugeSeries, metric):
            node(gauge.name)[column] = to_json_number(gauge.value)
    # Reversed: the series without labels, recorded by hand, has precedence.
    for gauge in reversed(_series(view, GaugeSeries, MEMORY_USAGE)):
        node(gauge.name)["memory_mb"] = to_json_number(gauge.value)
    for metric in (SUCCESS_COUNT, FAILURE_COUNT):
        for counter in _series(view, CounterSeries, metric):
            node(counter.name)
    found.pop("", None)
    place = {name: number for number, name in enumerate(_first_met(view))}
    return dict(sorted(found.items(), key=lambda item: place[item[0]]))


def _first_met(view: MetricsView) -> list[str]:
    """Return the names of nodes in the order of their series: durations first, because every execution has one."""
    families = [
        (HISTOGRAM, NODE_DURATION), (COUNTER, SUCCESS_COUNT), (COUNTER, FAILURE_COUNT), (GAUGE, ROW_COUNT),
        (GAUGE, MEMORY_USAGE), (GAUGE, THROUGHPUT),
    ]  # fmt: skip
    known = (view.families[at] for at in families if at in view.families)
    return list(dict.fromkeys(series.name for family in known for series in family.series))


def summary(view: MetricsView) -> dict[str, Any]:
    """Return the totals of a run, its slowest nodes, and each node."""
    durations = _series(view, HistogramSeries, NODE_DURATION)
    spent, count = fsum(series.sum for series in durations), sum(series.samples for series in durations)
    by_node = nodes(view)
    slowest = sorted(by_node, key=lambda name: -by_node[name]["duration_ms"])[:_TOP]
    return {
        "pipeline_name": view.pipeline_name,
        "total_metrics": sum(series.samples for series in view.every_series()),
        "total_nodes": len(by_node),
        "total_duration_ms": spent,
        "avg_duration_ms": spent / count if count else 0.0,
        "cache_hit_rate": cache_hit_rate(view),
        "cache_lookups": cache_lookups(view),
        "error_count": total(view, ERROR_COUNT),
        "top_nodes_by_duration": {
            name: by_node[name]["duration_ms"] for name in slowest if by_node[name]["duration_ms"]
        },
        "nodes": by_node,
    }


_S = TypeVar("_S", CounterSeries, GaugeSeries, HistogramSeries)


def _series(view: MetricsView, kind: type[_S], metric: str, name: str | None = None) -> list[_S]:
    found = (series for series in view.series(kind.kind, metric) if name is None or series.name == name)
    return [series for series in found if isinstance(series, kind)]
