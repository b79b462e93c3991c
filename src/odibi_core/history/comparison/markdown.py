"""A comparison as Markdown, for the description of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from odibi_core.history.comparison.difference import Comparison
from odibi_core.history.comparison.outline import Section, cause_text, sections, title, verdict
from odibi_core.views.cards.markdown import escaped, fenced


def markdown(comparison: Comparison) -> str:
    """Return the verdict, the probable cause, and a table of each section; long ones and diffs are folded."""
    found = [f"### {escaped(title(comparison))}", "", f"**{escaped(verdict(comparison))}**", ""]
    if (cause := cause_text(comparison)) is not None:
        found += [escaped(cause), ""]
    for section in sections(comparison):
        found += _section(section)
    return "\n".join(found).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    folded = not section.is_main
    yield from (["<details>", f"<summary>{section.title} ({len(section.items)})</summary>", ""] if folded else [])
    if section.title == "Not compared":
        yield from (f"- {escaped(item.text)}" for item in section.items)
    else:
        yield from ([] if folded else [f"#### {section.title}", ""])
        yield from ("| | |", "|---|---|")
        for item in section.items:
            text = "<br>".join(escaped(part) for part in (item.text, *item.notes))
            yield f"| {item.label} | {text} |"
    yield ""
    for item in section.items:
        if item.detail:
            yield from ("<details>", f"<summary>{escaped(item.text)}</summary>", "")
            yield from (*fenced(item.detail, "diff"), "", "</details>", "")
    yield from (["</details>", ""] if folded else [])
