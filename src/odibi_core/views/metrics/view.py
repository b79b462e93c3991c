"""The numbers: every series of every metric, folded from `metric` events and from what happened to nodes."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from odibi_core.events import Event, kinds, sanitize_text, sanitize_value
from odibi_core.events.sanitize import sanitize_field
from odibi_core.views.metrics import calls as metrics_calls
from odibi_core.views.metrics import pipelines as metrics_pipelines
from odibi_core.views.metrics.calls import OF_CALLS, Told
from odibi_core.views.metrics.nodes import OF_NODES, CacheTold, Observation, observations, summary
from odibi_core.views.metrics.pipelines import OF_PIPELINES
from odibi_core.views.metrics.series import SERIES, CounterSeries, Family, Key, Series
from odibi_core.views.metrics.types import HISTOGRAM, KINDS, MetricType, bounds_of, canonical, kind_of
from odibi_core.views.values import record, text

MAX_SERIES: Final = 100_000
OVERFLOW: Final = {"otel_metric_overflow": "true"}
"""The labels of the one series into which a metric's further label sets go (the name is OpenTelemetry's)."""
OVERFLOW_METRIC: Final = "overflow"
"""The metric into which further metrics go."""
_MAX_OVERFLOWS: Final = 1_000
_OPERATIONS_REMEMBERED: Final = 4_096
_MAX_LABELS: Final = 64
_MAX_TEXT: Final = 256

HEARD: Final = OF_NODES | OF_CALLS | OF_PIPELINES | {kinds.METRIC, kinds.PIPELINE_START}
"""Kinds of events that change a `MetricsView`."""


class MetricsView:
    """Every number of a run, or of many; exact, in bounded memory.

    Past `max_series` label sets, further ones go into one series a metric, labelled `otel_metric_overflow`,
    so that sums over a metric stay exact.
    """

    def __init__(self, *, max_series: int = MAX_SERIES) -> None:
        self.families: dict[tuple[str, str], Family] = {}
        self.routes: dict[str, dict[Any, dict[Key, Series]]] = {kind: {} for kind in KINDS}
        self.pipeline_name: str | None = None
        self._max_series = max_series
        self._held = 0
        self._spellings = 0
        self._overflows = 0
        self._cache_told = CacheTold()
        self._operations: dict[Key, tuple[Series, Series]] = {}
        self._of_nodes: dict[str, dict[Key, Series]] = {}

    def __call__(self, event: Event, /) -> None:
        self.fold(event)

    def fold(self, event: Event) -> list[tuple[Series, float]]:
        """Take an event in, and give back what it measured, value by value (nothing for a `metric` event)."""
        event_type = event.event_type
        if event_type == kinds.OPERATION_COMPLETE:
            return self._tell_operation(event)
        if event_type == kinds.METRIC:
            self._merge(event.fields)
            return []
        if event_type == kinds.PIPELINE_START:
            self.pipeline_name = text(event.fields.get("pipeline_name")) or self.pipeline_name
        if event_type in OF_CALLS:
            return self._tell(metrics_calls.measured_by(event))
        if event_type in OF_PIPELINES:
            return self._tell(metrics_pipelines.measured_by(event))
        return self._tell_node(observations(event, self._cache_told))

    def _tell_node(self, observed: Iterable[Observation]) -> list[tuple[Series, float]]:
        """Bring in what one event of a node measures; all of it has the same name and labels."""
        told = []
        key: Key | None = None
        tidy: bool | None = None
        for metric, name, value, labels in observed:
            if key is None:
                key = (name, "engine", labels["engine"]) if labels else (name,)
            series = self._of_nodes[metric].get(key) if metric in self._of_nodes else None
            if series is None:
                tidy = _is_tidy(name, labels) if tidy is None else tidy
                kind = kind_of(metric)
                series = self._first(kind, metric, key) if tidy else self.find(kind, metric, name, labels)
                if series.family.metric == metric:
                    self._of_nodes[metric] = series.family.index
            if series.tell(value):
                told.append((series, value))
        return told

    def _tell_operation(self, event: Event) -> list[tuple[Series, float]]:
        """Bring a success in. The two series of an operation that succeeds again and again are remembered."""
        tags = event.fields.get("tags")
        try:
            key = (event.operation, *tags.items()) if tags else (event.operation,)
            took, succeeded = self._operations[key]
            seconds = event.duration_ms / 1000  # type: ignore[operator]  # None is none of those remembered
        except (KeyError, TypeError, AttributeError):
            return self._tell_new_operation(event, tags)
        succeeded.tell(1)
        return [(took, seconds), (succeeded, 1)] if took.tell(seconds) else [(succeeded, 1)]

    def _tell_new_operation(self, event: Event, tags: Any) -> list[tuple[Series, float]]:
        """By the long way; remembered where all labels are texts, so that no two sets of them have one key."""
        told = self._tell(metrics_calls.measured_by(event))
        tags = record(tags)
        if len(told) == 2 and all(type(value) is str for value in (event.operation, *tags.values())):
            if len(self._operations) >= _OPERATIONS_REMEMBERED:
                self._operations.clear()
            self._operations[event.operation, *tags.items()] = (told[0][0], told[1][0])
        return told

    def _tell(self, told: list[Told]) -> list[tuple[Series, float]]:
        """Bring values into series that are no node's."""
        found = ((self.find(kind_of(metric), metric, None, labels), value) for metric, value, labels in told)
        return [(series, value) for series, value in found if series.tell(value)]

    def _first(self, kind: str, metric: str, key: Key) -> Series:
        """A series of a node that is new, by the short way: each node of a run makes several of them."""
        if self._held >= self._max_series:
            return self._overflow(kind, metric)
        self._held += 1
        return (self.families.get((kind, metric)) or self._make(kind, metric)).put(key)

    def _merge(self, said: Mapping[str, Any]) -> None:
        kind, metric = said.get("kind"), text(said.get("metric"))
        if kind in SERIES and metric is not None:
            self.find(kind, metric, text(said.get("name")), record(said.get("labels"))).merge(said)

    def find(self, kind: str, metric: Any, name: Any, labels: Any) -> Series:
        """The series, made if there is none; never raises, whatever the arguments are."""
        try:
            key = (name, *labels, *labels.values()) if labels else (name,)
            return self.routes[kind][metric][key]
        except Exception:
            return self.take(SeriesKey(kind, metric, name, labels))

    def take(self, key: SeriesKey) -> Series:
        """The long way to a series: for what is new, and for spellings that are not remembered."""
        family = self.families.get((key.kind, key.metric))
        series = family.index.get(family.key(key.name, key.labels)) if family else None
        if series is None:
            if key.labels == OVERFLOW or self._held >= self._max_series:
                return self._overflow(key.kind, key.metric)
            family = family or self._make(key.kind, key.metric)
            series = family.add(key.name, key.labels)
            self._held += 1
        self._remember(series, key)
        return series

    def _make(self, kind: str, metric: str) -> Family:
        family = Family(metric, kind, bounds_of(metric) if kind == HISTOGRAM else ())
        self.families[kind, metric] = family
        self.routes[kind][metric] = family.index
        return family

    def _overflow(self, kind: str, metric: str) -> Series:
        """The series that takes what no series of its own is left for."""
        family = self.families.get((kind, metric))
        series = family.index.get(family.key("", OVERFLOW)) if family else None
        if series is not None:
            return series
        if self._overflows >= _MAX_OVERFLOWS and metric != OVERFLOW_METRIC:
            return self._overflow(kind, OVERFLOW_METRIC)
        self._overflows += 1
        return (family or self._make(kind, metric)).add("", OVERFLOW)

    def _remember(self, series: Series, key: SeriesKey) -> None:
        """Keep the caller's spelling as a short way to the series."""
        index = series.family.index
        spelling = key.spelling
        if spelling is not None and self._spellings < self._max_series and spelling not in index:
            self._spellings += 1
            index[spelling] = series
        if key.alias is not None:
            self.routes[series.kind][key.alias] = index

    def series(self, kind: str, metric: str) -> Iterator[Series]:
        """The series of one metric that have measured something, in an order that a replay has too."""
        family = self.families.get((kind, metric))
        return (series for series in (family.sorted() if family else ()) if series.samples)

    def every_series(self) -> Iterator[Series]:
        """Each one that there is, in the order in which they were first met."""
        return (series for family in list(self.families.values()) for series in family.series)

    def every_series_sorted(self) -> Iterator[Series]:
        """Each one that has measured something, in an order that depends on names and labels alone."""
        for kind, metric in sorted(self.families, key=lambda at: (at[1], at[0])):
            yield from self.series(kind, metric)

    def counters(self) -> Counter[str]:
        """`metric:name` (`metric` alone where there is no name) to its sum over all labels."""
        sums: Counter[str] = Counter()
        for kind, metric in sorted(self.families):
            for series in self.series(kind, metric):
                if not isinstance(series, CounterSeries):
                    break
                sums[f"{metric}:{series.name}" if series.name else metric] += series.value  # type: ignore[assignment]  # a Counter may hold floats
        return sums

    def answer(self) -> dict[str, Any]:
        """The summary, and every series by itself."""
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
    """A caller's arguments as they may be kept: texts without secrets, few and short.

    Made outside of any lock, since asking an unknown object for its text runs the caller's own code.
    """

    __slots__ = ("alias", "kind", "labels", "metric", "name", "spelling")

    def __init__(self, kind: str, metric: Any, name: Any, labels: Any) -> None:
        known = canonical(metric)
        self.kind = kind
        self.metric = _short(sanitize_text(known))
        self.name = "" if name is None else _short(sanitize_text(_text_of(name)))
        self.labels = _tidy(labels)
        self.alias: str | None = None
        self.spelling: Key | None = None
        if known == self.metric and type(metric) in (str, MetricType):
            self.alias = metric
            self.spelling = _spelling(name, labels)


def _is_tidy(name: str, labels: dict[str, str] | None) -> bool:
    """Whether an event's texts may be a series' name and labels as they are; those of an ordinary event may."""
    return all(
        len(part) <= _MAX_TEXT and sanitize_text(part) == part for part in (name, *(labels or {}).values())
    )


def _spelling(name: Any, labels: Any) -> Key | None:
    """The arguments as the key that a call looks up; None if it could mean another series, or is large."""
    if labels is not None and type(labels) is not dict:
        return None
    key = (name, *labels, *labels.values()) if labels else (name,)
    plain = all(part is None or (type(part) is str and len(part) <= _MAX_TEXT) for part in key)
    return key if plain else None


def _tidy(labels: Any) -> dict[str, str]:
    """Labels as they may be kept: texts without secrets, few and short."""
    if type(labels) is not dict or not all(type(label) is str for label in labels):
        if labels is None:
            return {}
        kept = sanitize_value(labels)
        labels = kept if isinstance(kept, dict) else {"labels": kept} if kept else {}
    tidy = {}
    for label, value in islice(labels.items(), _MAX_LABELS):
        # A text before it is cleaned: what comes out of the journal again must come to the same series.
        kept = _short(sanitize_field(label, _text_of(value)))
        if kept:  # as Prometheus has it, an empty label is none
            tidy[_short(sanitize_text(label))] = kept
    return tidy


def _text_of(value: Any) -> str:
    return value if type(value) is str else str(sanitize_value(value))


def _short(content: str) -> str:
    """A text cut to a length that a label may have; two different ones stay different."""
    if len(content) <= _MAX_TEXT:
        return content
    return f"{content[: _MAX_TEXT - 32]}… [cut: {len(content)}, {zlib.crc32(content.encode()):08x}]"
