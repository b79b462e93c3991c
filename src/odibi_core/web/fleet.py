"""The fleet: pipelines with their days, their cadence and the runs that are missing; and the history of one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import msgspec

from odibi_core.errors import RunNotFoundError, nearest
from odibi_core.events.clock import utc_now
from odibi_core.history.grid import grid_of, state_of
from odibi_core.history.grid_page import document
from odibi_core.history.noticing.cadence import has_stopped, learn, overdue
from odibi_core.web.answers import Document, FleetPage, FleetPipeline
from odibi_core.web.requests import OfFleet, OfHistory

if TYPE_CHECKING:
    from odibi_core.history.index import Index
    from odibi_core.history.index.fleet import PipelineDays
    from odibi_core.web.source import Source

_TROUBLE: Final = frozenset({"failed", "lost", "cancelled", "warning", "unusual"})
_MOST_READ: Final = 2_000
"""Pipelines that a filter by state looks at."""


def pipelines(source: Source, asked: OfFleet) -> FleetPage:
    """Return a page of pipelines with their days: runs by state, and the days whose run is missing."""
    now = utc_now()
    zone = timezone(timedelta(minutes=asked.zone))
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=asked.days - 1)
    with source.index() as index:
        names = [name for name in index.pipelines_by_start() if asked.search.lower() in name.lower()]
        if asked.only == "all":
            total, chosen = len(names), names[asked.offset : asked.offset + asked.limit]
            found = [_of_fleet(each, since, now, zone) for each in index.pipeline_days(chosen, since, asked.zone)]
        else:
            every = index.pipeline_days(names[:_MOST_READ], since, asked.zone)
            passed = [each for days in every if _passes(each := _of_fleet(days, since, now, zone), asked.only)]
            total, found = len(passed), passed[asked.offset : asked.offset + asked.limit]
    first = (since - datetime(1970, 1, 1, tzinfo=zone)).days
    return FleetPage(
        pipelines=found, total=total, offset=asked.offset, limit=asked.limit, now=now, first_day=first, days=asked.days,
        problems=source.problems,
    )  # fmt: skip


def _passes(pipeline: FleetPipeline, only: str) -> bool:
    if only == "running":
        return bool(pipeline.state == "running")
    if only == "late":
        return bool(pipeline.late)
    return pipeline.state in _TROUBLE or bool(pipeline.late)


def _of_fleet(found: PipelineDays, since: datetime, now: datetime, zone: timezone) -> FleetPipeline:
    starts = [start.astimezone(zone) for start in found.starts]
    cadence = learn(starts)
    stopped = bool(starts) and has_stopped(cadence, starts[0], now)
    missing = list(overdue(cadence, starts, now, since))
    due = cadence.after(starts[0]) if starts and not stopped else None
    gaps = {(each.due - datetime(1970, 1, 1, tzinfo=zone)).days for each in missing}
    return FleetPipeline(
        name=found.pipeline_name,
        runs=found.runs,
        last=found.last,
        state=state_of(found.last) if found.last else "unknown",
        cadence=str(cadence),
        next_due=due,
        stopped=stopped,
        late=next((each.due for each in missing if each.is_late), None),
        days=[msgspec.to_builtins(day) for day in found.days],
        missing=sorted(gaps),
    )


def history(source: Source, asked: OfHistory, name: str) -> Document:
    """Return the document of the last runs of a pipeline, as the page of `odibi history` has it."""
    with source.index() as index:
        check_pipeline(index, name)
        grid = grid_of(index, name, asked.last, asked.before)
    return document(grid)


def check_pipeline(index: Index, name: str) -> None:
    """Raise `RunNotFoundError` if no run is of this pipeline; the message names the nearest one."""
    known = index.pipelines_by_start()
    if name not in known:
        raise RunNotFoundError(f"there is no run of a pipeline {name!r}{nearest(name, known)}")
