"""The HTML file of a run: its document in the view `run`, and its outline for readers without JavaScript."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.story.wording import LABELS
from odibi_core.viewer import Outline, Part, page
from odibi_core.views.wording import count, duration

STATIC_ROWS: Final = 500  # of the table without JavaScript
_LONGEST: Final = 300


def render(document: dict[str, Any]) -> str:
    """Return the whole file as text."""
    return page("run", document, outline(document))


def outline(document: dict[str, Any]) -> Outline:
    """Return the verdict, the findings, the changes, the errors and the steps as plain texts."""
    run, changes = document["run"], document["changes"] or {}
    facts = ("started", "duration", "partition", "pipeline", "engine", "id")
    names = ("Started", "Duration", "Partition", "Pipeline", "Engine", "Run")
    parts = [
        Part("Unusual", [_finding(one) for one in document["unusual"]]),
        Part("Changed since the last good run", [_named(one) for one in changes.get("list", ())]),
        Part("Captured errors", [_error(one) for one in document["activity"].get("errors", ())]),
    ]
    return Outline(
        title=f"{run['label']}: {document['title']}",
        heading=document["title"],
        tone=run["status"],
        label=run["label"],
        sentence=run["sentence"],
        facts=[(name, run[fact]) for name, fact in zip(names, facts, strict=True)],
        parts=[*(part for part in parts if part.lines), _steps(document["steps"])],
    )


def _named(one: dict[str, Any]) -> str:
    return f"{one['name']}: {one['text']}" if one.get("name") else str(one["text"])


def _finding(one: dict[str, Any]) -> str:
    return _named(one) + (f" ({one['usual']})" if one.get("usual") else "")


def _error(error: dict[str, Any]) -> str:
    return f"{error.get('type') or 'error'}: {error['message'][:_LONGEST]}"


def _steps(steps: list[dict[str, Any]]) -> Part:
    """Return the table of the steps; those that did not succeed first, if not all fit."""
    shown = steps if len(steps) <= STATIC_ROWS else sorted(steps, key=lambda step: step["state"] == "success")
    rows = [_row(step) for step in shown[:STATIC_ROWS]]
    left_out = f"{len(rows)} of {len(steps)} steps, those that did not succeed first." if len(rows) < len(steps) else ""
    return Part("Steps", (), ("Step", "Layer", "State", "Duration", "Rows", "Note"), rows, (3, 4), left_out)


def _row(step: dict[str, Any]) -> list[str]:
    note = step.get("error") or step.get("skipReason") or ""
    numbers = [duration(step.get("durationMs")), count(step.get("rows"))]
    return [step["name"], step["layer"], LABELS[step["state"]], *numbers, note[:_LONGEST]]
