"""Check what a store exports: against the published schemas, and against the classes of the client library."""

from pathlib import Path
from typing import Any

from tests.openlineage.client_classes import made_by_client
from tests.openlineage.published import errors_of

from odibi_core.openlineage import openlineage_events
from odibi_core.store.runs import RunStore
from odibi_core.store.sources import SourceStore

ENDS = {"COMPLETE", "FAIL", "ABORT"}


def exported(root: Path) -> dict[str, list[dict[str, Any]]]:
    """The events of OpenLineage by run."""
    store, text_of = RunStore(root), SourceStore(root).text_of
    return {run_id: list(openlineage_events(store.read(run_id), "tests", text_of)) for run_id in store.ids()}


def wrong_with(event: dict[str, Any]) -> list[str]:
    """Return the faults of one event."""
    found = errors_of(event)
    made = made_by_client(event)
    return found if made == event else [*found, f"the client library makes {made}, not {event}"]


def check(runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Assert that all events are valid, and that each run has one start and at most one end, which is its last."""
    everything = [event for events in runs.values() for event in events]
    assert everything
    for event in everything:
        assert wrong_with(event) == []
    by_run: dict[str, list[str]] = {}
    for event in everything:
        by_run.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert all(kinds[0] == "START" and len(kinds) <= 2 and set(kinds[1:]) <= ENDS for kinds in by_run.values())
    return everything
