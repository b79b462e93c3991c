"""The page of a comparison: the document of the view `compare`, and its outline."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.history.comparison.difference import Comparison
from odibi_core.history.comparison.outline import (
    Item,
    Section,
    cause_text,
    pipeline,
    run_text,
    sections,
    title,
    verdict,
)
from odibi_core.viewer import Outline, Part
from odibi_core.viewer import page as html_page

FORMAT: Final = "odibi-comparison/1"


def page(comparison: Comparison) -> str:
    """Return the whole file as text."""
    return html_page("compare", document(comparison), _outline(comparison))


def document(comparison: Comparison) -> dict[str, Any]:
    """Return the document of a comparison as plain JSON values; `viewer/assets/types.js` describes it."""
    before, after = comparison.before, comparison.after
    return {
        "format": FORMAT,
        "title": title(comparison),
        "pipeline": pipeline(comparison),
        "notable": bool(comparison.notable),
        "verdict": verdict(comparison),
        "cause": cause_text(comparison),
        "before": {"id": before["run_id"], "text": run_text(before)},
        "after": {"id": after["run_id"], "text": run_text(after)},
        "sections": [_section(section) for section in sections(comparison)],
    }


def _section(section: Section) -> dict[str, Any]:
    found: dict[str, Any] = {"title": section.title, "items": [_item(item) for item in section.items]}
    return found | ({} if section.is_main or section.title == "Not compared" else {"folded": True})


def _item(item: Item) -> dict[str, Any]:
    found = {"label": item.label, "text": item.text, "notes": item.notes, "detail": item.detail}
    return {name: value for name, value in found.items() if value}


def _outline(comparison: Comparison) -> Outline:
    parts = [Part(section.title, [_line(item) for item in section.items]) for section in sections(comparison)]
    name = title(comparison)
    cause = cause_text(comparison)
    return Outline(
        name, name, sentence=" ".join(filter(None, (f"{verdict(comparison)}.", cause))), parts=parts
    )  # fmt: skip


def _line(item: Item) -> str:
    text = ": ".join(filter(None, (item.label, item.text)))
    return "; ".join((text, *item.notes))
