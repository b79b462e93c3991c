"""The table of the API: each route with the types of its parameters and its answer, and the function that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from odibi_core.web import alerts, answers, fleet, queries, reports, requests, runs, step_history

OPENAPI: Final = "/api/openapi.json"


class Route(Struct, frozen=True):
    """A route of the API.

    `call` takes the source, the parameters, and the parts of the path in their order; that of a POST takes the body in
    place of the parameters, then the user. None for a stream of events.
    """

    path: str
    summary: str
    asked: type[Any]
    answer: Any
    call: Callable[..., Any] | None
    method: str = "GET"
    tag: str = "runs"

    @property
    def name(self) -> str:
        """The name of the operation: `get_api_runs_run_log`."""
        return f"{self.method.lower()}{self.path}".replace("/", "_").replace("{", "").replace("}", "").replace(".", "_")


_DOCUMENT: Final = answers.Document
ROUTES: Final = (
    Route("/api/runs", "List runs, the newest first.", requests.OfRuns, answers.RunPage, runs.runs),
    Route("/api/runs/{run}", "Return the document of a run.", requests.OfRun, _DOCUMENT, runs.run),
    Route("/api/runs/{run}/events", "Follow a run by server-sent events.", requests.OfNothing, str, None),
    Route("/api/runs/{run}/log", "Return a page of a log.", requests.OfLog, answers.LogPage, runs.log),
    Route("/api/compare", "Compare two runs.", requests.OfTwoRuns, answers.ComparisonAnswer, runs.compare),
    Route(
        "/api/pipelines", "List pipelines with their days.", requests.OfFleet, answers.FleetPage, fleet.pipelines,
        tag="pipelines",
    ),
    Route(
        "/api/pipelines/{name}/history", "Return the document of the last runs of a pipeline.",
        requests.OfHistory, _DOCUMENT, fleet.history, tag="pipelines",
    ),
    Route(
        "/api/pipelines/{name}/steps/{step}", "Return the history of a step.", requests.OfHistory,
        answers.StepHistory, step_history.step_history, tag="pipelines",
    ),
    Route(
        "/api/pipelines/{name}/steps/{step}/points", "Return a step as a row for each of its runs.", requests.OfPoints,
        answers.StepPoints, step_history.points, tag="pipelines",
    ),
    Route(
        "/api/datasets", "List datasets.", requests.OfDatasets, answers.DatasetPage, queries.datasets, tag="data"
    ),
    Route("/api/sql", "Answer one SELECT.", requests.OfQuery, answers.SqlAnswer, queries.sql, tag="data"),
    Route(
        "/api/questions", "List the questions, the tables and the macros.", requests.OfNothing, answers.Reference,
        queries.questions, tag="data",
    ),
    Route("/api/metrics", "Return the metrics of a run.", requests.OfMetrics, _DOCUMENT, reports.metrics),
    Route(
        "/api/errors", "List errors by fingerprint.", requests.OfErrors, answers.ErrorPage, reports.errors,
        tag="reports",
    ),
    Route(
        "/api/errors/{fingerprint}", "Return one error with its newest failure.", requests.OfNothing, _DOCUMENT,
        reports.one_error, tag="reports",
    ),
    Route("/api/costs", "Return costs.", requests.OfCosts, answers.CostAnswer, queries.costs, tag="reports"),
    Route("/api/usage", "Return the use of commands.", requests.OfRecent, _DOCUMENT, reports.usage, tag="reports"),
    Route(
        "/api/health", "Return recorded health checks.", requests.OfRecent, _DOCUMENT, reports.health, tag="reports"
    ),
    Route(
        "/api/alerts", "List alerts and findings.", requests.OfAlerts, answers.AlertsAnswer, alerts.alerts,
        tag="alerts",
    ),
    Route(
        "/api/alerts/{alert}/acknowledge", "Acknowledge an alert.", requests.Acknowledge, answers.Done,
        alerts.acknowledge, method="POST", tag="alerts",
    ),
    Route(
        "/api/mutes", "Mute a pipeline, a step or a family, or end a mute.", requests.Mute, answers.Done,
        alerts.mute, method="POST", tag="alerts",
    ),
)  # fmt: skip
