"""The rows that steps lost, gained or left without a match, in the summary of a run: those that are unusual first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from msgspec import to_builtins

from odibi_core.cli import output
from odibi_core.views.answers import Lineage
from odibi_core.views.row_changes import RowChange
from odibi_core.views.row_wording import cause_lines, has_changed, row_sentence
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST: Final = 10


def documents(lineage: Lineage) -> list[dict[str, Any]]:
    """Return the row changes of a run as JSON documents, each with its step and its sentence."""
    return [
        {"step": step, "sentence": row_sentence(change), **to_builtins(change)} for step, change in _changes(lineage)
    ]


def unusual_steps(lineage: Lineage) -> set[str]:
    """Return the steps that made a frame with unusual rows."""
    return {step for step, change in _changes(lineage) if change.unusual}


def unusual_lines(lineage: Lineage, on: Console, explained: Collection[str] = ()) -> list[RenderableType]:
    """Return the frames with unusual rows and the causes of each as lines in amber; none for a usual run.

    Args:
        lineage: The run.
        on: The console.
        explained: Steps that are left out, because other lines explain their rows.
    """
    found = [(step, change) for step, change in _changes(lineage) if change.unusual and step not in explained]
    if not found:
        return []
    head = f"{output.sign('warning', on)} unusual rows in {plural(len(found), 'frame')}"
    lines: list[RenderableType] = [output.styled(""), output.styled(head, "yellow")]
    for step, change in found[:_MOST]:
        lines.append(output.indented(f"{_name(step, change)}: {row_sentence(change)}", "yellow"))
        lines += [output.indented(line, "dim", 4) for line in cause_lines(change)]
        if change.reason:
            lines.append(output.indented(f"unknown: {change.reason}", "dim", 4))
    if len(found) > _MOST:
        lines.append(output.indented(f"and {len(found) - _MOST} more: the table `row_changes` has all", "dim"))
    return lines


def other_lines(lineage: Lineage) -> list[RenderableType]:
    """Return a line for each other frame whose rows changed."""
    found = [(step, change) for step, change in _changes(lineage) if has_changed(change) and not change.unusual]
    if not found:
        return []
    lines: list[RenderableType] = [output.styled(""), output.styled("Rows", "bold")]
    lines += [output.indented(f"{_name(step, change)}: {row_sentence(change)}") for step, change in found[:_MOST]]
    if len(found) > _MOST:
        lines.append(output.indented(f"and {len(found) - _MOST} more: the table `row_changes` has all", "dim"))
    return lines


def _changes(lineage: Lineage) -> Iterator[tuple[str, RowChange]]:
    for node in lineage.nodes:
        for change in node.row_changes:
            yield node.node_name, change


def _name(step: str, change: RowChange) -> str:
    return step if change.dataset in (None, step) else f"{step} ({change.dataset})"
