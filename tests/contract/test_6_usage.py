"""Section 6 of the contract: usage of commands and features, BigQuery operations, data-quality checks."""

from __future__ import annotations

import pytest

from odibi_core.observability import get_analytics, get_metrics, observe, track_cli_command
from odibi_core.store.runs import RunStore


def samples() -> str:
    return get_metrics().export_prometheus()


def test_track_cli_command_is_a_context_manager() -> None:
    """Started, and a success with its duration."""
    with track_cli_command("load", {"table": "orders"}):
        pass
    text = samples()
    assert 'cli_command_started_total{command="load"} 1' in text
    assert 'cli_command_success_total{command="load"} 1' in text
    assert 'cli_command_duration_seconds_count{command="load"} 1' in text


def test_track_cli_command_passes_a_failure_on() -> None:
    """And counts it."""
    with pytest.raises(ValueError, match="no such table"), track_cli_command("load"):
        raise ValueError("no such table")
    assert 'cli_command_failure_total{command="load"} 1' in samples()


def test_get_analytics_start_command_and_end_command() -> None:
    """Success or failure, as it is told; a second end of the same execution is none."""
    analytics = get_analytics()
    assert analytics is get_analytics()
    done = analytics.start_command("export", ["--to", "csv"], "ada")
    analytics.end_command(done)
    analytics.end_command(done, success=False)
    analytics.end_command(analytics.start_command("export", None, "bob"), success=False, error="disk full")
    told = analytics.report()["commands"]["export"]
    assert (told["started"], told["success"], told["failed"], told["users"]) == (2, 1, 1, 2)
    assert told["last_error"] == "disk full"


def test_track_command_argument() -> None:
    """`cli.command.argument` by command and argument; the value is no label."""
    get_analytics().track_command_argument("load", "table", "orders")
    assert 'cli_command_argument_total{argument="table",command="load"} 1' in samples()
    assert "orders" not in samples()


def test_track_feature_usage() -> None:
    """`cli.feature.usage` by feature."""
    get_analytics().track_feature_usage("lineage", {"format": "json"})
    assert 'cli_feature_usage_total{feature="lineage"} 1' in samples()


def test_track_bigquery_operation() -> None:
    """`bigquery.operation` by type, dataset and table; bytes and rows stand in the record."""
    with observe("tool") as run:
        get_analytics().track_bigquery_operation("load", "shop", "orders", bytes_processed=1000, rows_affected=10)
    assert 'bigquery_operation_total{dataset="shop",operation_type="load",table="orders"} 1' in samples()
    (told,) = (each for each in RunStore(".odibi").read(run.run_id) if each.event_type == "bigquery_operation")
    assert (told.fields["bytes_processed"], told.fields["rows_affected"]) == (1000, 10)


def test_track_data_quality_check() -> None:
    """`data_quality.check.executed/passed/failed` and its duration."""
    get_analytics().track_data_quality_check("not_null", True, 0.5)
    get_analytics().track_data_quality_check("not_null", False, 0.25, {"rows": 3})
    text = samples()
    assert 'data_quality_check_executed_total{check="not_null"} 2' in text
    assert 'data_quality_check_passed_total{check="not_null"} 1' in text
    assert 'data_quality_check_failed_total{check="not_null"} 1' in text
    assert 'data_quality_check_duration_seconds_sum{check="not_null"} 0.75' in text


def test_a_report_of_them() -> None:
    """All five kinds, of this process; and it is what the record of the run answers."""
    from odibi_core.views.usage import UsageView

    with observe("tool") as run:
        analytics = get_analytics()
        with track_cli_command("load"):
            analytics.track_command_argument("load", "table", "orders")
        analytics.track_feature_usage("lineage")
        analytics.track_bigquery_operation("load")
        analytics.track_data_quality_check("not_null", True, 0.5)
    report = analytics.report()
    assert {name: list(told) for name, told in report.items()} == {
        "commands": ["load"], "arguments": ["load table"], "features": ["lineage"],
        "bigquery_operations": ["load"], "data_quality": ["not_null"],
    }  # fmt: skip
    view = UsageView()
    for event in RunStore(".odibi").read(run.run_id):
        view(event)
    assert view.answer() == report
