"""The columns of an edge: those that its target made, and those of its dataset that they come from."""

from __future__ import annotations

from typing import Any

from odibi_core.history.rows.cells import json_text
from odibi_core.views.answers import Edge, NodeLineage


def edge_columns(edge: Edge, target: NodeLineage) -> dict[str, Any]:
    """Return the values of the columns of `edges` that have the column lineage; none if nothing is recorded.

    If the target made several frames, a column has the key of its dataset in front.
    """
    lineages = target.column_lineage
    if edge.dataset is None or not lineages:
        return {}
    found: dict[str, list[str]] = {}
    unknown: list[str] = []
    methods: dict[str, None] = {}
    confidences: list[float] = []
    for lineage in lineages:
        before = f"{lineage.dataset}." if len(lineages) > 1 else ""
        for origin in lineage.columns:
            if origin.sources is None:
                unknown.append(before + origin.column)
                continue
            sources = [each.column for each in origin.sources if each.dataset == edge.dataset and each.column]
            if sources:
                found[before + origin.column] = sources
                methods[origin.method or "unknown"] = None
                confidences += [] if origin.confidence is None else [origin.confidence]
    known = any(origin.sources is not None for lineage in lineages for origin in lineage.columns)
    if not found and (edge.probable or target.calls):  # the frame that was looked at is not surely this one
        return {}
    return {
        "column_sources": json_text(found) if known else None,
        "deciding_columns": _deciding(edge.dataset, target),
        "unknown_columns": json_text(unknown),
        "columns_method": ", ".join(methods) or None,
        "columns_confidence": min(confidences, default=None),
    }


def _deciding(dataset: str, target: NodeLineage) -> str | None:
    if any(lineage.indirect is None for lineage in target.column_lineage):
        return None
    every = [each for lineage in target.column_lineage for each in lineage.indirect or ()]
    return json_text(list(dict.fromkeys(each.column for each in every if each.dataset == dataset)))
