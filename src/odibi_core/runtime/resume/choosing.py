"""The earlier run that a new run takes results from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from odibi_core.errors import ConfigurationError, RunNotFoundError
from odibi_core.events.sanitize import sanitize_value
from odibi_core.history.index import Index, RunFilter
from odibi_core.pipeline import Graph
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.runtime.resume.plan import missing_inputs
from odibi_core.runtime.run_context import Purpose
from odibi_core.store.runs import RunStore

_SEARCHED = 200
_LOOKED_AT = 20
LATEST = "latest"


def run_to_resume(store: RunStore, pipeline_name: str, purpose: Purpose, wanted: str) -> PastRun:
    """Return the run to resume.

    Args:
        store: The store.
        pipeline_name: The pipeline of the new run.
        purpose: Its parameters and its partition.
        wanted: An id, a part of one, or "latest" for the latest run of the same parameters, if it has not succeeded.

    Raises:
        RunNotFoundError: There is no such run; a run of some steps alone does not count.
        ConfigurationError: The run is of another pipeline or partition, still runs, or succeeded.
    """
    if wanted == LATEST:
        return _latest_failed(store, pipeline_name, purpose)
    run_id = store.find(wanted)
    store.detect_lost(run_id)
    found = PastRun(store, run_id)
    if found.pipeline_name != pipeline_name:
        raise ConfigurationError(
            f"--resume must be a run of {pipeline_name!r}, got one of {found.pipeline_name!r}: {run_id}"
        )
    if found.status in ("success", "running"):
        state = "succeeded" if found.status == "success" else "is still running"
        raise ConfigurationError(f"--resume must be a run that failed, got {run_id}, which {state}")
    if found.partition != purpose.shown_partition:
        raise ConfigurationError(
            f"--resume must be a run of the same partition, got {run_id} of {found.partition!r}; "
            f"this run is for {purpose.shown_partition!r}"
        )
    return found


def _latest_failed(store: RunStore, pipeline_name: str, purpose: Purpose) -> PastRun:
    ended = (row for row in _runs(store, pipeline_name, purpose) if row["status"] != "running")
    latest = next((row for row in ended if row["status"] != "success" or not row["selection"]), None)
    if latest is None:
        reason = f"there is no failed run of {pipeline_name!r} with the same parameters to resume in {store.root}"
    elif latest["status"] == "success":
        reason = f"the latest run of {pipeline_name!r} with the same parameters succeeded: {latest['run_id']}"
    else:
        return PastRun(store, latest["run_id"])
    raise RunNotFoundError(f"{reason}; name one: --resume RUN")


def run_with(store: RunStore, pipeline_name: str, purpose: Purpose, graph: Graph, chosen: set[int]) -> PastRun | None:
    """Return the latest run of the same parameters that has every dataset the chosen steps need.

    If none has them all, return the latest one that succeeded, or the latest, to name what it lacks.
    """
    looked_at: list[PastRun] = []
    for row in _runs(store, pipeline_name, purpose):
        if row["status"] == "running":
            continue
        past = PastRun(store, row["run_id"])
        if not missing_inputs(graph, chosen, past):
            return past
        looked_at.append(past)
        if len(looked_at) >= _LOOKED_AT:
            break
    return next((past for past in looked_at if past.status == "success"), looked_at[0] if looked_at else None)


def _runs(store: RunStore, pipeline_name: str, purpose: Purpose) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the pipeline's runs with the same parameters and partition, the newest first."""
    about = _recorded(purpose.fields())
    with Index(store.root) as index:
        index.refresh()
        rows = index.runs(RunFilter(pipeline_name=pipeline_name), limit=_SEARCHED)
    for row in rows:
        params = row["params"]
        given = msgspec.json.decode(params) if isinstance(params, str) else params
        if (given or {}) == about["params"] and row["partition"] == about["partition"]:
            yield row


def _recorded(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as a reader of the record gets them."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(sanitize_value(fields)))
    return found
