"""The evaluation of rules, as pure functions: facts and a state in, changes of the state out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, Final

import msgspec

from odibi_core.alerts.state import AlertState, AlertStates
from odibi_core.errors import STOPS, first_line
from odibi_core.events import kinds
from odibi_core.events.clock import as_id
from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import RunFacts, StoreFacts
from odibi_core.rules.patterns import length_of

MOST: Final = 100
"""Alerts of one rule and one run; one more stands for all others."""
REST: Final = "others"
_TAGS: Final = 20


class Change(msgspec.Struct, frozen=True):
    """One event of an alert."""

    kind: str
    message: str
    level: str
    fields: dict[str, Any]


class Evaluation(msgspec.Struct, frozen=True):
    """The changes, and the rules that could not be evaluated, each with its reason."""

    changes: list[Change]
    not_evaluated: dict[str, str]


def of_run(rules: Iterable[Rule], facts: RunFacts, states: AlertStates) -> Evaluation:
    """Evaluate the rules that apply to a run that ends."""
    changes: list[Change] = []
    failed: dict[str, str] = {}
    open_alerts = _open_by_rule(states)
    for rule in rules:
        if "run" not in rule.of_what or not rule.applies_to(facts.pipeline_name, facts.tags):
            continue
        if facts.without_figures and rule.reads_figures():
            failed[rule.name] = facts.without_figures
            continue
        found = _safely(rule, partial(rule.of_run, facts), failed)
        if found is None:
            continue
        about = {"pipeline_name": facts.pipeline_name, "run_id": facts.run_id}
        changes += _raised(rule, found, about, facts.tags, states, facts.at)
        own = [alert for alert in open_alerts.get(rule.name, ()) if alert.pipeline_name == facts.pipeline_name]
        now_firing = {key_of(rule.name, facts.pipeline_name, each) for each in found}
        for alert in own:
            if alert.key in now_firing:
                continue
            if alert.subject == REST or rule.is_clear(facts, alert.node_name, alert.subject):
                changes.append(_resolved(alert, facts.run_id, f"run {facts.run_id}", sends=rule.sends_resolved))
    return Evaluation(changes, failed)


def of_store(rules: Iterable[Rule], facts: StoreFacts, states: AlertStates) -> Evaluation:
    """Evaluate the rules over a store at one moment."""
    changes: list[Change] = []
    failed: dict[str, str] = {}
    open_alerts = _open_by_rule(states)
    for rule in rules:
        if "store" not in rule.of_what or not rule.enabled:
            continue
        found = _safely(rule, partial(rule.of_store, facts), failed)
        if found is None:
            continue
        for firing in found:
            known = facts.pipelines.get(firing.pipeline_name or "")
            about = {"pipeline_name": firing.pipeline_name or "", "run_id": firing.run_id}
            changes += _raised(rule, [firing], about, known.tags if known else {}, states, facts.now)
        now_firing = {key_of(rule.name, each.pipeline_name or "", each) for each in found}
        for alert in open_alerts.get(rule.name, ()):
            if alert.key in now_firing:
                continue
            if rule.is_clear_in_store(facts, alert.pipeline_name, alert.subject):
                changes.append(_resolved(alert, None, "check", sends=rule.sends_resolved))
    return Evaluation(changes, failed)


def _open_by_rule(states: AlertStates) -> dict[str, list[AlertState]]:
    found: dict[str, list[AlertState]] = {}
    for alert in states.open():
        found.setdefault(alert.rule, []).append(alert)
    return found


def escalations(rules: Mapping[str, Rule], states: AlertStates, at: datetime) -> Iterator[Change]:
    """Yield the escalation of each alert that nothing acknowledged in time."""
    for alert in states.open():
        rule = rules.get(alert.rule)
        if rule is None or not rule.escalate_after or alert.acknowledged or alert.escalated:
            continue
        if at - alert.raised >= length_of(rule.escalate_after) and not states.is_muted(alert, at):
            fields = {
                "alert_id": alert.alert_id, "alert_key": alert.key, "rule": alert.rule,
                "pipeline_name": alert.pipeline_name, "severity": rule.escalate_severity,
                "escalate_to": list(rule.escalate_to),
            }  # fmt: skip
            message = f"not acknowledged for {rule.escalate_after}: {alert.message}"
            yield Change(kinds.ALERT_ESCALATED, message, rule.escalate_severity, fields)


def key_of(rule: str, pipeline_name: str, firing: Firing) -> str:
    """Return the identity of an alert: equal each time the same thing fires."""
    parts = "\n".join((rule, pipeline_name, firing.node_name or "", firing.subject))
    return as_id(blake2b(parts.encode("utf-8", "replace"), digest_size=8).hexdigest())


def _safely(rule: Rule, fire: Callable[[], Iterator[Firing]], failed: dict[str, str]) -> list[Firing] | None:
    """Return the firings of a rule, at most `MOST` and one for the rest; None if it raised."""
    try:
        found: list[Firing] = []
        left_out = 0
        for firing in fire():
            if len(found) < MOST:
                found.append(firing)
            else:
                left_out += 1
    except STOPS:
        raise
    except BaseException as error:
        failed[rule.name] = f"{type(error).__name__}: {first_line(error) if isinstance(error, Exception) else error}"
        return None
    if left_out:
        words = f"{rule.name}: {left_out:,} more alerts of this kind, such as: {found[-1].message}"
        found.append(Firing(message=words, subject=REST, left_out=left_out, pipeline_name=found[-1].pipeline_name))
    return found


def _raised(
    rule: Rule,
    found: Iterable[Firing],
    about: Mapping[str, Any],
    tags: Mapping[str, str],
    states: AlertStates,
    at: datetime,
) -> Iterator[Change]:
    for firing in found:
        name = str(about["pipeline_name"])
        key = key_of(rule.name, name, firing)
        alert_id, state = _identity(rule, key, states, about["run_id"], at)
        fields: dict[str, Any] = {
            "alert_id": alert_id, "alert_key": key, "rule": rule.name, "rule_kind": rule.kind,
            "severity": rule.severity, "pipeline_name": name, "run_id": about["run_id"],
            "node_name": firing.node_name, "subject": firing.subject, "value": firing.value,
            "expected": firing.expected, "owner": rule.owner or tags.get("owner", ""), "runbook": rule.runbook,
            "left_out": firing.left_out or None, "tags": dict(islice(tags.items(), _TAGS)) or None, **state,
        }  # fmt: skip
        fields = {name: value for name, value in fields.items() if value is not None and value != ""}
        yield Change(kinds.ALERT_RAISED, firing.message, rule.severity, fields)


def _identity(rule: Rule, key: str, states: AlertStates, run_id: object, at: datetime) -> tuple[str, dict[str, bool]]:
    """Return the id of an alert, and whether it is open already or was resolved a moment ago."""
    known = states.latest(key)
    if known is not None and known.is_open:
        return known.alert_id, {"repeated": True}
    if known is not None and known.resolved is not None and at - known.resolved < length_of(rule.cooldown):
        return known.alert_id, {"reopened": True}
    mark = f"{key}\n{run_id or at.isoformat()}"
    return as_id(blake2b(mark.encode("utf-8", "replace"), digest_size=5).hexdigest()), {}


def _resolved(alert: AlertState, run_id: str | None, by: str, *, sends: bool) -> Change:
    fields: dict[str, Any] = {
        "alert_id": alert.alert_id, "alert_key": alert.key, "rule": alert.rule, "rule_kind": alert.rule_kind,
        "pipeline_name": alert.pipeline_name, "node_name": alert.node_name, "resolved_by": by, "run_id": run_id,
        "silently": None if sends else True,
    }  # fmt: skip
    fields = {name: value for name, value in fields.items() if value is not None}
    return Change(kinds.ALERT_RESOLVED, f"resolved: {alert.message}", "info", fields)
