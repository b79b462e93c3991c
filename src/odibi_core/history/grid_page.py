"""The page of a pipeline's history: one HTML file with the grid of runs and steps, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from odibi_core import html_page, private_files
from odibi_core.history.grid import Cells, Grid, StepRow, check_state, state_of
from odibi_core.views.wording import count, duration, plural, shorten

LABELS: Final = {
    "success": "success", "warning": "failed checks", "unusual": "unusual", "failed": "failed", "skipped": "skipped",
    "cancelled": "cancelled", "lost": "lost", "running": "running", "pending": "not started", "unknown": "not checked",
}  # fmt: skip
_MARKS: Final = {
    "failed": "M4 4.5l5 5m0-5l-5 5", "lost": "M4 4.5l5 5m0-5l-5 5", "unusual": "M3 8q1.8-3.5 3.5-1t3.5-1",
    "warning": "M6.5 3.5v4.5m0 2.2v.2", "unknown": "M6.5 3.5v4.5m0 2.2v.2", "skipped": "M4 7h5", "cancelled": "M4 7h5",
}  # fmt: skip
"""The path in a cell, so that a state differs in more than its colour."""
_CELL: Final = 13
_BAR: Final = 5
_HEIGHT: Final = 28.0
_LONGEST: Final = 300


def write_page(grid: Grid, path: Path) -> Path:
    """Write the page of a grid, and return its path. Raises `OSError`."""
    return private_files.write_atomic(path, render(grid))


def render(grid: Grid) -> str:
    """Return the page as text."""
    style = html_page.asset(__package__, "history.css")
    rows = [StepRow("all steps", None, [*grid.runs]), *grid.steps]
    states = {state_of(cell) for row in rows for cell in row.cells if cell is not None}
    left_out = f"{plural(grid.steps_left_out, 'further step')} without a row" if grid.steps_left_out else ""
    return html_page.template(__package__, "history.html.j2").render(
        policy=html_page.policy(style),
        style=style,
        title=grid.pipeline_name,
        sentence=_sentence(grid),
        labels=LABELS,
        marks=_MARKS,
        legend=[state for state in LABELS if state in states],
        rows=[_row(row, grid, is_run=place == 0) for place, row in enumerate(rows)],
        runs=[_run(run) for run in reversed(grid.runs)],
        left_out=left_out,
    )


def _sentence(grid: Grid) -> str:
    if not grid.runs:
        return "No run."
    shown = plural(len(grid.runs), "run")
    of_all = f" of {grid.runs_in_all:,}" if grid.runs_in_all > len(grid.runs) else ""
    wrong = sum(run["status"] not in ("success", "running") for run in grid.runs)
    return (
        f"{shown}{of_all}, {_time(grid.runs[0])} to {_time(grid.runs[-1])} (UTC): "
        f"{f'{wrong} did not succeed' if wrong else 'all succeeded'}."
    )


def _time(run: dict[str, Any]) -> str:
    return f"{run['started']:%Y-%m-%d %H:%M}" if run["started"] else "?"


def _row(row: StepRow, grid: Grid, *, is_run: bool) -> dict[str, Any]:
    rows = "rows_read" if is_run else "rows_out"
    checks = [check_state(cell) for cell in row.cells]
    return {
        "name": row.node_name,
        "states": [_cell(place, cell, grid) for place, cell in enumerate(row.cells)],
        "rows": _chart(row.cells, rows, grid, lambda value: f"{value:,} rows"),
        "durations": _chart(row.cells, "duration_ms", grid, duration),
        "last_rows": count(_last(row.cells, rows), unknown=""),
        "last_duration": duration(_last(row.cells, "duration_ms"), unknown=""),
        "checks": [_check(*each, grid) for each in enumerate(checks)] if any(checks) else None,
    }


def _last(cells: Cells, name: str) -> Any:
    return cells[-1][name] if cells and cells[-1] is not None else None


def _cell(place: int, cell: dict[str, Any] | None, grid: Grid) -> dict[str, Any] | None:
    if cell is None:
        return None
    state = state_of(cell)
    parts = [_time(grid.runs[place]), LABELS.get(state, state)]
    parts += [duration(cell["duration_ms"])] if cell["duration_ms"] is not None else []
    parts += [shorten(cell["error"], _LONGEST)] if cell["error"] else []
    return _mark(place, state, " · ".join(parts))


def _check(place: int, state: str | None, grid: Grid) -> dict[str, Any] | None:
    return None if state is None else _mark(place, state, f"{_time(grid.runs[place])} · checks: {LABELS[state]}")


def _mark(place: int, state: str, title: str) -> dict[str, Any]:
    return {"state": state, "place": place, "x": place * _CELL, "title": title, "mark": _MARKS.get(state)}


def _chart(cells: Cells, name: str, grid: Grid, shown: Callable[[Any], str]) -> dict[str, Any] | None:
    """Return the bars of a figure, from 0 to the largest value; None if no run has it."""
    known = [(place, cell[name]) for place, cell in enumerate(cells) if cell is not None and cell[name] is not None]
    if not known:
        return None
    most = max(value for _, value in known) or 1
    bars = []
    for place, value in known:
        height = max(1.0, round(_HEIGHT * max(0, value) / most, 1))
        title = f"{_time(grid.runs[place])} · {shown(value)}"
        bars.append({"x": place * _BAR, "y": round(29.0 - height, 1), "height": height, "title": title})
    return {"bars": bars, "width": len(cells) * _BAR}


def _run(run: dict[str, Any]) -> dict[str, Any]:
    state = state_of(run)
    return {
        "started": _time(run),
        "state": state,
        "label": LABELS.get(state, state),
        "duration": duration(run["duration_ms"], unknown=""),
        "read": count(run["rows_read"], unknown=""),
        "published": count(run["rows_published"], unknown=""),
        "checks": count(run["checks_failed"] or None, unknown=""),
        "unusual": count(run["unusual"], unknown=""),
        "partition": run["partition"] or "",
        "id": run["run_id"],
        "error": shorten(run["error"] or "", _LONGEST),
    }
