"""The rows of the steps of a run: `nodes`, `snapshots`, `columns`, `checks` and `edges`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import asdict

from odibi_core.events import Event, kinds
from odibi_core.history.rows.cells import Row, json_text, real, row_of, written
from odibi_core.history.rows.edge_columns import edge_columns
from odibi_core.history.rows.row_columns import edge_rows, node_columns, row_change_rows, snapshot_columns
from odibi_core.views.answers import Edge, NodeLineage, SchemaDiff, Snapshot
from odibi_core.views.diffs import difference
from odibi_core.views.lineage import LineageView, check_of, edges, node_of, recorded_diffs, snapshots_of, taken_rows
from odibi_core.views.run_head import RunHead
from odibi_core.views.step import Step
from odibi_core.views.values import count, text, texts

_MAX_JOINS: Final = 1_000
_COUNTS: Final = ("nulls", "distinct", "length_min", "length_max")
_FIGURES: Final = ("mean", "deviation", "q05", "q25", "median", "q75", "q95", "length_mean")


class RunSteps(LineageView):
    """The steps of one run, without the activity beside them."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self._joins: dict[tuple[Any, ...], Event] = {}

    def _on_other(self, event: Event) -> None:
        if event.event_type == kinds.JOIN_MATCH and len(self._joins) < _MAX_JOINS:
            pair = event.node_name, event.fields.get("left"), event.fields.get("right")
            self._joins[tuple(map(text, pair))] = event  # of the last attempt

    @property
    def head(self) -> RunHead:
        """The start and the end of the run."""
        return self._head

    def rows(self, about: dict[str, Any]) -> dict[str, list[Row]]:
        """Return the rows; `about` has the columns that they share."""
        run = self._head.answer(self.status)
        about = {**about, "run_started": run.start}
        steps = self._in_order()
        nodes = [node_of(step, run.status, run.start) for step in steps]
        found = edges(nodes, taken_rows({step.name: step for step in steps}))
        sides = [_Sides(step, node) for step, node in zip(steps, nodes, strict=True)]
        taken = _first_edges(found)
        by_name = {node.node_name: node for node in nodes}
        return {
            "nodes": [_node(each, taken, about) for each in sides],
            "snapshots": [row for each in sides for row in each.snapshots(about)],
            "columns": [row for each in sides for row in each.columns(about)],
            "checks": [row for each in sides for row in each.checks(about)],
            "edges": [
                row_of("edges", {**about, **asdict(edge), **self._join(edge), **_of_target(edge, by_name[edge.target])})
                for edge in found
            ],
            "row_changes": [row for each in sides for row in row_change_rows(each.step, each.node, about)],
        }

    def _join(self, edge: Edge) -> dict[str, Any]:
        """Return the columns of an edge whose target joins its dataset with another."""
        if edge.dataset is None:
            return {}
        for (target, left, right), event in self._joins.items():
            if target == edge.target and edge.dataset in (left, right):
                side, other = ("left", right) if edge.dataset == left else ("right", left)
                fields = event.fields
                return {
                    "join_with": other,
                    "join_keys": json_text(texts(fields.get("keys"))),
                    "match_rate": real(fields.get(f"{side}_match_rate")),
                    "fan_out": real(fields.get(f"fan_out_{side}")),
                }
        return {}


def _of_target(edge: Edge, target: NodeLineage) -> dict[str, Any]:
    return {**edge_columns(edge, target), **edge_rows(edge, target)}


class _Sides:
    """The frames that a step took and made."""

    def __init__(self, step: Step, node: NodeLineage) -> None:
        self.step = step
        self.node = node
        self.taken = node.before
        self.made = snapshots_of(step.after, node.outputs)

    def _each(self) -> Iterator[tuple[str, Snapshot]]:
        yield from (("before", snapshot) for snapshot in self.taken)
        yield from (("after", snapshot) for snapshot in self.made)

    def _difference(self, side: str, snapshot: Snapshot) -> SchemaDiff | None:
        if side == "before" or not self.taken:
            return None
        return difference(self.taken[0], snapshot, recorded_diffs(self.step, snapshot.name))

    def snapshots(self, about: dict[str, Any]) -> Iterator[Row]:
        for side, snapshot in self._each():
            values = asdict(snapshot)
            metadata, diff = snapshot.metadata, self._difference(side, snapshot)
            values |= {
                **snapshot_columns(self.node, side, snapshot.name),
                "node_name": self.node.node_name,
                "side": side,
                "dataset": snapshot.name,
                "frame": text(metadata.get("frame")),
                "schema_hash": schema_hash(snapshot),
                "stats_rows": count(metadata.get("stats_rows")),
                "stats_ms": real(metadata.get("stats_ms")),
            }
            if diff is not None:
                values["added_columns"] = json_text(diff.added_columns)
                values["removed_columns"] = json_text(diff.removed_columns)
                values["changed_types"] = json_text(diff.changed_types)
            yield row_of("snapshots", {**values, **about})

    def columns(self, about: dict[str, Any]) -> Iterator[Row]:
        for side, snapshot in self._each():
            shared = {**about, "node_name": self.node.node_name, "side": side, "dataset": snapshot.name}
            rows = count(snapshot.metadata.get("stats_rows"))
            stats: defaultdict[str | None, list[dict[str, Any]]] = defaultdict(list)
            for each in reversed(snapshot.stats):
                stats[text(each.get("column"))].append(each)
            for place, column in enumerate(snapshot.schema):
                of_it = stats[column.column]
                figures = _figures(of_it.pop(), rows) if of_it else {}
                values = {"position": place, "column_name": column.column, "type": column.type, **figures}
                yield row_of("columns", {**values, **shared})

    def checks(self, about: dict[str, Any]) -> Iterator[Row]:
        for event in self.step.checks.values():
            check = check_of(event)
            yield row_of(
                "checks",
                {
                    **asdict(check),
                    **about,
                    "node_name": self.node.node_name,
                    "timestamp": event.timestamp,
                    "check_name": check.check,
                    "column_name": check.column,
                    "duration_ms": real(event.duration_ms),
                    "examples": json_text(check.examples),
                    "key_columns": None if check.key_columns is None else json_text(check.key_columns),
                },
            )


def _figures(stats: dict[str, Any], rows: int | None) -> dict[str, Any]:
    """Return the columns of the statistics of one column, of so many rows."""
    nulls, top = count(stats.get("nulls")), stats.get("top")
    return {
        **{name: count(stats.get(name)) for name in _COUNTS},
        **{name: real(stats.get(name)) for name in _FIGURES},
        "rows_sampled": rows,
        "null_share": nulls / rows if rows and nulls is not None else None,
        "min": written(stats.get("min")),
        "max": written(stats.get("max")),
        "top": json_text(top) if isinstance(top, list) else None,
    }


def schema_hash(snapshot: Snapshot) -> str | None:
    """Return 16 digits that are equal for equal names and types in equal order; None if columns are unknown."""
    from hashlib import sha256

    if snapshot.column_count is None or len(snapshot.schema) != snapshot.column_count:
        return None
    names = [[column.column, column.type] for column in snapshot.schema]
    return sha256((json_text(names) or "").encode()).hexdigest()[:16]


def _first_edges(found: list[Edge]) -> dict[tuple[str, str | None], Edge]:
    """Return edges by target and dataset."""
    return {(edge.target, edge.dataset): edge for edge in reversed(found)}


def _node(sides: _Sides, taken: dict[tuple[str, str | None], Edge], about: dict[str, Any]) -> Row:
    step, node = sides.step, sides.node
    rows_in, rows_out = _rows_in(sides, taken), node.row_count
    values = {
        **asdict(node),
        **about,
        **node_columns(node),
        "position": step.index if step.plan else None,
        "status": node.state,
        "started": node.start,
        "ended": node.end,
        "duration_ms": real(node.duration_ms),
        "rows_in": rows_in,
        "rows_out": rows_out,
        "row_delta": None if rows_in is None or rows_out is None else rows_out - rows_in,
        "selectivity": rows_out / rows_in if rows_in and rows_out is not None else None,
        "memory_mb": real(node.memory_mb),
        "source_hash": text(step.field("source_hash")),
        "source_file": text(step.field("source_file")),
        "source_line": count(step.field("source_line")),
    }
    for name in ("inputs", "outputs", "depends_on"):
        values[name] = json_text(values[name]) if values[name] or step.field(name) is not None else None
    return row_of("nodes", values)


def _rows_in(sides: _Sides, taken: dict[tuple[str, str | None], Edge]) -> int | None:
    """Return the rows of the first input: as it was taken, else as it was made."""
    node = sides.node
    if node.calls:  # the frame of one call is not that of all
        return None
    if sides.taken:
        return sides.taken[0].row_count
    edge = taken.get((node.node_name, next(iter(node.inputs.values()), None)))
    return edge.row_count if edge is not None and edge.dataset is not None else None
