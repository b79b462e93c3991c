"""The cells of a sample that a step changed, where it is sure which row of the input a row of the output is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from odibi_core.story.steps import cell
from odibi_core.views.answers import Lineage, NodeLineage, Snapshot
from odibi_core.views.row_changes import RowChange

Row = dict[str, Any]
Pairs = list[tuple[int, Row]]
"""The places of rows of the output with the rows of the input that they were."""
_IN_ORDER: Final = frozenset({"same", "columns", "values"})
"""Kinds whose output has each row of the input once, in its order."""
_COMPARED: Final = frozenset({"place", "index"})
"""Ways in which a quick look found each row of the input at its place, so that its kind may be unknown."""


def add_changed_cells(steps: list[Row], lineage: Lineage) -> None:
    """Add `was` to the output of each step of the document: for each row its changed cells, with the values before.

    `matched` has the way in which rows were matched: `place`, or a column of which each value is unique and stays.
    """
    makers = {name: node for node in lineage.nodes for name in node.outputs.values()}
    for step, node in zip(steps, lineage.nodes, strict=True):
        after = step.get("after", {})
        found = _matched(node, makers) if after.get("sample") and node.after else None
        if found is None or node.after is None:
            continue
        matched, pairs = found
        renamed = {new: old for old, new in step.get("diff", {}).get("renamed", ())}
        was: list[Row] = [{} for _ in after["sample"]]
        for place, before in pairs:
            if place < len(was):
                was[place] = _changed(before, node.after.sample_data[place], after["sampleColumns"], renamed)
        if any(was):
            after |= {"was": was, "matched": matched}


def _matched(node: NodeLineage, makers: Mapping[str, NodeLineage]) -> tuple[str, Pairs] | None:
    """Return the way in which rows of the sample are matched, and the pairs; None if no way is sure."""
    made = node.after
    change = next((each for each in node.row_changes if made and each.dataset == made.name), None)
    before = next((each for each in node.before if change and each.name == change.main_dataset), None)
    if made is None or change is None or before is None or change.gained != 0 or change.lost is None:
        return None
    if before.metadata.get("changed_in_place"):
        return None
    if _keeps_places(change):
        return "place", list(enumerate(before.sample_data))[: len(made.sample_data)]
    key = next(_keys(node, before, change, makers.get(before.name)), None)
    return None if key is None else (key, list(_by_key(before, made, key)))


def _keeps_places(change: RowChange) -> bool:
    is_whole = change.lost == 0 and change.rows_in is not None and change.rows_in == change.rows_out
    return is_whole and (change.kind in _IN_ORDER or (change.kind == "unknown" and change.how in _COMPARED))


def _keys(node: NodeLineage, before: Snapshot, change: RowChange, maker: NodeLineage | None) -> Iterator[str]:
    """Yield the columns that identify rows: unique on both sides by a check of all rows, and passed on unchanged."""
    unique = _unique(node)
    if change.lost:
        unique &= set() if maker is None else _unique(maker)
    for lineage in node.column_lineage:
        for column in lineage.columns if lineage.dataset == change.dataset else ():
            if column.column in unique and [(each.dataset, each.column) for each in column.sources or ()] == [
                (before.name, column.column)
            ]:
                ways = {way.get("subtype") for source in column.sources or () for way in source.transformations}
                if ways == {"IDENTITY"}:
                    yield column.column


def _unique(node: NodeLineage) -> set[str]:
    """Return the columns of which a check has seen that each value of all rows is unique."""
    checks = (check for check in node.checks if check.check == "unique" and check.passed and check.condition is None)
    return {check.column for check in checks if check.column is not None and check.failed_rows == 0}


def _by_key(before: Snapshot, made: Snapshot, key: str) -> Iterator[tuple[int, Row]]:
    known = {repr(row[key]): row for row in before.sample_data if row.get(key) is not None}
    for place, row in enumerate(made.sample_data):
        if row.get(key) is not None and repr(row[key]) in known:
            yield place, known[repr(row[key])]


def _changed(before: Row, now: Row, columns: list[str], renamed: Mapping[str, str]) -> Row:
    """Return the values before of the cells that differ, by the place of the column in the sample."""
    found = {}
    for place, name in enumerate(columns):
        old = renamed.get(name, name)
        if old in before and name in now and before[old] != now[name]:
            found[str(place)] = cell(before[old])
    return found
