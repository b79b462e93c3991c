"""`odibi timing`: the time of a run as a tree of operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import typer
from msgspec.structs import replace

from odibi_core.cli import options, output, record
from odibi_core.views.answers import Operation
from odibi_core.views.operations import OperationsView

_FIGURES: Final = ("Calls", "Failed", "Total", "Self", "Mean", "Longest")
_NARROW: Final = 72
"""Columns of a terminal below which some figures are left out."""


def timing(
    run: options.Run = None,
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=0, help="Number of levels; 0 for all.")] = 0,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the time of a run as a tree of operations.

    Operations are the steps of the pipeline and what `track_performance` and
    `performance_monitor` measured. Without RUN, the latest run that measured
    anything. Self is the time outside of nested operations.
    """
    kept = record.open_store(store)
    latest = record.find(kept, run)
    asked = [latest] if run else reversed(kept.ids())
    with output.waiting("reading the record"):
        runs = record.read_many(kept, asked)
        found = ((each, record.fold(OperationsView(), events).answer()) for each, events in runs)
        run_id, operations = next((each for each in found if each[1]), (latest, []))
    if not operations:
        where = f"run {run_id}" if run else f"any run of {kept.root}"
        output.notice(f"nothing was measured in {where}; `with track_performance(…):` does")
    elif run_id != latest:
        output.notice(f"the latest run measured nothing; this is {run_id}")
    operations = _cut(operations, depth) if depth else operations
    if format is options.TextOrJson.json:
        output.write_json(operations)
    elif operations:
        _show(operations)


def _cut(operations: list[Operation], depth: int) -> list[Operation]:
    return [
        replace(operation, children=_cut(operation.children, depth - 1) if depth > 1 else [])
        for operation in operations
    ]


def _show(operations: list[Operation]) -> None:
    on = output.console()
    # half a figure is a wrong one: columns are left out, never cut
    figures = _FIGURES[:3] if on.width < _NARROW else _FIGURES
    listed = output.table("Operation", *figures, right=figures)
    for branch, operation in _lines(operations, output.is_unicode(on)):
        failed, total = operation.failures, operation.total_ms
        row = (
            output.count(operation.calls),
            output.cell(output.count(failed) if failed else "", "red"),
            output.duration(total),
            output.duration(operation.self_ms),
            output.duration(None if total is None or not operation.calls else total / operation.calls),
            output.duration(operation.max_ms),
        )
        name = output.cell(f"{branch}{output.shown(operation.name)}", "red" if failed else "")
        listed.add_row(name, *row[: len(figures)])
    output.write(on, listed)


def _lines(operations: list[Operation], fancy: bool) -> Iterator[tuple[str, Operation]]:
    """Yield each operation with the lines of the tree before its name."""
    for operation in operations:
        yield "", operation
        yield from _branches(operation.children, fancy, "")


def _branches(operations: list[Operation], fancy: bool, before: str) -> Iterator[tuple[str, Operation]]:
    fork, corner, bar = ("├─ ", "└─ ", "│  ") if fancy else ("|- ", "`- ", "|  ")
    for place, operation in enumerate(operations, start=1):
        last = place == len(operations)
        yield before + (corner if last else fork), operation
        yield from _branches(operation.children, fancy, before + ("   " if last else bar))
