"""The rows of a step as the page shows them: lost, gained or without a match, by which rule, and as usual or not."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.story.wording import cut
from odibi_core.views.answers import NodeLineage
from odibi_core.views.row_changes import RowCause, RowChange
from odibi_core.views.row_wording import cause_line, has_changed, row_sentence
from odibi_core.views.values import count, text
from odibi_core.views.wording import plural, short_id

MOST_FRAMES: Final = 20
MOST_STAGES: Final = 40
_LONGEST: Final = 500


def rows_of(node: NodeLineage) -> list[dict[str, Any]]:
    """Return the frames of a step whose rows changed or are unusual, the unusual ones first."""
    shown = [change for change in node.row_changes if has_changed(change) or change.unusual or change.stages]
    shown.sort(key=lambda change: not change.unusual)
    return [_change(change, many=len(node.row_changes) > 1) for change in shown[:MOST_FRAMES]]


def lost_rows(node: NodeLineage) -> int | None:
    """Return the rows that a step lost; None without a loss, and of several frames, which may share the rows."""
    return (node.row_changes[0].lost or None) if len(node.row_changes) == 1 else None


def unusual_sentence(node: NodeLineage) -> str | None:
    """Return the sentence of the first frame with unusual rows; None for a usual step."""
    return next((row_sentence(change) for change in node.row_changes if change.unusual), None)


def _change(change: RowChange, *, many: bool) -> dict[str, Any]:
    found = {
        "frame": _short(change.dataset) if many else None,
        "kind": change.kind if change.kind != "unknown" else None,
        "sentence": _short(row_sentence(change)),
        "unusual": change.unusual or None,
        "since": short_id(change.usual.run_id) if change.usual else None,
        "causes": [_cause(cause) for cause in change.causes],
        "stages": [stage for each in change.stages[:MOST_STAGES] if (stage := _stage(each))],
        "reason": _short(change.reason),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _cause(cause: RowCause) -> dict[str, Any]:
    found = {
        "text": _short(cause_line(cause)),
        "isNew": cause.is_new,
        "same": [_short(each) for each in cause.same_rows_as],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def _stage(stage: dict[str, Any]) -> str:
    rows = count(stage.get("rows"))
    words = " ".join(filter(None, (text(stage.get("operator")), text(stage.get("detail")))))
    return _short(f"{words}: {'unknown rows' if rows is None else plural(rows, 'row')}") or ""


def _short(value: str | None) -> str | None:
    return cut(value, _LONGEST)
