"""Prometheus' protobuf format: the families of the text format, and native histograms beside the classic buckets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import accumulate, groupby
from math import inf
from typing import Any, ClassVar, Final

from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.exporters.prometheus import families_of, process_facts
from odibi_core.exporters.prometheus_names import BUCKETS, LAST, SUM, VALUE, FamilyNames, PrometheusFamily
from odibi_core.exporters.protobuf_messages import Fields, message_class
from odibi_core.views.metrics.exemplars import Exemplar, LastExemplars
from odibi_core.views.metrics.native import ZERO_THRESHOLD, NativeCounts
from odibi_core.views.metrics.series import HistogramSeries
from odibi_core.views.metrics.types import COUNTER, GAUGE, HISTOGRAM

_TYPES: Final = {COUNTER: 0, GAUGE: 1, HISTOGRAM: 4}
_MESSAGES: Final[dict[str, Fields]] = {
    "LabelPair": (("name", 1, "STRING"), ("value", 2, "STRING")),
    "Timestamp": (("seconds", 1, "INT64"), ("nanos", 2, "INT32")),
    "Exemplar": (("label", 1, "LabelPair[]"), ("value", 2, "DOUBLE"), ("timestamp", 3, "Timestamp")),
    "Gauge": (("value", 1, "DOUBLE"),),
    "Counter": (("value", 1, "DOUBLE"), ("exemplar", 2, "Exemplar")),
    "Bucket": (("cumulative_count", 1, "UINT64"), ("upper_bound", 2, "DOUBLE"), ("exemplar", 3, "Exemplar")),
    "BucketSpan": (("offset", 1, "SINT32"), ("length", 2, "UINT32")),
    "Histogram": (
        ("sample_count", 1, "UINT64"), ("sample_sum", 2, "DOUBLE"), ("bucket", 3, "Bucket[]"),
        ("schema", 5, "SINT32"), ("zero_threshold", 6, "DOUBLE"), ("zero_count", 7, "UINT64"),
        ("negative_span", 9, "BucketSpan[]"), ("negative_delta", 10, "SINT64[]"),
        ("positive_span", 12, "BucketSpan[]"), ("positive_delta", 13, "SINT64[]"), ("exemplars", 16, "Exemplar[]"),
    ),
    "Metric": (
        ("label", 1, "LabelPair[]"), ("gauge", 2, "Gauge"), ("counter", 3, "Counter"), ("histogram", 7, "Histogram"),
    ),
    "MetricFamily": (("name", 1, "STRING"), ("help", 2, "STRING"), ("type", 3, "INT32"), ("metric", 4, "Metric[]")),
}  # fmt: skip
"""The fields of `io.prometheus.client` that are sent; the type of a family is an enum there, which is the same."""


@cache
def family_class() -> Any:
    """Return the class of a family.

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    return message_class("odibi.prometheus.client", _MESSAGES, "MetricFamily", "ODIBI_METRICS__NATIVE_HISTOGRAMS")


class PrometheusProtobufExporter(Exporter):
    """Prometheus' protobuf format, as a sequence of families with their lengths.

    A histogram is a native one too if it counted each of its values for that (`NativeCounts`).
    """

    content_type: ClassVar[str] = (
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
    )
    suffix: ClassVar[str] = ".pb"

    def export(self, snapshot: MetricsSnapshot, /) -> bytes:
        new = family_class()
        parts = []
        for family, value in process_facts(snapshot):
            message = new(name=family.name, help=family.help, type=_TYPES[GAUGE])
            message.metric.add().gauge.value = value
            parts.append(message)
        for name, family, series, names in families_of(snapshot):
            message = new(
                name=f"{name}_total" if family.kind == COUNTER else name, help=family.help, type=_TYPES[family.kind]
            )
            for one in series:
                _WRITERS[family.shows](message, family, one, names, snapshot.exemplars)
            if message.metric:
                parts.append(message)
        return b"".join(_delimited(part.SerializeToString()) for part in parts)


def _delimited(content: bytes) -> bytes:
    """Return a message after its length, written in groups of seven bits."""
    length, prefix = len(content), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + content


def _metric(message: Any, series: Any, names: FamilyNames) -> Any:
    metric = message.metric.add()
    for name, value in names.label_pairs(series.name, series.labels()):
        metric.label.add(name=name, value=value)
    return metric


def _counter(
    message: Any, family: PrometheusFamily, series: Any, names: FamilyNames, kept: LastExemplars | None
) -> None:
    counter = _metric(message, series, names).counter
    counter.value = series.value
    _add_exemplar(counter, kept.of(series) if kept is not None else None)


def _gauge(message: Any, family: PrometheusFamily, series: Any, names: FamilyNames, kept: LastExemplars | None) -> None:
    value = series.value if series.kind == GAUGE else series.last
    _metric(message, series, names).gauge.value = value


def _sum(message: Any, family: PrometheusFamily, series: Any, names: FamilyNames, kept: LastExemplars | None) -> None:
    if series.sum >= 0:
        _metric(message, series, names).counter.value = series.sum


def _histogram(
    message: Any, family: PrometheusFamily, series: HistogramSeries, names: FamilyNames, kept: LastExemplars | None
) -> None:
    histogram = _metric(message, series, names).histogram
    histogram.sample_count, histogram.sample_sum = series.samples, series.sum * family.scale
    bounds = [*(float(f"{bound * family.scale:.12g}") for bound in series.bounds), inf]
    for place, (bound, count) in enumerate(zip(bounds, accumulate(series.counts()), strict=True)):
        bucket = histogram.bucket.add(cumulative_count=count, upper_bound=bound)
        _add_exemplar(bucket, kept.of(series, place) if kept is not None else None, family.scale)
    native = series.native_counts()
    if native is not None and native.total == series.samples:
        _add_native(histogram, native)


def _add_native(histogram: Any, native: NativeCounts) -> None:
    histogram.schema, histogram.zero_threshold, histogram.zero_count = native.schema, ZERO_THRESHOLD, native.zero
    for name in ("positive", "negative"):
        counts = getattr(native, name)
        spans, deltas = getattr(histogram, f"{name}_span"), getattr(histogram, f"{name}_delta")
        last_count, next_place = 0, 0
        for _, group in groupby(enumerate(sorted(counts)), lambda item: item[1] - item[0]):
            places = [place for _, place in group]
            spans.add(offset=places[0] - next_place, length=len(places))
            next_place = places[-1] + 1
            for place in places:
                deltas.append(counts[place] - last_count)
                last_count = counts[place]


def _add_exemplar(holder: Any, exemplar: Exemplar | None, scale: float = 1) -> None:
    if exemplar is None:
        return
    made = holder.exemplar
    made.value = exemplar.value * scale
    for name, value in exemplar.labels.items():
        made.label.add(name=name, value=value)
    made.timestamp.seconds = int(exemplar.at)
    made.timestamp.nanos = int(exemplar.at % 1 * 1e9)


_WRITERS: Final[dict[str, Callable[..., None]]] = {VALUE: _counter, LAST: _gauge, SUM: _sum, BUCKETS: _histogram}
