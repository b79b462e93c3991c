"""The tables of the recording and alerting rules, which `build_rules.py` writes as YAML.

A counter that appears with its first failure has no increase in Prometheus. So an alert on failures reads a gauge of
the last run, or takes a series that was not there before as an increase too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RUNBOOK: Final = "prometheus_rules/README.md"
LATE_AFTER: Final = 26 * 3600
"""Seconds without a success after which a pipeline is late: a daily one, with two hours of grace."""


@dataclass(frozen=True)
class Recording:
    """A recording rule; its name is `<labels>:<metric>:<operation>`."""

    name: str
    expression: str


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alerting rule; summary and description are templates of Prometheus."""

    name: str
    expression: str
    severity: str
    summary: str
    description: str
    lasting: str = "0m"


def increased(selector: str, window: str) -> str:
    """Return a condition: a counter grew within the window, or appeared in it."""
    return f"(increase({selector}[{window}]) > 0) or ({selector} unless {selector} offset {window}) > 0"


def share(bad: str, good: str, by: str, window: str) -> str:
    """Return the share of bad ones; a counter that does not exist yet counts as 0."""
    failed, succeeded = (f"sum by ({by}) (rate({each}[{window}]))" for each in (bad, good))
    return f"{failed} / ({failed} + ({succeeded} or {failed} * 0) > 0)"


def of_last_run(condition: str) -> str:
    """Return a condition on the instance that has the last run of a pipeline; others keep what is over."""
    at = "odibi_pipeline_last_run_timestamp_seconds"
    newest = f"{at} == on (job, pipeline) group_left () max by (job, pipeline) ({at})"
    return f"({condition}) and on (job, instance, pipeline) ({newest})"


RECORDINGS: Final = {
    "odibi-recording": (
        Recording(
            "job_pipeline_status:odibi_pipeline_runs:increase1h",
            "sum by (job, pipeline, status) (increase(odibi_pipeline_runs_total[1h]))",
        ),
        Recording(
            "job_pipeline:odibi_pipeline_failures:ratio_increase1h",
            'sum by (job, pipeline) (job_pipeline_status:odibi_pipeline_runs:increase1h{status!="success"})'
            " / sum by (job, pipeline) (job_pipeline_status:odibi_pipeline_runs:increase1h > 0)",
        ),
        Recording(
            "job_pipeline:odibi_pipeline_last_success:age_seconds",
            "time() - max by (job, pipeline) (odibi_pipeline_last_success_timestamp_seconds)",
        ),
        Recording(
            "job_pipeline:odibi_pipeline_duration_seconds:mean_rate1h",
            "sum by (job, pipeline) (rate(odibi_pipeline_duration_seconds_sum[1h]))"
            " / (sum by (job, pipeline) (rate(odibi_pipeline_duration_seconds_count[1h])) > 0)",
        ),
        Recording(
            "job_pipeline:odibi_pipeline_duration_seconds:mean_rate1w",
            "sum by (job, pipeline) (rate(odibi_pipeline_duration_seconds_sum[1w]))"
            " / (sum by (job, pipeline) (rate(odibi_pipeline_duration_seconds_count[1w])) > 0)",
        ),
        Recording("job_node:odibi_node_rows:rate5m", "sum by (job, node) (rate(odibi_node_rows_total[5m]))"),
        Recording(
            "job_node:odibi_node_failures:ratio_rate15m",
            share("odibi_failure_count_total", "odibi_success_count_total", "job, node", "15m"),
        ),
        Recording(
            "job_node:odibi_node_duration_seconds:p95_rate15m",
            "histogram_quantile(0.95, sum by (job, node, le) (rate(odibi_node_duration_seconds_bucket[15m])))",
        ),
        Recording(
            "job:odibi_cache_hits:ratio_rate15m",
            share("odibi_cache_hits_total", "odibi_cache_misses_total", "job", "15m"),
        ),
    )
}

ALERTS: Final = {
    "odibi-pipelines": (
        Alert(
            name="OdibiPipelineFailed",
            expression=of_last_run("odibi_pipeline_last_run_failed == 1"),
            severity="critical",
            summary="The last run of {{ $labels.pipeline }} did not succeed",
            description="`odibi runs --status failed` lists the run, `odibi show` explains it. "
            "The alert resolves when a later run succeeds.",
        ),
        Alert(
            name="OdibiPipelineFailsOften",
            expression="job_pipeline:odibi_pipeline_failures:ratio_increase1h > 0.2",
            lasting="15m",
            severity="warning",
            summary="{{ $value | humanizePercentage }} of the runs of {{ $labels.pipeline }} in the last hour failed",
            description="Single runs may have succeeded since. `odibi errors` groups the causes.",
        ),
        Alert(
            name="OdibiPipelineLate",
            expression=f"job_pipeline:odibi_pipeline_last_success:age_seconds > {LATE_AFTER}",
            severity="critical",
            summary="{{ $labels.pipeline }} last succeeded {{ $value | humanizeDuration }} ago",
            description="The limit of 26 hours is for a daily pipeline; set it to your schedule. "
            "A pipeline that Prometheus no longer sees has no age: see OdibiPipelineGone.",
        ),
        Alert(
            name="OdibiPipelineGone",
            expression="max by (job, pipeline) (max_over_time(odibi_pipeline_last_run_timestamp_seconds[2d]))"
            " unless max by (job, pipeline) (max_over_time(odibi_pipeline_last_run_timestamp_seconds[1d]))",
            severity="warning",
            summary="{{ $labels.pipeline }} was seen two days ago, and not in the last day",
            description="It is no longer scheduled, or its process is no longer scraped or pushed.",
        ),
        Alert(
            name="OdibiPipelineNeverSucceeded",
            expression="max by (job, pipeline) (odibi_pipeline_last_run_timestamp_seconds)"
            " unless max by (job, pipeline) (odibi_pipeline_last_success_timestamp_seconds)",
            lasting="1h",
            severity="warning",
            summary="No run of {{ $labels.pipeline }} has succeeded since its process began",
            description="A pipeline without a first success is never late, so this alert is its own.",
        ),
        Alert(
            name="OdibiPipelineSlow",
            expression="job_pipeline:odibi_pipeline_duration_seconds:mean_rate1h"
            " > 2 * job_pipeline:odibi_pipeline_duration_seconds:mean_rate1w"
            " and job_pipeline:odibi_pipeline_duration_seconds:mean_rate1h > 60",
            lasting="30m",
            severity="warning",
            summary="{{ $labels.pipeline }} takes {{ $value | humanizeDuration }}, twice its mean of a week",
            description="`odibi timing` shows which step takes the time, `odibi compare` what changed.",
        ),
    ),
    "odibi-nodes": (
        Alert(
            name="OdibiNodeFailsOften",
            expression="job_node:odibi_node_failures:ratio_rate15m > 0.1",
            lasting="15m",
            severity="warning",
            summary="{{ $value | humanizePercentage }} of the executions of {{ $labels.node }} fail",
            description="`odibi errors` groups the causes.",
        ),
        Alert(
            name="OdibiNodeRetries",
            expression="sum by (job, node) (increase(odibi_retry_count_total[1h])) > 10",
            severity="warning",
            summary="{{ $labels.node }} was tried again {{ $value | humanize }} times in an hour",
            description="It may still succeed, and its source or target is not reliable.",
        ),
    ),
    "odibi-data": (
        Alert(
            name="OdibiChecksFailed",
            expression=of_last_run("odibi_pipeline_last_run_checks_failed > 0"),
            severity="warning",
            summary="{{ $value }} checks of the data of {{ $labels.pipeline }} failed",
            description="`odibi show` lists them. The alert resolves when a later run has none.",
        ),
        Alert(
            name="OdibiChecksNotChecked",
            expression=increased('odibi_pipeline_checks_total{result="not_checked"}', "1h"),
            severity="warning",
            summary="Checks of {{ $labels.pipeline }} could not be asked",
            description="They did not pass: the data is unknown. `odibi show` has the reason of each.",
        ),
        Alert(
            name="OdibiDataQualityCheckFailed",
            expression=increased("data_quality_check_failed_total", "1h"),
            severity="warning",
            summary="The check {{ $labels.check }} failed",
            description="A check that `track_data_quality_check` reported.",
        ),
    ),
    "odibi-toolkit": (
        Alert(
            name="OdibiUnhealthy",
            expression="health_check_status == 0",
            lasting="5m",
            severity="critical",
            summary="The health check {{ $labels.check }} of {{ $labels.instance }} fails",
            description="`odibi health` and GET /health have the details.",
        ),
        Alert(
            name="OdibiCostAlert",
            expression=increased("bigquery_cost_alert_total", "1h"),
            severity="warning",
            summary="The operation {{ $labels.operation }} cost more than the threshold",
            description="The threshold is COST_ALERT_THRESHOLD_USD. `odibi costs` lists the operations.",
        ),
        Alert(
            name="OdibiOperationFailsOften",
            expression=share("operation_failure_total", "operation_success_total", "job, operation", "15m") + " > 0.1",
            lasting="15m",
            severity="warning",
            summary="{{ $value | humanizePercentage }} of the operations {{ $labels.operation }} fail",
            description="Operations of `track_performance`. `odibi errors` groups the causes.",
        ),
    ),
    "odibi-itself": (
        Alert(
            name="OdibiExporterLosesItems",
            expression=increased("odibi_export_dropped_total", "15m"),
            severity="warning",
            summary="The exporter {{ $labels.exporter }} dropped items: {{ $labels.reason }}",
            description="`odibi health` has the counts of each exporter and the last problem of its receiver.",
        ),
        Alert(
            name="OdibiMetricsIncomplete",
            expression="odibi_metrics_unreadable_parts > 0",
            lasting="5m",
            severity="warning",
            summary="{{ $value }} files of metrics on {{ $labels.instance }} cannot be read",
            description="Sums over the processes of this port lack them; a warning in the log names the processes.",
        ),
        Alert(
            name="OdibiEndpointDown",
            expression='up{job="odibi"} == 0',
            lasting="5m",
            severity="warning",
            summary="{{ $labels.instance }} cannot be scraped",
            description="The name of the job is that of the scrape configuration in grafana_templates/README.md.",
        ),
    ),
}
