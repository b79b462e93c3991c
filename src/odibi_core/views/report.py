"""A lineage as a page of text, for a terminal."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.views.values import CHECK_RESULTS
from odibi_core.views.wording import count, duration

TITLE: Final = "Pipeline Execution Summary"
_WIDEST: Final = 40
_HEADINGS: Final = ("Step", "Layer", "State", "Duration", "Rows", "Change", "Error")
_TO_THE_RIGHT: Final = frozenset({"Duration", "Rows", "Change"})


def execution_summary(lineage: dict[str, Any]) -> str:
    """The title, the run, a table of its steps, and the totals.

    A name may hold anything; what a terminal would obey instead of showing is shown as `?`.
    """
    totals = lineage["summary"]
    lines = [
        TITLE,
        "=" * len(TITLE),
        f"Pipeline: {_cell(lineage['pipeline_name'])}",
        f"Run:      {_cell(lineage['run_id'])}",
        f"Status:   {_cell(lineage['status'])}",
        f"Duration: {duration(lineage['duration_ms'], '-')}",
        "",
        *_table([_row(step) for step in lineage["steps"]]),
        "",
        f"Steps: {totals['total_steps']}   success: {totals['success_count']}   "
        f"failed: {totals['failed_count']}   skipped: {totals['skipped_count']}   "
        f"success rate: {totals['success_rate']:.1f} %",
    ]
    checks = {state: totals[f"checks_{state}"] for state in CHECK_RESULTS.values()}
    if any(checks.values()):
        unchecked = f", {checks['not_checked']} not checked" if checks["not_checked"] else ""
        lines.append(f"Checks: {checks['passed']} passed, {checks['failed']} failed{unchecked}")
    return "\n".join(lines)


def _row(step: dict[str, Any]) -> tuple[str, ...]:
    delta = step["row_delta"]
    return (
        _cell(step["step_name"]),
        _cell(step["layer"]),
        _cell(step["state"]),
        duration(step["duration_ms"], "-"),
        count(step["row_count"], "-"),
        "-" if delta is None else f"{delta:+,}",
        _cell(step["error_message"] or step["skip_reason"]),
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    rule = tuple("-" * width for width in widths)
    return [_line(cells, widths) for cells in (_HEADINGS, rule, *rows)] if rows else ["No steps."]


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (
        cell.rjust(width) if heading in _TO_THE_RIGHT else cell.ljust(width)
        for cell, width, heading in zip(cells, widths, _HEADINGS, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(value: str | None) -> str:
    if not value:
        return "-"
    shown = "".join(char if char.isprintable() else "?" for char in value[: _WIDEST + 1])
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"

