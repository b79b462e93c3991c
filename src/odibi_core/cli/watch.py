"""`odibi watch`: unusual, failed, lost, late and missed runs of all pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import exits, options, output, record, times
from odibi_core.events.clock import utc_now
from odibi_core.views.wording import plural, short_id

if TYPE_CHECKING:
    from rich.console import Console

    from odibi_core.history.noticing.watch import Alert, Watch
    from odibi_core.store.runs import RunStore

_STATES: Final = {"unusual": "warning", "failed": "failed", "lost": "lost", "missed": "failed", "late": "warning"}
"""The state of a run with the same sign and colour."""


def watch(
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Such as 2h (ago), 2026-01-31.", show_default="1d")
    ] = None,
    pipeline: options.OnlyPipeline = None,
    all_alerts: Annotated[
        bool, typer.Option("--all", help="List acknowledged and muted alerts too.")
    ] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:  # fmt: skip
    """List what needs a look in all pipelines, for a person or for cron.

    Unusual runs, failed and lost runs, and runs that are late or were
    missed by the cadence of their pipeline, which is learned from its
    earlier runs; of the last day, or since --since. The exit code is 0 if
    nothing needs a look, and 5 if something does. `odibi ack` and
    `odibi mute` silence an alert.
    """
    from odibi_core.history.noticing.watch import watch as watch_store

    kept = record.open_store(store)
    begin = times.moment(since or "1d", "--since")
    assert begin is not None
    with record.indexed(kept) as index:
        found = watch_store(index, begin, utc_now(), pipeline)
    shown = found.alerts if all_alerts else found.open_alerts
    of_rules = _of_rules(kept, pipeline)
    if format is options.TextOrJson.json:
        output.write_json({**_document(found, shown), "alerts_of_rules": of_rules})
    else:
        _show(found, shown)
        if of_rules:
            output.notice(f"{plural(of_rules, 'alert')} of rules: `odibi alerts` lists them")
    if found.open_alerts:
        raise typer.Exit(exits.UNUSUAL)


def _of_rules(kept: RunStore, pipeline: str | None) -> int:
    """Return the number of open alerts of rules that nothing acknowledged or mutes."""
    from odibi_core.alerts.log import read_states

    now = utc_now()
    states = read_states(kept.root, now)
    return sum(
        pipeline in (None, alert.pipeline_name) and alert.acknowledged is None and not states.is_muted(alert, now)
        for alert in states.open()
    )


def _document(found: Watch, shown: list[Alert]) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(found)
    hidden = len(found.alerts) - len(found.open_alerts)
    return {**plain, "alerts": msgspec.to_builtins(shown), "acknowledged_or_muted": hidden}


def _show(found: Watch, shown: list[Alert]) -> None:
    on = output.console()
    for alert in shown:
        _show_alert(alert, on)
    hidden = len(found.alerts) - len(found.open_alerts)
    notices = [plural(len(found.open_alerts), "alert") if found.open_alerts else "nothing unusual"]
    notices.append(f"since {times.at_second(found.since)}")
    if hidden:
        notices.append(f"{hidden} acknowledged or muted")
    if found.not_judged:
        notices.append(
            f"{plural(found.not_judged, 'run')} not judged (too few earlier runs, or noticing could not run)"
        )
    output.write(on, output.styled(output.joined(notices, on), "yellow" if found.open_alerts else "green"))
    _show_pipelines(found, on)
    if found.not_noted:
        output.notice(f"missed runs are not noted in the store: {found.not_noted}")


def _show_alert(alert: Alert, on: Console) -> None:
    from rich.text import Text

    style = output.STYLES[_STATES[alert.kind]]
    run = short_id(alert.run_id)
    about = [times.at_second(alert.at), *([f"run {run}"] if run else []), alert.alert_id]
    if not alert.is_open:
        about.append("acknowledged" if alert.acknowledged else "muted")
    output.write(
        on,
        Text.assemble(
            (f"{output.sign(_STATES[alert.kind], on)} ", style),
            (output.shown(alert.pipeline_name), "bold"),
            (f" {alert.kind}  ", style),
            (output.joined(about, on), "dim"),
        ),
        output.indented(alert.message, by=4),
        *(output.indented(f"follows: {message}", "dim", 6) for message in alert.follows[:5]),
        *(
            [output.indented(f"and {len(alert.follows) - 5} more that follow", "dim", 6)]
            if len(alert.follows) > 5
            else []
        ),
        *([output.indented(f"note: {alert.note}", "dim", 6)] if alert.note else []),
    )


def _show_pipelines(found: Watch, on: Console) -> None:
    if not found.pipelines:
        return
    due = f"Next due ({times.zone()})"
    listed = output.table("Pipeline", "Runs", "Last", "Status", "Cadence", due, right=("Runs",), whole=("Last", due))
    for each in found.pipelines:
        next_due = "stopped" if each.stopped else times.at_second(each.next_due)[:16] if each.next_due else ""
        listed.add_row(
            output.cell(each.pipeline_name, "bold"),
            output.count(each.runs),
            times.at_second(each.last_started)[:16] if each.last_started else "",
            output.cell(each.last_status or "?", output.STYLES.get(each.last_status or "", "")),
            output.cell(each.cadence),
            output.cell(next_due, "dim"),
        )
    output.write(on, "", listed)
