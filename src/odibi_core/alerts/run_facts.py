"""`RunFactsView`: the fold of the events of a run into the facts that rules read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.rules.facts import CheckFact, RunFacts
from odibi_core.views.values import message, number, passed_of, record, text

HANDLED_KINDS: Final = frozenset(
    {
        kinds.PIPELINE_START, kinds.NODE_COMPLETE, kinds.NODE_FAILED, kinds.CHECK_RESULT, kinds.COST, kinds.ANOMALY,
        kinds.CIRCUIT_STATE_CHANGE, kinds.HEALTH_CHECK,
    }
)  # fmt: skip
MOST: Final = 20_000
"""Names of each kind that are kept: steps, checks, operations, circuits."""
_LONGEST: Final = 500


class RunFactsView:
    """The facts of one run: the last state of each step, check, circuit and health check, and the costs."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._tags: dict[str, str] = {}
        self._partition: str | None = None
        self._steps: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._checks: dict[tuple[str, str], CheckFact] = {}
        self._costs: dict[str, float] = {}
        self._circuits: dict[str, str] = {}
        self._health: dict[str, tuple[str, str]] = {}
        self._anomalies: list[dict[str, Any]] = []
        self._read: dict[str, Callable[[Event], None]] = {
            kinds.PIPELINE_START: self._start, kinds.NODE_COMPLETE: self._step, kinds.NODE_FAILED: self._step,
            kinds.CHECK_RESULT: self._check, kinds.COST: self._cost, kinds.ANOMALY: self._anomaly,
            kinds.CIRCUIT_STATE_CHANGE: self._circuit, kinds.HEALTH_CHECK: self._health_check,
        }  # fmt: skip

    def __call__(self, event: Event) -> None:
        """Add an event of the run, or of no run."""
        if event.run_id in (self._run_id, None) and (read := self._read.get(event.event_type)) is not None:
            read(event)

    def answer(self, pipeline_name: str, at: datetime, status: str, **more: Any) -> RunFacts:
        """Return the facts.

        Args:
            pipeline_name: The pipeline.
            at: The end of the run.
            status: Its status.
            more: Further fields of `RunFacts`.
        """
        return RunFacts(
            run_id=self._run_id, pipeline_name=pipeline_name, at=at, status=status, tags=self._tags,
            partition=self._partition, steps=self._steps, failed=self._failed, checks=list(self._checks.values()),
            costs=self._costs, circuits=self._circuits, health=self._health, anomalies=self._anomalies, **more,
        )  # fmt: skip

    def _start(self, event: Event) -> None:
        self._tags = {name: str(value) for name, value in record(event.fields.get("tags")).items()}
        self._partition = text(event.fields.get("partition"))

    def _step(self, event: Event) -> None:
        name = text(event.node_name)
        if name is None or (len(self._steps) >= MOST and name not in self._steps):
            return
        failed = event.event_type == kinds.NODE_FAILED
        self._steps[name] = "failed" if failed else text(event.status) or "success"
        self._failed.pop(name, None)
        if failed:
            self._failed[name] = _line(text(event.error) or message(event) or "without a message")

    def _check(self, event: Event) -> None:
        node, fields = text(event.node_name) or "", event.fields
        name = " ".join(part for key in ("check", "column") if (part := text(fields.get(key))))
        if name and (len(self._checks) < MOST or (node, name) in self._checks):
            self._checks[node, name] = CheckFact(node, name, passed_of(event), _line(message(event) or ""))

    def _cost(self, event: Event) -> None:
        cost, name = number(event.fields.get("estimated_cost_usd")), text(event.operation) or ""
        if cost is not None and cost >= 0:
            name = name if name in self._costs or len(self._costs) < MOST else ""
            self._costs[name] = self._costs.get(name, 0.0) + cost

    def _anomaly(self, event: Event) -> None:
        if len(self._anomalies) < MOST:
            self._anomalies.append({**event.fields, "node_name": event.node_name, "message": message(event)})

    def _circuit(self, event: Event) -> None:
        name, state = text(event.fields.get("circuitName")), text(event.fields.get("newState"))
        if name and state and (len(self._circuits) < MOST or name in self._circuits):
            self._circuits[name] = state

    def _health_check(self, event: Event) -> None:
        name, status = text(event.fields.get("check")), text(event.status)
        if name and status and (len(self._health) < MOST or name in self._health):
            self._health[name] = status, _line(message(event) or "")


def _line(value: str) -> str:
    lines = value.strip().splitlines()
    return (lines[0] if lines else "")[:_LONGEST]
