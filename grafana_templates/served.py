"""The panels of the API of `odibi serve`: each is one request of Grafana's data source Infinity, and columns of it.

The data source has the address and the token; a panel has the path, the parameters, and the place of the rows in the
answer. The reader chooses a pipeline and one of its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias

import run_history
from grafana_foundation_sdk.builders import dashboard, table
from grafana_foundation_sdk.cog.builder import Builder as Builds
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from panels import NEUTRAL, Builder, Colours, begun, lines, number

KIND: Final = "yesoreyeram-infinity-datasource"
SOURCE: Final = model.DataSourceRef(type_val=KIND, uid="${datasource}")
AnyPanel: TypeAlias = Builder | table.Panel
Column: TypeAlias = tuple[str, str, Literal["string", "number", "timestamp"]]
"""The place of a value in a row, the title of its column, and its type."""
_RANGE: Final = {"since": "${__from:date:iso}", "until": "${__to:date:iso}"}
_PIPELINE: Final = "/api/pipelines/${pipeline:percentencode}"
_POINTS: Final = f"{_PIPELINE}/steps/${{step:percentencode}}/points"
_STATES: Final = {
    "success": "green", "running": "blue", "warning": "orange", "unusual": "orange", "cancelled": "orange",
    "failed": "red", "lost": "red",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ServedPanel:
    """One panel: a request of the API, the place of the rows in its answer (empty: the answer is the row), columns."""

    title: str
    description: str
    path: str
    columns: tuple[Column, ...]
    make: Callable[[], AnyPanel]
    width: int
    parameters: dict[str, str] = field(default_factory=dict)
    rows: str = ""
    unit: str = "short"
    height: int = 8
    colours: Colours = NEUTRAL
    units: dict[str, str] = field(default_factory=dict)
    """The units of columns that have one of their own, by their titles."""


@dataclass
class InfinityTarget(Dataquery):
    """A query as the data source Infinity takes it; the SDK has no type for it."""

    url: str
    url_options: dict[str, Any]
    root_selector: str
    columns: list[dict[str, str]]
    datasource: model.DataSourceRef
    refId: str = "A"
    type: str = "json"
    source: str = "url"
    format: str = "table"
    parser: str = "backend"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the query."""
        return {**asdict(self), "datasource": self.datasource.to_json(), "filters": [], "global_query_id": ""}


@dataclass
class _Query(Builds[Dataquery]):
    target: InfinityTarget

    def build(self) -> Dataquery:
        return self.target


def _target(path: str, parameters: dict[str, str], rows: str, columns: tuple[Column, ...]) -> InfinityTarget:
    given = [{"key": name, "value": value} for name, value in parameters.items()]
    return InfinityTarget(
        url=path,
        url_options={"method": "GET", "data": "", "params": given},
        root_selector=rows,
        columns=[{"selector": place, "text": title, "type": kind} for place, title, kind in columns],
        datasource=SOURCE,
    )


def _count(title: str, description: str, path: str, colours: Colours, **parameters: str) -> ServedPanel:
    """Return a panel of the number of rows that a list has in all."""
    return ServedPanel(
        title=title,
        description=description,
        path=path,
        parameters={**parameters, "limit": "1"},
        columns=(("total", title, "number"),),
        make=number,
        width=4,
        height=4,
        colours=colours,
    )


_RED: Final[Colours] = (("green", None), ("red", 1))
_ORANGE: Final[Colours] = (("green", None), ("orange", 1))
_BAND: Final = ("low end of the usual", "high end of the usual")

PANELS: Final = (
    _count("Runs", "Runs that began in the time range.", "/api/runs", NEUTRAL, **_RANGE),
    _count("Failed runs", "Runs that failed in the time range.", "/api/runs", _RED, **_RANGE, status="failed"),
    _count("Lost runs", "Runs whose process died in the time range.", "/api/runs", _RED, **_RANGE, status="lost"),
    _count("Running", "Runs that go on now, whenever they began.", "/api/runs", NEUTRAL, status="running"),
    _count(
        "Late pipelines", "Pipelines whose next run is overdue now, by their cadence.", "/api/pipelines", _ORANGE,
        only="late",
    ),
    ServedPanel(
        title="Known cost",
        description="The sum of the known costs in the time range, in US dollars; calls without a cost are not in it.",
        path="/api/costs",
        parameters=_RANGE,
        columns=(("total.cost_usd", "Known cost", "number"),),
        make=number,
        width=4,
        height=4,
        unit="currencyUSD",
    ),
    ServedPanel(
        title="Pipelines",
        description="The 500 pipelines that ran last: their last run, their cadence, and when the next run is due.",
        path="/api/pipelines",
        parameters={"limit": "500"},
        rows="pipelines",
        columns=(
            ("name", "Pipeline", "string"), ("state", "State", "string"), ("last.started", "Last run", "timestamp"),
            ("last.duration_ms", "Duration", "number"), ("cadence", "Cadence", "string"),
            ("next_due", "Next due", "timestamp"), ("late", "Late since", "timestamp"), ("runs", "Runs", "number"),
        ),
        make=run_history.rows,
        width=24,
        units={"Duration": "ms"},
    ),
    ServedPanel(
        title="Alerts",
        description="Alerts of rules that are open, and neither acknowledged nor muted.",
        path="/api/alerts",
        parameters=_RANGE,
        rows="rules",
        columns=(
            ("raised", "Raised", "timestamp"), ("severity", "Severity", "string"), ("rule", "Rule", "string"),
            ("pipeline_name", "Pipeline", "string"), ("message", "Message", "string"), ("owner", "Owner", "string"),
        ),
        make=run_history.rows,
        width=12,
    ),
    ServedPanel(
        title="Findings",
        description="Unusual, failed, lost, late and missed runs that are neither acknowledged nor muted.",
        path="/api/alerts",
        parameters=_RANGE,
        rows="findings",
        columns=(
            ("at", "Time", "timestamp"), ("kind", "Kind", "string"), ("pipeline_name", "Pipeline", "string"),
            ("node_name", "Step", "string"), ("message", "Message", "string"),
        ),
        make=run_history.rows,
        width=12,
    ),
    ServedPanel(
        title="Errors by cause",
        description="The 50 errors that were seen last in the time range: how often, in how many runs.",
        path="/api/errors",
        parameters=_RANGE,
        rows="errors",
        columns=(
            ("last_seen", "Last seen", "timestamp"), ("error_type", "Type", "string"), ("message", "Message", "string"),
            ("count", "Times", "number"), ("run_count", "Runs", "number"), ("fingerprint", "Fingerprint", "string"),
        ),
        make=run_history.rows,
        width=12,
    ),
    ServedPanel(
        title="Datasets",
        description="The 500 files and tables that were written last: their age, their rows, and their writer.",
        path="/api/datasets",
        parameters={"limit": "500"},
        rows="datasets",
        columns=(
            ("uri", "Dataset", "string"), ("written", "Written", "timestamp"), ("row_count", "Rows", "number"),
            ("pipeline_name", "Writer", "string"), ("last_read", "Last read", "timestamp"),
        ),
        make=run_history.rows,
        width=12,
        units={"Written": "dateTimeFromNow", "Last read": "dateTimeFromNow"},
    ),
    ServedPanel(
        title="Cost by pipeline",
        description="The known costs in the time range by pipeline, the largest first, in US dollars.",
        path="/api/costs",
        parameters={**_RANGE, "by": "pipeline", "limit": "20"},
        rows="rows",
        columns=(("name", "Pipeline", "string"), ("cost_usd", "Cost", "number")),
        make=run_history.bars_by_row,
        width=12,
        unit="currencyUSD",
    ),
    ServedPanel(
        title="Cost by day",
        description="The known costs in the time range by day of UTC, in US dollars.",
        path="/api/costs",
        parameters={**_RANGE, "by": "day", "limit": "500"},
        rows="rows",
        columns=(("name", "Day", "timestamp"), ("cost_usd", "Cost", "number")),
        make=lines,
        width=12,
        unit="currencyUSD",
    ),
    ServedPanel(
        title="Duration of runs",
        description="The duration of the newest 500 runs of the chosen pipeline in the time range.",
        path="/api/runs",
        parameters={**_RANGE, "pipeline": "${pipeline}", "limit": "500"},
        rows="runs",
        columns=(("started", "Started", "timestamp"), ("duration_ms", "Duration", "number")),
        make=lines,
        width=12,
        unit="ms",
    ),
    ServedPanel(
        title="Rows of runs",
        description="Rows that the newest 500 runs of the chosen pipeline read and published in the time range.",
        path="/api/runs",
        parameters={**_RANGE, "pipeline": "${pipeline}", "limit": "500"},
        rows="runs",
        columns=(
            ("started", "Started", "timestamp"), ("rows_read", "Read", "number"),
            ("rows_published", "Published", "number"),
        ),
        make=lines,
        width=12,
    ),
    ServedPanel(
        title="Rows of the step",
        description="Rows of the chosen step in its newest 500 runs of the time range, with the usual range.",
        path=_POINTS,
        parameters=_RANGE,
        rows="points",
        columns=(
            ("run_started", "Started", "timestamp"), ("rows_out", "Rows", "number"),
            ("rows_out_low", _BAND[0], "number"), ("rows_out_high", _BAND[1], "number"),
        ),
        make=lines,
        width=12,
    ),
    ServedPanel(
        title="Duration of the step",
        description="The duration of the chosen step in its newest 500 runs of the time range, with the usual range.",
        path=_POINTS,
        parameters=_RANGE,
        rows="points",
        columns=(
            ("run_started", "Started", "timestamp"), ("duration_ms", "Duration", "number"),
            ("duration_ms_low", _BAND[0], "number"), ("duration_ms_high", _BAND[1], "number"),
        ),
        make=lines,
        width=12,
        unit="ms",
    ),
    ServedPanel(
        title="Runs of the pipeline",
        description="The newest 500 runs of the chosen pipeline in the time range.",
        path="/api/runs",
        parameters={**_RANGE, "pipeline": "${pipeline}", "limit": "500"},
        rows="runs",
        columns=(
            ("started", "Started", "timestamp"), ("state", "State", "string"), ("duration_ms", "Duration", "number"),
            ("rows_published", "Published", "number"), ("checks_failed", "Failed checks", "number"),
            ("error", "Error", "string"), ("run_id", "Run", "string"),
        ),
        make=run_history.rows,
        width=24,
        units={"Duration": "ms"},
    ),
)  # fmt: skip


def panels() -> list[AnyPanel]:
    """Build the panels of the dashboard."""
    return [_built(panel, number) for number, panel in enumerate(PANELS, start=1)]


def _built(panel: ServedPanel, place: int) -> AnyPanel:
    query = _Query(_target(panel.path, panel.parameters, panel.rows, panel.columns))
    made: AnyPanel = begun(panel, place, SOURCE).with_target(query)
    for title, properties in _overrides(panel).items():
        made = made.override_by_name(title, [model.DynamicConfigValue(name, value) for name, value in properties])
    return made


def _overrides(panel: ServedPanel) -> dict[str, list[tuple[str, Any]]]:
    """Return the properties of columns: units, the colours of states, and the usual range as a band."""
    found: dict[str, list[tuple[str, Any]]] = {title: [("unit", unit)] for title, unit in panel.units.items()}
    titles = [title for _, title, _ in panel.columns]
    if "State" in titles:
        options = {state: {"color": colour} for state, colour in _STATES.items()}
        coloured = ("custom.cellOptions", {"type": "color-text"})
        found["State"] = [("mappings", [{"type": "value", "options": options}]), coloured]
    if _BAND[1] in titles:
        thin = ("custom.lineWidth", 0)
        found[_BAND[0]] = [thin, ("custom.fillOpacity", 0)]
        found[_BAND[1]] = [thin, ("custom.fillBelowTo", _BAND[0])]
    return found


def variables() -> list[dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.TextBoxVariable]:
    """Build the choices at the top: the data source, a pipeline, and one of its steps."""
    source = dashboard.DatasourceVariable("datasource").label("Data source").type(KIND)
    name: tuple[Column, ...] = (("name", "name", "string"),)
    steps = _target(f"{_PIPELINE}/history", {"last": "30"}, "steps", name)
    return [
        source,
        _choice("pipeline", "Pipeline", _target("/api/pipelines", {"limit": "500"}, "pipelines", name)),
        _choice("step", "Step", steps).regex("/^(?!all steps$).+$/"),
    ]


def _choice(name: str, label: str, target: InfinityTarget) -> dashboard.QueryVariable:
    query: dict[str, object] = {"queryType": "infinity", "query": "", "infinityQuery": target.to_json()}
    refresh = model.VariableRefresh.ON_TIME_RANGE_CHANGED
    return dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(query).refresh(refresh)
