"""`odibi history`: rows, duration and checks of a pipeline over its last runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import options, output, record, times
from odibi_core.cli.filters import check_pipeline
from odibi_core.cli.sparklines import sparkline
from odibi_core.cli.times import moment
from odibi_core.events.paths import absolute_path
from odibi_core.history.grid import Grid, StepRow, check_state, grid_of, state_of
from odibi_core.history.index import Index, RunFilter
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_MOST_STEPS: Final = 40
_LONGEST_NAME: Final = 24
_LEAST_ROOM: Final = 10
_WIDE: Final = 100
"""Columns of a terminal with room for the least value."""
_FIGURES: Final = ("Least", "Median", "Last")
_Line = tuple[str, str, "Text", str, str, str]
"""A step or an empty text, a label, a character for each run, and figures."""


def history(
    pipeline: Annotated[
        str | None, typer.Argument(metavar="PIPELINE", help="The pipeline.", show_default="of the latest run")
    ] = None,
    step: Annotated[str | None, typer.Option("--step", metavar="STEP", help="Only this step.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", metavar="N", min=1, help="Number of runs.")] = 30,
    before: Annotated[
        str | None, typer.Option("--before", metavar="WHEN", help="Only runs that started before.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write a page with the grid of all steps.")
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the last runs of a pipeline, step by step.

    A line has a character for each run, the newest right: rows and durations
    from 0 to the largest one, and the results of checks. A dot is a run
    without this figure. -o writes one HTML file: the grid of runs and steps.

    odibi history nightly --last 60
    odibi history nightly --step clean --before 2026-01-31
    """
    if out is not None:
        options.refuse("with --output", {"--format": format is not options.TextOrJson.text})
    kept = record.open_store(store)
    with record.indexed(kept) as index:
        name = pipeline or _latest(index)
        grid = None if name is None else grid_of(index, name, last, moment(before, "--before"), step)
        if grid is not None and not grid.runs:
            check_pipeline(index, grid.pipeline_name)
    if grid is None or not grid.runs:
        output.nothing("run", kept.root, before)
    if out is not None and grid is not None:
        from odibi_core.history.grid_page import write_page

        typer.echo(output.for_stdout(str(write_page(grid, absolute_path(out)))))
    elif format is options.TextOrJson.json:
        output.write_json({} if grid is None else _document(grid))
    elif grid is not None and grid.runs:
        _show(grid, step)


def _latest(index: Index) -> str | None:
    rows = index.runs(RunFilter(), 1)
    return rows[0]["pipeline_name"] if rows else None


def _document(grid: Grid) -> dict[str, Any]:
    steps = [
        {"node_name": row.node_name, "layer": row.layer, "runs": [cell for cell in row.cells if cell is not None]}
        for row in grid.steps
    ]
    return {"pipeline_name": grid.pipeline_name, "runs_in_all": grid.runs_in_all, "runs": grid.runs, "steps": steps}


def _show(grid: Grid, step: str | None) -> None:
    on = output.console()
    runs = grid.runs
    first, newest = runs[0]["started"], runs[-1]["started"]
    output.write(
        on,
        output.styled(grid.pipeline_name, "bold"),
        output.styled(
            f"{_span(grid)}, {times.at_second(first)} to {times.at_second(newest)} ({times.zone(newest)})", "dim"
        ),
        "",
    )
    shown = grid.steps if step else grid.steps[:_MOST_STEPS]
    rows = [*([] if step else [StepRow("all steps", None, [*runs])]), *shown]
    lines = [
        (row.node_name if line == 0 else "", *cells)
        for number, row in enumerate(rows)
        for line, cells in enumerate(_lines(row, on, is_run=not step and number == 0))
    ]
    room = _write_lines(lines, len(runs), on)
    if room < len(runs):
        output.notice(f"the terminal has room for {room} of {plural(len(runs), 'run')}")
    if len(shown) < len(grid.steps) or grid.steps_left_out:
        output.notice(f"and {len(grid.steps) + grid.steps_left_out - len(shown):,} more steps: --step shows one")


def _write_lines(lines: Sequence[_Line], runs: int, on: Console) -> int:
    """Write the lines with as many of the newest runs as the terminal has room for; return their number."""
    widths = [max((len(line[place]) for line in lines), default=0) for place in range(6)]
    name, figures = min(widths[0], _LONGEST_NAME), (_FIGURES if on.width >= _WIDE else _FIGURES[1:])
    taken = sum(max(len(title), width) + 2 for title, width in zip(figures, widths[-len(figures) :], strict=True))
    room = max(_LEAST_ROOM, min(runs, on.width - (name + 2) - (widths[1] + 2) - 2 - taken))
    listed = output.table("Step", "", f"Last {plural(min(room, runs), 'run')}", *figures, right=figures)
    for step, label, line, *cells in lines:
        short = step if len(step) <= name else f"{step[: name - 1]}…"
        listed.add_row(output.cell(short, "bold"), output.cell(label, "dim"), line[-room:], *cells[-len(figures) :])
    output.write(on, listed)
    return min(room, runs)


def _span(grid: Grid) -> str:
    shown = plural(len(grid.runs), "run")
    return shown if grid.runs_in_all <= len(grid.runs) else f"{shown} of {grid.runs_in_all:,}"


def _lines(row: StepRow, on: Console, *, is_run: bool) -> Iterator[tuple[str, Text, str, str, str]]:
    """Yield the lines of a step: states if one did not succeed, rows, duration, checks if there are some."""
    from rich.text import Text

    cells = row.cells
    states = [None if cell is None else state_of({**cell, "checks_failed": 0}) for cell in cells]  # its line is below
    if is_run or any(state not in (None, "success") for state in states):
        yield "status", _signs(states, on), *_counts(states)
    figures = (("rows", "rows_read" if is_run else "rows_out", output.count), ("time", "duration_ms", output.duration))
    for label, name, shown in figures:
        values = [None if cell is None or cell["status"] not in ("success", "failed") else cell[name] for cell in cells]
        known = [value for value in values if value is not None]
        if known:
            middle = median(known) if name == "duration_ms" else round(median(known))
            line = Text(sparkline(values, unicode=output.is_unicode(on)), "cyan", no_wrap=True)
            yield label, line, shown(min(known)), shown(middle), shown(values[-1])
    checks = [check_state(cell) for cell in cells]
    if any(checks):
        yield "checks", _signs(checks, on), *_counts(checks)


def _signs(states: Sequence[str | None], on: Console) -> Text:
    from rich.text import Text

    found = Text(no_wrap=True)
    for state in states:
        if state is None:
            found.append("·" if output.is_unicode(on) else " ", "dim")
        else:
            found.append(output.sign(state, on), output.STYLES.get(state, ""))
    return found


def _counts(states: Sequence[str | None]) -> tuple[str, str, str]:
    """Return, below the figures, the number of runs that were not a success, or else of unusual ones."""
    wrong = sum(state not in (None, "success", "unusual") for state in states)
    unusual = states.count("unusual")
    return "", f"{wrong} not ok" if wrong else f"{unusual} unusual" if unusual else "all ok", ""
