"""The column lineage of a run as the page shows it: for each frame its columns with their sources."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.story.wording import cut
from odibi_core.views.answers import ColumnOrigin, ColumnSource, Lineage

MOST_COLUMNS: Final = 5_000
"""Columns of all frames together, and sources of one."""
_LONGEST: Final = 500


def columns_of(lineage: Lineage) -> list[dict[str, Any]]:
    """Return the frames whose columns have a recorded lineage, in the order of the steps; `more` counts those left out.

    A column is `[name, sources, method, confidence, reason]`; its sources are null if they are unknown.
    """
    found = []
    room = MOST_COLUMNS
    for place, node in enumerate(lineage.nodes):
        for frame in node.column_lineage:
            kept = frame.columns[: max(0, room)]
            room -= len(kept)
            entry = {"step": place, "dataset": _short(frame.dataset), "columns": [_column(each) for each in kept]}
            if frame.indirect is not None:
                entry["indirect"] = _sources(frame.indirect)
            if more := len(frame.columns) - len(kept) + frame.left_out:
                entry["more"] = more
            found.append(entry)
    return found


def linked(frames: list[dict[str, Any]]) -> set[str]:
    """Return the datasets of which a column can be chosen."""
    sources = [source for frame in frames for column in frame["columns"] for source in column[1] or ()]
    deciding = [source for frame in frames for source in frame.get("indirect", ())]
    return {frame["dataset"] for frame in frames} | {source[0] for source in [*sources, *deciding]}


def _column(origin: ColumnOrigin) -> list[Any]:
    sources = None if origin.sources is None else _sources(origin.sources)
    return [_short(origin.column), sources, origin.method or "", origin.confidence, cut(origin.unknown) or ""]


def _sources(sources: list[ColumnSource]) -> list[list[str]]:
    return [
        [_short(each.dataset), _short(each.column), ", ".join(_ways(each.transformations))]
        for each in sources[:MOST_COLUMNS]
    ]


def _ways(transformations: list[dict[str, Any]]) -> list[str]:
    found = [each.get("subtype") for each in transformations]
    return [_short(each).lower().replace("_", " ") for each in dict.fromkeys(found) if isinstance(each, str)]


def _short(text: str | None) -> str:
    return cut(text, _LONGEST) or ""
