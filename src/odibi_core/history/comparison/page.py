"""A comparison as one HTML file without scripts, which loads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from odibi_core.history.comparison.difference import Comparison
from odibi_core.history.comparison.outline import Item, Section, cause_text, sections, title, verdict
from odibi_core.html_page import policy

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #666; --bad: #b3261e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7ee787; --soft: #aaa; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.05rem; font-weight: 500; color: var(--soft); overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
.verdict { font-size: 1.35rem; font-weight: 600; margin: .5rem 0; overflow-wrap: anywhere; }
.verdict.bad { color: var(--bad); } .verdict.good { color: var(--good); }
.cause { border-left: 3px solid var(--bad); padding: .25rem .75rem; overflow-wrap: anywhere; }
ol, ul { padding: 0; list-style: none; }
li { display: grid; grid-template-columns: 7rem 1fr; gap: .75rem; padding: .5rem 0; border-top: 1px solid var(--line); }
li.plain { display: block; }
li > div { min-width: 0; overflow-wrap: anywhere; }
.label, .note { color: var(--soft); } .note { font-size: .9em; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid var(--line); font-size: .85em; }
.plus { color: var(--good); } .minus { color: var(--bad); }
summary { cursor: pointer; }
@media print { body { margin: 0; max-width: none; } pre { white-space: pre-wrap; } li { break-inside: avoid; } }
"""


def page(comparison: Comparison) -> str:
    """Return the whole file as text."""
    state = "bad" if comparison.notable else "good"
    cause = cause_text(comparison)
    shown = f'<p class="cause">{escape(cause)}</p>' if cause else ""
    name = escape(title(comparison))
    body = "\n".join(part for section in sections(comparison) for part in _section(section))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(_STYLE))}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{name}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
        f'<p class="verdict {state}">{escape(verdict(comparison))}</p>\n{shown}\n{body}\n</body>\n</html>\n'
    )


def _section(section: Section) -> Iterator[str]:
    folded = section.title not in ("Differences", "Changed around it", "Not compared")
    heading = f"{escape(section.title)} ({len(section.items)})"
    yield f"<details><summary>{heading}</summary>" if folded else f"<h2>{heading}</h2>"
    yield "<ol>"
    for item in section.items:
        label = f'<div class="label">{escape(item.label)}</div>' if item.label else ""
        start = "<li>" if item.label else '<li class="plain">'
        yield f"{start}{label}<div>{_body(item)}</div></li>"
    yield "</ol>"
    if folded:
        yield "</details>"


def _body(item: Item) -> str:
    notes = "".join(f'<div class="note">{escape(note)}</div>' for note in item.notes)
    return f"<div>{escape(item.text)}</div>{notes}{_diff(item.detail) if item.detail else ''}"


def _diff(detail: str) -> str:
    lines = []
    for line in detail.splitlines():
        kind = "plus" if line.startswith("+") else "minus" if line.startswith("-") else ""
        lines.append(f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line))
    shown = "\n".join(lines)
    return (
        f"<details open><summary>{'diff' if detail.startswith('---') else 'more'}</summary><pre>{shown}</pre></details>"
    )
