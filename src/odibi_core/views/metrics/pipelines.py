"""What the end of a run measures: that it ended and how, how long it took, and when the last one succeeded."""

from __future__ import annotations

from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.views import values
from odibi_core.views.metrics.calls import Told

RUNS: Final = "pipeline_runs"
CHECKS: Final = "pipeline_checks"
CHECKS_FAILED: Final = "pipeline_last_run_checks_failed"
DURATION: Final = "pipeline_duration_seconds"
LAST_SUCCESS: Final = "pipeline_last_success_timestamp_seconds"

OF_PIPELINES: Final = frozenset({kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR})


def measured_by(event: Event) -> list[Told]:
    """What the end of a run measures; the run's id is no label, or each run would be a series of its own."""
    name = values.text(event.fields.get("pipeline_name"))
    labels = {"pipeline": name} if name else {}
    ended = "success" if event.event_type == kinds.PIPELINE_COMPLETE else "failed"
    status = values.text(event.status) or ended
    told: list[Told] = [(RUNS, 1, {**labels, "status": status})]
    duration = values.number(event.duration_ms)
    if duration is not None:
        told.append((DURATION, duration / 1000, labels))
    if status == "success":
        told.append((LAST_SUCCESS, event.timestamp.timestamp(), labels))
    return told + _checks(event, labels)


def _checks(event: Event, labels: dict[str, str]) -> list[Told]:
    """Return the checks of the run by result, and how many failed in this run: 0 once a later run has none."""
    counts = {result: values.count(event.fields.get(f"checks_{result}")) for result in values.CHECK_RESULTS.values()}
    told: list[Told] = [
        (CHECKS, number, {**labels, "result": result}) for result, number in counts.items() if number
    ]
    return [*told, (CHECKS_FAILED, counts["failed"] or 0, labels)] if any(counts.values()) else told
