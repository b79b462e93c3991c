"""`odibi timing`: where the time of a run went, as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from odibi_core.cli import options, output, record
from odibi_core.views.operations import OperationsView


def timing(
    run: options.Run = None,
    depth: Annotated[int, typer.Option("--depth", min=0, help="How many levels; 0 for all.")] = 0,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the measured operations of a run as a tree: how often, how long in all and by themselves, how many failed.

    What `track_performance` and `performance_monitor` measured; one inside another is its part.
    """
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("reading the record"):
        operations = record.feed(OperationsView(), kept, run_id).answer()["operations"]
    operations = _cut(operations, depth) if depth else operations
    if format is options.TextOrJson.json:
        output.write_json(operations)
    elif operations:
        _show(operations)
    else:
        output.notice(f"nothing was measured in run {run_id}; `with track_performance(…):` does")


def _cut(operations: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
    return [
        {**operation, "children": _cut(operation["children"], depth - 1) if depth > 1 else []}
        for operation in operations
    ]


def _show(operations: list[dict[str, Any]]) -> None:
    on = output.console()
    figures = ("Calls", "Failed", "Total", "Self", "Mean", "Longest")
    listed = output.table("Operation", *figures, right=figures)
    for branch, operation in _lines(operations, output.is_unicode(on)):
        failed = operation["failures"]
        listed.add_row(
            output.cell(f"{branch}{output.shown(operation['name'])}", "red" if failed else ""),
            output.count(operation["calls"]),
            output.cell(output.count(failed) if failed else "", "red"),
            output.duration(operation["total_ms"]),
            output.duration(operation["self_ms"]),
            output.duration(operation["total_ms"] / operation["calls"] if operation["calls"] else None),
            output.duration(operation["max_ms"]),
        )
    output.write(on, listed)


def _lines(operations: list[dict[str, Any]], fancy: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with the branch of the tree that it hangs on."""
    for operation in operations:
        yield "", operation
        yield from _branches(operation["children"], fancy, "")


def _branches(
    operations: list[dict[str, Any]], fancy: bool, before: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    fork, corner, bar = ("├─ ", "└─ ", "│  ") if fancy else ("|- ", "`- ", "|  ")
    for place, operation in enumerate(operations, start=1):
        last = place == len(operations)
        yield before + (corner if last else fork), operation
        yield from _branches(operation["children"], fancy, before + ("   " if last else bar))
