"""`MetricsView`: every series of every metric, folded from `metric` events and from events of nodes, calls and runs."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from odibi_core.events import Event, kinds, sanitize_text, sanitize_value
from odibi_core.events.sanitize import sanitize_field
from odibi_core.views.metrics import calls as metrics_calls
from odibi_core.views.metrics import nodes as metrics_nodes
from odibi_core.views.metrics import pipelines as metrics_pipelines
from odibi_core.views.metrics.calls import CALL_KINDS, Observation
from odibi_core.views.metrics.nodes import NODE_KINDS, CacheReports, NodeObservation, summary
from odibi_core.views.metrics.series import SERIES, CounterSeries, Family, IndexKey, Series
from odibi_core.views.metrics.types import (
    BASE_SCALE,
    HISTOGRAM,
    KINDS,
    MetricType,
    bounds_of,
    canonical,
    kind_of,
    valid_bounds,
)
from odibi_core.views.values import record, text

MAX_SERIES: Final = 100_000
OVERFLOW: Final = {"otel_metric_overflow": "true"}
"""Labels of the series that takes a metric's label sets past the limit (OpenTelemetry's name)."""
OVERFLOW_METRIC: Final = "overflow"
"""The metric that takes the metrics past the limit."""
_MAX_OVERFLOWS: Final = 1_000
_OPERATIONS_REMEMBERED: Final = 4_096
_MAX_LABELS: Final = 64
_MAX_TEXT: Final = 256

BUCKETS_FIELD: Final = "metric_buckets"
"""The field of a run's first event that names the bounds of its histograms, if they are not the built-in ones."""
HANDLED_KINDS: Final = NODE_KINDS | CALL_KINDS | kinds.PIPELINE_ENDS | {kinds.METRIC, kinds.PIPELINE_START}
"""Kinds of events that change a `MetricsView`."""


class MetricsView:
    """The metrics of one run or of many: exact, in bounded memory.

    Past `max_series` label sets, the further ones of a metric share one series, labelled `otel_metric_overflow`, so
    that the sum over a metric stays exact. With `native`, histograms count for Prometheus' native ones too, which
    are no part of `answer()`.
    """

    def __init__(self, *, max_series: int = MAX_SERIES, native: bool = False) -> None:
        self.native = native
        self.families: dict[tuple[str, str], Family] = {}
        self.routes: dict[str, dict[Any, dict[IndexKey, Series]]] = {kind: {} for kind in KINDS}
        self.pipeline_name: str | None = None
        self._own_bounds: dict[str, tuple[float, ...]] = {}
        self._max_series = max_series
        self._series_count = 0
        self._spellings = 0
        self._overflows = 0
        self._cache_reports = CacheReports()
        self._operations: dict[IndexKey, tuple[Series, Series]] = {}
        self._node_indexes: dict[str, dict[IndexKey, Series]] = {}

    def __call__(self, event: Event, /) -> None:
        self.fold(event)

    def fold(self, event: Event) -> list[tuple[Series, float]]:
        """Apply an event, and return each value that it measured (none for a `metric` event, which holds sums)."""
        event_type = event.event_type
        if event_type == kinds.OPERATION_COMPLETE:
            return self._fold_operation(event)
        if event_type == kinds.METRIC:
            self._merge(event.fields)
            return []
        if event_type == kinds.PIPELINE_START:
            self.pipeline_name = text(event.fields.get("pipeline_name")) or self.pipeline_name
            for metric, bounds in record(event.fields.get(BUCKETS_FIELD)).items():
                self.learn_bounds(canonical(metric), bounds)
        if event_type in CALL_KINDS:
            return self._fold_values(metrics_calls.observations(event))
        if event_type in kinds.PIPELINE_ENDS:
            return self._fold_values(metrics_pipelines.observations(event))
        return self._fold_node(metrics_nodes.observations(event, self._cache_reports))

    def _fold_node(self, observed: Iterable[NodeObservation]) -> list[tuple[Series, float]]:
        """Apply the values of one event of a node; all have the same name and labels.

        Benchmark: the key is built and sanitized once for the event, not once for each value (a no-op node).
        """
        folded = []
        key: IndexKey | None = None
        is_sanitized: bool | None = None
        for metric, name, value, labels in observed:
            if key is None:
                key = (name, "engine", labels["engine"]) if labels else (name,)
            series = self._node_indexes[metric].get(key) if metric in self._node_indexes else None
            if series is None:
                is_sanitized = _is_sanitized(name, labels) if is_sanitized is None else is_sanitized
                kind = kind_of(metric)
                series = self._add(kind, metric, key) if is_sanitized else self.find(kind, metric, name, labels)
                if series.family.metric == metric:
                    self._node_indexes[metric] = series.family.index
            if series.fold(value):
                folded.append((series, value))
        return folded

    def _fold_operation(self, event: Event) -> list[tuple[Series, float]]:
        """Apply the success of an operation.

        Benchmark: its two series are cached (11 % of `track_performance around nothing`).
        """
        tags = event.fields.get("tags")
        try:
            key = (event.operation, *tags.items()) if tags else (event.operation,)
            took, succeeded = self._operations[key]
            seconds = event.duration_ms / 1000  # type: ignore[operator]  # None is none of those remembered
        except (KeyError, TypeError, AttributeError):
            return self._fold_new_operation(event, tags)
        succeeded.fold(1)
        return [(took, seconds), (succeeded, 1)] if took.fold(seconds) else [(succeeded, 1)]

    def _fold_new_operation(self, event: Event, tags: Any) -> list[tuple[Series, float]]:
        """Apply an operation, and cache its series if every label is a text: only then are equal keys equal labels."""
        folded = self._fold_values(metrics_calls.observations(event))
        tags = record(tags)
        if len(folded) == 2 and all(type(value) is str for value in (event.operation, *tags.values())):
            if len(self._operations) >= _OPERATIONS_REMEMBERED:
                self._operations.clear()
            self._operations[event.operation, *tags.items()] = (folded[0][0], folded[1][0])
        return folded

    def _fold_values(self, observed: list[Observation]) -> list[tuple[Series, float]]:
        """Apply values to series without a name."""
        found = ((self.find(kind_of(metric), metric, None, labels), value) for metric, value, labels in observed)
        return [(series, value) for series, value in found if series.fold(value)]

    def _add(self, kind: str, metric: str, key: IndexKey) -> Series:
        """Create a series by a sanitized key."""
        if self._series_count >= self._max_series:
            return self._overflow(kind, metric)
        self._series_count += 1
        return (self.families.get((kind, metric)) or self._make(kind, metric)).put(key)

    def _merge(self, fields: Mapping[str, Any]) -> None:
        kind, metric = fields.get("kind"), text(fields.get("metric"))
        if kind in SERIES and metric is not None:
            if kind == HISTOGRAM and "bounds" in fields:
                self.learn_bounds(metric, fields["bounds"])
                if "sum" not in fields:  # it only names the bounds
                    return
            self.find(kind, metric, text(fields.get("name")), record(fields.get("labels"))).merge(fields)

    def find(self, kind: str, metric: Any, name: Any, labels: Any) -> Series:
        """Return the series, created if there is none; never raises, whatever the arguments are."""
        try:
            key = (name, *labels, *labels.values()) if labels else (name,)
            return self.routes[kind][metric][key]
        except Exception:
            return self.take(SeriesKey(kind, metric, name, labels))

    def take(self, key: SeriesKey) -> Series:
        """Return the series of a sanitized key, created if there is none, and cache the spelling of the caller."""
        family = self.families.get((key.kind, key.metric))
        series = family.index.get(family.key(key.name, key.labels)) if family else None
        if series is None:
            if key.labels == OVERFLOW or self._series_count >= self._max_series:
                return self._overflow(key.kind, key.metric)
            family = family or self._make(key.kind, key.metric)
            series = family.add(key.name, key.labels)
            self._series_count += 1
        self._remember(series, key)
        return series

    def learn_bounds(self, metric: str, bounds: object) -> bool:
        """Take the bounds of a histogram's buckets; return False if they are invalid, or if it has others already."""
        own = valid_bounds(bounds)
        family = self.families.get((HISTOGRAM, metric))
        if own is None or (family is not None and family.bounds != own):
            return False
        return self._own_bounds.setdefault(metric, own) == own

    def own_bounds_of_events(self) -> dict[str, list[float]]:
        """Return the bounds that were set for histograms computed from events, for the first event of a run."""
        return {metric: list(own) for metric, own in self._own_bounds.items() if kind_of(metric) == HISTOGRAM}

    def _make(self, kind: str, metric: str) -> Family:
        own = self._own_bounds.get(metric) if kind == HISTOGRAM else None
        bounds = own or (bounds_of(metric) if kind == HISTOGRAM else ())
        scale = BASE_SCALE.get(metric, 1.0) if self.native and kind == HISTOGRAM else None
        family = Family(metric, kind, bounds, has_own_bounds=own is not None, native_scale=scale)
        self.families[kind, metric] = family
        self.routes[kind][metric] = family.index
        return family

    def _overflow(self, kind: str, metric: str) -> Series:
        """Return the series for values past the limit of series."""
        family = self.families.get((kind, metric))
        series = family.index.get(family.key("", OVERFLOW)) if family else None
        if series is not None:
            return series
        if self._overflows >= _MAX_OVERFLOWS and metric != OVERFLOW_METRIC:
            return self._overflow(kind, OVERFLOW_METRIC)
        self._overflows += 1
        return (family or self._make(kind, metric)).add("", OVERFLOW)

    def _remember(self, series: Series, key: SeriesKey) -> None:
        """Cache the spelling of the caller as a key of the series."""
        index = series.family.index
        spelling = key.spelling
        if spelling is not None and self._spellings < self._max_series and spelling not in index:
            self._spellings += 1
            index[spelling] = series
        if key.alias is not None:
            self.routes[series.kind][key.alias] = index

    def series(self, kind: str, metric: str) -> Iterator[Series]:
        """Yield the series of one metric that have samples, in an order that a replay has too."""
        family = self.families.get((kind, metric))
        return (series for series in (family.sorted() if family else ()) if series.samples)

    def every_series(self) -> Iterator[Series]:
        """Yield each series in the order of creation."""
        return (series for family in list(self.families.values()) for series in family.series)

    def every_series_sorted(self) -> Iterator[Series]:
        """Yield each series that has samples, in an order that depends on names and labels alone."""
        for kind, metric in sorted(self.families, key=lambda at: (at[1], at[0])):
            yield from self.series(kind, metric)

    def counters(self) -> Counter[str]:
        """Return the sum of each counter over all labels by `metric:name`, or by `metric` if it has no name."""
        sums: Counter[str] = Counter()
        for kind, metric in sorted(self.families):
            for series in self.series(kind, metric):
                if not isinstance(series, CounterSeries):
                    break
                sums[f"{metric}:{series.name}" if series.name else metric] += series.value  # type: ignore[assignment]  # a Counter may hold floats
        return sums

    def answer(self) -> dict[str, Any]:
        """Return the summary, and each series under `series`."""
        return {
            **summary(self),
            "series": [
                {
                    "metric": series.family.metric, "kind": series.kind, "name": series.name,
                    "labels": dict(sorted(series.labels().items())), **series.answer(),
                }
                for series in self.every_series_sorted()
            ],
        }  # fmt: skip


class SeriesKey:
    """The sanitized arguments of a call: kind, metric, name and labels as short texts without secrets.

    Lock order: created without a lock, because converting an unknown object to text runs foreign code.
    """

    __slots__ = ("alias", "kind", "labels", "metric", "name", "spelling")

    def __init__(self, kind: str, metric: Any, name: Any, labels: Any) -> None:
        known = canonical(metric)
        self.kind = kind
        self.metric = _bounded(sanitize_text(known))
        self.name = "" if name is None else _bounded(sanitize_text(_text_of(name)))
        self.labels = _sanitized_labels(labels)
        self.alias: str | None = None
        self.spelling: IndexKey | None = None
        if known == self.metric and type(metric) in (str, MetricType):
            self.alias = metric
            self.spelling = _spelling(name, labels)


def _is_sanitized(name: str, labels: dict[str, str] | None) -> bool:
    """Return true if the name and labels of an event can be used unchanged, which is the usual case."""
    return all(len(part) <= _MAX_TEXT and sanitize_text(part) == part for part in (name, *(labels or {}).values()))


def _spelling(name: Any, labels: Any) -> IndexKey | None:
    """Return the arguments as a key of the index; None if it is large, or if equal keys could mean other series."""
    if labels is not None and type(labels) is not dict:
        return None
    key = (name, *labels, *labels.values()) if labels else (name,)
    plain = all(part is None or (type(part) is str and len(part) <= _MAX_TEXT) for part in key)
    return key if plain else None


def _sanitized_labels(labels: Any) -> dict[str, str]:
    """Return labels as a bounded number of short texts without secrets."""
    if type(labels) is not dict or not all(type(label) is str for label in labels):
        if labels is None:
            return {}
        kept = sanitize_value(labels)
        labels = kept if isinstance(kept, dict) else {"labels": kept} if kept else {}
    sanitized = {}
    for label, value in islice(labels.items(), _MAX_LABELS):
        # Converted before it is sanitized: a value that is read from the journal must find the same series.
        kept = _bounded(sanitize_field(label, _text_of(value)))
        if kept:  # Prometheus treats an empty label as absent
            sanitized[_bounded(sanitize_text(label))] = kept
    return sanitized


def _text_of(value: Any) -> str:
    return value if type(value) is str else str(sanitize_value(value))


def _bounded(content: str) -> str:
    """Cut a text to the length limit of a label; a checksum keeps different texts different."""
    if len(content) <= _MAX_TEXT:
        return content
    return f"{content[: _MAX_TEXT - 32]}… [cut: {len(content)}, {zlib.crc32(content.encode()):08x}]"
