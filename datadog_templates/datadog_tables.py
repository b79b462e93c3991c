"""The tables of Datadog's dashboard and monitors, which `build_datadog.py` writes as JSON.

Names are those that `DatadogSink` sends: `odibi.<metric>`, or the metric itself if it has dots. Of a histogram the
agent makes `.avg`, `.max`, `.95percentile` and `.count`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Widget:
    """A graph of the dashboard; `queries` are pairs of query and name."""

    title: str
    queries: tuple[tuple[str, str], ...]
    display: str = "line"


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A monitor; the message is Markdown with Datadog's variables."""

    name: str
    kind: str
    query: str
    message: str
    critical: float
    warning: float | None = None
    severity: int = 3


GROUPS: Final[dict[str, tuple[Widget, ...]]] = {
    "Pipelines": (
        Widget("Runs", (("sum:odibi.pipeline_runs{$env,$service} by {pipeline,status}.as_count()", "runs"),), "bars"),
        Widget(
            "Run duration p95",
            (("max:odibi.pipeline_duration_seconds.95percentile{$env,$service} by {pipeline}", "s"),),
        ),
        Widget(
            "Failed checks of the last run",
            (("max:odibi.pipeline_last_run_checks_failed{$env,$service} by {pipeline}", "checks"),),
        ),
    ),
    "Nodes": (
        Widget(
            "Executions",
            (
                ("sum:odibi.success_count{$env,$service} by {node}.as_count()", "succeeded"),
                ("sum:odibi.failure_count{$env,$service} by {node}.as_count()", "failed"),
            ),
            "bars",
        ),
        Widget("Node duration p95", (("max:odibi.node_duration_ms.95percentile{$env,$service} by {node}", "ms"),)),
        Widget("Rows", (("max:odibi.row_count{$env,$service} by {node}", "rows"),)),
        Widget("Retries", (("sum:odibi.retry_count{$env,$service} by {node}.as_count()", "retries"),), "bars"),
        Widget(
            "Cache lookups",
            (
                ("sum:odibi.cache_hit{$env,$service}.as_count()", "hits"),
                ("sum:odibi.cache_miss{$env,$service}.as_count()", "misses"),
            ),
            "bars",
        ),
    ),
    "Operations": (
        Widget(
            "Operations",
            (
                ("sum:operation.success{$env,$service} by {operation}.as_count()", "succeeded"),
                ("sum:operation.failure{$env,$service} by {operation}.as_count()", "failed"),
            ),
            "bars",
        ),
        Widget(
            "Operation duration p95",
            (("max:operation.duration.seconds.95percentile{$env,$service} by {operation}", "s"),),
        ),
        Widget(
            "Errors by type", (("sum:operation.error{$env,$service} by {error_type}.as_count()", "errors"),), "bars"
        ),
        Widget("Health checks", (("min:health_check.status{$env,$service} by {check}", "healthy"),)),
        Widget(
            "Commands",
            (
                ("sum:cli.command.success{$env,$service} by {command}.as_count()", "succeeded"),
                ("sum:cli.command.failure{$env,$service} by {command}.as_count()", "failed"),
            ),
            "bars",
        ),
    ),
    "Costs and data quality": (
        Widget(
            "Estimated cost in USD",
            (("sum:bigquery.total_cost.usd{$env,$service} by {operation}.as_count()", "USD"),),
            "bars",
        ),
        Widget(
            "Query duration p95",
            (("max:bigquery.query.duration.seconds.95percentile{$env,$service} by {query_type}", "s"),),
        ),
        Widget(
            "Data checks",
            (
                ("sum:data_quality.check.passed{$env,$service} by {check}.as_count()", "passed"),
                ("sum:data_quality.check.failed{$env,$service} by {check}.as_count()", "failed"),
            ),
            "bars",
        ),
    ),
}

MONITORS: Final = (
    Monitor(
        name="odibi: a pipeline failed",
        kind="query alert",
        query="max(last_15m):max:odibi.pipeline_last_run_failed{*} by {env,service,pipeline} >= 1",
        message="The last run of {{pipeline.name}} did not succeed. `odibi show` explains it.",
        critical=1,
        severity=2,
    ),
    Monitor(
        name="odibi: a node fails often",
        kind="query alert",
        query="sum(last_1h):sum:odibi.failure_count{*} by {env,service,node}.as_count() > 10",
        message="{{node.name}} failed {{value}} times in an hour. `odibi errors` groups the causes.",
        critical=10,
        warning=3,
    ),
    Monitor(
        name="odibi: checks of the data failed",
        kind="query alert",
        query="max(last_15m):max:odibi.pipeline_last_run_checks_failed{*} by {env,service,pipeline} > 0",
        message="{{value}} checks of the data of {{pipeline.name}} failed. `odibi show` lists them.",
        critical=0,
    ),
    Monitor(
        name="odibi: a health check fails",
        kind="query alert",
        query="max(last_5m):max:health_check.status{*} by {env,service,check} < 1",
        message="The health check {{check.name}} fails. `odibi health` has the details.",
        critical=1,
        severity=2,
    ),
    Monitor(
        name="odibi: an operation cost more than the threshold",
        kind="query alert",
        query="sum(last_1h):sum:bigquery.cost_alert{*} by {env,service,operation}.as_count() > 0",
        message="{{operation.name}} cost more than COST_ALERT_THRESHOLD_USD. `odibi costs` lists the operations.",
        critical=0,
    ),
)
