"""The panels of the toolkit's metrics: operations, commands, health and exporters; costs and data quality."""

from typing import Final

from panels import JOB, Panel, bars, lines, number, stacked_bars


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{JOB}}}[$__rate_interval]))"


def _grown(metric: str, by: str) -> str:
    """Return the value of a counter at the end of the range, of every process that was scraped in it."""
    return f"sum by ({by}) (max_over_time({metric}{{{JOB}}}[$__range]))"


def _p95(metric: str, by: str) -> str:
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate({metric}_bucket{{{JOB}}}[$__rate_interval])))"


OPERATIONS: Final = (
    Panel(
        title="Health checks",
        description="The last result of each check: 1 is healthy, 0 is not; the worst of several instances.",
        queries=((f"min by (check) (health_check_status{{{JOB}}})", "{{check}}"),),
        unit="short",
        make=number,
        width=12,
        height=6,
        colours=(("red", None), ("green", 1)),
        instant=True,
        no_value="no check",
    ),
    Panel(
        title="Failed operations",
        description="Failures of each operation, counted by every process that was scraped in the time range.",
        queries=((_grown("operation_failure_total", "operation"), "{{operation}}"),),
        unit="short",
        make=number,
        width=12,
        height=6,
        colours=(("green", None), ("red", 1)),
        instant=True,
        no_value="0",
    ),
    Panel(
        title="Operation rate",
        description="Operations per second that succeeded, and that failed.",
        queries=(
            (_rate("operation_success_total", "operation"), "{{operation}} succeeded"),
            (_rate("operation_failure_total", "operation"), "{{operation}} failed"),
        ),
        unit="ops",
        make=lines,
        width=12,
    ),
    Panel(
        title="Operation duration p95",
        description="How long 95 of 100 operations took at most, over all instances.",
        queries=((_p95("operation_duration_seconds", "operation"), "{{operation}}"),),
        unit="s",
        make=lines,
        width=12,
    ),
    Panel(
        title="Errors by type",
        description="Failures of operations by the type of their error, per second.",
        queries=((_rate("operation_error_total", "error_type"), "{{error_type}}"),),
        unit="ops",
        make=stacked_bars,
        width=12,
    ),
    Panel(
        title="Health check duration",
        description="The mean duration of each health check.",
        queries=(
            (
                f"{_rate('health_check_duration_seconds_sum', 'check')}"
                f" / {_rate('health_check_duration_seconds_count', 'check')}",
                "{{check}}",
            ),
        ),
        unit="s",
        make=lines,
        width=12,
    ),
    Panel(
        title="Commands",
        description="Commands per second that succeeded, and that failed.",
        queries=(
            (_rate("cli_command_success_total", "command"), "{{command}} succeeded"),
            (_rate("cli_command_failure_total", "command"), "{{command}} failed"),
        ),
        unit="ops",
        make=lines,
        width=12,
    ),
    Panel(
        title="Command duration p95",
        description="How long 95 of 100 commands took at most.",
        queries=((_p95("cli_command_duration_seconds", "command"), "{{command}}"),),
        unit="s",
        make=lines,
        width=12,
    ),
    Panel(
        title="Used features",
        description="Uses of features, and arguments of commands, in the time range.",
        queries=(
            (_grown("cli_feature_usage_total", "feature"), "{{feature}}"),
            (_grown("cli_command_argument_total", "argument"), "{{argument}}"),
        ),
        unit="short",
        make=bars,
        width=12,
        instant=True,
    ),
    Panel(
        title="Exported items",
        description="Items per second that receivers of exporters took, and those that wait or are lost.",
        queries=(
            (_rate("odibi_export_sent_total", "exporter"), "{{exporter}} sent"),
            (
                f"sum by (exporter) (odibi_export_accepted_total{{{JOB}}})"
                f" - sum by (exporter) (odibi_export_sent_total{{{JOB}}})",
                "{{exporter}} not sent",
            ),
        ),
        unit="short",
        make=lines,
        width=12,
    ),
)

DATA: Final = (
    Panel(
        title="Estimated cost",
        description="US dollars that all operations cost, of every process that was scraped in the time range.",
        queries=((_grown("bigquery_total_cost_usd_total", "operation"), "{{operation}}"),),
        unit="currencyUSD",
        make=number,
        width=8,
        height=6,
        instant=True,
        no_value="0",
    ),
    Panel(
        title="Cost alerts",
        description="Operations that cost more than the threshold.",
        queries=((_grown("bigquery_cost_alert_total", "operation"), "{{operation}}"),),
        unit="short",
        make=number,
        width=8,
        height=6,
        colours=(("green", None), ("red", 1)),
        instant=True,
        no_value="0",
    ),
    Panel(
        title="Failed checks",
        description="Checks of data that failed, by name, in the time range.",
        queries=((_grown("data_quality_check_failed_total", "check"), "{{check}}"),),
        unit="short",
        make=number,
        width=8,
        height=6,
        colours=(("green", None), ("red", 1)),
        instant=True,
        no_value="0",
    ),
    Panel(
        title="Cost rate",
        description="US dollars per hour, by operation.",
        queries=((f"3600 * {_rate('bigquery_total_cost_usd_total', 'operation')}", "{{operation}}"),),
        unit="currencyUSD",
        make=lines,
        width=12,
    ),
    Panel(
        title="Processed bytes",
        description="Bytes per second that operations processed.",
        queries=((_rate("bigquery_bytes_processed_sum", "operation"), "{{operation}}"),),
        unit="Bps",
        make=lines,
        width=12,
    ),
    Panel(
        title="Query duration p95",
        description="How long 95 of 100 queries took at most, by type.",
        queries=((_p95("bigquery_query_duration_seconds", "query_type"), "{{query_type}}"),),
        unit="s",
        make=lines,
        width=12,
    ),
    Panel(
        title="Queries and returned rows",
        description="Queries per second, and the rows that they returned.",
        queries=(
            (_rate("bigquery_query_count_total", "query_type"), "{{query_type}} queries"),
            (_rate("bigquery_query_rows_returned_sum", "query_type"), "{{query_type}} rows"),
        ),
        unit="ops",
        make=lines,
        width=12,
    ),
    Panel(
        title="Operations on tables",
        description="Operations on BigQuery's datasets and tables, per second.",
        queries=((_rate("bigquery_operation_total", "operation_type, table"), "{{operation_type}} {{table}}"),),
        unit="ops",
        make=stacked_bars,
        width=12,
    ),
    Panel(
        title="Data checks",
        description="Checks of data per second that passed, and that failed.",
        queries=(
            (_rate("data_quality_check_passed_total", "check"), "{{check}} passed"),
            (_rate("data_quality_check_failed_total", "check"), "{{check}} failed"),
        ),
        unit="ops",
        make=stacked_bars,
        width=12,
    ),
    Panel(
        title="Data check duration",
        description="The mean duration of each check of data.",
        queries=(
            (
                f"{_rate('data_quality_check_duration_seconds_sum', 'check')}"
                f" / {_rate('data_quality_check_duration_seconds_count', 'check')}",
                "{{check}}",
            ),
        ),
        unit="s",
        make=lines,
        width=24,
    ),
)
