"""The check of a store: late and stale pipelines, queries, escalations, and notifications that wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from odibi_core.alerts import evaluation, log, notifying, outbox
from odibi_core.alerts.evaluation import Change
from odibi_core.alerts.of_run import notified_changes
from odibi_core.alerts.rulebook import Rulebook
from odibi_core.alerts.state import AlertStates
from odibi_core.history.index.filters import RunFilter
from odibi_core.history.index.index import Index
from odibi_core.history.noticing.cadence import learn, overdue
from odibi_core.history.noticing.notes import CHECK
from odibi_core.rules.base import Rule
from odibi_core.rules.facts import PipelineFacts, StoreFacts
from odibi_core.views.values import record, text

_STARTS: Final = 90
"""Runs of a pipeline from which its cadence is learned."""
_MONTH: Final = timedelta(days=30)

Select = Callable[[str, int], Iterable[Mapping[str, Any]]]
"""A function that answers a query over the history with at most so many rows."""


class Checked(msgspec.Struct, frozen=True):
    """The answer of a check: the state, what changed, and the rules that could not be evaluated."""

    states: AlertStates
    changes: list[Change]
    notifications: list[notifying.Notification]
    not_evaluated: dict[str, str]


def check(
    index: Index, book: Rulebook, now: datetime, select: Select, health: Mapping[str, tuple[str, str]]
) -> Checked:
    """Evaluate the rules over a store, publish what changed, and hand over the notifications that are due.

    Args:
        index: The index, brought up to date.
        book: The rules and routes.
        now: The time of the check.
        select: Answers the query of a rule.
        health: The status and the message of each health check that was made.

    Raises:
        StoreError: The notes of the store cannot be written.
    """
    states = log.read_states(index.root, now)
    facts = store_facts(index, now, book.rules, select, health)
    found = evaluation.of_store(book.rules, facts, states)
    _publish(index, states, found.changes)
    raised = list(evaluation.escalations(book.by_name, states, now))
    _publish(index, states, raised)
    notified = list(notifying.due(states, book.routes, book.by_name, book.silences, now))
    outbox.send(index.root, book, notified)  # first: a process that is killed here sends twice, and never not at all
    _publish(index, states, (change for each in notified for change in notified_changes(each)))
    return Checked(states, [*found.changes, *raised], notified, found.not_evaluated)


def _publish(index: Index, states: AlertStates, changes: Iterable[Change]) -> None:
    wanted = [each for each in changes if each.fields.get("repeated") is not True]
    log.publish(
        index.root,
        states,
        ((each.kind, each.message, each.level, {**each.fields, "found_by": CHECK}) for each in wanted),
    )


def store_facts(
    index: Index, now: datetime, rules: Iterable[Rule], select: Select, health: Mapping[str, tuple[str, str]]
) -> StoreFacts:
    """Return the facts of a store at one moment."""
    month = None
    if any(rule.enabled and rule.reads_costs() for rule in rules):
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    pipelines = {name: _of_pipeline(index, name, now, month) for name in index.pipelines()}
    return StoreFacts(now=now, pipelines=pipelines, select=select, health=health)


def _of_pipeline(index: Index, name: str, now: datetime, month: datetime | None) -> PipelineFacts:
    rows = index.runs(RunFilter(pipeline_name=name, until=now), limit=_STARTS)
    starts = [row["started"].astimezone() for row in rows if row["started"] is not None]
    cadence = learn(starts)
    missing = overdue(cadence, starts, now.astimezone(), now - _MONTH)
    good = [row for row in rows if row["status"] == "success"]
    ends = [end for row in good if (end := row["ended"] or row["started"]) is not None]
    if not ends:  # the last success may be further back than the cadence is learned from
        older = index.runs(RunFilter(pipeline_name=name, status="success", until=now), limit=1)
        ends = [end for row in older if (end := row["ended"] or row["started"]) is not None]
    last = rows[0] if rows else {}
    return PipelineFacts(
        pipeline_name=name, tags=_tags(last.get("tags")), last_run_id=last.get("run_id"),
        last_started=starts[0] if starts else None, last_status=last.get("status"), last_error=last.get("error"),
        last_success=max(ends, default=None), ends=ends, cadence=str(cadence),
        overdue=[(each.due, each.is_late) for each in missing],
        month_cost_usd=None if month is None else index.cost_since(name, month),
    )  # fmt: skip


def _tags(value: object) -> dict[str, str]:
    """Return the tags of a row of `runs`, a JSON text."""
    try:
        found = msgspec.json.decode(value) if isinstance(value, str | bytes) else value
    except msgspec.DecodeError:
        return {}
    return {name: text(each) or str(each) for name, each in record(found).items()}
