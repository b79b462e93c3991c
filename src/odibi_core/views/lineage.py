"""What one run did to which data: its steps, their snapshots, differences and checks, and the edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.views.diffs import difference, row_delta
from odibi_core.views.run_activity import RunActivity
from odibi_core.views.step import ENDED, Side, Step, told_calls
from odibi_core.views.steps import STEP_HANDLERS, StepsView
from odibi_core.views.values import (
    count,
    flag,
    keys_by_name,
    milliseconds,
    number,
    passed_of,
    record,
    records,
    text,
    texts,
)

MAX_SAMPLE_ROWS: Final = 5
MAX_SNAPSHOTS: Final = 256
"""Datasets kept on each side of a step."""
MAX_CHECKS: Final = 1000


class LineageView(StepsView):
    """The lineage of one run (see `StepsView` for which); what `StoryGenerator` draws.

    A step stands in the plan's order, else in that of the first events. It is `pending` until it starts, and
    stays so in a run that ended without it; what was running when the run was cancelled or lost is
    `cancelled` or `lost`.

    An edge goes from the step that made a dataset to each that read it, with the rows it had when it was
    taken. Dependencies that no dataset explains (`depends_on`) are edges with `dataset` None; for a `Tracker`
    without a plan that is the step that the same thread or task started just before.

    `activity` is what the run did beside its steps: captured errors, log, measured operations, costs (`RunActivity`).

    A step that was tried again shows its last attempt. `schema_diff` and `row_delta` compare the first output
    with the first input: by the plan's order, else by arrival. Memory is bounded for each step.
    """

    def _reset(self, run_id: str | None) -> None:
        super()._reset(run_id)
        self._activity = RunActivity()

    def _on_other(self, event: Event) -> None:
        self._activity(event)

    def _on_end(self, event: Event) -> None:
        super()._on_end(event)
        if event.event_type == kinds.NODE_FAILED:
            self._activity.step_failed(event)

    def _on_snapshot(self, event: Event) -> None:
        step = self._step(event)
        if step is None:
            return
        step.touched = True
        fields = event.fields
        where: Side = "after" if fields.get("when") == "after" else "before"
        side = step.after if where == "after" else step.before
        key = text(fields.get("dataset")) or event.timestamp
        if len(side) >= MAX_SNAPSHOTS and key not in side:
            return
        sample = fields.get("sample_data")
        if isinstance(sample, list) and len(sample) > MAX_SAMPLE_ROWS:
            fields = {**fields, "sample_data": sample[:MAX_SAMPLE_ROWS]}
            event = msgspec.structs.replace(event, fields=fields)
        step.keep(where, key, event)
        step.version += 1

    def _on_check(self, event: Event) -> None:
        step = self._step(event)
        if step is None or len(step.checks) >= MAX_CHECKS:
            return
        # By its number: two checks of a step may differ in nothing that their events say.
        said = (text(event.fields.get("check")), text(event.fields.get("column")), text(event.message))
        step.keep("checks", (text(event.writer_id), count(event.seq), *said), event)
        step.version += 1

    handlers: ClassVar[dict[str, Callable[[Any, Event], None]]] = {
        **STEP_HANDLERS,
        **dict.fromkeys(ENDED, _on_end),
        kinds.SNAPSHOT: _on_snapshot,
        kinds.CHECK_RESULT: _on_check,
    }

    def answer(self) -> dict[str, Any]:
        """The lineage as a dict of plain JSON values."""
        head = self._head()
        steps = self._in_order()
        described = [_described(step, head["status"], head["start"]) for step in steps]
        totals = summary(described)
        return {
            "pipeline_id": head["run_id"],
            "run_id": head["run_id"],
            "pipeline_name": head["pipeline_name"],
            "status": head["status"],
            "engine": head["engine"],
            "start_time": _iso(head["start"]),
            "end_time": _iso(head["end"]),
            "duration_ms": head["duration_ms"],
            "total_duration_ms": totals["total_duration_ms"],
            "error_message": head["error"],
            "steps": described,
            "edges": edges(described, {step.name: step for step in steps}),
            "summary": totals,
            **({"activity": activity} if (activity := self._activity.answer()) else {}),
        }


def _described(step: Step, run_status: str, run_start: datetime | None) -> dict[str, Any]:
    """One step of the answer; what has ended is described once, and again only if more is heard of it.

    The version is read first here and set last by the handlers, so what comes in between is never missed.
    """
    version = step.version
    kept = step.described
    if kept is not None and kept[0] == version and kept[1] == run_start:
        return kept[2].copy()
    entry = describe_step(step, run_status, run_start)
    if step.has_ended:
        step.described = (version, run_start, entry.copy())
    return entry


def describe_step(step: Step, run_status: str, run_start: datetime | None) -> dict[str, Any]:
    """One step of the answer."""
    end, first, state = step.end, step.first, step.state(run_status)
    inputs, outputs = keys_by_name(step.said("inputs")), keys_by_name(step.said("outputs"))
    before, after = snapshots(step.before, inputs), snapshots(step.after, outputs)
    result = after[0] if after else None
    rows = step.rows
    return {
        "step_name": step.name,
        "layer": step.told("layer"),
        "type": text(step.said("type")),
        "engine": step.told("engine"),
        "state": state,
        "start_time": iso(first.timestamp) if first else None,
        "end_time": _iso(step.ended_at),
        "duration_ms": step.duration_ms,
        "started_ms": milliseconds(run_start, first.timestamp) if first and run_start else None,
        "worker": text(step.said("worker")),
        "inputs": inputs,
        "outputs": outputs,
        "depends_on": texts(step.said("depends_on")),
        **({"probable": probable} if (probable := texts(step.said("probable"))) else {}),
        "attempts": step.attempts,
        **told_calls(step),
        "memory_mb": number(end.memory_mb) if end else None,
        "cache_hit": flag(end.cache_hit) if end else None,
        "row_count": rows if rows is not None or result is None else result["row_count"],
        "before_snapshot": before[0] if before else None,
        "before_snapshots": before,
        "after_snapshot": result,
        "schema_diff": difference(before[0], result, _told_diffs(step, result)) if before and result else None,
        "row_delta": row_delta(before[0], result) if before and result else None,
        "error_message": step.error,
        "error_type": text(end.fields.get("error_type")) if end else None,
        "traceback": text(end.fields.get("traceback")) if end else None,
        "skip_reason": text(end.fields.get("reason")) if state == "skipped" and end else None,
        "retries": [_retry(event) for event in step.retries.copy().values()],
        "checks": [_check(event) for event in step.checks.copy().values()],
    }


def snapshots(side: dict[object, Event], order: dict[str, str]) -> list[dict[str, Any]]:
    """One side's snapshots, the first declared dataset first."""
    events = list(side.copy().items())
    if len(events) > 1:
        rank = {key: place for place, key in enumerate(order.values())}
        events.sort(key=lambda item: rank.get(item[0], len(rank)) if isinstance(item[0], str) else len(rank))
    return [_snapshot(event) for _, event in events]


def _told_diffs(step: Step, result: dict[str, Any]) -> object:
    """What came with the snapshot of an output: the differences that its own schema does not show."""
    name = result["name"]
    events = (event for event in step.after.copy().values() if (text(event.fields.get("dataset")) or "after") == name)
    return next((event.fields.get("schema_diffs") for event in events), None)


def _snapshot(event: Event) -> dict[str, Any]:
    fields = event.fields
    return {
        "name": text(fields.get("dataset")) or text(fields.get("when")) or "before",
        "timestamp": iso(event.timestamp),
        "row_count": count(event.row_count),
        "column_count": count(fields.get("column_count")),
        "schema": records(fields.get("schema")),
        "sample_data": records(fields.get("sample_data")),
        "metadata": record(event.metadata) or record(fields.get("metadata")),
        "not_described": text(fields.get("not_described")),
        **({"stats": records(fields["stats"])} if "stats" in fields else {}),
    }


def _retry(event: Event) -> dict[str, Any]:
    return {
        "attempt": count(event.fields.get("attempt")),
        "error": text(event.error),
        "delay_ms": number(event.fields.get("delay_ms")),
        "timestamp": iso(event.timestamp),
    }


def _check(event: Event) -> dict[str, Any]:
    fields = event.fields
    examples = fields.get("examples")
    return {
        "check": text(fields.get("check")),
        "column": text(fields.get("column")),
        "passed": passed_of(event),
        "failed_rows": count(fields.get("failed_rows")),
        "total_rows": count(fields.get("total_rows")),
        "severity": text(fields.get("severity")),
        "message": text(event.message) or text(fields.get("message")),
        "examples": examples[:MAX_SAMPLE_ROWS] if isinstance(examples, list) else [],
    }


def edges(described: list[dict[str, Any]], steps: dict[str, Step]) -> list[dict[str, Any]]:
    """From the maker of a dataset to its readers; then the declared dependencies that no dataset explains."""
    by_name = {entry["step_name"]: entry for entry in described}
    makers: dict[str, str] = {}
    for entry in described:
        for key in entry["outputs"].values():
            makers.setdefault(key, entry["step_name"])
    found: list[dict[str, Any]] = []
    for entry in described:
        target, linked = entry["step_name"], set()
        for key in dict.fromkeys(entry["inputs"].values()):
            source = makers.get(key)
            if source is not None and source != target:
                linked.add(source)
                taken = steps[target].before.get(key)
                found.append(_edge(by_name[source], entry, key, taken or steps[source].after.get(key)))
        for source in dict.fromkeys(entry["depends_on"]):
            if source in by_name and source not in linked and source != target:
                found.append(_edge(by_name[source], entry, None, None))
    return found


def _edge(
    source: dict[str, Any], target: dict[str, Any], key: str | None, event: Event | None
) -> dict[str, Any]:
    if "calls" in source or "calls" in target:
        event = None
    rows = count(event.row_count) if event else None
    if rows is None and (key is None or len(source["outputs"]) == 1):
        rows = source["row_count"]
    edge = {"source": source["step_name"], "target": target["step_name"], "dataset": key, "row_count": rows}
    return {**edge, "probable": True} if source["step_name"] in target.get("probable", ()) else edge


def summary(described: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts over the steps; `success_rate` in percent of all, `total_duration_ms` the sum of the steps'."""
    states = Counter(entry["state"] for entry in described)
    checks = Counter(check["passed"] for entry in described for check in entry["checks"])
    return {
        "total_steps": len(described),
        "success_count": states["success"],
        "failed_count": states["failed"],
        "skipped_count": states["skipped"],
        "success_rate": round(100.0 * states["success"] / len(described), 2) if described else 0.0,
        "total_duration_ms": round(sum(entry["duration_ms"] or 0.0 for entry in described), 3),
        "checks_passed": checks[True],
        "checks_failed": checks[False],
        "checks_not_checked": checks[None],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
