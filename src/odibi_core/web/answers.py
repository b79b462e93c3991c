"""The answers of the API, each a type: the functions return them, and the OpenAPI document is made of them."""

from datetime import datetime
from typing import Any

from msgspec import Struct

Document = dict[str, Any]
"""A JSON object whose shape the pages know: a run's document, a comparison, a row of a table."""


class Answer(Struct, frozen=True, kw_only=True):
    """An answer."""


class Page(Answer, frozen=True, kw_only=True):
    """A page of a list: `total` counts all rows that pass the filter.

    `problems` are sentences about records that could not be read, or of a shared store that are not here yet.
    """

    total: int
    offset: int
    limit: int
    problems: list[str]


class RunPage(Page, frozen=True, kw_only=True):
    """Runs, the newest first: columns of the table `runs`, and the `state` that a run is shown as."""

    runs: list[Document]


class LogPage(Answer, frozen=True, kw_only=True):
    """Lines of a log. `next` continues it, also when `more` is false and the run goes on."""

    run_id: str
    lines: list[Document]
    next: str
    more: bool


class FleetPipeline(Answer, frozen=True, kw_only=True):
    """A pipeline: its last run, its cadence, its days, and the days whose run is missing."""

    name: str
    runs: int
    last: Document
    state: str
    cadence: str
    next_due: datetime | None
    stopped: bool
    late: datetime | None
    days: list[Document]
    missing: list[int]


class FleetPage(Page, frozen=True, kw_only=True):
    """Pipelines, that of the latest run first. Days are counted since 1970, in the zone that was asked for."""

    pipelines: list[FleetPipeline]
    now: datetime
    first_day: int
    days: int


class Series(Answer, frozen=True, kw_only=True):
    """A figure in each run, and the range that the runs before it make usual; null while it is learned."""

    name: str
    dataset: str | None = None
    unit: str
    values: list[float | None]
    low: list[float | None]
    high: list[float | None]


class StepHistory(Answer, frozen=True, kw_only=True):
    """A step in the last runs, the oldest first: its figures, the null rates of its columns, and findings."""

    pipeline: str
    step: str
    layer: str | None
    runs: list[Document]
    series: list[Series]
    columns: list[Series]
    findings: list[Document]


class StepPoints(Answer, frozen=True, kw_only=True):
    """A step in runs, the oldest first: a flat row for each, as time series of other programs have it.

    `rows_out_low` and `rows_out_high` are the range that the earlier runs make usual, null while it is learned. `more`
    is true if older runs of the time are left out.
    """

    pipeline: str
    step: str
    points: list[Document]
    more: bool


class DatasetPage(Page, frozen=True, kw_only=True):
    """Files and tables that runs wrote and read, the last written first."""

    datasets: list[Document]
    now: datetime


class ComparisonAnswer(Answer, frozen=True, kw_only=True):
    """A comparison: the document of its page, and the comparison itself."""

    document: Document
    comparison: Document


class SqlAnswer(Answer, frozen=True, kw_only=True):
    """The answer of a SELECT; `more` is true if rows were left out. Whole numbers above 2^53 are texts."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    more: bool
    unreadable: int
    notices: list[str]
    duration_ms: float


class Reference(Answer, frozen=True, kw_only=True):
    """The questions with their SELECTs, the tables with their columns, and the macros."""

    questions: list[Document]
    tables: list[Document]
    macros: list[Document]


class ErrorPage(Page, frozen=True, kw_only=True):
    """Errors by fingerprint, those seen last first."""

    errors: list[Document]


class CostAnswer(Answer, frozen=True, kw_only=True):
    """Known costs by group; `unknown_costs` counts the calls without one."""

    by: str
    since: datetime
    rows: list[Document]
    total: Document


class AlertsAnswer(Answer, frozen=True, kw_only=True):
    """Alerts of rules, findings of runs, the mutes in force, and the number of findings that are hidden."""

    since: datetime
    rules: list[Document]
    findings: list[Document]
    mutes: list[Document]
    hidden: int
    not_judged: int


class Done(Answer, frozen=True, kw_only=True):
    """A change that was made, as a sentence."""

    message: str


class Problem(Answer, frozen=True, kw_only=True):
    """The reason for which there is no answer."""

    error: str
