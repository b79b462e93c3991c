"""The dry run of rules: the alerts and notifications of the last runs, without an event and without a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from odibi_core.alerts import evaluation, notifying
from odibi_core.alerts.evaluation import Change
from odibi_core.alerts.of_run import notified_changes
from odibi_core.alerts.rulebook import Rulebook
from odibi_core.alerts.run_facts import RunFactsView
from odibi_core.alerts.state import AlertStates
from odibi_core.events import Event, kinds
from odibi_core.history.figures import run_figures
from odibi_core.history.index.index import Index
from odibi_core.history.rows.tables import RunTables
from odibi_core.rules.base import Rule
from odibi_core.rules.facts import RunFacts, StoreFacts
from odibi_core.views.values import text


class Occasion(msgspec.Struct, frozen=True):
    """One run, or the check of the store, with what the rules would do at its end."""

    run_id: str | None
    pipeline_name: str | None
    at: datetime
    status: str | None
    changes: list[Change]
    notifications: list[notifying.Notification]
    not_evaluated: dict[str, str]


def facts_of(index: Index, run_id: str, events: Iterable[Event], rules: Sequence[Rule]) -> RunFacts | None:
    """Return the facts of a recorded run; None if it has no end, or no start."""
    view, tables, end = RunFactsView(run_id), RunTables(), None
    for event in events:
        view(event)
        tables(event)
        if event.event_type in kinds.PIPELINE_ENDS and event.run_id == run_id:
            end = event
    rows = tables.answer()
    current = run_figures(rows)
    if end is None or current is None:
        return None
    number = max((rule.earlier_runs() for rule in rules), default=0)
    earlier = index.figures(current.pipeline_name, current.started, number) if number else []
    facts = view.answer(
        current.pipeline_name, end.timestamp, text(end.status) or "success", duration_ms=end.duration_ms,
        error=(end.error or "").partition("\n")[0] or None, figures=current.figures,
        earlier=[run for run in earlier if run.run_id != run_id],
    )  # fmt: skip
    if any(rule.reads_costs() for rule in rules):
        month = end.timestamp.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        facts.month_cost_usd = index.cost_since(current.pipeline_name, month, end.timestamp)
    return facts


def over_runs(book: Rulebook, runs: Iterable[RunFacts]) -> Iterator[Occasion]:
    """Yield what the rules of a book would have done at the end of these runs, the oldest first."""
    states = AlertStates()
    for facts in runs:
        found = evaluation.of_run(book.rules, facts, states)
        yield _occasion(book, states, found, facts.at, facts.run_id, facts.pipeline_name, facts.status)


def over_store(book: Rulebook, facts: StoreFacts) -> Occasion:
    """Return what a check of the store would do now, if no alert were open."""
    states = AlertStates()
    found = evaluation.of_store(book.rules, facts, states)
    return _occasion(book, states, found, facts.now, None, None, None)


def _occasion(
    book: Rulebook,
    states: AlertStates,
    found: evaluation.Evaluation,
    at: datetime,
    run_id: str | None,
    pipeline_name: str | None,
    status: str | None,
) -> Occasion:
    _fold(states, found.changes, at)
    raised = list(evaluation.escalations(book.by_name, states, at))
    _fold(states, raised, at)
    due = list(notifying.due(states, book.routes, book.by_name, book.silences, at))
    # A later run changes the state of an alert: the notification keeps the one of now.
    sent = [msgspec.structs.replace(each, alerts=list(map(msgspec.structs.replace, each.alerts))) for each in due]
    for each in due:
        _fold(states, notified_changes(each), at)
    return Occasion(run_id, pipeline_name, at, status, [*found.changes, *raised], sent, found.not_evaluated)


def _fold(states: AlertStates, changes: Iterable[Change], at: datetime) -> None:
    """Fold changes into the state, as the events that they would be."""
    for each in changes:
        fields = dict(each.fields)
        node_name, run_id = fields.pop("node_name", None), fields.pop("run_id", None)
        event = Event(at, each.level, each.kind, each.message, node_name=node_name, run_id=run_id, fields=fields)
        states(event)
