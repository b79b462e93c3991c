"""`OpenLineageFold`: the events of one run, one by one, as events of OpenLineage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.openlineage import run_facets, step_datasets
from odibi_core.openlineage.facets import EVENT_SCHEMA, PRODUCER, Facets
from odibi_core.openlineage.ids import run_uuid
from odibi_core.openlineage.step import OpenStep
from odibi_core.views.source_texts import SourceOf, no_source
from odibi_core.views.step import step_key
from odibi_core.views.values import count, keys_by_name, records, text, texts

OpenLineageEvent = dict[str, Any]
NAMESPACE: Final = "default"
_OUTCOMES: Final = {"success": "COMPLETE", "failed": "FAIL", "cancelled": "ABORT", "lost": "ABORT"}
BESIDE: Final = frozenset(
    {
        kinds.SNAPSHOT,
        kinds.CHECK_RESULT,
        kinds.FILE_ACCESS,
        kinds.NODE_RETRY,
        kinds.COLUMN_LINEAGE,
        kinds.ROW_CHANGE,
        kinds.JOIN_MATCH,
    }
)


class OpenLineageFold:
    """Takes the events of one run and returns those of OpenLineage: two for the run, and two for each step that ran.

    A step that was skipped, or whose result an earlier run made, did not run: the event that ends the run counts it.
    If the run ends before a step does, the step is aborted.

    Args:
        namespace: The namespace of the jobs.
        source_of: Returns the stored texts of functions and SQL.
        producer: The URI of the producer.
    """

    def __init__(self, namespace: str = NAMESPACE, source_of: SourceOf = no_source, producer: str = PRODUCER) -> None:
        self.namespace = namespace
        self.source_of = source_of
        self.make = Facets(producer)
        self.run_id: str | None = None
        self.pipeline = ""
        self.opening: Event | None = None
        self.uuid = ""
        self.uuids: dict[str, str] = {}
        """The latest id of each step that began."""
        self.makers: dict[str, str] = {}
        """The steps by the key of the dataset that they make."""
        self.plans: dict[str, dict[str, Any]] = {}
        self._open: dict[tuple[str, int | None], OpenStep] = {}
        self._latest: dict[str, OpenStep] = {}
        """The open step by name; of several calls at the same time the latest, which gets what names no call."""
        self._not_run: dict[str, list[str]] = {"skipped": [], "taken": []}
        self._is_over = False

    def __call__(self, event: Event) -> list[OpenLineageEvent]:
        """Return the events that follow from the next one of the run; events of other runs are left out."""
        if self._is_over or not isinstance(event.run_id, str) or self.run_id not in (None, event.run_id):
            return []
        self.run_id = event.run_id
        kind = kinds.canonical(event.event_type)
        if kind == kinds.PIPELINE_START:
            return self._begin(event)
        if kind == kinds.PIPELINE_PLAN:
            self._plan(event)
        elif kind == kinds.NODE_START:
            return [*self._opened(event), *self._start(event)]
        elif kind == kinds.NODE_SKIPPED:
            self._not_run["skipped"].append(step_key(event) or "")
        elif kind in (kinds.NODE_COMPLETE, kinds.NODE_FAILED):
            return self._end(event)
        elif kind in kinds.PIPELINE_ENDS or kind == kinds.RUN_LOST:
            return self._close(event)
        elif kind in BESIDE and (step := self._latest.get(step_key(event) or "")) is not None:
            step.add(kind, event)
        return []

    def _begin(self, event: Event) -> list[OpenLineageEvent]:
        if self.opening is not None:
            return []
        self.opening = event
        self.pipeline = text(event.fields.get("pipeline_name")) or "pipeline"
        self.uuid = run_uuid(event.timestamp, self.run_id)
        return [self._of_run("START", event.timestamp, None)]

    def _opened(self, event: Event) -> list[OpenLineageEvent]:
        """Return the start of the run, if it has no event of its own."""
        return [] if self.opening is not None else self._begin(event)

    def _plan(self, event: Event) -> None:
        for entry in records(event.fields.get("steps")):
            name = entry.get("name")
            if isinstance(name, str):
                self.plans[name] = entry
                for key in keys_by_name(entry.get("outputs")).values():
                    self.makers.setdefault(key, name)

    def _start(self, event: Event) -> list[OpenLineageEvent]:
        name, call = _key(event)
        if (name, call) in self._open:
            return []
        step = OpenStep(name, event, self.plans.get(name, {}))
        step.uuid = run_uuid(event.timestamp, self.run_id, name, call)
        self.uuids[name] = step.uuid
        self._open[name, call] = self._latest[name] = step
        return [self._of_step(step, "START", event.timestamp)]

    def _end(self, event: Event) -> list[OpenLineageEvent]:
        name, call = _key(event)
        step = self._open.pop((name, call), None)
        if step is None:
            if text(event.fields.get("taken_from")) is not None:
                self._not_run["taken"].append(name)
            return []
        if self._latest.get(name) is step:
            del self._latest[name]
        step.end = event
        failed = "cancelled" if event.status == "cancelled" else "failed"
        outcome = "success" if event.event_type == kinds.NODE_COMPLETE else failed
        return [self._of_step(step, _OUTCOMES[outcome], event.timestamp)]

    def _close(self, event: Event) -> list[OpenLineageEvent]:
        found = self._opened(event)
        steps, self._open, self._latest = list(self._open.values()), {}, {}
        found += [self._of_step(step, "ABORT", event.timestamp) for step in steps]
        self._is_over = True
        self.plans, self.makers, self.uuids = {}, {}, {}  # an ended run may be kept, to leave out what comes late
        return [*found, self._of_run(_OUTCOMES[_status(event)], event.timestamp, event)]

    def _of_run(self, kind: str, at: datetime, closing: Event | None) -> OpenLineageEvent:
        run = run_facets.of_run(self.make, self.opening, closing, self._not_run)
        job = self._job(self.pipeline, run_facets.of_pipeline(self.make))
        return self._event(kind, at, self._run(self.uuid, run), job, ([], []))

    def _of_step(self, step: OpenStep, kind: str, at: datetime) -> OpenLineageEvent:
        parent = {
            "run": {"runId": self.uuid, "facets": {}},
            "job": {"namespace": self.namespace, "name": self.pipeline, "facets": {}},
        }
        run = run_facets.of_step(self.make, self.opening, step, parent, self._upstream(step))
        job = self._job(f"{self.pipeline}.{step.name}", run_facets.of_job(self.make, step, self.source_of))
        inputs, outputs = step_datasets.datasets(self.make, step, self.pipeline, self.makers)
        return self._event(kind, at, self._run(step.uuid, run), job, (inputs, outputs))

    def _run(self, uuid: str, facets: run_facets.Found) -> dict[str, Any]:
        return {"runId": uuid, "facets": self.make.bounded(facets, "run")}

    def _job(self, name: str, facets: run_facets.Found) -> dict[str, Any]:
        return {"namespace": self.namespace, "name": name, "facets": self.make.bounded(facets, "job")}

    def _upstream(self, step: OpenStep) -> list[dict[str, Any]]:
        return [
            {
                "job": {"namespace": self.namespace, "name": f"{self.pipeline}.{name}"},
                "run": {"runId": self.uuids[name]},
                "dependency_type": "DIRECT_INVOCATION",
                "sequence_trigger_rule": "FINISH_TO_START",
                "status_trigger_rule": "EXECUTE_ON_SUCCESS",
            }
            for name in texts(step.plan.get("depends_on"))
            if name in self.uuids
        ]

    def _event(
        self, kind: str, at: datetime, run: dict[str, Any], job: dict[str, Any],
        datasets: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    ) -> OpenLineageEvent:  # fmt: skip
        return {
            "eventTime": iso(at),
            "producer": self.make.producer,
            "schemaURL": EVENT_SCHEMA,
            "eventType": kind,
            "run": run,
            "job": job,
            "inputs": datasets[0],
            "outputs": datasets[1],
        }


def _key(event: Event) -> tuple[str, int | None]:
    return step_key(event) or "step", count(event.fields.get("call"))


def _status(closing: Event) -> str:
    if closing.event_type == kinds.RUN_LOST:
        return "lost"
    if closing.status in _OUTCOMES:
        return str(closing.status)
    return "success" if closing.event_type == kinds.PIPELINE_COMPLETE else "failed"


def openlineage_events(
    events: Iterable[Event], namespace: str = NAMESPACE, source_of: SourceOf = no_source,
    producer: str = PRODUCER,
) -> Iterator[OpenLineageEvent]:  # fmt: skip
    """Yield the events of OpenLineage of one run, from its events; see `OpenLineageFold` for the arguments."""
    fold = OpenLineageFold(namespace, source_of, producer)
    for event in events:
        yield from fold(event)
