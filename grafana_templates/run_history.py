"""The panels of the history in PostgreSQL: each is one SELECT over the tables of `odibi store export --to`.

`$__timeFilter` and `$__timeGroup` are macros of Grafana's data source for PostgreSQL. The reader chooses the schema and
the pipelines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, dashboard, table
from grafana_foundation_sdk.cog.builder import Builder as Builds
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from panels import NEUTRAL, Builder, Colours, bars, begun, dial, lines, number, stacked_bars

KIND: Final = "grafana-postgresql-datasource"
SOURCE: Final = model.DataSourceRef(type_val=KIND, uid="${datasource}")
AnyPanel: TypeAlias = Builder | table.Panel
_RUNS: Final = "${schema}.runs where $__timeFilter(started) and pipeline_name in (${pipeline:sqlstring})"
_ENDED: Final = f"{_RUNS} and ended is not null"
_JOINED: Final = (
    "join ${schema}.runs on runs.run_id = {table}.run_id"
    " where $__timeFilter(runs.started) and runs.pipeline_name in (${pipeline:sqlstring})"
)


@dataclass(frozen=True, kw_only=True)
class SqlPanel:
    """One panel: a SELECT that returns `time`, `metric`, `value` for a graph, and any columns for the others."""

    title: str
    description: str
    query: str
    make: Callable[[], AnyPanel]
    width: int
    unit: str = "short"
    height: int = 8
    colours: Colours = NEUTRAL
    most: float | None = None
    no_value: str | None = None


@dataclass
class SqlTarget(Dataquery):
    """A query as Grafana's data source for PostgreSQL takes it; the SDK has no type for it."""

    rawSql: str
    format: str
    datasource: model.DataSourceRef
    refId: str = "A"
    rawQuery: bool = True
    editorMode: str = "code"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the query."""
        return {**asdict(self), "datasource": self.datasource.to_json()}


@dataclass
class _Query(Builds[Dataquery]):
    target: SqlTarget

    def build(self) -> Dataquery:
        return self.target


def rows() -> table.Panel:
    """Build a table with a row for each row of the answer."""
    return table.Panel().show_header(True)


def bars_by_row() -> bargauge.Panel:
    """Build one horizontal bar for each row of the answer."""
    return bars().reduce_options(common.ReduceDataOptions().values(True).calcs(["lastNotNull"]))


def of_run(name: str) -> str:
    """Return the join of a table with the runs that the reader chose."""
    return f"from ${{schema}}.{name} {_JOINED.replace('{table}', name)}"


PANELS: Final = (
    SqlPanel(
        title="Runs",
        description="Runs that began in the time range.",
        query=f"select count(*) as runs from {_RUNS}",
        make=number,
        width=4,
        height=5,
    ),
    SqlPanel(
        title="Successful runs",
        description="Of the runs that ended, those that succeeded; red below 90 %, green from 99 %.",
        query=f"select avg((status = 'success')::int) as success from {_ENDED}",
        unit="percentunit",
        make=dial,
        width=4,
        height=5,
        colours=(("red", None), ("orange", 0.9), ("green", 0.99)),
        most=1,
        no_value="no run",
    ),
    SqlPanel(
        title="Failed runs",
        description="Runs that failed, and runs whose process died; red from 1.",
        query=f"select count(*) as failed from {_RUNS} and status in ('failed', 'lost')",
        make=number,
        width=4,
        height=5,
        colours=(("green", None), ("red", 1)),
    ),
    SqlPanel(
        title="Failed checks",
        description="Checks of data that failed; orange from 1. Those that could not be checked are not counted.",
        query=f"select coalesce(sum(checks_failed), 0) as failed from {_RUNS}",
        make=number,
        width=4,
        height=5,
        colours=(("green", None), ("orange", 1)),
    ),
    SqlPanel(
        title="Unacknowledged findings",
        description="Unusual findings and alerts that are neither muted nor acknowledged; orange from 1.",
        query=(
            "select count(*) as open from ${schema}.alerts where $__timeFilter(timestamp)"
            " and pipeline_name in (${pipeline:sqlstring}) and acknowledged is null and not coalesce(muted, false)"
        ),
        make=number,
        width=4,
        height=5,
        colours=(("green", None), ("orange", 1)),
    ),
    SqlPanel(
        title="Cost",
        description="The sum of the known costs of the runs, in US dollars.",
        query=f"select coalesce(sum(cost_usd), 0) as cost from {_RUNS}",
        unit="currencyUSD",
        make=number,
        width=4,
        height=5,
    ),
    SqlPanel(
        title="Runs by status",
        description="Runs by the time at which they began and by how they ended.",
        query=(
            "select $__timeGroup(started, $__interval) as time, status as metric, count(*) as value"
            f" from {_RUNS} group by 1, 2 order by 1"
        ),
        make=stacked_bars,
        width=12,
    ),
    SqlPanel(
        title="Duration of runs",
        description="The duration of the successful runs of each pipeline; of several in one interval, the median.",
        query=(
            "select $__timeGroup(started, $__interval) as time, pipeline_name as metric,"
            " percentile_cont(0.5) within group (order by duration_ms) as value"
            f" from {_RUNS} and status = 'success' group by 1, 2 order by 1"
        ),
        unit="ms",
        make=lines,
        width=12,
    ),
    SqlPanel(
        title="Rows published",
        description="Rows that the publishing steps of each pipeline wrote.",
        query=(
            "select $__timeGroup(started, $__interval) as time, pipeline_name as metric, sum(rows_published) as value"
            f" from {_RUNS} and rows_published is not null group by 1, 2 order by 1"
        ),
        make=lines,
        width=12,
    ),
    SqlPanel(
        title="Slowest steps",
        description="The mean duration of the ten slowest steps, of the runs in the time range.",
        query=(
            "select nodes.pipeline_name || ' ' || node_name as step, avg(nodes.duration_ms) as duration"
            f" {of_run('nodes')} and nodes.duration_ms is not null group by 1 order by 2 desc limit 10"
        ),
        unit="ms",
        make=bars_by_row,
        width=12,
    ),
    SqlPanel(
        title="Last run of each pipeline",
        description="The newest run of each pipeline in the time range, the failed ones first.",
        query=(
            "select * from (select distinct on (pipeline_name) pipeline_name as pipeline, started, status,"
            f" duration_ms, rows_published as rows, host, error from {_RUNS} order by pipeline_name, started desc)"
            " as last order by status = 'success', started desc"
        ),
        make=rows,
        width=24,
    ),
    SqlPanel(
        title="Errors by cause",
        description="Failures with one cause (fingerprint): how often, in which pipelines, and the latest message.",
        query=(
            "select fingerprint, count(*) as times, count(distinct errors.run_id) as runs,"
            " string_agg(distinct errors.pipeline_name, ', ') as pipelines, max(errors.timestamp) as last,"
            " (array_agg(message order by errors.timestamp desc))[1] as message"
            f" {of_run('errors')} group by 1 order by 2 desc limit 50"
        ),
        make=rows,
        width=12,
    ),
    SqlPanel(
        title="Failed checks by step",
        description="Checks that failed, with the rows that failed them, the most often failed first.",
        query=(
            "select checks.pipeline_name as pipeline, node_name as step, check_name as check, column_name as column,"
            " count(*) as times, sum(failed_rows) as failed_rows, max(checks.timestamp) as last"
            f" {of_run('checks')} and not passed group by 1, 2, 3, 4 order by 5 desc limit 50"
        ),
        make=rows,
        width=12,
    ),
    SqlPanel(
        title="Findings",
        description="Unusual findings and alerts that are not muted, the newest first.",
        query=(
            "select timestamp as time, pipeline_name as pipeline, node_name as step, kind, severity, message,"
            " acknowledged from ${schema}.alerts where $__timeFilter(timestamp)"
            " and pipeline_name in (${pipeline:sqlstring}) and not coalesce(muted, false) order by 1 desc limit 200"
        ),
        make=rows,
        width=24,
    ),
)


def panels() -> list[AnyPanel]:
    """Build the panels of the dashboard."""
    return [_built(panel, number) for number, panel in enumerate(PANELS, start=1)]


def _built(panel: SqlPanel, place: int) -> AnyPanel:
    form = "time_series" if panel.make in (lines, stacked_bars) else "table"
    made: AnyPanel = begun(panel, place, SOURCE).with_target(_Query(SqlTarget(panel.query, form, SOURCE)))
    if panel.most is not None:
        made = made.min(0).max(panel.most)
    return made if panel.no_value is None else made.no_value(panel.no_value)


def variables() -> list[dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.TextBoxVariable]:
    """Build the choices at the top: the data source, the schema of the tables, and the pipelines."""
    everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    pipelines = (
        dashboard.QueryVariable("pipeline")
        .label("Pipeline")
        .datasource(SOURCE)
        .query("select distinct pipeline_name from ${schema}.runs where pipeline_name is not null order by 1")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .current(everything)
    )
    schema = dashboard.TextBoxVariable("schema").label("Schema").default_value("odibi")
    return [dashboard.DatasourceVariable("datasource").label("Data source").type(KIND), schema, pipelines]
