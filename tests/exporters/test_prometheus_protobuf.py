"""Prometheus' protobuf format: the samples of the text, native histograms that are whole, and exemplars."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf.message import Message

from odibi_core.bus.bus import EventBus
from odibi_core.endpoint.shared_metrics import SharedMetrics
from odibi_core.events import context
from odibi_core.exporters.prometheus_protobuf import PrometheusProtobufExporter, family_class
from odibi_core.metrics.manager import MetricsManager

ACCEPT = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
SPAN = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "trace_flags": "01"}
VALUES = [0.0, 0.004, 0.2, 0.21, 45.0, -3.0]


def families(content: bytes) -> dict[str, Any]:
    """Read messages with a length before each."""
    found: dict[str, Any] = {}
    while content:
        length = shift = place = 0
        while True:
            byte = content[place]
            length |= (byte & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if byte < 0x80:
                break
        family: Message = family_class()()
        family.ParseFromString(content[place : place + length])
        content = content[place + length :]
        found[family.name] = family
    return found


def measured(*, native: bool = True, bus: EventBus | None = None) -> MetricsManager:
    metrics = MetricsManager(native_histograms=native, exemplars=True, bus=bus)
    for value in VALUES:
        metrics.observe("fetch.seconds", "loader", value, {"shard": 'a"1'})
    with context.bind(run_id="run-1", **SPAN):
        metrics.record("node_duration_ms", "clean", 250)
        metrics.increment("jobs", None, 300)
    metrics.set_gauge("depth", None, -2)
    metrics.record("row_count", "clean", 5)
    return metrics


def native_values(histogram: Any) -> dict[int, int]:
    """Return the count of each positive bucket, from its spans and deltas."""
    counts, place, count, deltas = {}, 0, 0, iter(histogram.positive_delta)
    for span in histogram.positive_span:
        place += span.offset
        for _ in range(span.length):
            count += next(deltas)
            counts[place] = count
            place += 1
    return counts


def test_families_have_the_values_labels_and_buckets_of_the_text() -> None:
    """Counters and gauges, and the last and the sum of one metric."""
    found = families(measured().export("prometheus_protobuf"))
    assert (found["odibi_jobs_total"].type, found["odibi_jobs_total"].metric[0].counter.value) == (0, 300)
    assert (found["odibi_depth"].type, found["odibi_depth"].metric[0].gauge.value) == (1, -2)
    assert found["odibi_node_rows_total"].metric[0].counter.value == 5
    assert found["odibi_node_last_rows"].metric[0].gauge.value == 5
    (metric,) = found["fetch_seconds"].metric
    assert {label.name: label.value for label in metric.label} == {"node": "loader", "shard": 'a"1'}
    assert (metric.histogram.sample_count, metric.histogram.sample_sum) == (6, pytest.approx(42.414))
    buckets = [(each.upper_bound, each.cumulative_count) for each in metric.histogram.bucket]
    assert (buckets[0], buckets[-1]) == ((0.005, 3), (math.inf, 6))


def test_a_native_histogram_is_exact_in_the_unit_of_its_name() -> None:
    """Milliseconds are counted as the seconds that the family has."""
    found = families(measured().export("prometheus_protobuf"))
    fetch = found["fetch_seconds"].metric[0].histogram
    assert (fetch.schema, fetch.zero_count) == (3, 1)
    assert native_values(fetch) == {-63: 1, -18: 2, 44: 1}
    assert [(span.offset, span.length) for span in fetch.negative_span] == [(13, 1)]
    assert native_values(found["odibi_node_duration_seconds"].metric[0].histogram) == {-16: 1}


def test_exemplars_are_on_the_bucket_and_the_counter() -> None:
    """In the family's unit, with the trace and the run."""
    found = families(measured().export("prometheus_protobuf"))
    buckets = found["odibi_node_duration_seconds"].metric[0].histogram.bucket
    (exemplar,) = [each.exemplar for each in buckets if each.HasField("exemplar")]
    assert exemplar.value == 0.25
    assert {label.name: label.value for label in exemplar.label} == {
        "trace_id": SPAN["trace_id"], "span_id": SPAN["span_id"], "run_id": "run-1",
    }  # fmt: skip
    assert found["odibi_jobs_total"].metric[0].counter.exemplar.value == 300


def test_values_that_were_not_counted_natively_leave_the_classic_buckets_alone() -> None:
    """Events of a manager without native histograms have sums of buckets only: half a histogram is none."""
    bus = EventBus()
    metrics = measured()
    bus.subscribe(metrics)
    measured(native=False, bus=bus).flush()
    fetch = families(metrics.export("prometheus_protobuf"))["fetch_seconds"].metric[0].histogram
    assert fetch.sample_count == 12
    assert (fetch.zero_threshold, list(fetch.positive_span)) == (0.0, [])
    measured(bus=bus).flush()
    whole = MetricsManager(native_histograms=True, bus=EventBus())
    whole.bus.subscribe(whole)
    measured(bus=whole.bus).flush()
    assert native_values(families(whole.export("prometheus_protobuf"))["fetch_seconds"].metric[0].histogram)


def test_it_is_served_only_if_asked_by_header_and_setting() -> None:
    """A scraper that prefers protobuf gets OpenMetrics while there is no native histogram."""
    assert SharedMetrics(measured(), "unused").collect(ACCEPT)[1] == PrometheusProtobufExporter.content_type
    assert SharedMetrics(measured(native=False), "unused").collect(ACCEPT)[1].startswith("application/openmetrics")
    assert SharedMetrics(measured(), "unused").collect("text/plain")[1].startswith("text/plain")


def test_several_processes_have_one_native_histogram(tmp_path: Any) -> None:
    """Counts are added, and the last exemplar stays; an ended process is in the archive."""
    shared = [SharedMetrics(measured(), tmp_path) for _ in range(3)]
    groups = [each.open(8000) for each in shared]
    for each, group in zip(shared, groups, strict=True):
        with group.locked():
            group.join()
        each.write()
    shared[2].leave()
    for _ in range(2):
        found = families(shared[0].collect(ACCEPT)[0])
        fetch = found["fetch_seconds"].metric[0].histogram
        assert native_values(fetch) == {-63: 3, -18: 6, 44: 3}
        assert (fetch.zero_count, fetch.sample_count) == (3, 18)
        assert found["odibi_jobs_total"].metric[0].counter.exemplar.value == 300
    for each in shared[:2]:
        each.leave()


def test_the_answer_of_a_replay_does_not_depend_on_native_histograms() -> None:
    """They belong to the endpoint: the record has the values and the classic buckets."""
    plain, native = measured(native=False), measured()
    assert plain.answer() == native.answer()
    assert "native" not in json.dumps(native.answer())
