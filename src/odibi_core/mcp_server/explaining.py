"""`explain`: a run as a model needs it to answer why it failed, and what is different from the last good one."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.errors import OdibiError
from odibi_core.history.blame import blame_run
from odibi_core.history.comparison import compare_runs
from odibi_core.history.comparison.lines import lines
from odibi_core.history.index import Index
from odibi_core.history.noticing.notes import Notes
from odibi_core.history.rows import as_dicts, decoded
from odibi_core.store.runs import RunStore

_OF_RUN: Final = (
    "run_id", "pipeline_name", "partition", "status", "started", "ended", "duration_ms", "engine", "steps",
    "success_count", "failed_count", "skipped_count", "rows_read", "rows_published", "checks_failed",
    "checks_not_checked", "unusual", "cost_usd", "error", "params", "tags", "command", "git_commit", "git_branch",
    "git_dirty", "python", "host", "resumed_from",
)  # fmt: skip
_OF_STEP: Final = (
    "node_name", "layer", "status", "duration_ms", "rows_in", "rows_out", "attempts", "cache_hit", "error_type",
    "error", "skip_reason", "depends_on", "source_file", "source_line",
)  # fmt: skip
_OF_ERROR: Final = ("timestamp", "node_name", "error_type", "message", "traceback", "fingerprint")
_OF_CHECK: Final = ("node_name", "check_name", "column_name", "severity", "failed_rows", "total_rows", "message")
_OF_FINDING: Final = ("alert_id", "node_name", "kind", "severity", "family", "actual", "expected", "message")
_OF_ROWS: Final = (
    "node_name", "dataset", "kind", "rows_in", "rows_out", "lost", "gained", "unmatched", "side", "rule", "level",
    "share", "unusual", "usual_rows_in", "usual_rows_out", "new_since", "reason",
)  # fmt: skip
_WIDTH: Final = 160


def explain(store: RunStore, run_id: str) -> dict[str, Any]:
    """Return the run, its steps, what failed in it, what is unusual, and what differs from the last good run."""
    with Index(store.root) as index:
        index.refresh()
        tables = index.tables(run_id)
    rows = {name: [decoded(name, row) for row in as_dicts(name, found)] for name, found in tables.items()}
    muted = Notes.read(store.root).is_muted
    findings = [
        row
        for row in rows["alerts"]
        if not row["muted"] and not muted(str(row["pipeline_name"]), row["node_name"], row["family"], row["timestamp"])
    ]
    return {
        "first_step_that_differs": _blame(store, run_id, rows["runs"]),
        "run": _chosen(rows["runs"], _OF_RUN)[0] if rows["runs"] else {"run_id": run_id},
        "errors": _chosen(rows["errors"], _OF_ERROR),
        "failed_checks": _chosen([row for row in rows["checks"] if row["passed"] is False], _OF_CHECK),
        "checks_that_could_not_be_asked": sum(row["passed"] is None for row in rows["checks"]),
        "unusual_findings": _chosen(findings, _OF_FINDING),
        **_compared(store, run_id),
        "rows_of_steps": _chosen(_with_other_rows(rows["row_changes"]), _OF_ROWS),
        "steps": _chosen(sorted(rows["nodes"], key=lambda row: row["status"] == "success"), _OF_STEP),
    }


def _blame(store: RunStore, run_id: str, runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first step that differs from the last good run, with the likely cause; None if nothing is unusual."""
    row = runs[0] if runs else {}
    if row.get("blame"):
        return {"sentence": row["blame"], "step": row["blame_step"], **(row["blame_detail"] or {})}
    if row.get("status") != "failed" and not row.get("unusual"):
        return None
    try:  # the process died before the end, or recorded the run with an older version
        found = blame_run(store, run_id)
    except OdibiError:
        return None
    return None if found is None else found.as_dict()


def _with_other_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the row changes in which rows were lost, gained or unmatched, those that are unusual first."""
    changed = [row for row in rows if row["unusual"] or row["lost"] or row["gained"] or row["unmatched"]]
    return sorted(changed, key=lambda row: not row["unusual"])


def _compared(store: RunStore, run_id: str) -> dict[str, Any]:
    """Return the comparison with the last good run as lines; the reason if there is none."""
    try:
        return {"compared_with_the_last_good_run": lines(compare_runs(store, run_id, None), _WIDTH)}
    except OdibiError as error:
        return {"not_compared": str(error)}


def _chosen(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return some columns of rows, without nulls."""
    return [{name: row[name] for name in names if row.get(name) is not None} for row in rows]
