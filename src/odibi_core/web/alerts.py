"""Alerts of rules, unusual, failed, late and missed runs; and their acknowledgement and mutes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.alerts.log import read_states
from odibi_core.errors import ConfigurationError, RunNotFoundError, nearest
from odibi_core.events import sanitize_text
from odibi_core.events.clock import iso, utc_now
from odibi_core.history.noticing import notes
from odibi_core.history.noticing.watch import known_alerts, watch
from odibi_core.web.answers import AlertsAnswer, Document, Done
from odibi_core.web.fleet import check_pipeline
from odibi_core.web.requests import MUTED_FAMILIES, Acknowledge, Mute, OfAlerts

if TYPE_CHECKING:
    from odibi_core.web.source import Source

_WEEK: Final = timedelta(days=7)


def alerts(source: Source, asked: OfAlerts) -> AlertsAnswer:
    """Return the alerts of rules and the findings of a time, the newest first, and the mutes in force."""
    now = utc_now()
    until = min(now, asked.until or now)
    since = asked.since or now - _WEEK
    states = read_states(source.store.root, now)
    with source.index() as index:
        if asked.pipeline is not None:
            check_pipeline(index, asked.pipeline)
        found = watch(index, since, until, asked.pipeline, only_read=True)
    of_rules = [
        {**_plain(each), "status": each.status, "muted": states.is_muted(each, now)}
        for each in states.by_id.values()
        if asked.pipeline in (None, each.pipeline_name)
        and each.raised <= until
        and (each.is_open or (asked.all and each.raised >= since))
    ]
    if not asked.all:
        of_rules = [each for each in of_rules if not each["muted"] and each["status"] != "acknowledged"]
    shown = found.alerts if asked.all else found.open_alerts
    mutes = [each for each in states.notes.mutes if each.until is None or each.until > now]
    return AlertsAnswer(
        since=since,
        rules=sorted(of_rules, key=lambda each: str(each["raised"]), reverse=True),
        findings=[_plain(each) for each in reversed(shown)],
        mutes=[_plain(each) for each in mutes],
        hidden=len(found.alerts) - len(found.open_alerts),
        not_judged=found.not_judged,
    )


def _plain(value: Any) -> Document:
    found: Document = msgspec.to_builtins(value)
    return found


def acknowledge(source: Source, body: Acknowledge, user: str | None, alert: str) -> Done:
    """Acknowledge an alert of a rule or a finding."""
    about = _known(source, alert)
    fields = {"alert_id": about["alert_id"], "pipeline_name": about["pipeline_name"], "note": body.note or None}
    message = f"acknowledged: {about['message']}"
    notes.write(source.store.root, notes.ACKNOWLEDGED, message, _given({**fields, "by": user}))
    return Done(message=message)


def _known(source: Source, alert: str) -> Document:
    now = utc_now()
    if (state := read_states(source.store.root, now).get(alert)) is not None:
        return {"alert_id": state.alert_id, "pipeline_name": state.pipeline_name, "message": state.message}
    with source.index() as index:
        for each in watch(index, now - 2 * _WEEK, now, only_read=True).alerts:
            if each.alert_id == alert:
                return {"alert_id": alert, "pipeline_name": each.pipeline_name, "message": each.message}
        found = known_alerts(index, now)
    if alert not in found:
        raise RunNotFoundError(f"there is no alert {alert!r}{nearest(alert, list(found))}")
    return found[alert]


def mute(source: Source, body: Mute, user: str | None) -> Done:
    """Mute a pipeline, one of its steps or a family of findings, until a time or until the mute is lifted."""
    if body.family is not None and body.family not in MUTED_FAMILIES:
        raise ConfigurationError(f"family must be one of {', '.join(MUTED_FAMILIES)}, got {body.family!r}")
    now = utc_now()
    if body.until is not None and body.until <= now:
        raise ConfigurationError(f"until must be in the future, got {iso(body.until)}")
    # As the record has them: secrets in names are redacted there.
    pipeline, step = sanitize_text(body.pipeline), None if body.step is None else sanitize_text(body.step)
    with source.index() as index:
        check_pipeline(index, pipeline)
    if body.lift:
        known = notes.Notes.read(source.store.root).mutes
        if not any(
            (each.pipeline_name, each.node_name, each.family) == (pipeline, step, body.family) for each in known
        ):
            raise RunNotFoundError("there is no such mute; GET /api/alerts lists the mutes in force")
    parts = [f"pipeline {pipeline}", f"step {step}" if step else "", f"family {body.family}" if body.family else ""]
    word = "no longer muted" if body.lift else f"muted until {iso(body.until)}" if body.until else "muted"
    message = f"{', '.join(part for part in parts if part)} is {word}"
    fields = {
        "pipeline_name": pipeline, "node_name": step, "family": body.family, "by": user,
        "until": None if body.until is None else iso(body.until), "lifted": body.lift or None,
    }  # fmt: skip
    notes.write(source.store.root, notes.MUTED, message, _given(fields))
    return Done(message=message)


def _given(fields: Document) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
