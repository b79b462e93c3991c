"""MetricsView: measurements of nodes, bounded label sets, and lines with any content."""

from __future__ import annotations

import pytest

from odibi_core.events import kinds
from odibi_core.testing import an_event
from odibi_core.views.metrics.nodes import node_stats, total
from odibi_core.views.metrics.series import CounterSeries
from odibi_core.views.metrics.types import COUNTER, bounds_of, canonical, kind_of
from odibi_core.views.metrics.view import OVERFLOW, MetricsView


def fed(*events: tuple[str, dict[str, object]], max_series: int = 1000) -> MetricsView:
    view = MetricsView(max_series=max_series)
    for kind, fields in events:
        view(an_event(kind, **fields))
    return view


def said(metric: str, value: object, **more: object) -> tuple[str, dict[str, object]]:
    return kinds.METRIC, {"metric": metric, "kind": COUNTER, "name": "n", "value": value, "count": 1, **more}


def test_a_node_event_measures_duration_rows_and_outcome() -> None:
    """A run's events alone give its metrics, so a killed run has them up to its last event."""
    view = fed(
        ("node_complete", {"node_name": "a", "engine": "polars", "duration_ms": 500.0, "row_count": 100}),
        ("node_failed", {"node_name": "a", "engine": "polars", "duration_ms": 100.0}),
        ("node_retry", {"node_name": "a"}),
    )
    assert node_stats(view, "a") == {
        "node_name": "a", "executions": 2, "avg_duration_ms": 300.0, "min_duration_ms": 100.0,
        "max_duration_ms": 500.0, "success_count": 1, "failure_count": 1,
    }  # fmt: skip
    assert view.counters() == {
        "success_count:a": 1, "failure_count:a": 1, "error_count:a": 1, "retry_count:a": 1,
    }  # fmt: skip
    assert view.answer()["nodes"]["a"]["throughput"] == 200.0
    assert view.answer()["series"][0]["labels"] == {"engine": "polars"}


@pytest.mark.parametrize("kind", ["cache_hit", "cache_miss"])
def test_a_cache_lookup_is_counted_once(kind: str) -> None:
    """A node whose cache event was handled does not count it again at its end; the next execution does."""
    end = ("node_complete", {"node_name": "a", "run_id": "r", "cache_hit": kind == "cache_hit"})
    view = fed((kind, {"node_name": "a", "run_id": "r"}), end, end)
    assert total(view, kind) == 2


def test_what_the_cache_was_not_asked_is_no_miss() -> None:
    """`cache_hit` absent means that there is no cache."""
    assert fed(("node_complete", {"node_name": "a"})).answer()["cache_hit_rate"] == 0.0
    assert total(fed(("node_complete", {"node_name": "a"})), "cache_miss") == 0


def test_past_the_limit_sums_stay_exact_in_one_series() -> None:
    """Further label sets go to the overflow series of their metric; those that are known stay their own."""
    lines = [said("m", 1, labels={"i": str(i)}) for i in range(100)] + [said("m", 5, labels={"i": "0"})]
    view = fed(*lines, max_series=10)
    series = [one for one in view.every_series() if isinstance(one, CounterSeries)]
    assert len(series) == 11
    assert sum(one.value for one in series) == 105
    assert {str(one.labels()): one.value for one in series}[str(OVERFLOW)] == 90
    assert {str(one.labels()): one.value for one in series}["{'i': '0'}"] == 6


def test_past_the_limit_metrics_are_bounded_too() -> None:
    """A program that makes up metric names costs no more than one that makes up labels."""
    view = fed(*(said(f"m{i}", 1) for i in range(5000)), max_series=10)
    assert len(view.families) <= 1012
    assert sum(view.counters().values()) == 5000


def test_the_order_of_labels_does_not_matter() -> None:
    """`{a, b}` and `{b, a}` are one series."""
    view = fed(said("m", 1, labels={"a": "1", "b": "2"}), said("m", 1, labels={"b": "2", "a": "1"}))
    assert [one["value"] for one in view.answer()["series"]] == [2]


def test_secrets_do_not_reach_a_label_or_a_name() -> None:
    """Values are redacted by the label's name and by their shape."""
    view = fed(said("m", 1, name="a@example.org", labels={"password": "hunter2", "contact": "b@example.org"}))
    answer = str(view.answer())
    assert "hunter2" not in answer
    assert "example.org" not in answer
    assert "[REDACTED]" in answer


def test_long_labels_are_cut_and_stay_different() -> None:
    """A label of 10,000 characters is bounded; two that differ only at the end stay two."""
    long = "x" * 10_000
    view = fed(said("m", 1, labels={"a": long + "1"}), said("m", 1, labels={"a": long + "2"}))
    labels = [one["labels"]["a"] for one in view.answer()["series"]]
    assert len(set(labels)) == 2
    assert max(map(len, labels)) <= 300


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), None, "many", [], True])
def test_what_no_counter_can_hold_is_left_out(value: object) -> None:
    """A line with any content cannot decrease a counter, or turn it into NaN."""
    assert fed(said("m", 2), said("m", value)).counters()["m:n"] == 2


def test_the_tables_name_every_kind() -> None:
    """Aliases, kinds and buckets follow from a metric's name."""
    assert canonical("memory_usage") == "memory_usage_mb"
    assert canonical("anything") == "anything"
    assert [kind_of(name) for name in ("cache_hit", "node_duration_ms", "row_count", "mine")] == [
        "counter", "histogram", "gauge", "gauge",
    ]  # fmt: skip
    assert bounds_of("bigquery.bytes_processed")[0] == 512.0
    assert bounds_of("operation.duration.seconds")[0] == 0.005
    assert all(
        list(bounds_of(name)) == sorted(bounds_of(name)) for name in ("x_ms", "x_bytes", "x_usd", "x_rows")
    )
