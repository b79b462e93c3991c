"""`odibi alerts ack`, `mute` and `resolve`: the changes of alerts that a person makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import exits, options, output, record, times
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import kinds, sanitize_text
from odibi_core.events.clock import iso, utc_now
from odibi_core.store.runs import RunStore

if TYPE_CHECKING:
    from odibi_core.alerts.state import AlertState, AlertStates

_SHIP_WAIT_S: Final = 30.0
"""A change is for other hosts: its command waits longer than a program for the process that ships it."""
_Alert = Annotated[str, typer.Argument(metavar="ALERT", help="Id of an alert, or its beginning.")]
_Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A remark that is kept with it.")]


def ack(alert: _Alert, note: _Note = None, store: options.Store = None) -> None:
    """Acknowledge an alert: it is no longer sent and not escalated.

    It stays open until its rule no longer fires, and is sent again if it
    fires after that.
    """
    from odibi_core.history.noticing import notes

    kept, states = _states(store)
    found = find(states, alert)
    if not found.is_open:
        output.notice(f"{found.alert_id} is resolved already")
        return
    _publish(kept, states, notes.ACKNOWLEDGED, f"acknowledged: {found.message}", {**_about(found), "note": note})
    output.notice(f"acknowledged {found.alert_id}: {found.message}")


def resolve(alert: _Alert, note: _Note = None, store: options.Store = None) -> None:
    """Resolve an alert by hand, as if its rule no longer fired.

    If the rule fires again, it is a new alert.
    """
    kept, states = _states(store)
    found = find(states, alert)
    if not found.is_open:
        output.notice(f"{found.alert_id} is resolved already")
        return
    fields = {**_about(found), "alert_key": found.key, "resolved_by": "odibi alerts resolve", "note": note}
    _publish(kept, states, kinds.ALERT_RESOLVED, f"resolved: {found.message}", fields)
    output.notice(f"resolved {found.alert_id}: {found.message}")


def mute(
    what: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Rule, or id of an alert.", show_default=False)
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", metavar="NAME", help="Only in this pipeline.", show_default="all")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="2026-01-31, or 3d from now.", show_default="lifted")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="End a mute of the same rule or alert.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the mutes in force.")] = False,
    store: options.Store = None,
) -> None:
    """Mute a rule, or one alert, until a time.

    Muted alerts are recorded and listed, and not sent. `odibi mute` mutes
    everything of a pipeline, the alerts of its rules too.
    """
    if list_all:
        about = {"NAME": what, "--pipeline": pipeline, "--until": until, "--lift": lift}
        options.refuse("with --list", {name: bool(value) for name, value in about.items()})
    if lift:
        options.refuse("with --lift", {"--until": until is not None})
    kept, states = _states(store)
    if list_all:
        _list(states)
        return
    if what is None:
        raise ConfigurationError("NAME must be given, or --list; `odibi alerts rules` lists the rules")
    fields = _target(states, what, pipeline)
    if lift and not any(_matches(each, fields) for each in states.mutes):
        output.complain(f"{what!r} is not muted; `odibi alerts mute --list` lists the mutes")
        raise typer.Exit(exits.NOT_FOUND)
    end = times.moment(until, "--until", to_its_end=True, ahead=True)
    word = "no longer muted" if lift else f"muted until {times.at_second(end)}" if end else "muted"
    about = {**fields, "until": iso(end) if end else None, "lifted": lift or None}
    _publish(kept, states, kinds.ALERT_RULE_MUTED, f"{what} is {word}", about)
    output.notice(f"{what} is {word}")


def _matches(mute: Any, fields: dict[str, Any]) -> bool:
    return bool(mute.what == tuple(fields.get(name) for name in ("rule", "pipeline_name", "alert_key")))


def _target(states: AlertStates, what: str, pipeline: str | None) -> dict[str, Any]:
    """Return the fields of a mute: those of a rule, if it is known, else those of an alert."""
    from odibi_core.cli.alert_rules import open_book

    names = {rule.name for rule in open_book(None, required=False).rules}
    names |= {alert.rule for alert in states.by_id.values()} | {mute.rule for mute in states.mutes if mute.rule}
    if what in names:
        return {"rule": sanitize_text(what), "pipeline_name": None if pipeline is None else sanitize_text(pipeline)}
    found = [each for each in states.by_id.values() if each.alert_id.startswith(what)]
    if len(found) != 1:
        hint = nearest(what, names)
        output.complain(f"there is no rule and no alert {what!r}{hint}; `odibi alerts rules` lists the rules")
        raise typer.Exit(exits.NOT_FOUND)
    if pipeline is not None:
        raise ConfigurationError("--pipeline has no effect on one alert; leave it out")
    return {"alert_key": found[0].key}


def _list(states: AlertStates) -> None:
    now = utc_now()
    in_force = [mute for mute in states.mutes if mute.until is None or mute.until > now]
    if not in_force:
        output.notice("no rule and no alert is muted")
        return
    messages = {alert.key: f"alert {alert.alert_id}" for alert in states.by_id.values()}
    listed = output.table("Rule or alert", "Pipeline", "Until", whole=("Until",))
    for each in in_force:
        name = each.rule or messages.get(each.alert_key or "", "an older alert")
        until = times.at_second(each.until) if each.until else "lifted"
        listed.add_row(output.cell(name, "bold"), output.cell(each.pipeline_name or "all"), until)
    output.write(output.console(), listed)


def find(states: AlertStates, wanted: str) -> AlertState:
    """Return the alert with this id, or this beginning of one; exit with a message if there is none, or several."""
    known = {each.alert_id: each for each in states.by_id.values()}
    exact = states.get(wanted)
    matches = [exact] if exact else [each for name, each in known.items() if wanted and name.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(sorted(each.alert_id for each in matches)[:5])
        output.complain(f"{wanted!r} is the beginning of {len(matches)} alerts: {ids}")
    else:
        output.complain(f"there is no alert {wanted!r}{nearest(wanted, known)}; `odibi alerts --all` lists them")
    raise typer.Exit(exits.NOT_FOUND)


def _states(store: str | None) -> tuple[RunStore, AlertStates]:
    from odibi_core.alerts.log import read_states

    kept = record.open_store(store, ship_wait_s=_SHIP_WAIT_S)
    return kept, read_states(kept.root, utc_now())


def _about(alert: AlertState) -> dict[str, Any]:
    return {"alert_id": alert.alert_id, "pipeline_name": alert.pipeline_name, "rule": alert.rule}


def _publish(kept: RunStore, states: AlertStates, kind: str, message: str, fields: dict[str, Any]) -> None:
    from odibi_core.alerts.log import publish

    given = {name: value for name, value in fields.items() if value is not None}
    publish(kept.root, states, [(kind, message, "info", given)])
