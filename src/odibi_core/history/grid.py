"""The grid of a pipeline: its last runs, and each of its steps in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from odibi_core.history.index import Index, RunFilter

_RUN: Final = (
    "run_id", "started", "status", "duration_ms", "rows_read", "rows_published", "checks_passed", "checks_failed",
    "checks_not_checked", "unusual", "partition", "error",
)  # fmt: skip
_CELL: Final = (
    "run_id", "status", "duration_ms", "rows_in", "rows_out", "checks_passed", "checks_failed", "checks_not_checked",
    "error", "attempts",
)  # fmt: skip
MOST_STEPS: Final = 500
_AT_A_LOOK: Final = 50
"""Steps in the order of the plan; of more, those that did not succeed in the newest run come first."""

Cells = list[dict[str, Any] | None]


class StepRow(Struct, frozen=True):
    """A step, and its part in each run of the grid: None for a run without this step."""

    node_name: str
    layer: str | None
    cells: Cells


class Grid(Struct, frozen=True):
    """The last runs of a pipeline, the oldest first, and their steps in the order of the newest plan.

    Of many steps, those that failed in the newest run come first.

    `runs_in_all` counts all runs of the pipeline; `steps_left_out` counts steps without a place in the grid.
    """

    pipeline_name: str
    runs: list[dict[str, Any]]
    steps: list[StepRow]
    runs_in_all: int
    steps_left_out: int = 0


def grid_of(
    index: Index, pipeline_name: str, last: int, before: datetime | None = None, step: str | None = None
) -> Grid:
    """Return the grid of a pipeline.

    Args:
        index: The index, which is up to date.
        pipeline_name: The pipeline.
        last: The number of runs.
        before: Only runs that started before this time.
        step: Only this step.
    """
    wanted = RunFilter(pipeline_name=pipeline_name, until=before)
    runs = index.runs(wanted, last)[::-1]
    places = {run["run_id"]: place for place, run in enumerate(runs)}
    found: dict[str, Cells] = {}
    order: dict[str, tuple[Any, ...]] = {}
    layers: dict[str, str | None] = {}
    for node in index.nodes(pipeline_name, step, before, last):
        place = places.get(node["run_id"])
        if place is None:
            continue
        name = node["node_name"]
        if name not in found:  # the newest run comes first
            found[name], layers[name] = [None] * len(runs), node["layer"]
            order[name] = (
                -place,
                node["position"] is None,
                node["position"] or 0,
                node["started"] or node["run_started"],
            )
        found[name][place] = _chosen(node, _CELL)
    names = sorted(found, key=lambda name: order[name])
    if len(names) > _AT_A_LOOK:
        names.sort(key=lambda name: not _is_broken(found[name][-1]))
    rows = [StepRow(name, layers[name], found[name]) for name in names[:MOST_STEPS]]
    return Grid(
        pipeline_name, [_chosen(run, _RUN) for run in runs], rows, index.count(wanted), len(names) - len(rows)
    )  # fmt: skip


def _is_broken(cell: dict[str, Any] | None) -> bool:
    return cell is not None and cell["status"] in ("failed", "lost", "cancelled")


def _chosen(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def state_of(run: dict[str, Any]) -> str:
    """Return the state that a run or a step is shown as: a success with failed checks, or an unusual one, is amber."""
    if run["status"] != "success":
        return str(run["status"])
    return "warning" if run["checks_failed"] else "unusual" if run.get("unusual") else "success"


def check_state(cell: dict[str, Any] | None) -> str | None:
    """Return the result of all checks of a run or a step: success, failed, unknown; None without a check."""
    if cell is None:
        return None
    states = {"failed": "checks_failed", "unknown": "checks_not_checked", "success": "checks_passed"}
    return next((state for state, name in states.items() if cell[name]), None)
