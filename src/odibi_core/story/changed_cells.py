"""The cells of a sample that a step changed, where it is sure which row of the input a row of the output is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from odibi_core.story.steps import cell
from odibi_core.views.answers import ColumnOrigin, Lineage, NodeLineage, Snapshot
from odibi_core.views.row_changes import RowChange

Row = dict[str, Any]
_IN_ORDER: Final = frozenset({"same", "columns", "values"})
"""Kinds whose output has each row of the input once, in its order."""
_COMPARED: Final = frozenset({"place", "index"})
"""Ways in which a quick look found each row of the input at its place, so that its kind may be unknown."""
_MOST_COUNTED: Final = 10_000
"""Rows up to which the number of distinct values is exact."""


class _Matched(NamedTuple):
    """The frame before, the way in which rows are matched, and the places of rows with those that they were."""

    before: Snapshot
    way: str
    pairs: list[tuple[int, Row]]


def add_changed_cells(steps: list[Row], lineage: Lineage) -> None:
    """Add `was` to the output of each step of the document: for each row its changed cells, with the values before.

    `matched` has the way in which rows were matched: `place`, or a column of which each value is unique and stays.
    """
    makers = {name: node for node in lineage.nodes for name in node.outputs.values()}
    for step, node in zip(steps, lineage.nodes, strict=True):
        after = step.get("after", {})
        if node.after is None or not after.get("sample"):
            continue
        found = _by_place(node, node.after) or _by_key(node, node.after, makers)
        if found is None:
            continue
        columns = after["sampleColumns"]
        names = {at: (name, old) for at, name in enumerate(columns) if (old := _old(name, node, found)) is not None}
        was: list[Row] = [{} for _ in after["sample"]]
        for place, before in found.pairs:
            if place < len(was):
                was[place] = _changed(before, node.after.sample_data[place], names)
        if any(was):
            after |= {"was": was, "matched": found.way}


def _by_place(node: NodeLineage, made: Snapshot) -> _Matched | None:
    """Match the rows of a step whose output has each row of its input once, at its place."""
    change = next((each for each in node.row_changes if each.dataset == made.name), None)
    before = next((each for each in node.before if change and each.name == change.main_dataset), None)
    if change is None or before is None or _is_changed_later(before) or not _keeps_places(change):
        return None
    return _Matched(before, "place", list(enumerate(before.sample_data))[: len(made.sample_data)])


def _keeps_places(change: RowChange) -> bool:
    is_whole = change.lost == 0 == change.gained and change.rows_in is not None and change.rows_in == change.rows_out
    return is_whole and (change.kind in _IN_ORDER or (change.kind == "unknown" and change.how in _COMPARED))


def _by_key(node: NodeLineage, made: Snapshot, makers: Mapping[str, NodeLineage]) -> _Matched | None:
    """Match rows by a column that the step passes on, and of which each value is unique on both sides."""
    unique = _checked(node) | _counted(made)
    for origin in _origins(node, made):
        source = origin.sources[0] if origin.sources and len(origin.sources) == 1 else None
        if source is None or origin.column not in unique or source.column is None:
            continue
        before = next((each for each in node.before if each.name == source.dataset), None)
        if before is None or _is_changed_later(before) or not _is_identity(origin):
            continue
        if _loses_none(node, made, before) or source.column in _unique(before, makers.get(before.name)):
            pairs = _pairs(before, source.column, made, origin.column)
            return _Matched(before, origin.column, list(pairs))
    return None


def _is_identity(origin: ColumnOrigin) -> bool:
    return {way.get("subtype") for source in origin.sources or () for way in source.transformations} == {"IDENTITY"}


def _loses_none(node: NodeLineage, made: Snapshot, before: Snapshot) -> bool:
    """Return whether each row of the input is one of the output, so that a key of the output is one of the input."""
    return any(
        each.dataset == made.name and each.main_dataset == before.name and each.lost == 0 == each.gained
        for each in node.row_changes
    )


def _checked(node: NodeLineage) -> set[str]:
    """Return the columns of which a check has seen that each value of all rows is unique."""
    checks = (check for check in node.checks if check.check == "unique" and check.passed and check.condition is None)
    return {check.column for check in checks if check.column is not None and check.failed_rows == 0}


def _counted(frame: Snapshot) -> set[str]:
    """Return the columns that have as many values as all rows of a frame, by exact statistics."""
    rows = frame.row_count
    if not rows or rows > _MOST_COUNTED or frame.metadata.get("stats_rows") != rows:
        return set()
    return {str(each.get("column")) for each in frame.stats if each.get("distinct") == rows and each.get("nulls") == 0}


def _unique(before: Snapshot, maker: NodeLineage | None) -> set[str]:
    """Return the unique columns of an input, also by the checks and the statistics of the step that made it."""
    made = maker.after if maker else None
    if maker is None or made is None or made.name != before.name or made.row_count != before.row_count:
        return _counted(before)
    return _counted(before) | _counted(made) | _checked(maker)


def _is_changed_later(frame: Snapshot) -> bool:
    return bool(frame.metadata.get("changed_in_place"))


def _origins(node: NodeLineage, made: Snapshot) -> Iterator[ColumnOrigin]:
    for lineage in node.column_lineage:
        if lineage.dataset == made.name:
            yield from lineage.columns


def _pairs(before: Snapshot, old: str, made: Snapshot, key: str) -> Iterator[tuple[int, Row]]:
    known = {repr(row[old]): row for row in before.sample_data if row.get(old) is not None}
    for place, row in enumerate(made.sample_data):
        if row.get(key) is not None and repr(row[key]) in known:
            yield place, known[repr(row[key])]


def _old(name: str, node: NodeLineage, found: _Matched) -> str | None:
    """Return the name of a column before the step; None if it comes from another frame."""
    made = node.after
    origin = next((each for each in _origins(node, made) if each.column == name), None) if made else None
    if origin is not None and origin.sources and all(each.dataset != found.before.name for each in origin.sources):
        return None
    renamed = node.schema_diff.renamed_columns if node.schema_diff else []
    return next((each.before for each in renamed if each.after == name), name)


def _changed(before: Row, now: Row, names: Mapping[int, tuple[str, str]]) -> Row:
    """Return the values before of the cells that differ, by the place of the column in the sample."""
    return {
        str(place): cell(before[old])
        for place, (name, old) in names.items()
        if old in before and name in now and before[old] != now[name]
    }
