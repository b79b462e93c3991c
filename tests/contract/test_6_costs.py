"""Contract, section 6: costs, row by row."""

from __future__ import annotations

import inspect
from typing import Any

from bigquery_fake import FakeBigQuery
from tests.costs.bigquery.jobs.recorded import TIB, recorded

from odibi_core.events import kinds
from odibi_core.observability import (
    ObservabilityConfig,
    estimate_bigquery,
    get_metrics,
    observe,
    observe_bigquery,
    set_config,
    track_cost,
    track_query_performance,
)
from odibi_core.testing import RecordingSink
from odibi_core.views.costs import CostsView


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_track_cost_operation_bytes_processed_estimated_cost_usd_tags(heard: RecordingSink) -> None:
    """One `cost` event with what was given; tags are optional."""
    assert parameters(track_cost) == ["operation", "bytes_processed", "estimated_cost_usd", "tags"]
    track_cost("daily_report", 2 * TIB, 12.5, {"team": "sales"})
    track_cost(operation="daily_report", bytes_processed=0, estimated_cost_usd=0)
    first, second = heard.of_kind(kinds.COST)
    assert first.operation == "daily_report"
    assert first.fields == {"bytes_processed": 2 * TIB, "estimated_cost_usd": 12.5, "tags": {"team": "sales"}}
    assert second.fields == {"bytes_processed": 0, "estimated_cost_usd": 0}


def test_track_cost_alerts_past_the_threshold(heard: RecordingSink) -> None:
    """100 USD, or what COST_ALERT_THRESHOLD_USD says."""
    track_cost("report", 1, 100.0)
    assert heard.kinds == ["cost"]
    track_cost("report", 1, 100.01)
    assert heard.kinds == ["cost", "cost", "alert_raised"]
    set_config(ObservabilityConfig(cost_alert_threshold_usd=5))
    track_cost("report", 1, 6.0)
    assert heard.kinds[-1] == "alert_raised"
    assert heard.events[-1].fields["threshold"] == 5


def test_track_query_performance_query_type_duration_rows_bytes_tags(heard: RecordingSink) -> None:
    """One `query` event; its time in milliseconds, as everywhere."""
    names = ["query_type", "duration_seconds", "rows_returned", "bytes_processed", "tags"]
    assert parameters(track_query_performance) == names
    track_query_performance("SELECT", 2.5, 1000, 2048, {"team": "sales"})
    (event,) = heard.of_kind(kinds.QUERY)
    assert event.duration_ms == 2500
    assert event.fields == {
        "query_type": "SELECT", "rows_returned": 1000, "bytes_processed": 2048, "tags": {"team": "sales"},
    }  # fmt: skip


def test_a_bigquery_client_wrapper_records_both_for_each_query(heard: RecordingSink) -> None:
    """A `query` and a `cost` for each, from the job's own figures."""
    with FakeBigQuery(recorded) as fake:
        client = observe_bigquery(fake.client())
        for name in ("select", "cached", "small"):
            client.query(f"SELECT 1 -- {name}").result()
    assert heard.kinds == ["query", "cost"] * 3


def test_it_estimates_cost_by_dry_run(heard: RecordingSink) -> None:
    """BigQuery is asked, and runs nothing."""
    with FakeBigQuery(recorded) as fake:
        assert estimate_bigquery(fake.client(), "SELECT * FROM sales.orders").usd == 12.5
        assert not fake.jobs
        assert [body["configuration"]["dryRun"] for _, _, body in fake.requests] == [True]


def test_costs_are_measured_under_the_names_that_dashboards_read() -> None:
    """Section 2's `bigquery.…`, with tags as labels."""
    set_config(ObservabilityConfig(cost_alert_threshold_usd=1))
    track_cost("report", 1024, 2.5, {"team": "sales"})
    track_query_performance("SELECT", 0.5, 10, 1024, {"team": "sales"})
    text = get_metrics().export_prometheus()
    for line in (
        'bigquery_total_cost_usd_total{operation="report",team="sales"} 2.5',
        'bigquery_cost_alert_total{operation="report",team="sales"} 1',
        'bigquery_query_count_total{query_type="SELECT",team="sales"} 1',
        'bigquery_bytes_processed_sum{operation="report",team="sales"} 1024',
        'bigquery_cost_usd_sum{operation="report",team="sales"} 2.5',
        'bigquery_query_duration_seconds_sum{query_type="SELECT",team="sales"} 0.5',
        'bigquery_query_rows_returned_sum{query_type="SELECT",team="sales"} 10',
    ):
        assert line in text.splitlines()


def test_what_a_run_cost_is_in_its_record() -> None:
    """What the view heard live is what it answers from the store."""
    live = CostsView()
    with observe("nightly") as run:
        run.bus.subscribe(live)
        for _ in range(3):
            track_cost("report", 10, 0.1, {"team": "sales"})
    replay = CostsView()
    assert run.store is not None
    for event in run.store.events(run.run_id):
        replay(event)
    assert replay.answer() == live.answer()
    assert replay.answer()["by_run"] == [{**replay.answer()["total"], "run": run.run_id}]
    assert replay.answer()["total"]["cost_usd"] == 0.3
