"""The page of a pipeline's history: the document of the view `history`, and its outline."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from odibi_core import private_files
from odibi_core.history.grid import Cells, Grid, StepRow, check_state, state_of
from odibi_core.viewer import Outline, Part, page
from odibi_core.views.wording import count, duration, plural, shorten

FORMAT: Final = "odibi-history/1"
_STATES: Final = {"warning": "warn"}
_LONGEST: Final = 300


def write_page(grid: Grid, path: Path) -> Path:
    """Write the page of a grid, and return its path. Raises `OSError`."""
    return private_files.write_atomic(path, page("history", document(grid), outline(grid)))


def document(grid: Grid) -> dict[str, Any]:
    """Return the document of a grid as plain JSON values; `viewer/assets/types.js` describes it."""
    everything = _row(StepRow("all steps", None, [*grid.runs]), "rows_read") | {"all": True}
    return {
        "format": FORMAT,
        "pipeline": grid.pipeline_name,
        "sentence": _sentence(grid),
        "runs": [_run(run) for run in grid.runs],
        "runsInAll": grid.runs_in_all,
        "steps": [everything, *(_row(row, "rows_out") for row in grid.steps)],
        "stepsLeftOut": grid.steps_left_out,
    }


def outline(grid: Grid) -> Outline:
    """Return the last values of the steps and the runs as plain texts."""
    steps = [[row.node_name, *_last(row.cells)] for row in grid.steps]
    runs = [
        [_time(run), str(run["status"]), duration(run["duration_ms"], unknown=""), run["run_id"], _error(run) or ""]
        for run in reversed(grid.runs)
    ]
    parts = [
        Part("Steps", (), ("Step", "Last rows", "Last duration"), steps, (1, 2)),
        Part("Runs", (), ("Started", "Status", "Duration", "Run", "Error"), runs, (2,)),
    ]
    return Outline(f"{grid.pipeline_name}: history", grid.pipeline_name, sentence=_sentence(grid), parts=parts)


def _sentence(grid: Grid) -> str:
    if not grid.runs:
        return "No run."
    shown = plural(len(grid.runs), "run")
    of_all = f" of {grid.runs_in_all:,}" if grid.runs_in_all > len(grid.runs) else ""
    wrong = sum(run["status"] not in ("success", "running") for run in grid.runs)
    return (
        f"{shown}{of_all}, {_time(grid.runs[0])} to {_time(grid.runs[-1])} (UTC): "
        f"{f'{wrong} did not succeed' if wrong else 'all succeeded'}.{_since(grid)}"
    )


def _since(grid: Grid) -> str:
    """Return since when no run succeeded; an empty text if the last one that ended did."""
    ended = [run for run in grid.runs if run["status"] != "running"]
    bad = list(takewhile(lambda run: run["status"] != "success", reversed(ended)))
    if not bad:
        return ""
    if len(bad) == len(ended):
        return f" None of {plural(len(bad), 'run')} succeeded." if len(bad) > 1 else ""
    good = ended[len(ended) - len(bad) - 1]
    return f" Failing since {_time(bad[-1])} ({plural(len(bad), 'run')}); the last good run was at {_time(good)}."


def _time(run: dict[str, Any]) -> str:
    return f"{run['started']:%Y-%m-%d %H:%M}" if run["started"] else "?"


def _last(cells: Cells) -> tuple[str, str]:
    cell = (cells[-1] if cells else None) or {}
    return count(cell.get("rows_out"), unknown=""), duration(cell.get("duration_ms"), unknown="")


def _row(row: StepRow, rows: str) -> dict[str, Any]:
    return {"name": row.node_name, "cells": [_cell(cell, rows) for cell in row.cells]}


def _cell(cell: dict[str, Any] | None, rows: str) -> list[Any] | None:
    return (
        None if cell is None else [_state(cell), cell[rows], cell["duration_ms"], check_state(cell), _error(cell)]
    )  # fmt: skip


def _state(cell: dict[str, Any]) -> str:
    state = state_of(cell)
    return _STATES.get(state, state)


def _error(cell: dict[str, Any]) -> str | None:
    return shorten(cell["error"], _LONGEST) if cell["error"] else None


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": run["run_id"],
        "started": _time(run),
        "state": _state(run),
        "ms": run["duration_ms"],
        "read": run["rows_read"],
        "published": run["rows_published"],
        "checksFailed": run["checks_failed"],
        "unusual": run["unusual"],
        "partition": run["partition"],
        "error": _error(run),
    }
