"""The script that builds the Grafana dashboards beside it, from the tables of `overview.py`, `node_performance.py`,
`toolkit.py`, `run_history.py` and `served.py`.

    python grafana_templates/build.py            write the JSON
    python grafana_templates/build.py --check    exit with 1 and a diff if the JSON differs

It needs grafana-foundation-sdk, which comes with the extra `dev`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))

import built_files
import node_performance
import overview
import run_history
import served
import toolkit
from grafana_foundation_sdk.builders import dashboard, table
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model
from panels import JOB, SOURCE, Builder, Panel, built

TAG: Final = "odibi-core"


Variable: TypeAlias = dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.TextBoxVariable


def variables() -> list[Variable]:
    """Build the choices at the top of a dashboard: the data source, the jobs and the nodes."""
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return [
        source,
        values_of("job", "Job", "label_values(odibi_uptime_seconds, job)"),
        values_of("node", "Node", f"label_values(odibi_node_duration_ms{{{JOB}}}, node)"),
    ]


def values_of(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Build a multiple choice of a label's values; all are selected at first."""
    everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": f"{name}-values"})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(everything)
    )


def text_of(
    uid: str,
    title: str,
    description: str,
    panels: Sequence[Builder | table.Panel],
    choices: Sequence[Variable],
    since: str = "now-6h",
) -> str:
    """Return a dashboard as the JSON that Grafana imports; the same panels give the same text."""
    link = dashboard.DashboardLink(TAG).type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .refresh("30s")
        .time(since, "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(link.keep_time(True).include_vars(True))
    )
    for variable in choices:
        made = made.with_variable(variable)
    for panel in panels:
        made = made.with_panel(panel)
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _numbered(panels: Sequence[Panel]) -> list[Builder]:
    return [built(panel, number) for number, panel in enumerate(panels, start=1)]


def dashboards() -> dict[str, str]:
    """Build the content of each dashboard file, by file name."""
    return {
        "odibi_overview_dashboard.json": text_of(
            "odibi-overview",
            "odibi-core: overview",
            "Pipelines, their errors, their data.",
            _numbered(overview.PANELS),
            variables(),
        ),
        "odibi_node_performance_dashboard.json": text_of(
            "odibi-node-performance",
            "odibi-core: node performance",
            "The nodes of pipelines: outcomes, durations, memory, throughput.",
            _numbered(node_performance.PANELS),
            variables(),
        ),
        "odibi_operations_dashboard.json": text_of(
            "odibi-operations",
            "odibi-core: operations",
            "Operations, commands, health checks and exporters of programs.",
            _numbered(toolkit.OPERATIONS),
            variables()[:2],
        ),
        "odibi_data_dashboard.json": text_of(
            "odibi-data",
            "odibi-core: costs and data quality",
            "The costs of queries, and the checks of data.",
            _numbered(toolkit.DATA),
            variables()[:2],
        ),
        "odibi_history_dashboard.json": text_of(
            "odibi-history",
            "odibi-core: history",
            "The history of all runs in PostgreSQL, as odibi store export --to brings it there.",
            run_history.panels(),
            run_history.variables(),
            since="now-30d",
        ),
        "odibi_server_dashboard.json": text_of(
            "odibi-server",
            "odibi-core: server",
            "Pipelines, runs, steps, errors, datasets and costs, from the API of odibi serve.",
            served.panels(),
            served.variables(),
            since="now-30d",
        ),
    }


if __name__ == "__main__":
    sys.exit(built_files.main(__file__, dashboards))
