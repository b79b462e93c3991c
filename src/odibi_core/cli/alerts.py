"""`odibi alerts`: the alerts of the rules, and the commands that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from odibi_core.cli import help, options, output, record, times
from odibi_core.cli.alert_changes import ack, mute, resolve
from odibi_core.cli.alert_rules import check, rules, try_rule
from odibi_core.events.clock import utc_now
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import Console

    from odibi_core.alerts.state import AlertState, AlertStates

alerts = help.group("alerts", "List the alerts of the rules, and change them.", alone=True)
_STATES = {"open": "failed", "escalated": "failed", "acknowledged": "skipped", "resolved": "success"}
"""The state of a run with the same sign and colour."""


@alerts.callback()
def _list(
    context: typer.Context,
    all_alerts: Annotated[bool, typer.Option("--all", help="List resolved alerts too.")] = False,
    pipeline: options.OnlyPipeline = None,
    since: options.Since = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """List the open alerts, those that were acknowledged too.

    An alert is open from the run, or the check, in which its rule fired until
    the one in which it no longer does. Each has the state of its delivery on
    every route. `odibi alerts check`, called from cron, finds runs that are
    late and sends what waits.
    """
    if context.invoked_subcommand is not None:
        given = {"--all": all_alerts, "--pipeline": bool(pipeline), "--since": bool(since), "--store": bool(store)}
        options.refuse(f"before {context.invoked_subcommand}", given)
        return
    from odibi_core.alerts.log import read_states

    kept, now = record.open_store(store), utc_now()
    states = read_states(kept.root, now)
    begin = times.moment(since, "--since")
    listed = [
        alert
        for alert in states.by_id.values()
        if (all_alerts or alert.is_open)
        and pipeline in (None, alert.pipeline_name)
        and (begin is None or alert.raised >= begin)
    ]
    if format is options.TextOrJson.json:
        output.write_json([document(states, each) for each in listed])
        return
    _show(states, listed)
    if not listed:
        output.nothing("alert" if all_alerts else "open alert", kept.root, pipeline or begin)


def document(states: AlertStates, alert: AlertState) -> dict[str, Any]:
    """Return an alert as JSON values."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(alert)
    return {**plain, "status": alert.status, "muted": states.is_muted(alert, utc_now())}


def _show(states: AlertStates, listed: list[AlertState]) -> None:
    on, now = output.console(), utc_now()
    for alert in listed:
        _show_alert(alert, on, is_muted=states.is_muted(alert, now))
    if listed:
        number = sum(alert.is_open for alert in listed)
        output.write(on, output.styled(plural(number, "open alert"), "red" if number else "green"))


def _show_alert(alert: AlertState, on: Console, *, is_muted: bool) -> None:
    from rich.text import Text

    state = _STATES[alert.status]
    parts = [times.at_second(alert.raised), alert.alert_id, alert.rule]
    parts += [f"owner {alert.owner}"] if alert.owner else []
    parts += ["muted"] if is_muted else []
    about = [
        *([f"resolved {times.at_second(alert.resolved)} by {alert.resolved_by}"] if alert.resolved else []),
        *([f"acknowledged {times.at_second(alert.acknowledged)}"] if alert.acknowledged else []),
        *([f"note: {alert.note}"] if alert.note else []),
        *([f"run book: {alert.runbook}"] if alert.runbook else []),
        *(
            f"{route}: {sent.reason} {sent.status} {times.at_second(sent.at)}"
            + (f", {sent.problem}" if sent.problem else "")
            for route, sent in alert.sent.items()
        ),
    ]
    output.write(
        on,
        Text.assemble(
            (f"{output.sign(state, on)} ", output.STYLES[state]),
            (output.shown(alert.pipeline_name or "–"), "bold"),
            (f" {alert.severity}  ", output.STYLES.get(alert.severity, "")),
            (output.joined(map(output.shown, parts), on), "dim"),
        ),
        output.indented(alert.message, by=4),
        *(output.indented(line, "dim", 6) for line in about),
    )


for command in (rules, check, ack, mute, resolve):
    alerts.command(cls=help.Command)(command)
alerts.command("test", cls=help.Command)(try_rule)
