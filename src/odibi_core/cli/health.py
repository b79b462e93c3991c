"""`odibi health`: the health checks, run now or as recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from odibi_core.cli import exits, options, output, record, times
from odibi_core.pipeline.loader import load_module
from odibi_core.store.runs import RunStore
from odibi_core.views.health import HealthView

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STATES = {"healthy": "success", "degraded": "warning", "unhealthy": "failed", "skipped": "pending"}
"""The state of a run with the same sign and colour."""


def health(
    format: options.Format = options.TextOrJson.text,
    exit_on_failure: Annotated[
        bool, typer.Option("--exit-on-failure", help="Exit with code 1 if a check is unhealthy.")
    ] = False,
    load: Annotated[
        str | None, typer.Option("--load", metavar="FILE", help="Python file or module with more checks.")
    ] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Show the last recorded results instead.")] = False,
    store: options.Store = None,
) -> None:
    """Run the health checks.

    Disk, store, log, metrics endpoint, Sentry, BigQuery, and registered
    checks. A check of something that is not configured is skipped. Each
    check has a timeout; a check that exceeds it is unhealthy.
    """
    from odibi_core.observability import run_health_checks

    if recorded:
        options.refuse("with --recorded", {"--load": load is not None})
    else:
        options.refuse("without --recorded", {"--store": store is not None})
    if load is not None:
        with output.aside():
            load_module(load, importable=True)
    if recorded:
        report = _recorded(record.open_store(store))
    else:
        with output.waiting("running the checks"), output.aside():
            report = run_health_checks()
    if format is options.TextOrJson.json:
        output.write_json(report)
    else:
        _show(report)
    if exit_on_failure and report["status"] == "unhealthy":
        raise typer.Exit(exits.FAILED)


def _recorded(store: RunStore) -> dict[str, Any]:
    """Return the last recorded result of each check, and the circuits."""
    from odibi_core.observability import overall_status

    with output.waiting("reading the store"):
        answer = record.fold(HealthView(), record.select(store, None, None)).answer()
    return {"status": overall_status(check["status"] for check in answer["checks"].values()).value, **answer}


def _show(report: dict[str, Any]) -> None:
    on = output.console()
    circuits = report.get("circuits", {})
    if not report["checks"] and not circuits:
        output.notice("no health check is recorded; `odibi health` runs the checks")
        return
    if report["checks"]:
        output.write(on, _checks(report["checks"], on))
    if circuits:
        output.write(on, *([output.styled("")] if report["checks"] else []), _circuits(circuits))
    output.write(on, output.styled(report["status"], f"bold {_style(report['status'])}"))


def _checks(results: dict[str, Any], on: Console) -> Table:
    """Return a row for each check; recorded checks also have the times of their last run and last change."""
    recorded = any("since" in check for check in results.values())
    moments = (f"Since ({times.zone()})", "Last asked") if recorded else ()
    listed = output.table(
        "", "Check", "Status", *moments, "Took", "Message", right=("Took",), whole=("Status", *moments)
    )
    for name, check in results.items():
        seconds = check["duration_seconds"]
        listed.add_row(
            output.cell(output.sign(_STATES.get(check["status"], "unknown"), on), _style(check["status"])),
            output.cell(name, "bold"),
            output.cell(check["status"], _style(check["status"])),
            *([times.at_second(check["since"]), times.at_second(check["last"])] if recorded else []),
            output.duration(None if seconds is None else seconds * 1e3),
            output.styled(check["message"] or ""),
        )
    return listed


def _circuits(circuits: dict[str, Any]) -> Table:
    since = f"Since ({times.zone()})"
    listed = output.table("Circuit", "State", since, "Changes", right=("Changes",), whole=("State", since))
    for name, circuit in circuits.items():
        state = circuit["state"]
        listed.add_row(
            output.cell(name, "bold"),
            output.cell(state, "green" if state == "closed" else "red" if state == "open" else "yellow"),
            times.at_second(circuit["since"]),
            output.count(circuit["changes"]),
        )
    return listed


def _style(status: str) -> str:
    return output.STYLES[_STATES.get(status, "unknown")]
