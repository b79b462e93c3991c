"""The runs before this one: their states, and the rows and durations of each step in them."""

from __future__ import annotations

from typing import Any

from odibi_core.events.clock import read_iso
from odibi_core.story.background import MOST_RUNS, Background, Row
from odibi_core.story.unusual import anomalies
from odibi_core.story.wording import LABELS, cut, date
from odibi_core.views.answers import Lineage, NodeLineage
from odibi_core.views.values import number, rounded


def strip(known: Background, lineage: Lineage) -> list[dict[str, Any]]:
    """Return the states of the last runs, the oldest first and this one last; empty without earlier ones."""
    earlier = [row for row in known.earlier_runs if row.get("run_id") != lineage.run_id][: MOST_RUNS - 1]
    if not earlier:
        return []
    runs = [
        _run(row.get("status"), row.get("started"), row.get("duration_ms"), row.get("unusual")) | _id(row)
        for row in earlier
    ]
    return [*runs[::-1], _run(lineage.status, lineage.start, lineage.duration_ms, len(anomalies(known)))]


def _run(status: object, started: object, took: object, unusual: object) -> dict[str, Any]:
    state = status if isinstance(status, str) and status in LABELS else "pending"
    found = {"state": state, "date": date(read_iso(started)), "ms": rounded(number(took))}
    return found | ({"unusual": unusual} if isinstance(unusual, int) and unusual > 0 else {})


def _id(row: Row) -> dict[str, Any]:
    return {"id": cut(row["run_id"])} if isinstance(row.get("run_id"), str) else {}


def of_steps(known: Background, lineage: Lineage) -> dict[str, list[list[Any]]]:
    """Return `[date, state, rows, ms]` of each step in the last runs, the oldest first and this one last."""
    rows: dict[str, list[Row]] = {}
    for row in known.earlier_nodes:
        if row.get("run_id") != lineage.run_id and isinstance(row.get("node_name"), str):
            rows.setdefault(row["node_name"], []).append(row)
    return {
        node.node_name: [*map(_point, rows[node.node_name][: MOST_RUNS - 1][::-1]), _now(node, lineage)]
        for node in lineage.nodes
        if node.node_name in rows
    }


def _point(row: Row) -> list[Any]:
    state = row.get("status") if row.get("status") in LABELS else "pending"
    rows = row.get("rows_out")
    moment = date(read_iso(row.get("run_started")))
    return [moment, state, rows if isinstance(rows, int) else None, rounded(number(row.get("duration_ms")))]


def _now(node: NodeLineage, lineage: Lineage) -> list[Any]:
    return [date(lineage.start), node.state, node.row_count, rounded(node.duration_ms)]
