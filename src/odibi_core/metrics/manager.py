"""Counters, gauges and histograms: an instrument that costs well under a microsecond a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from odibi_core import private_files
from odibi_core.bus.bus import EventBus
from odibi_core.events.clock import epoch_ns, monotonic, resident_memory_mb
from odibi_core.events.normalize import is_truthy
from odibi_core.exporters.base import MetricsSnapshot
from odibi_core.metrics.handles import BoundCounter, BoundGauge, BoundHistogram
from odibi_core.metrics.recorder import MetricsRecorder
from odibi_core.plugins import load
from odibi_core.views.metrics.nodes import cache_hit_rate, execution, node_stats, node_summary, summary
from odibi_core.views.metrics.series import Key, Series, measured
from odibi_core.views.metrics.types import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    MEMORY_USAGE,
    Metric,
    MetricType,
    canonical,
    kind_of,
)
from odibi_core.views.metrics.view import MAX_SERIES

__all__ = ["Metric", "MetricType", "MetricsManager"]

Labels: TypeAlias = dict[str, Any] | None


class MetricsManager(MetricsRecorder):
    """Records metrics, and answers from them; nothing that is recorded raises, whatever the values are.

    A call only notes `(series, value, when)`; the notes are settled into the series a little later, many at
    once, and always before anything is answered. Every second, and when a run ends, what changed is said on
    the bus as one `metric` event a series: a `MetricsView` that hears the events has the same numbers.
    Subscribed to a bus itself, it also measures the nodes of the runs that it hears of.

    >>> metrics = MetricsManager()
    >>> metrics.increment("cache_hit", "clean")
    >>> metrics.record_node_execution("clean", 12.5, success=True, rows=1000)
    >>> metrics.get_node_stats("clean")["avg_duration_ms"]
    12.5
    """

    def __init__(
        self, *, bus: EventBus | None = None, max_samples: int = 100_000, max_series: int = MAX_SERIES
    ) -> None:
        super().__init__(bus, max_samples, max_series)
        self._max_series = max_series
        self.made_again_by: Callable[[], MetricsManager] | None = None
        """What gives the same manager in another process: the program's own is that program's own there, too."""
        self._route()
        self._by_record: dict[Any, dict[Key, Series]] = {}
        self._started = monotonic()
        self.exporter_memory: dict[str, Any] = {}
        """What exporters keep from one export to the next."""

    def _route(self) -> None:
        self._counters = self._view.routes[COUNTER]
        self._gauges = self._view.routes[GAUGE]
        self._histograms = self._view.routes[HISTOGRAM]

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the numbers of now, and goes on by itself; the bus and the receivers stay here."""
        if self.made_again_by is not None:
            return self.made_again_by, ()
        with self._reading() as view:
            numbers = deepcopy((view, self._recent, self._recent_count, self._refused))
        return _copied, (self._max_samples, self._max_series, numbers)

    def record(self, metric_type: str, name: str | None, value: float, labels: Labels = None) -> None:
        """One value of a metric; its name says whether it is counted, put in buckets or kept as the last."""
        try:
            # `keys()` and not the labels themselves: an iterator that is given by mistake has none, and stays unread.
            series = self._by_record[metric_type][(name, *labels.keys(), *labels.values()) if labels else (name,)]
        except Exception:
            series = self._recorded(metric_type, name, labels)
        now = monotonic()
        self._note((series, value, now))
        if now > self._due:
            self._settle()

    def increment(
        self, metric_type: str, name: str | None = None, value: float = 1, labels: Labels = None
    ) -> None:
        """Count up. A step that is negative or no number is refused: see `refused`, and warned of once."""
        try:
            series = self._counters[metric_type][(name, *labels.keys(), *labels.values()) if labels else (name,)]
        except Exception:
            series = self._found(COUNTER, metric_type, name, labels)
        now = monotonic()
        self._note((series, value, now))
        if now > self._due:
            self._settle()

    def set_gauge(self, metric_type: str, name: str | None, value: float, labels: Labels = None) -> None:
        """What something is right now."""
        try:
            series = self._gauges[metric_type][(name, *labels.keys(), *labels.values()) if labels else (name,)]
        except Exception:
            series = self._found(GAUGE, metric_type, name, labels)
        now = monotonic()
        self._note((series, value, now))
        if now > self._due:
            self._settle()

    def observe(self, metric_type: str, name: str | None, value: float, labels: Labels = None) -> None:
        """One value of a distribution; the buckets follow from the unit in the metric's name."""
        try:
            series = self._histograms[metric_type][(name, *labels.keys(), *labels.values()) if labels else (name,)]
        except Exception:
            series = self._found(HISTOGRAM, metric_type, name, labels)
        now = monotonic()
        self._note((series, value, now))
        if now > self._due:
            self._settle()

    def _recorded(self, metric: Any, name: Any, labels: Any) -> Series:
        series = self._found(kind_of(canonical(metric)), metric, name, labels)
        route = self._view.routes[series.kind]
        if type(metric) in (str, MetricType) and metric in route:
            self._by_record[metric] = route[metric]
        return series

    def counter(self, metric_type: str, name: str | None = None, labels: Labels = None) -> BoundCounter:
        """A handle on one series, for a loop: `hits = metrics.counter("cache_hit", "load")`, `hits.inc()`."""
        return BoundCounter(self, self._found(COUNTER, metric_type, name, labels))

    def gauge(self, metric_type: str, name: str | None = None, labels: Labels = None) -> BoundGauge:
        """A handle on one gauge, with `.set(value)`."""
        return BoundGauge(self, self._found(GAUGE, metric_type, name, labels))

    def histogram(self, metric_type: str, name: str | None = None, labels: Labels = None) -> BoundHistogram:
        """A handle on one histogram, with `.observe(value)`."""
        return BoundHistogram(self, self._found(HISTOGRAM, metric_type, name, labels))

    def record_memory_usage(self, name: str, memory_mb: float) -> None:
        """The memory that a node uses, in megabytes."""
        self.set_gauge(MEMORY_USAGE, name, memory_mb)

    def record_node_execution(
        self,
        node_name: str,
        duration_ms: float,
        success: bool,
        engine: str = "pandas",
        rows: int | None = None,
        cached: bool = False,
    ) -> None:
        """One execution of a node: duration, success or failure, cache hit or miss, rows and throughput.

        For nodes that nothing else tells of: a manager that is subscribed to a bus measures those itself.
        """
        rows_known = None if rows is None else measured(rows)
        for metric, name, value, labels in execution(
            node_name,
            measured(duration_ms),
            is_truthy(success),
            rows_known,
            is_truthy(cached),
            {"engine": engine} if is_truthy(engine) else None,
        ):
            self.record(metric, name, value, labels)

    @property
    def metrics(self) -> list[Metric]:
        """The last `max_samples` raw measurements, oldest first; what was refused is not among them."""
        with self._reading():
            chunks = list(self._recent)
        samples = [(offset, note) for offset, notes in chunks for note in notes]
        return [
            _metric(offset, *note) for offset, note in samples[max(0, len(samples) - self._max_samples) :]
        ]

    @property
    def counters(self) -> Counter[str]:
        """Every counter as `metric:name` to its sum over all labels; 0 for one that was never counted up."""
        with self._reading() as view:
            return view.counters()

    @property
    def refused(self) -> dict[str, int]:
        """How many values each metric did not take: a negative step of a counter, a text, a NaN in a sum."""
        with self._reading():
            return dict(self._refused)

    def get_metrics_by_type(self, metric_type: str) -> list[Metric]:
        """The recent raw measurements of one metric."""
        wanted = canonical(metric_type)
        return [metric for metric in self.metrics if metric.metric_type == wanted]

    def get_metrics_by_name(self, name: str) -> list[Metric]:
        """The recent raw measurements of one node, or whatever else the name stands for."""
        return [metric for metric in self.metrics if metric.name == name]

    def get_node_stats(self, name: str) -> dict[str, Any]:
        """Executions, average, least and greatest duration and outcomes of a node; `{}` if it is unknown."""
        with self._reading() as view:
            return node_stats(view, name)

    def get_node_summary(self, name: str) -> dict[str, Any]:
        """What `MetricsExporter.get_node_summary` gives."""
        with self._reading() as view:
            return node_summary(view, name)

    def get_cache_hit_rate(self) -> float:
        """Cache hits as a part of all lookups, 0 to 1."""
        with self._reading() as view:
            return cache_hit_rate(view)

    def get_summary(self) -> dict[str, Any]:
        """The numbers at one look: totals, cache hit rate, errors, the slowest nodes, and each node."""
        with self._reading() as view:
            return summary(view)

    def answer(self) -> dict[str, Any]:
        """What a `MetricsView` that heard the same answers."""
        with self._reading() as view:
            return view.answer()

    def export(self, format: str, **options: Any) -> Any:
        """The metrics as one of the `exporters` family writes them: `export("prometheus")`."""
        exporter = load("exporters", format)(**options)
        recent = self.metrics if exporter.needs_samples else []
        memory_mb = resident_memory_mb()
        with self._reading() as view:
            return exporter.export(
                MetricsSnapshot(
                    view=view,
                    recent=recent,
                    at=datetime.fromtimestamp(epoch_ns() / 1e9, UTC),
                    uptime_s=monotonic() - self._started,
                    resident_bytes=None if memory_mb is None else int(memory_mb * 1024 * 1024),
                    inherited=self._inherited,
                    last_times=self._last_times,
                    memory=self.exporter_memory,
                )
            )

    def _last_times(self) -> dict[Series, datetime]:
        """When each series of the recent raw measurements was last measured."""
        last = {series: offset + when for offset, notes in self._recent for series, _, when in notes}
        return {series: datetime.fromtimestamp(when, UTC) for series, when in last.items()}

    def export_prometheus(self, path: str | Path | None = None) -> str:
        """The metrics in Prometheus' text format; written to `path` as well when one is given."""
        text = str(self.export("prometheus"))
        if path is not None:
            private_files.write_atomic(path, text)
        return text

    def save_to_file(self, path: str | Path) -> Path:
        """The summary as JSON; with the suffix `.parquet`, the raw measurements as a Parquet table."""
        return private_files.write_atomic(path, self.export("parquet" if str(path).endswith(".parquet") else "summary"))


def _metric(offset: float, series: Series, value: float, when: float) -> Metric:
    stamp = datetime.fromtimestamp(offset + when, UTC)
    return Metric(series.family.metric, series.name, value, series.labels(), stamp)


def _copied(max_samples: int, max_series: int, numbers: tuple[Any, ...]) -> MetricsManager:
    made = MetricsManager(max_samples=max_samples, max_series=max_series)
    made._view, made._recent, made._recent_count, made._refused = numbers
    made._route()
    return made
