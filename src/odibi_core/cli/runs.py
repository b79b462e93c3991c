"""`odibi runs`: the list of runs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from msgspec.structs import replace

from odibi_core.cli import options, output, record, times
from odibi_core.cli.filters import check_pipeline, run_filter
from odibi_core.history.grid import state_of
from odibi_core.history.rows import decoded
from odibi_core.views.wording import short_id

if TYPE_CHECKING:
    from odibi_core.history.index import Index, RunFilter

_YEAR: Final = len("2026-")
_WIDE: Final = 100
"""Columns of a terminal with room for the year and for the rows read."""
_FORMER: Final = {"start": "started", "end": "ended", "rows": "rows_published"}
"""Keys of the JSON document that have another name in the table `runs`."""


class Status(StrEnum):
    """The state of a run."""

    success = "success"
    failed = "failed"
    cancelled = "cancelled"
    running = "running"
    lost = "lost"


def runs(
    pipeline: options.Pipeline = None,
    since: options.Since = None,
    until: options.Until = None,
    status: Annotated[
        Status | None, typer.Option("--status", metavar="STATUS", help="Only this status, such as failed.")
    ] = None,
    tag: options.Tags = None,
    param: options.Params = None,
    partition: options.Partition = None,
    unusual: Annotated[bool, typer.Option("--unusual", help="Only runs with unusual findings.")] = False,
    limit: options.Limit = 20,
    page: options.Page = 1,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """List the recorded runs, newest first.

    The status is success, failed, cancelled, running, or lost if the process
    died before the run ended. `!` marks a success with failed checks, and `~`
    one that is unusual: `odibi show RUN` names the findings. Rows are those
    that the publishing steps wrote; a wide terminal shows more columns.

    odibi runs nightly --since 7d --status failed
    odibi runs --tag team=sales --param region=eu --format json
    """
    if not limit:
        options.refuse("with --limit 0", {"--page": page != 1})
    kept = record.open_store(store)
    wanted = run_filter(
        pipeline, since, until, status=status, tags=tag, params=param, partition=partition
    )  # fmt: skip
    wanted = replace(wanted, unusual=unusual)
    with record.indexed(kept) as index:
        rows = index.runs(wanted, limit or None, (page - 1) * limit)
        total = index.count(wanted) if page > 1 or len(rows) == limit else len(rows)
        if pipeline is not None and not total:
            check_pipeline(index, pipeline)
    if format is options.TextOrJson.json:
        output.write_json([_document(row) for row in rows])
    elif rows:
        _show(rows)
    if rows:
        output.more(total, limit, page, "runs")
    elif format is options.TextOrJson.text:
        _none(index, wanted, total, page)


def _none(index: Index, wanted: RunFilter, total: int, page: int) -> None:
    if page > 1:
        output.notice(f"page {page} has no run: there are {output.count(total, 'runs')}")
        return
    output.nothing("run", index.root, wanted != type(wanted)(), "; `odibi demo` records one")


def _document(row: dict[str, Any]) -> dict[str, Any]:
    """Return a run as JSON: the columns of the table `runs`, and the keys of earlier versions."""
    return {**decoded("runs", row), **{former: row[name] for former, name in _FORMER.items()}}


def _show(rows: list[dict[str, Any]]) -> None:
    on = output.console()
    wide = on.width >= _WIDE
    with_checks, with_partition = any(map(_checks, rows)), wide and any(row["partition"] for row in rows)
    with_unusual = wide and any(row["unusual"] for row in rows)
    took = "Duration" if wide else "Took"
    started, figures = f"Started ({times.zone()})", ("Read", "Published") if wide else ("Rows",)
    listed = output.table(
        "",
        "Pipeline",
        *(["Partition"] if with_partition else []),
        "Status",
        started,
        took,
        "Steps",
        *figures,
        *(["Checks"] if with_checks else []),
        *(["Unusual"] if with_unusual else []),
        "Run",
        right=(took, "Steps", *figures, "Unusual"),
        whole=("Status", started, "Run"),
    )
    for row in rows:
        shown_as = state_of(row)
        style = output.STYLES.get(shown_as, "")
        listed.add_row(
            output.cell(output.sign(shown_as, on), style),
            output.cell(row["pipeline_name"] or "?", "bold"),
            *([output.cell(row["partition"] or "")] if with_partition else []),
            output.cell(row["status"], style),
            output.cell((times.at_second(row["started"]) if row["started"] else "")[0 if wide else _YEAR :]),
            output.duration(row["duration_ms"]),
            _steps(row),
            *((output.count(row["rows_read"]), output.count(row["rows_published"])) if wide else (_rows(row),)),
            *([output.cell(_checks(row), "yellow" if row["checks_failed"] else "dim")] if with_checks else []),
            *([output.cell(output.count(row["unusual"] or None), "yellow")] if with_unusual else []),
            output.cell(short_id(row["run_id"]), "dim"),
        )
    output.write(on, listed)


def _checks(row: dict[str, Any]) -> str:
    """Return `2 failed`, `1 not checked` or `8 passed`; an empty text for a run without checks."""
    for state in ("failed", "not_checked", "passed"):
        if number := row[f"checks_{state}"]:
            return f"{number:,} {state.replace('_', ' ')}"
    return ""


def _rows(row: dict[str, Any]) -> str:
    """Return the rows published, or else the rows read."""
    if row["rows_published"] is None and row["rows_read"] is not None:
        return f"{output.count(row['rows_read'])} read"
    return output.count(row["rows_published"])


def _steps(row: dict[str, Any]) -> str:
    """Return `22/24`: the steps that succeeded, of all."""
    done, total = row["success_count"], row["steps"]
    return f"{done}" if total is None else f"{done}/{total}"
