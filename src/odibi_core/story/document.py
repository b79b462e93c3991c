"""The JSON document that the page's scripts draw, saved in the file or fetched by a live page."""

from __future__ import annotations

from typing import Any

from odibi_core.events.clock import iso
from odibi_core.story import activity as beside
from odibi_core.story import blamed, changed_cells, columns, drift, past, unusual, verdict, wording
from odibi_core.story.background import NOTHING, Background
from odibi_core.story.commands import commands
from odibi_core.story.purpose import partition_of, purpose
from odibi_core.story.source import source_of, trace_of
from odibi_core.story.steps import compact, step_of
from odibi_core.views.answers import Lineage, NodeLineage
from odibi_core.views.values import rounded
from odibi_core.views.wording import duration

FORMAT = "odibi-story/1"
Document = dict[str, Any]
Edges = dict[tuple[int, int], dict[str, Any]]


def build(
    lineage: Lineage, title: str | None = None, known: Background = NOTHING, *, is_live: bool = False
) -> Document:
    """Return the document of a lineage and its background.

    Both must be free of secrets: our own record, or from `read_lineage` and `read_background`. A page that follows
    the run is live; a saved one states that the run was going on when it was written.
    """
    earlier = past.of_steps(known, lineage)
    steps = [_step(node, known, earlier) for node in lineage.nodes]
    places = {node.node_name: place for place, node in enumerate(lineage.nodes)}
    edges = _edges(lineage)
    for source, target in edges:
        steps[source].setdefault("down", []).append(target)
        steps[target].setdefault("up", []).append(source)
    drift.add_history(steps, known)
    changed_cells.add_changed_cells(steps, lineage)
    frames = columns.columns_of(lineage)
    _link(steps, columns.linked(frames))
    activity = beside.drawn(lineage.activity)
    amber = verdict.reservations(lineage, activity, unusual.count(known)) if lineage.status == "success" else ""
    first = blamed.blamed(known, places, lineage)
    attention, more = verdict.attention(lineage, activity, first.rows)
    first_of_all, findings = blamed.taken_in(first, unusual.findings(known, places))
    run = _run(lineage, known, amber)
    return {
        "format": FORMAT,
        "title": title or run["pipeline"],
        "run": run | {"sentence": verdict.sentence(lineage, activity, is_live=is_live)},
        "counts": verdict.counts(lineage),
        "figures": verdict.figures(lineage, activity),
        "unusual": findings,
        "changes": unusual.changes(known, places),
        "strip": past.strip(known, lineage),
        "purpose": purpose(known, places),
        "attention": [*first_of_all, *attention],
        "moreAttention": more,
        "commands": commands(lineage, known),
        "steps": steps,
        **({"columns": frames} if frames else {}),
        "graph": {"edges": [{"from": pair[0], "to": pair[1], **edge} for pair, edge in edges.items()]},
        "activity": activity,
    }


def _link(steps: list[dict[str, Any]], datasets: set[str]) -> None:
    """Mark the frames whose columns can be chosen."""
    for step in steps:
        for frame in [*step.get("before", ()), *([step["after"]] if "after" in step else ())]:
            if frame.get("name") in datasets:
                frame["linked"] = True


def _run(lineage: Lineage, known: Background, amber: str) -> dict[str, Any]:
    """Return the head of the run; `amber` are the reservations about its success."""
    status, took = lineage.status, lineage.duration_ms
    return {
        "id": wording.cut(lineage.run_id) or "",
        "pipeline": wording.cut(lineage.pipeline_name) or "pipeline",
        "status": status,
        "tone": "warn" if amber else status,
        "label": wording.LABELS[status] + (f" with {amber}" if amber else ""),
        "engine": wording.cut(lineage.engine) or "",
        "partition": partition_of(known) or "",
        "started": wording.date(lineage.start),
        **({} if lineage.start is None else {"startedAt": iso(lineage.start)}),
        "durationMs": rounded(took),
        "duration": duration(took),
    }


def _step(node: NodeLineage, known: Background, earlier: dict[str, list[list[Any]]]) -> dict[str, Any]:
    parts = {"past": earlier.get(node.node_name), "source": source_of(node, known), "trace": trace_of(node)}
    return step_of(node) | compact(parts)


def _edges(lineage: Lineage) -> Edges:
    """Return the edges by (source, target) index, each once, with the datasets along it; certain if one of them is."""
    place = {node.node_name: index for index, node in enumerate(lineage.nodes)}
    found: Edges = {}
    for each in lineage.edges:
        pair = place[each.source], place[each.target]
        edge = found.setdefault(pair, {"datasets": [], "rows": None, "probable": True})
        if each.dataset is not None and each.dataset not in edge["datasets"]:
            edge["datasets"].append(each.dataset)
        if edge["rows"] is None:
            edge["rows"] = lineage.nodes[pair[0]].row_count if each.row_count is None else each.row_count
        edge["probable"] &= each.probable
    for edge in found.values():
        if not edge["probable"]:
            del edge["probable"]
    return found
