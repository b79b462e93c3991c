"""The list of runs, one run as a document, its log, and the comparison of two runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds, to_dict
from odibi_core.history.comparison import compare_runs
from odibi_core.history.comparison import page as comparison_page
from odibi_core.history.for_story import story_history
from odibi_core.history.grid import state_of
from odibi_core.history.index.filters import RunFilter
from odibi_core.history.rows import decoded
from odibi_core.store import log_page
from odibi_core.store.log_search import LogFilter
from odibi_core.story import build, read_background
from odibi_core.views.answers import Lineage
from odibi_core.views.lineage import LineageView
from odibi_core.web.answers import ComparisonAnswer, Document, LogPage, RunPage
from odibi_core.web.requests import OfLog, OfRun, OfRuns, OfTwoRuns

if TYPE_CHECKING:
    from odibi_core.web.source import Source

_OF_LIST: Final = (
    "run_id", "pipeline_name", "partition", "status", "started", "ended", "duration_ms", "engine", "steps",
    "success_count", "failed_count", "skipped_count", "rows_read", "rows_published", "checks_passed", "checks_failed",
    "checks_not_checked", "unusual", "cost_usd", "error", "params", "tags", "git_commit", "git_dirty", "host",
    "resumed_from", "blame", "last_event", "parent_run_id", "integration", "external_run_id", "external_url",
)  # fmt: skip
_LONGEST_LINE: Final = 20_000
"""Characters of a field of a line; the raw record has all of it."""


def runs(source: Source, asked: OfRuns) -> RunPage:
    """Return a page of runs, the newest first, with the number of all that pass the filter."""
    wanted = RunFilter(
        pipeline_name=asked.pipeline, since=asked.since, until=asked.until, status=asked.status,
        tags=_pairs(asked.tag, "tag"), params=_pairs(asked.param, "param"), partition=asked.partition,
        unusual=asked.unusual, text=asked.search,
    )  # fmt: skip
    with source.index() as index:
        rows = index.runs(wanted, asked.limit, asked.offset)
        is_last = len(rows) < asked.limit and bool(rows or not asked.offset)
        total = asked.offset + len(rows) if is_last else index.count(wanted)
    found = [listed(row) for row in rows]
    return RunPage(runs=found, total=total, offset=asked.offset, limit=asked.limit, problems=source.problems)


def listed(row: dict[str, Any]) -> Document:
    """Return a run of a list: some columns, and `state`, which marks successes that need a look."""
    found = decoded("runs", {name: row[name] for name in _OF_LIST})
    return {**found, "state": state_of(row)}


def run(source: Source, asked: OfRun, run_id: str, *, is_live: bool = True) -> Document:
    """Return the document of a run as its story has it; with `at` as it was then, without its background.

    A document that is saved as a file is not live.
    """
    found = source.find(run_id)
    lineage = _lineage(source, found, asked.at)
    if asked.at is not None:
        return build(lineage, is_live=is_live)
    if lineage.status == "running" and source.store.detect_lost(found):
        lineage = _lineage(source, found)
    return build(lineage, None, read_background(story_history(source.store, found)), is_live=is_live)


def _lineage(source: Source, run_id: str, at: datetime | None = None) -> Lineage:
    """Return the lineage of a run up to a time, from its events."""
    view = LineageView(run_id)
    for event in source.store.read(run_id):
        if at is None or event.timestamp <= at:
            view(event)
    return view.answer()


def log(source: Source, asked: OfLog, run_id: str) -> LogPage:
    """Return a page of the log of a run; `next` continues it, also when `more` is false and the run goes on."""
    wanted = LogFilter(
        asked.search, kinds.severity(asked.level), asked.step, asked.kind and kinds.canonical(asked.kind)
    )
    found = source.find(run_id)
    page = log_page.page(source.store, found, wanted, asked.limit, asked.after, newest=asked.newest)
    lines = [{name: _cut(value) for name, value in to_dict(event).items()} for event in page.events]
    return LogPage(run_id=found, lines=lines, next=page.next, more=page.more)


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_LINE:
        return f"{value[:_LONGEST_LINE]}… ({len(value):,} characters)"
    return value


def compare(source: Source, asked: OfTwoRuns) -> ComparisonAnswer:
    """Return what differs between two runs, the most important first, with the probable cause."""
    run, other = (None if each is None else source.find(each) for each in (asked.run, asked.other))
    found = compare_runs(source.store, run, other, anyway=asked.anyway)
    return ComparisonAnswer(document=comparison_page.document(found), comparison=found.as_dict())


def _pairs(given: list[str], name: str) -> dict[str, str]:
    found = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not key or not equals:
            raise ConfigurationError(f"{name} must be name=value, got {each!r}")
        found[key] = value
    return found
