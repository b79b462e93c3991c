"""`odibi runs`: the list of runs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from odibi_core.cli import options, output, record


class Status(StrEnum):
    """How a run may stand."""

    success = "success"
    failed = "failed"
    cancelled = "cancelled"
    running = "running"
    lost = "lost"


def runs(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="How many, the newest first; 0 for all.")
    ] = 20,
    status: Annotated[Status | None, typer.Option("--status", help="Only runs that ended so.")] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """List the runs: what ran, when, how long, and how it ended.

    A run whose process died without a word is shown as lost.
    """
    kept = record.open_store(store)
    with output.waiting("reading the runs"):
        rows = kept.rows(limit or None) if status is None else kept.rows()
    if status is not None:
        rows = [row for row in rows if row["status"] == status.value][: limit or None]
    if format is options.TextOrJson.json:
        output.write_json(rows)
    elif rows:
        _show(rows)
    else:
        what = f"no run that is {status.value}" if status else "no run"
        output.notice(f"there is {what} in {kept.root}; `odibi demo` makes one")


def _show(rows: list[dict[str, Any]]) -> None:
    on = output.console()
    listed = output.table(
        "",
        "Pipeline",
        "Status",
        "Started",
        "Duration",
        "Steps",
        "Rows",
        "Run",
        right=("Duration", "Steps", "Rows"),
        whole=("Status", "Started", "Run"),
    )
    for row in rows:
        style = output.STYLES.get(row["status"], "")
        listed.add_row(
            output.cell(output.sign(row["status"], on), style),
            output.cell(row["pipeline_name"] or "?", "bold"),
            output.cell(row["status"], style),
            output.cell(_when(row["start"])),
            output.duration(row["duration_ms"]),
            _steps(row),
            output.count(row["rows"]),
            output.cell(_short(row["run_id"]), "dim"),
        )
    output.write(on, listed)


def _short(run_id: str) -> str:
    """The end of an id, by which every command finds the run."""
    return run_id.rpartition("-")[2] or run_id


def _when(start: str) -> str:
    return f"{datetime.fromisoformat(start).astimezone():%Y-%m-%d %H:%M:%S}"


def _steps(row: dict[str, Any]) -> str:
    """`22/24`: how many of the steps succeeded."""
    done, total = row["success_count"], row["steps"]
    return f"{done}" if total is None else f"{done}/{total}"
