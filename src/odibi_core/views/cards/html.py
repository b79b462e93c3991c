"""A card as HTML for a notebook.

Only elements and inline styles that the sanitizers of JupyterLab, VS Code, nbviewer and GitHub keep are used, and the
card is readable without any style. Text has the colour of the notebook, so that it fits a light and a dark theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from odibi_core.events.inert import printable
from odibi_core.views.cards.card import Card, Section, Table, Tone
from odibi_core.views.wording import shorten

LARGEST: Final = 60_000
"""Characters of a card; the sections that do not fit are left out, and counted."""
_LONGEST: Final = 600
_SHORT: Final = 40
"""Characters of a cell that is not wrapped."""
_LONGEST_CODE: Final = 4_000
_COLORS: Final[dict[Tone, str]] = {
    "good": "var(--jp-success-color1,var(--vscode-testing-iconPassed,#2e8b57))",
    "warn": "var(--jp-warn-color1,var(--vscode-testing-iconQueued,#b8860b))",
    "bad": "var(--jp-error-color1,var(--vscode-testing-iconFailed,#d9363e))",
    "running": "var(--jp-info-color1,var(--vscode-charts-blue,#3a7ebf))",
    "plain": "currentColor",
}
"""The line at the left; no text depends on it."""
_SOFT: Final = ' style="opacity:.75"'


def render(card: Card) -> str:
    """Return the card as one `div`."""
    head = f"<b>{_text(card.heading)}</b>"
    facts = f' <span style="opacity:.75">{_text(" · ".join(card.facts))}</span>' if card.facts else ""
    parts = [f"<div>{head}{facts}</div>", *(f"<div>{_text(line)}</div>" for line in card.lead)]
    room, left_out = LARGEST - sum(map(len, parts)), 0
    for section in card.sections:
        made = "".join(_section(section))
        if len(made) > room:
            left_out += 1
            continue
        room -= len(made)
        parts.append(made)
    if left_out:
        parts.append(f"<div{_SOFT}>{left_out} sections have no room here</div>")
    parts += [f"<div{_SOFT}>{_text(name)}: <code>{_text(value)}</code></div>" for name, value in card.foot]
    style = f"border-left:3px solid {_COLORS[card.tone]};padding:2px 0 2px 12px;margin:4px 0;overflow-x:auto"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _section(section: Section) -> Iterator[str]:
    body = "".join(f"<li>{_text(item)}</li>" for item in section.items)
    body = f'<ul style="margin:2px 0">{body}</ul>' if body else ""
    if section.table is not None:
        body += "".join(_table(section.table))
    if section.code:
        body += f'<pre style="margin:2px 0;white-space:pre-wrap">{escape(_lines(section.code))}</pre>'
    title = f"<b>{_text(section.title)}</b>" if section.title else ""
    if section.folded:
        yield f"<details><summary>{title or 'more'}</summary>{body}</details>"
    else:
        yield f'<div style="margin-top:6px">{title}{body}</div>'


def _table(table: Table) -> Iterator[str]:
    aligned = ["right" if name in table.right else "left" for name in table.columns]
    yield '<table style="border-collapse:collapse;margin:2px 0;font-size:inherit"><thead><tr>'
    for name, align in zip(table.columns, aligned, strict=True):
        yield f'<th scope="col" style="{_style(name, align)}">{_text(name)}</th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        cells = (
            f'<td style="{_style(cell, align)}">{_text(cell)}</td>' for cell, align in zip(row, aligned, strict=True)
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"
    if more := table.left_out:
        yield f"<div{_SOFT}>{_text(more)}</div>"


def _style(cell: str, align: str) -> str:
    wrap = ";white-space:nowrap" if len(cell) <= _SHORT else ""
    return f"text-align:{align};padding:1px 14px 1px 0{wrap}"


def _text(value: str) -> str:
    return escape(printable(shorten(value, _LONGEST)))


def _lines(code: str) -> str:
    return "\n".join(map(printable, code[:_LONGEST_CODE].splitlines()))
