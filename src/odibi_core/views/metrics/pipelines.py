"""Measurements of the end of a run: status, duration, checks, its time and that of the last success."""

from __future__ import annotations

from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.views import values
from odibi_core.views.metrics.calls import Observation

RUNS: Final = "pipeline_runs"
CHECKS: Final = "pipeline_checks"
CHECKS_FAILED: Final = "pipeline_last_run_checks_failed"
DURATION: Final = "pipeline_duration_seconds"
LAST_SUCCESS: Final = "pipeline_last_success_timestamp_seconds"
LAST_RUN: Final = "pipeline_last_run_timestamp_seconds"
LAST_RUN_FAILED: Final = "pipeline_last_run_failed"


def observations(event: Event) -> list[Observation]:
    """Return the measurements of the end of a run; the run id is not a label: each run would be a series."""
    name = values.text(event.fields.get("pipeline_name"))
    labels = {"pipeline": name} if name else {}
    ended = "success" if event.event_type == kinds.PIPELINE_COMPLETE else "failed"
    status = values.text(event.status) or ended
    found: list[Observation] = [(RUNS, 1, {**labels, "status": status})]
    duration = values.number(event.duration_ms)
    if duration is not None:
        found.append((DURATION, duration / 1000, labels))
    at = event.timestamp.timestamp()
    found += [(LAST_RUN, at, labels), (LAST_RUN_FAILED, int(status != "success"), labels)]
    if status == "success":
        found.append((LAST_SUCCESS, at, labels))
    return found + _checks(event, labels)


def _checks(event: Event, labels: dict[str, str]) -> list[Observation]:
    """Return the checks of the run by result, and how many failed in this run: 0 once a later run has none."""
    counts = {result: values.count(event.fields.get(f"checks_{result}")) for result in values.CHECK_RESULTS.values()}
    found: list[Observation] = [
        (CHECKS, number, {**labels, "result": result}) for result, number in counts.items() if number
    ]
    return [*found, (CHECKS_FAILED, counts["failed"] or 0, labels)] if any(counts.values()) else found
