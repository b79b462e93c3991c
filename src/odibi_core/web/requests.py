"""The parameters and bodies of the API, each a type: they are checked by it, and the OpenAPI document is made of it."""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from odibi_core.history.noticing.causes import FAMILIES

MUTED_FAMILIES: Final = (*FAMILIES, "cadence", "status")
MOST_ROWS: Final = 500
"""Rows of one page."""
Name = Annotated[str, Meta(min_length=1, max_length=500)]
Moment = Annotated[datetime, Meta(tz=True)]
Status = Literal["success", "failed", "cancelled", "running", "lost"]
Limit = Annotated[int, Meta(ge=1, le=MOST_ROWS, description="Rows of a page.")]
Offset = Annotated[int, Meta(ge=0, le=10**9, description="Rows before the page.")]
Search = Annotated[str, Meta(max_length=200, description="Only rows with this text, in any case.")]
Pair = Annotated[str, Meta(extra_json_schema={"pattern": "^[^=]+="})]
"""`name=value`; the answer to another text names this form."""
ZoneMinutes = Annotated[int, Meta(ge=-1_439, le=1_439, description="Minutes of the time zone east of UTC.")]


class Asked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parameters of a request; an unknown one is refused."""


class OfNothing(Asked, frozen=True, kw_only=True):
    """No parameters."""


class OfRuns(Asked, frozen=True, kw_only=True):
    """A page of the list of runs."""

    pipeline: Name | None = None
    status: Status | None = None
    since: Annotated[Moment, Meta(description="Only runs that began at this time or later.")] | None = None
    until: Annotated[Moment, Meta(description="Only runs that began until this time.")] | None = None
    search: Search = ""
    tag: Annotated[list[Pair], Meta(max_length=20, description="Only runs with this tag, as `name=value`.")] = []
    param: Annotated[list[Pair], Meta(max_length=20, description="Only with this parameter, as `name=value`.")] = []
    partition: Name | None = None
    unusual: Annotated[bool, Meta(description="Only runs with unusual findings.")] = False
    limit: Limit = 50
    offset: Offset = 0


class OfRun(Asked, frozen=True, kw_only=True):
    """One run."""

    at: Annotated[Moment, Meta(description="The state at this time; by default now.")] | None = None


class OfLog(Asked, frozen=True, kw_only=True):
    """A page of the log of a run."""

    search: Search = ""
    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], Meta(description="This level and above.")
    ] = "debug"
    step: Name | None = None
    kind: Annotated[Name, Meta(description="Only this kind of event, such as `node_failed`.")] | None = None
    newest: Annotated[bool, Meta(description="Begin with the newest line.")] = False
    after: Annotated[str, Meta(max_length=4_000, description="`next` of the page before.")] = ""
    limit: Limit = 200


class OfFleet(Asked, frozen=True, kw_only=True):
    """A page of pipelines with their days."""

    search: Search = ""
    days: Annotated[int, Meta(ge=1, le=120)] = 30
    zone: ZoneMinutes = 0
    only: Annotated[Literal["all", "trouble", "running", "late"], Meta(description="Pipelines of this state.")] = "all"
    limit: Limit = 50
    offset: Offset = 0


class OfHistory(Asked, frozen=True, kw_only=True):
    """The last runs of a pipeline."""

    last: Annotated[int, Meta(ge=1, le=400, description="The number of runs.")] = 60
    before: Annotated[Moment, Meta(description="Only runs that began before this time.")] | None = None


class OfPoints(Asked, frozen=True, kw_only=True):
    """The runs of a step in a time."""

    since: Annotated[Moment, Meta(description="By default 30 days ago.")] | None = None
    until: Annotated[Moment, Meta(description="Only runs that began before this time.")] | None = None
    limit: Limit = MOST_ROWS


class OfTwoRuns(Asked, frozen=True, kw_only=True):
    """Two runs."""

    run: Annotated[Name, Meta(description="The run in question; by default the latest one.")] | None = None
    other: Annotated[Name, Meta(description="By default the last good run before it.")] | None = None
    anyway: Annotated[bool, Meta(description="Compare runs of different pipelines too.")] = False


class OfDatasets(Asked, frozen=True, kw_only=True):
    """A page of datasets."""

    search: Search = ""
    limit: Limit = 100
    offset: Offset = 0


class OfQuery(Asked, frozen=True, kw_only=True):
    """A query."""

    query: Annotated[str, Meta(min_length=1, max_length=20_000, description="One SELECT in DuckDB's SQL.")]
    run: Annotated[Name, Meta(description="The only run that it sees.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000, description="Rows of the answer.")] = 1_000


class OfRecent(Asked, frozen=True, kw_only=True):
    """The time that an answer is about."""

    since: Annotated[Moment, Meta(description="By default 30 days ago.")] | None = None


class OfMetrics(Asked, frozen=True, kw_only=True):
    """The metrics of a run."""

    run: Annotated[Name, Meta(description="By default the latest run.")] | None = None


class OfErrors(Asked, frozen=True, kw_only=True):
    """A page of the errors of all runs."""

    pipeline: Name | None = None
    run: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    search: Search = ""
    limit: Limit = 50
    offset: Offset = 0


class OfCosts(Asked, frozen=True, kw_only=True):
    """The groups of costs."""

    by: Literal["operation", "run", "pipeline", "day", "step"] = "operation"
    since: Annotated[Moment, Meta(description="By default 30 days ago.")] | None = None
    until: Annotated[Moment, Meta(description="By default now.")] | None = None
    limit: Limit = 100


class OfAlerts(Asked, frozen=True, kw_only=True):
    """Alerts and findings."""

    since: Annotated[Moment, Meta(description="By default 7 days ago; open alerts are always listed.")] | None = None
    until: Annotated[Moment, Meta(description="By default now.")] | None = None
    pipeline: Name | None = None
    all: Annotated[bool, Meta(description="Also those that are acknowledged, muted or resolved.")] = False


class Acknowledge(Struct, frozen=True, forbid_unknown_fields=True):
    """An acknowledgement of an alert."""

    note: Annotated[str, Meta(max_length=2_000)] = ""


class Mute(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mute of a pipeline, of one of its steps or of a family of findings."""

    pipeline: Name
    step: Name | None = None
    family: Annotated[str, Meta(extra_json_schema={"enum": list(MUTED_FAMILIES)})] | None = None
    until: Moment | None = None
    lift: Annotated[bool, Meta(description="End a mute of the same pipeline, step and family.")] = False
