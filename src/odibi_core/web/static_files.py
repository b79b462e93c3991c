"""The pages as files for any web server: the same scripts, and the answers that they fetch as JSON beside them.

index.html            every page, by its parameter `page`
assets/               scripts and styles
data/index.json       the file of each request
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import msgspec

from odibi_core.errors import ConfigurationError, OdibiError
from odibi_core.web import alerts, fleet, queries, reports, requests, runs, step_history
from odibi_core.web.pages import assets, shell

if TYPE_CHECKING:
    from odibi_core.web.source import Source

RUNS: Final = 200
"""The newest runs, which have pages of their own."""
_PIPELINES: Final = 200
_READ_AT_ONCE: Final = 16
"""Runs whose failures are kept while the pages of errors are written: the errors of one run follow each other."""
_PART: Final = "-_.!~*'()"
"""Characters that `encodeURIComponent` leaves as they are, besides letters and digits."""
_INDEX: Final = "index.json"

Answers = Iterator[tuple[str, Callable[[], Any]]]


class Written(msgspec.Struct, frozen=True):
    """The number of files, of runs with a page, and of all runs."""

    files: int
    runs: int
    runs_in_all: int


def write_static(source: Source, folder: Path, version: str) -> Written:
    """Write the pages of a store, over those of an earlier call.

    Raises:
        ConfigurationError: The folder has other files.
        OSError: It cannot be written.
    """
    data = folder / "data"
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (data / _INDEX).is_file())):
        raise ConfigurationError(f"--static must be a new folder, or one that --static wrote, got {str(folder)!r}")
    data.mkdir(parents=True, exist_ok=True)
    for name, content in assets().items():
        path = folder / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    listed = runs.runs(source, requests.OfRuns(limit=RUNS))
    files: dict[str, str] = {}
    for request, answer in _answers(source, listed):
        try:
            found = answer()
        except OdibiError:  # no good run to compare with, a run that was pruned meanwhile
            continue
        name = f"{hashlib.sha256(request.encode()).hexdigest()[:20]}.json"
        (data / name).write_bytes(msgspec.json.encode(found, enc_hook=str))
        files[request] = name
    (data / _INDEX).write_bytes(msgspec.json.encode(files))
    (folder / "index.html").write_text(shell(version, is_static=True), encoding="utf-8")
    for path in data.glob("*.json"):
        if path.name != _INDEX and path.name not in files.values():
            path.unlink()
    return Written(len(files) + len(assets()) + 2, len(listed.runs), listed.total)


def _answers(source: Source, listed: Any) -> Answers:
    """Yield each request of the pages, as they spell it, with its answer."""
    page = fleet.pipelines(source, requests.OfFleet(limit=_PIPELINES))
    yield "pipelines", lambda: page
    yield "runs", lambda: listed
    yield "datasets", lambda: queries.datasets(source, requests.OfDatasets(limit=requests.MOST_ROWS))
    yield "alerts", lambda: alerts.alerts(source, requests.OfAlerts())
    yield "costs", lambda: queries.costs(source, requests.OfCosts())
    yield "health", lambda: reports.health(source, requests.OfRecent())
    yield "usage", lambda: reports.usage(source, requests.OfRecent())
    failures = reports.errors(source, requests.OfErrors(limit=requests.MOST_ROWS))
    yield "errors", lambda: failures
    examples_of = lru_cache(_READ_AT_ONCE)(partial(reports.examples_in, source))
    for each in failures.errors:
        one_error = partial(reports.one_error, source, requests.OfNothing(), each["fingerprint"], examples_of)
        yield f"errors/{_part(each['fingerprint'])}", one_error
    for pipeline in page.pipelines:
        yield from _of_pipeline(source, pipeline.name)
    for row in listed.runs:
        yield from _of_run(source, row["run_id"])


def _of_pipeline(source: Source, name: str) -> Answers:
    asked = requests.OfHistory()
    history = fleet.history(source, asked, name)
    yield f"pipelines/{_part(name)}/history", lambda: history
    yield f"runs?{urlencode({'pipeline': name})}", lambda: runs.runs(source, requests.OfRuns(pipeline=name, limit=RUNS))
    for row in history["steps"]:
        if not row.get("all"):
            step = row["name"]
            request = f"pipelines/{_part(name)}/steps/{_part(step)}"
            yield request, lambda step=step: step_history.step_history(source, asked, name, step)  # type: ignore[misc]


def _of_run(source: Source, run_id: str) -> Answers:
    yield f"runs/{_part(run_id)}", lambda: runs.run(source, requests.OfRun(), run_id, is_live=False)
    yield f"runs/{_part(run_id)}/log", lambda: runs.log(source, requests.OfLog(limit=requests.MOST_ROWS), run_id)
    yield f"metrics?{urlencode({'run': run_id})}", lambda: reports.metrics(source, requests.OfMetrics(run=run_id))
    yield f"compare?{urlencode({'run': run_id})}", lambda: runs.compare(source, requests.OfTwoRuns(run=run_id))


def _part(name: str) -> str:
    """Return a part of a path as `encodeURIComponent` spells it."""
    return quote(name, safe=_PART)
