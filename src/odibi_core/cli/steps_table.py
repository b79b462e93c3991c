"""The steps of a run as a table, for the live progress and for the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
from odibi_core.events.clock import utc_now
from odibi_core.views.answers import Node
from odibi_core.views.wording import short_id

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES: Final = "|/-\\"
_TEXT_STYLES: Final = {"pending": "dim", "skipped": "dim", "failed": "red"}


def steps_table(steps: Sequence[Node], on: Console) -> Table:
    """Return a row for each step: state, name, layer, rows, duration, remark."""
    made = output.table("", "Step", "Layer", "Rows", "Duration", "", right=("Rows", "Duration"))
    for step in steps:
        state = step.state
        made.add_row(
            output.cell(_sign(state, on), output.STYLES.get(state, "")),
            output.cell(step.node_name, _TEXT_STYLES.get(state, "")),
            output.cell(step.layer or "", "dim"),
            output.count(step.row_count),
            _took(step),
            _remark(step),
        )
    return made


def worth_showing(steps: Sequence[Node], room: int) -> Sequence[Node]:
    """Return all steps if they fit, or else those that failed, run or ended last, in the order of the plan."""
    if len(steps) <= room:
        return steps
    rank = {"failed": 0, "running": 1, "success": 2, "cancelled": 2, "skipped": 3, "pending": 4}
    by_interest = sorted(steps, key=lambda step: str(step.end or ""), reverse=True)
    chosen = sorted(by_interest, key=lambda step: rank.get(step.state, 4))[: max(0, room)]
    kept = {id(step) for step in chosen}
    return [step for step in steps if id(step) in kept]


def _sign(state: str, on: Console) -> str:
    if state != "running":
        return output.sign(state, on)
    frames = _FRAMES if output.is_unicode(on) else _PLAIN_FRAMES
    return frames[int(utc_now().timestamp() * 10) % len(frames)]


def _took(step: Node) -> str:
    if step.state == "running" and step.start:
        since = utc_now() - step.start
        return output.duration(max(0.0, since.total_seconds() * 1e3))
    return output.duration(step.duration_ms)


def _remark(step: Node) -> Any:
    if step.state == "failed":
        return output.cell((step.error or "failed").strip().partition("\n")[0], "red")
    if step.state == "skipped":
        return output.cell("skipped", "yellow")
    if step.tasks:
        return output.cell(f"{step.tasks:,} items", "dim")
    if step.taken_from:
        return output.cell(f"taken from {short_id(step.taken_from)}", "dim")
    if (step.attempts or 1) > 1:
        return output.cell(f"attempt {step.attempts}", "yellow")
    return output.cell("from the cache" if step.cache_hit else "", "dim")
