"""`odibi ack` and `odibi mute`: acknowledge one alert, or silence the findings of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import exits, options, output, record, times
from odibi_core.cli.filters import check_pipeline
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import sanitize_text
from odibi_core.events.clock import iso, utc_now
from odibi_core.store.runs import RunStore

if TYPE_CHECKING:
    from odibi_core.history.noticing.notes import Mute, Notes

_SHIP_WAIT_S: Final = 30.0
"""A note is for other hosts: its command waits longer than a program for the process that ships it."""


def ack(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Id of an alert, as `odibi watch` lists it.")],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A remark that is kept with it.")] = None,
    store: options.Store = None,
) -> None:
    """Acknowledge an alert, so that `odibi watch` no longer lists it.

    The id, or its beginning, is the one that `odibi watch`, the summary of
    the run and the table `alerts` show.
    """
    from odibi_core.history.noticing import notes

    kept = record.open_store(store, ship_wait_s=_SHIP_WAIT_S)
    found = _alert(kept, alert)
    about = {"alert_id": found["alert_id"], "pipeline_name": found["pipeline_name"], "note": note}
    fields = {name: value for name, value in about.items() if value is not None}
    notes.write(kept.root, notes.ACKNOWLEDGED, f"acknowledged: {found['message']}", fields)
    output.notice(f"acknowledged {found['alert_id']}: {found['message']}")


def _alert(kept: RunStore, wanted: str) -> dict[str, Any]:
    from odibi_core.alerts.log import read_states
    from odibi_core.history.noticing.watch import known_alerts

    with record.indexed(kept) as index:
        found = known_alerts(index, utc_now())
    for each in read_states(kept.root, utc_now()).by_id.values():
        about = {"alert_id": each.alert_id, "pipeline_name": each.pipeline_name, "message": each.message}
        found[each.alert_id] = about
    matches = {each: about for each, about in found.items() if each.startswith(wanted)} if wanted else {}
    if len(matches) == 1:
        return next(iter(matches.values()))
    if matches:
        output.complain(f"{wanted!r} is the beginning of {len(matches)} alerts: {', '.join(sorted(matches)[:5])}")
    else:
        output.complain(f"there is no alert {wanted!r}{nearest(wanted, list(found))}; `odibi watch --all` lists them")
    raise typer.Exit(exits.NOT_FOUND)


def mute(
    pipeline: Annotated[
        str | None, typer.Argument(metavar="PIPELINE", help="The pipeline to silence.", show_default=False)
    ] = None,
    step: Annotated[str | None, typer.Option("--step", metavar="NAME", help="Only findings of this step.")] = None,
    family: Annotated[
        str | None, typer.Option("--family", metavar="NAME", help="Only this family, such as rows or duration.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="2026-01-31, or 3d from now.", show_default="no end")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="End a mute of the same pipeline, step and family.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the mutes in force.")] = False,
    store: options.Store = None,
) -> None:
    """Silence the findings of a pipeline, of a step or of a family.

    Muted findings are still recorded, in the table `alerts` with `muted`;
    `odibi watch`, its exit code and the summary of a run leave them out.
    """
    from odibi_core.history.noticing import notes
    from odibi_core.history.noticing.causes import FAMILIES

    if list_all:
        about = {"--step": step, "--family": family, "--until": until, "--lift": lift, "PIPELINE": pipeline}
        options.refuse("with --list", {name: bool(value) for name, value in about.items()})
    if lift:
        options.refuse("with --lift", {"--until": until is not None})
    kept = record.open_store(store, ship_wait_s=_SHIP_WAIT_S)
    known = notes.Notes.read(kept.root)
    if list_all:
        _list(known)
        return
    if pipeline is None:
        raise ConfigurationError("PIPELINE must be given, or --list; `odibi watch` lists the pipelines")
    families = (*FAMILIES, "cadence", "status")
    if family is not None and family not in families:
        raise ConfigurationError(f"--family must be one of {', '.join(families)}, got {family!r}")
    pipeline, step = sanitize_text(pipeline), None if step is None else sanitize_text(step)  # as the record has them
    with record.indexed(kept) as index:
        check_pipeline(index, pipeline)
    end = times.moment(until, "--until", to_its_end=True, ahead=True)
    about = {"pipeline_name": pipeline, "node_name": step, "family": family}
    fields: dict[str, Any] = {name: value for name, value in about.items() if value is not None}
    fields |= ({"until": iso(end)} if end else {}) | ({"lifted": True} if lift else {})
    what = _words(pipeline, step, family)
    if lift and not any((m.pipeline_name, m.node_name, m.family) == (pipeline, step, family) for m in known.mutes):
        output.complain(f"{what} is not muted; `odibi mute --list` lists the mutes")
        raise typer.Exit(exits.NOT_FOUND)
    word = "no longer muted" if lift else f"muted until {times.at_second(end)}" if end else "muted"
    notes.write(kept.root, notes.MUTED, f"{what} is {word}", fields)
    output.notice(f"{what} is {word}")


def _words(pipeline: str, step: str | None, family: str | None) -> str:
    parts = [f"pipeline {pipeline}", f"step {step}" if step else "", f"family {family}" if family else ""]
    return ", ".join(part for part in parts if part)


def _list(known: Notes) -> None:
    now = utc_now()
    mutes: list[Mute] = [mute for mute in known.mutes if mute.until is None or mute.until > now]
    if not mutes:
        output.notice("nothing is muted")
        return
    on = output.console()
    listed = output.table("Pipeline", "Step", "Family", "Until", whole=("Until",))
    for mute in mutes:
        listed.add_row(
            output.cell(mute.pipeline_name, "bold"),
            output.cell(mute.node_name or "all"),
            output.cell(mute.family or "all"),
            times.at_second(mute.until) if mute.until else "lifted",
        )
    output.write(on, listed)
