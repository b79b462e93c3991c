"""A lineage → the JSON document that the page's scripts draw, saved in the file or fetched by a live page.

The lineage may be rich (a tracker's) or hold no more than the contract's fields; edges that are missing
follow from `depends_on`, or else from the datasets that steps read and write.
"""

from __future__ import annotations

from typing import Any

from odibi_core.story import reading, verdict, wording
from odibi_core.story.activity import read_activity
from odibi_core.story.layout import NODE_HEIGHT, NODE_WIDTH, layout
from odibi_core.story.steps import read_step
from odibi_core.views.wording import duration

FORMAT = "odibi-story/1"
Document = dict[str, Any]


def build(lineage: dict[str, Any], title: str | None = None) -> Document:
    """The story's document. `lineage` must be plain and free of secrets (`story.safe`)."""
    began = reading.moment(lineage.get("start_time"))
    raw = reading.items(lineage.get("steps"))
    steps = [read_step(item, index, began) for index, item in enumerate(raw)]
    edges = _edges(lineage, raw, steps)
    for source, target in edges:
        steps[source].setdefault("down", []).append(target)
        steps[target].setdefault("up", []).append(source)
    took = _took(lineage, steps)
    given = wording.state(lineage.get("status"))
    status = verdict.status(given if given in RUN_STATES else None, steps)
    error = reading.text(reading.first(lineage, ("error_message", "error")))
    name = reading.text(lineage.get("pipeline_name")) or "pipeline"
    activity = read_activity(lineage.get("activity"))
    amber = verdict.reservations(steps, activity) if status == "success" else ""
    attention, more = verdict.attention(steps, activity)
    return {
        "format": FORMAT,
        "title": title or name,
        "run": {
            "id": reading.text(reading.first(lineage, ("run_id", "pipeline_id"))) or "",
            "pipeline": name,
            "status": status,
            "tone": "warn" if amber else status,
            "label": wording.LABELS[status] + (f" with {amber}" if amber else ""),
            "sentence": verdict.sentence(status, steps, error, activity),
            "engine": reading.text(lineage.get("engine")) or "",
            "started": wording.date(began),
            "durationMs": took,
            "duration": duration(took),
        },
        "counts": verdict.counts(steps),
        "figures": verdict.figures(steps, took, activity),
        "attention": attention,
        "moreAttention": more,
        "steps": steps,
        "graph": _graph(steps, edges),
        "activity": activity,
    }


RUN_STATES = ("success", "failed", "cancelled", "lost", "running")
Edges = dict[tuple[int, int], dict[str, Any]]


def _took(lineage: dict[str, Any], steps: list[dict[str, Any]]) -> float | None:
    took = reading.number(lineage.get("duration_ms"))
    if took is None:
        start, end = reading.moment(lineage.get("start_time")), reading.moment(lineage.get("end_time"))
        took = reading.milliseconds_between(start, end)
    ends = [s["startedMs"] + s.get("durationMs", 0.0) for s in steps if "startedMs" in s]
    if took is None and ends:
        took = max(ends)
    if took is None:
        took = reading.number(reading.mapping(lineage.get("summary")).get("total_duration_ms"))
    return None if took is None else round(max(0.0, took), 3)


def _edges(lineage: dict[str, Any], raw: list[dict[str, Any]], steps: list[dict[str, Any]]) -> Edges:
    """Edges by (source, target) index, each once, with the datasets that pass along it."""
    number = {step["name"]: index for index, step in reversed(list(enumerate(steps)))}
    found: Edges = {}
    certain: dict[tuple[int, int], bool] = {}
    for item in reading.items(lineage.get("edges")):
        source = number.get(str(reading.first(item, ("source", "from"))))
        target = number.get(str(reading.first(item, ("target", "to"))))
        if source is not None and target is not None and source != target:
            rows = reading.whole(item.get("row_count"))
            _join(found, steps, (source, target), reading.text(item.get("dataset")), rows)
            certain[source, target] = certain.get((source, target), False) or item.get("probable") is not True
    for pair, edge in found.items():
        if not certain[pair]:
            edge["probable"] = True
    return found or _derived(raw, steps, number)


def _join(
    found: Edges, steps: list[dict[str, Any]], pair: tuple[int, int], dataset: str | None, rows: int | None
) -> None:
    edge = found.setdefault(pair, {"datasets": [], "rows": None})
    if dataset is not None and dataset not in edge["datasets"]:
        edge["datasets"].append(dataset)
    if edge["rows"] is None:
        edge["rows"] = rows if rows is not None else steps[pair[0]].get("rows")


def _derived(raw: list[dict[str, Any]], steps: list[dict[str, Any]], number: dict[str, int]) -> Edges:
    found: Edges = {}
    makers = {key: index for index, step in enumerate(steps) for _, key in step.get("outputs", ())}
    for index, step in enumerate(steps):
        for name in reading.texts(raw[index].get("depends_on")):
            if name in number and number[name] != index:
                _join(found, steps, (number[name], index), None, None)
        for _, key in step.get("inputs", ()):
            # A step's own name serves as its key in lineages that name steps and not datasets.
            maker = makers.get(key, number.get(key))
            if maker is not None and maker != index:
                _join(found, steps, (maker, index), key, None)
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
