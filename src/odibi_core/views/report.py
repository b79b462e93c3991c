"""A lineage as a page of text, for a terminal."""

from __future__ import annotations

from typing import Final

from odibi_core.events.inert import printable
from odibi_core.views.answers import Lineage, NodeLineage
from odibi_core.views.wording import count, duration

TITLE: Final = "Pipeline Execution Summary"
_WIDEST: Final = 40
_HEADINGS: Final = ("Step", "Layer", "State", "Duration", "Rows", "Change", "Error")
_TO_THE_RIGHT: Final = frozenset({"Duration", "Rows", "Change"})


def execution_summary(lineage: Lineage) -> str:
    """Return the title, the run, a table of its steps, and the totals.

    A character that a terminal would obey is shown as `?`.
    """
    totals = lineage.summary
    lines = [
        TITLE,
        "=" * len(TITLE),
        f"Pipeline: {_cell(lineage.pipeline_name)}",
        f"Run:      {_cell(lineage.run_id)}",
        f"Status:   {_cell(lineage.status)}",
        f"Duration: {duration(lineage.duration_ms, '-')}",
        "",
        *_table([_row(node) for node in lineage.nodes]),
        "",
        f"Steps: {totals.total_steps}   success: {totals.success_count}   "
        f"failed: {totals.failed_count}   skipped: {totals.skipped_count}   "
        f"success rate: {totals.success_rate:.1f} %",
    ]
    if totals.checks_passed or totals.checks_failed or totals.checks_not_checked:
        unchecked = f", {totals.checks_not_checked} not checked" if totals.checks_not_checked else ""
        lines.append(f"Checks: {totals.checks_passed} passed, {totals.checks_failed} failed{unchecked}")
    return "\n".join(lines)


def _row(node: NodeLineage) -> tuple[str, ...]:
    return (
        _cell(node.node_name),
        _cell(node.layer),
        _cell(node.state),
        duration(node.duration_ms, "-"),
        count(node.row_count, "-"),
        "-" if node.row_delta is None else f"{node.row_delta:+,}",
        _cell(node.error or node.skip_reason),
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
    shown = printable(value[: _WIDEST + 1], "?")
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
