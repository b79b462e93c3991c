"""`MetricsManager`: counters, gauges and histograms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from odibi_core import private_files
from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import kinds
from odibi_core.events.clock import epoch_ns, monotonic, resident_memory_mb
from odibi_core.events.normalize import is_truthy
from odibi_core.exporters.base import MetricsSnapshot
from odibi_core.metrics.handles import BoundCounter, BoundGauge, BoundHistogram, TracedCounter, TracedHistogram
from odibi_core.metrics.recorder import MetricsRecorder
from odibi_core.plugins import load
from odibi_core.views.cards import Card, Carded
from odibi_core.views.metrics.exemplars import LastExemplars
from odibi_core.views.metrics.nodes import cache_hit_rate, execution, node_stats, node_summary, summary
from odibi_core.views.metrics.series import Series, as_number
from odibi_core.views.metrics.types import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    MEMORY_USAGE,
    MOST_BOUNDS,
    STANDARD_KINDS,
    Metric,
    MetricType,
    canonical,
    kind_of,
    valid_bounds,
)
from odibi_core.views.metrics.view import MAX_SERIES, MetricsView, SeriesKey

__all__ = ["Metric", "MetricType", "MetricsManager"]

Labels: TypeAlias = dict[str, Any] | None


class MetricsManager(Carded, MetricsRecorder):
    """Recorder and source of metrics; recording never raises, whatever the values are.

    A call only appends a sample. Samples are applied to their series in batches, and always before a result is
    returned. Each second, and at the end of a run, every change is emitted as one `metric` event for each series, so
    that a `MetricsView` subscribed to the bus has the same numbers. A manager subscribed to a bus also measures the
    nodes of the runs on that bus.

    >>> metrics = MetricsManager()
    >>> metrics.increment("cache_hit", "clean")
    >>> metrics.record_node_execution("clean", 12.5, success=True, rows=1000)
    >>> metrics.get_node_stats("clean")["avg_duration_ms"]
    12.5

    Args:
        bus: Event bus for `metric` events; one is created on first access if none is given.
        max_samples: Raw measurements kept for `metrics`; sums and counts include all.
        max_series: Series of all metrics; past it, further label sets of a metric share one series.
        native_histograms: Count for Prometheus' native histograms as well, exactly and from the first value on.
        exemplars: Keep, of each counter and bucket, the last measurement within a sampled trace.
    """

    def __init__(
        self,
        *,
        bus: EventBus | None = None,
        max_samples: int = 100_000,
        max_series: int = MAX_SERIES,
        native_histograms: bool = False,
        exemplars: bool = False,
    ) -> None:
        view = MetricsView(max_series=max_series, native=native_histograms)
        super().__init__(bus, max_samples, view, LastExemplars() if exemplars else None)
        self.unpickled_as: Callable[[], MetricsManager] | None = None
        """Called when this manager is unpickled: the program's manager becomes that of the other process."""
        self._started = monotonic()
        self.exporter_memory: dict[str, Any] = {}
        """State that exporters keep from one export to the next."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the current metrics, without bus and receivers."""
        if self.unpickled_as is not None:
            return self.unpickled_as, ()
        with self._reading() as view:
            state = deepcopy((view, self._recent, self._recent_count, self._refused))
        return _unpickled, (self._max_samples, state)

    def _card(self) -> Card:
        from odibi_core.metrics.card import metrics_card

        return metrics_card(self.get_summary())

    def record(self, metric_type: str, name: str | None, value: float, labels: Labels = None) -> None:
        """Record a value of a metric: its name decides if it is a counter, a histogram or a gauge (any other name)."""
        self._record(kind_of(metric_type), metric_type, name, labels, value)

    def increment(self, metric_type: str, name: str | None = None, value: float = 1, labels: Labels = None) -> None:
        """Add to a counter. A negative or non-numeric value is refused: counted in `refused`, with one warning."""
        self._record(COUNTER, metric_type, name, labels, value)

    def set_gauge(self, metric_type: str, name: str | None, value: float, labels: Labels = None) -> None:
        """Set the current value of a gauge."""
        self._record(GAUGE, metric_type, name, labels, value)

    def observe(self, metric_type: str, name: str | None, value: float, labels: Labels = None) -> None:
        """Add a value to a histogram, whose buckets follow from the unit in the metric's name."""
        self._record(HISTOGRAM, metric_type, name, labels, value)

    def set_buckets(self, metric_type: str, bounds: Sequence[float]) -> None:
        """Set the upper bounds of a histogram's buckets, before its first value: `set_buckets("fetch_ms", [1, 5, 25])`.

        Events of the metric name the bounds, or the first event of a run for its own histograms, such as
        `node_duration_ms`. So a replay has the same buckets.

        Raises:
            ConfigurationError: The bounds are not ascending numbers, the metric was measured with others, or it is no
                histogram.
        """
        metric = SeriesKey(HISTOGRAM, metric_type, None, None).metric
        if metric in STANDARD_KINDS and kind_of(metric) != HISTOGRAM:
            raise ConfigurationError(f"buckets must be of a histogram, got {metric!r}, which is a {kind_of(metric)}")
        if valid_bounds(list(bounds)) is None:
            raise ConfigurationError(
                f"the buckets of {metric!r} must be 1 to {MOST_BOUNDS} ascending numbers, got {list(bounds)!r:.200}"
            )
        with self._reading() as view:
            if not view.learn_bounds(metric, list(bounds)):
                raise ConfigurationError(f"the buckets of {metric!r} must be set before its first value, and once")
        if self._bus is not None and kind_of(metric) == HISTOGRAM:  # its values are in events that name no bounds
            named = {"metric": metric, "kind": HISTOGRAM, "bounds": list(bounds), "source": self._source}
            self._bus.publish(kinds.METRIC, level="debug", fields=named)

    def learn_buckets(self, buckets: Mapping[str, Sequence[float]]) -> None:
        """Take valid buckets of several metrics; those of a metric that has values already stay."""
        with self._reading() as view:
            for metric, bounds in buckets.items():
                view.learn_bounds(canonical(metric), list(bounds))

    def own_bounds_of_events(self) -> dict[str, list[float]]:
        """Return the bounds that were set for histograms computed from events, for the first event of a run."""
        with self._reading() as view:
            return view.own_bounds_of_events()

    def set_info(self, metric_type: str, labels: Labels) -> None:
        """Set a metric that is always 1 and whose labels state a fact: `set_info("model_info", {"version": "3"})`."""
        self._record(GAUGE, metric_type, None, labels, 1)

    def set_state(self, metric_type: str, state: str, states: Sequence[str]) -> None:
        """Set a state out of several, each a series with the label `state`: 1 for the current one, 0 for the others.

        Raises:
            ConfigurationError: The state is none of them.
        """
        if state not in states:
            known = ", ".join(states)
            raise ConfigurationError(
                f"the state of {metric_type!r} must be one of {known}, got {state!r}{nearest(state, states)}"
            )
        for each in states:
            self._record(GAUGE, metric_type, None, {"state": each}, int(each == state))

    def counter(self, metric_type: str, name: str | None = None, labels: Labels = None) -> BoundCounter:
        """Return a handle on one counter, for loops: `hits = metrics.counter("cache_hit", "load")`, `hits.inc()`."""
        handle = BoundCounter if self._exemplars is None else TracedCounter
        return handle(self, self._find(COUNTER, metric_type, name, labels))

    def gauge(self, metric_type: str, name: str | None = None, labels: Labels = None) -> BoundGauge:
        """Return a handle on one gauge, with `.set(value)`."""
        return BoundGauge(self, self._find(GAUGE, metric_type, name, labels))

    def histogram(self, metric_type: str, name: str | None = None, labels: Labels = None) -> BoundHistogram:
        """Return a handle on one histogram, with `.observe(value)`."""
        handle = BoundHistogram if self._exemplars is None else TracedHistogram
        return handle(self, self._find(HISTOGRAM, metric_type, name, labels))

    def record_memory_usage(self, name: str, memory_mb: float) -> None:
        """Record the memory use of a node in megabytes."""
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
        """Record one execution of a node: duration, success or failure, cache hit or miss, rows and throughput.

        For nodes without events: a manager subscribed to a bus measures the nodes of its runs by itself.
        """
        for metric, name, value, labels in execution(
            node_name,
            as_number(duration_ms),
            is_truthy(success),
            None if rows is None else as_number(rows),
            is_truthy(cached),
            {"engine": engine} if is_truthy(engine) else None,
        ):
            self.record(metric, name, value, labels)

    @property
    def native_histograms(self) -> bool:
        """True if it counts for Prometheus' native histograms."""
        return self._view.native

    @property
    def metrics(self) -> list[Metric]:
        """The last `max_samples` raw measurements, oldest first, without refused values."""
        with self._reading():
            chunks = list(self._recent)
        samples = [(offset, sample) for offset, chunk in chunks for sample in chunk]
        return [_metric(offset, *sample) for offset, sample in samples[max(0, len(samples) - self._max_samples) :]]

    @property
    def counters(self) -> Counter[str]:
        """The sum of each counter over all labels, by `metric:name`; 0 for an unknown one."""
        with self._reading() as view:
            return view.counters()

    @property
    def refused(self) -> dict[str, int]:
        """The number of refused values by metric: negative steps of a counter, texts, NaN in a sum."""
        with self._reading():
            return dict(self._refused)

    def get_metrics_by_type(self, metric_type: str) -> list[Metric]:
        """Return the recent raw measurements of one metric."""
        wanted = canonical(metric_type)
        return [metric for metric in self.metrics if metric.metric_type == wanted]

    def get_metrics_by_name(self, name: str) -> list[Metric]:
        """Return the recent raw measurements with this name, such as a node's."""
        return [metric for metric in self.metrics if metric.name == name]

    def get_node_stats(self, name: str) -> dict[str, Any]:
        """Return executions, average, least and greatest duration and outcomes of a node; `{}` for an unknown node."""
        with self._reading() as view:
            return node_stats(view, name)

    def get_node_summary(self, name: str) -> dict[str, Any]:
        """Return the dict of `MetricsExporter.get_node_summary`."""
        with self._reading() as view:
            return node_summary(view, name)

    def get_cache_hit_rate(self) -> float:
        """Return the cache hits as a fraction of all lookups, 0 to 1."""
        with self._reading() as view:
            return cache_hit_rate(view)

    def get_summary(self) -> dict[str, Any]:
        """Return totals, cache hit rate, errors, the slowest nodes, and each node."""
        with self._reading() as view:
            return summary(view)

    def answer(self) -> dict[str, Any]:
        """Return the answer of a `MetricsView` that received the same events."""
        with self._reading() as view:
            return view.answer()

    def export(self, format: str, **options: Any) -> Any:
        """Return the metrics in the format of an exporter: `export("prometheus")`.

        Raises:
            PluginError: If no exporter has this name.
            MissingExtraError: If the library of the exporter is not installed.
        """
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
                    exemplars=self._exemplars,
                )
            )

    def _last_times(self) -> dict[Series, datetime]:
        """Return the time of the last sample of each series with recent samples."""
        last = {series: offset + when for offset, samples in self._recent for series, _, when in samples}
        return {series: datetime.fromtimestamp(when, UTC) for series, when in last.items()}

    def export_prometheus(self, path: str | Path | None = None) -> str:
        """Return the metrics in Prometheus' text format, and write them to `path` if one is given."""
        text = str(self.export("prometheus"))
        if path is not None:
            private_files.write_atomic(path, text)
        return text

    def save_to_file(self, path: str | Path) -> Path:
        """Write the summary as JSON, or the raw measurements as Parquet for the suffix `.parquet`; return the path."""
        return private_files.write_atomic(path, self.export("parquet" if str(path).endswith(".parquet") else "summary"))


def _metric(offset: float, series: Series, value: float, when: float) -> Metric:
    stamp = datetime.fromtimestamp(offset + when, UTC)
    return Metric(series.family.metric, series.name, value, series.labels(), stamp)


def _unpickled(max_samples: int, state: tuple[Any, ...]) -> MetricsManager:
    manager = MetricsManager(max_samples=max_samples)
    manager._view, manager._recent, manager._recent_count, manager._refused = state
    return manager
