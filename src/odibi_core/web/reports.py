"""Errors, usage, health and metrics of a store, as its commands show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core import plugins
from odibi_core.errors import RunNotFoundError, nearest
from odibi_core.events import Event
from odibi_core.events.clock import utc_now
from odibi_core.exporters.base import MetricsSnapshot
from odibi_core.exporters.prometheus_names import escaped
from odibi_core.views.answers import ErrorExample
from odibi_core.views.as_dict import answer_dict
from odibi_core.views.errors import ErrorsView
from odibi_core.views.health import HealthView
from odibi_core.views.metrics.view import MetricsView
from odibi_core.views.runs import RunsView
from odibi_core.views.usage import UsageView
from odibi_core.web.answers import Document, ErrorPage
from odibi_core.web.requests import OfErrors, OfMetrics, OfNothing, OfRecent

if TYPE_CHECKING:
    from odibi_core.web.source import Source

Examples = dict[str, ErrorExample]
"""The newest failures of a run, by the fingerprint of the error."""

_MONTH: Final = timedelta(days=30)
_MOST_RUNS: Final = 200
"""Runs of which an answer reads the events; the others are counted as left out."""


def errors(source: Source, asked: OfErrors) -> ErrorPage:
    """Return a page of the errors of all runs by fingerprint, those seen last first."""
    run_id = None if asked.run is None else source.find(asked.run)
    with source.index() as index:
        found = index.errors(asked.pipeline, asked.since, asked.until, run_id)
    if asked.search:
        text = asked.search.lower()
        found = [each for each in found if text in f"{each.error_type} {each.message} {each.nodes}".lower()]
    page = [msgspec.to_builtins(each, builtin_types=(datetime,)) for each in found[asked.offset :][: asked.limit]]
    return ErrorPage(errors=page, total=len(found), offset=asked.offset, limit=asked.limit, problems=source.problems)


def one_error(
    source: Source, asked: OfNothing, fingerprint: str, examples_of: Callable[[str], Examples] | None = None
) -> Document:
    """Return one error with its newest failure: traceback, context, what came before.

    Args:
        source: The store.
        asked: The parameters of the request, which has none.
        fingerprint: The error.
        examples_of: Return the newest failures of a run. By default the run is read.
    """
    with source.index() as index:
        rows = {each.fingerprint: each for each in index.errors()}
    row = rows.get(fingerprint)
    if row is None:
        raise RunNotFoundError(f"there is no error {fingerprint!r}{nearest(fingerprint, rows)}")
    examples = examples_of(row.name) if examples_of else examples_in(source, row.name)
    example = examples.get(fingerprint)
    return {
        **msgspec.to_builtins(row, builtin_types=(datetime,)),
        "example": None if example is None else answer_dict(example),
    }


def examples_in(source: Source, run_id: str) -> Examples:
    """Return the newest failure of each error of a run."""
    view = ErrorsView()
    for event in source.store.read(run_id):
        view(event)
    return {each.fingerprint: each.example for each in view.answer().groups}


def usage(source: Source, asked: OfRecent) -> Document:
    """Return the use of commands, features and data checks in the newest runs of a time."""
    view = UsageView()
    return {**_folded(source, asked.since, view), **view.answer()}


def health(source: Source, asked: OfRecent) -> Document:
    """Return the last recorded result of each health check and circuit, and the problems of the store itself."""
    view = HealthView()
    about = _folded(source, asked.since, view)
    return {**about, **view.answer(), "problems": source.problems}


def _folded(source: Source, since: datetime | None, view: Callable[[Event], object]) -> Document:
    begin = since or utc_now() - _MONTH
    with source.index() as index:
        names = [name for name, _ in index.recent(since=begin)]
    chosen = names[:_MOST_RUNS][::-1]
    for _, events in source.store.read_many(chosen):
        for event in events:
            if event.timestamp >= begin:
                view(event)
    return {"since": begin, "runs_read": len(chosen), "runs_left_out": len(names) - len(chosen)}


def metrics(source: Source, asked: OfMetrics) -> Document:
    """Return the metrics of a run, computed from its record: the same values as at its end."""
    run_id = source.find(asked.run or "latest")
    view, runs = MetricsView(), RunsView()
    for event in source.store.read(run_id):
        view(event)
        runs(event)
    rows = runs.answer()
    at = (rows[0].last_event if rows else None) or utc_now()
    exported = plugins.load("exporters", "json")().export(MetricsSnapshot(view=view, at=at))
    found: dict[str, Any] = msgspec.json.decode(exported)
    return {"run_id": run_id, **found}


def prometheus(source: Source) -> str:
    """Return figures of each pipeline for Prometheus, in its text format 0.0.4."""
    return "".join(f"{line}\n" for line in _families(source))


def _families(source: Source) -> Iterator[str]:
    with source.index() as index:
        found = index.pipeline_days(index.pipelines_by_start(), utc_now(), starts=1)
    wanted: tuple[tuple[str, str, Callable[[Any], float | None]], ...] = (
        ("odibi_pipeline_runs", "Recorded runs of the pipeline.", lambda each: each.runs),
        (
            "odibi_pipeline_last_start_timestamp_seconds", "The start of its last run.",
            lambda each: each.last["started"].timestamp() if each.last.get("started") else None,
        ),
        (
            "odibi_pipeline_last_success_timestamp_seconds", "The start of its last successful run.",
            lambda each: each.last_success.timestamp() if each.last_success else None,
        ),
        (
            "odibi_pipeline_last_duration_seconds", "The duration of its last run.",
            lambda each: each.last["duration_ms"] / 1e3 if each.last.get("duration_ms") is not None else None,
        ),
        (
            "odibi_pipeline_last_failed", "1 if its last run failed, was cancelled or is lost.",
            lambda each: float(each.last.get("status") in ("failed", "cancelled", "lost")),
        ),
    )  # fmt: skip
    for name, text, value_of in wanted:
        yield f"# HELP {name} {text}"
        yield f"# TYPE {name} gauge"
        for each in found:
            if (value := value_of(each)) is not None:
                yield f'{name}{{pipeline="{escaped(each.pipeline_name)}"}} {value}'
