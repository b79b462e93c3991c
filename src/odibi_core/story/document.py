"""The JSON document that the page's scripts draw, saved in the file or fetched by a live page."""

from __future__ import annotations

from typing import Any

from odibi_core.story import activity as beside
from odibi_core.story import verdict, wording
from odibi_core.story.layout import NODE_HEIGHT, NODE_WIDTH, layout
from odibi_core.story.steps import step_of
from odibi_core.views.answers import Lineage
from odibi_core.views.values import rounded
from odibi_core.views.wording import duration

FORMAT = "odibi-story/1"
Document = dict[str, Any]
Edges = dict[tuple[int, int], dict[str, Any]]


def build(lineage: Lineage, title: str | None = None) -> Document:
    """Return the document of a lineage, which must be free of secrets: our own record, or from `read_lineage`."""
    steps = [step_of(node) for node in lineage.nodes]
    edges = _edges(lineage)
    for source, target in edges:
        steps[source].setdefault("down", []).append(target)
        steps[target].setdefault("up", []).append(source)
    status, took = lineage.status, lineage.duration_ms
    name = wording.cut(lineage.pipeline_name) or "pipeline"
    activity = beside.drawn(lineage.activity)
    amber = verdict.reservations(lineage, activity) if status == "success" else ""
    attention, more = verdict.attention(lineage, activity)
    return {
        "format": FORMAT,
        "title": title or name,
        "run": {
            "id": wording.cut(lineage.run_id) or "",
            "pipeline": name,
            "status": status,
            "tone": "warn" if amber else status,
            "label": wording.LABELS[status] + (f" with {amber}" if amber else ""),
            "sentence": verdict.sentence(lineage, activity),
            "engine": wording.cut(lineage.engine) or "",
            "started": wording.date(lineage.start),
            "durationMs": rounded(took),
            "duration": duration(took),
        },
        "counts": verdict.counts(lineage),
        "figures": verdict.figures(lineage, activity),
        "attention": attention,
        "moreAttention": more,
        "steps": steps,
        "graph": _graph(steps, edges),
        "activity": activity,
    }


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


def _graph(steps: list[dict[str, Any]], edges: Edges) -> dict[str, Any]:
    pairs = list(edges)
    placed = layout([step["layer"] for step in steps], pairs)
    return {
        "width": placed.width,
        "height": placed.height,
        "nodeWidth": NODE_WIDTH,
        "nodeHeight": NODE_HEIGHT,
        "x": placed.x,
        "y": placed.y,
        "bands": placed.bands,
        "edges": [
            {"from": pair[0], "to": pair[1], "path": path, "label": label, **edges[pair]}
            for pair, path, label in zip(pairs, placed.paths, placed.labels, strict=True)
        ],
    }
