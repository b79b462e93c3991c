"""`odibi runs`: the list of runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

from odibi_core.cli import options, output, record, times
from odibi_core.views.answers import RunRow
from odibi_core.views.as_dict import answer_dict

_YEAR: Final = len("2026-")
_WIDE: Final = 100
"""Columns of a terminal with room for the year and for the rows read."""


class Status(StrEnum):
    """The state of a run."""

    success = "success"
    failed = "failed"
    cancelled = "cancelled"
    running = "running"
    lost = "lost"


def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=0, help="Number of runs; 0 for all.")] = 20,
    status: Annotated[
        Status | None, typer.Option("--status", metavar="STATUS", help="Only this status, such as failed.")
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """List the recorded runs, newest first.

    The status is success, failed, cancelled, running, or lost if the process
    died before the run ended. `!` marks a success with failed checks. Rows
    are those that the publishing steps wrote; a wide terminal also shows the
    rows that the first steps read.
    """
    kept = record.open_store(store)
    with output.waiting("reading the runs"):
        rows = kept.runs(limit or None) if status is None else kept.runs()
    if status is not None:
        rows = [row for row in rows if row.status == status.value][: limit or None]
    if format is options.TextOrJson.json:
        output.write_json([answer_dict(row) for row in rows])
    elif rows:
        _show(rows)
    else:
        what = f"no run with status {status.value}" if status else "no run"
        output.notice(f"{what} is recorded in {kept.root}; `odibi demo` records one")


def _show(rows: list[RunRow]) -> None:
    on = output.console()
    with_checks = any(_checks(row) for row in rows)
    wide = on.width >= _WIDE
    took = "Duration" if wide else "Took"
    started, figures = f"Started ({times.zone()})", ("Read", "Published") if wide else ("Rows",)
    listed = output.table(
        "",
        "Pipeline",
        "Status",
        started,
        took,
        "Steps",
        *figures,
        *(["Checks"] if with_checks else []),
        "Run",
        right=(took, "Steps", *figures),
        whole=("Status", started, "Run"),
    )
    for row in rows:
        shown_as = "warning" if row.status == "success" and row.checks_failed else row.status
        style = output.STYLES.get(shown_as, "")
        listed.add_row(
            output.cell(output.sign(shown_as, on), style),
            output.cell(row.pipeline_name or "?", "bold"),
            output.cell(row.status, style),
            output.cell((times.at_second(row.start) if row.start else "")[0 if wide else _YEAR :]),
            output.duration(row.duration_ms),
            _steps(row),
            *((output.count(row.rows_read), output.count(row.rows)) if wide else (_rows(row),)),
            *([output.cell(_checks(row), "yellow" if row.checks_failed else "dim")] if with_checks else []),
            output.cell(_short(row.run_id or ""), "dim"),
        )
    output.write(on, listed)


def _checks(row: RunRow) -> str:
    """Return `2 failed`, `1 not checked` or `8 passed`; an empty text for a run without checks."""
    for state in ("failed", "not_checked", "passed"):
        if number := getattr(row, f"checks_{state}"):
            return f"{number:,} {state.replace('_', ' ')}"
    return ""


def _short(run_id: str) -> str:
    """Return the end of an id, by which every command finds the run."""
    return run_id.rpartition("-")[2] or run_id


def _rows(row: RunRow) -> str:
    """Return the rows published, or else the rows read."""
    if row.rows is None and row.rows_read is not None:
        return f"{output.count(row.rows_read)} read"
    return output.count(row.rows)


def _steps(row: RunRow) -> str:
    """Return `22/24`: the steps that succeeded, of all."""
    done, total = row.success_count, row.steps
    return f"{done}" if total is None else f"{done}/{total}"
