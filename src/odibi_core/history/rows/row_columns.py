"""The columns about the rows of a step: those of `row_changes`, and of `nodes`, `snapshots` and `edges`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins
from msgspec.structs import asdict

from odibi_core.history.rows.cells import Row, json_text, real, row_of
from odibi_core.views.answers import Edge, NodeLineage
from odibi_core.views.row_changes import RowChange
from odibi_core.views.step import Step


def row_change_rows(step: Step, node: NodeLineage, about: dict[str, Any]) -> Iterator[Row]:
    """Yield the rows of `row_changes` of one step."""
    for event, change in zip(step.changes.copy().values(), node.row_changes, strict=False):
        cause, usual = change.main_cause, change.usual
        values = {
            **asdict(change),
            **about,
            "node_name": node.node_name,
            "timestamp": event.timestamp,
            "unmatched": _unmatched(change),
            "unmatched_by": json_text(change.unmatched),
            "usual_run": usual.run_id if usual else None,
            "usual_rows_in": usual.rows_in if usual else None,
            "usual_rows_out": usual.rows_out if usual else None,
            "usual_rule": usual.rule if usual else None,
            "explain_ms": real(change.explain_ms),
            "causes": json_text([to_builtins(each) for each in change.causes]),
            "stages": json_text(change.stages),
        }
        if cause is not None:
            is_new = cause.is_new and usual is not None
            values |= {"side": cause.side, "rule": cause.text or None, "level": cause.level, "share": cause.share}
            values["new_since"] = usual.run_id if usual is not None and is_new else None
        yield row_of("row_changes", values)


def node_columns(node: NodeLineage) -> dict[str, Any]:
    """Return the columns of `nodes`, of the first dataset that the step made; of several calls none."""
    if node.calls or not node.row_changes:
        return {}
    change = node.row_changes[0]
    cause = change.main_cause
    return {
        "rows_lost": change.lost,
        "rows_gained": change.gained,
        "rows_unmatched": _unmatched(change),
        "row_kind": change.kind,
        "row_rule": cause.text or None if cause else None,
        "rows_unusual": change.unusual,
    }


def snapshot_columns(node: NodeLineage, side: str, dataset: str) -> dict[str, Any]:
    """Return the columns of `snapshots` of a frame: of one that was made its own, of one that was taken its losses."""
    if node.calls:
        return {}
    changes = [change for change in node.row_changes if _is_about(change, side, dataset)]
    if len(changes) != 1:
        return {}
    (change,) = changes
    return {"rows_lost": change.lost, "rows_gained": change.gained, "rows_unmatched": _unmatched(change)}


def _is_about(change: RowChange, side: str, dataset: str) -> bool:
    return dataset == (change.main_dataset if side == "before" else change.dataset)


def edge_rows(edge: Edge, target: NodeLineage) -> dict[str, Any]:
    """Return the columns of `edges`: the rows of its dataset that the target lost, or found no match for.

    They are null if the rows of the target come from another input, and if the target made several frames.
    """
    if target.calls or edge.dataset is None or len(target.row_changes) != 1:
        return {}
    change = target.row_changes[0]
    if change.main_dataset != edge.dataset:
        return {}
    return {"rows_lost": change.lost, "rows_unmatched": _unmatched(change)}


def _unmatched(change: RowChange) -> int | None:
    return max(change.unmatched.values(), default=None)
