"""A card as Markdown, for a comment on a pull request or a mail; and the escaping of texts in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from odibi_core.events.inert import printable
from odibi_core.views.cards.card import Card, Section, Table

LARGEST: Final = 60_000
"""Bytes; GitHub refuses a comment of more than 65,536 characters."""
_LONGEST: Final = 600
_SIGN: Final = {"good": "✅", "warn": "⚠️", "bad": "❌", "running": "▶️", "plain": ""}


def render(card: Card) -> str:
    """Return the card as Markdown of at most `LARGEST` bytes: sections without room are named at its end."""
    title = f"{_SIGN[card.tone]} {escaped(card.title)}".strip()
    facts = f"**{escaped(' · '.join(card.facts))}**" if card.facts else ""
    found = [f"### {title}", "", *([facts, ""] if facts else [])]
    found += [line for each in card.lead for line in (escaped(each), "")]
    foot = "  \n".join(f"{escaped(name)}: {code(value)}" for name, value in card.foot)
    room, left_out = LARGEST - _size(found) - len(foot.encode()) - 500, []
    for section in card.sections:
        made = list(_section(section))
        if (size := _size(made)) > room:
            left_out.append(section.title)
            continue
        room -= size
        found += made
    if left_out:
        found += [f"Without room here: {escaped(', '.join(left_out))}.", ""]
    return "\n".join([*found, foot]).rstrip() + "\n"


def _size(lines: list[str]) -> int:
    return sum(1 + len(line.encode()) for line in lines)


def _section(section: Section) -> Iterator[str]:
    if section.folded:
        yield from ("<details>", f"<summary>{escaped(section.title)}</summary>", "")
    elif section.title:
        yield from (f"#### {escaped(section.title)}", "")
    if section.items:
        yield from (f"- {escaped(item)}" for item in section.items)
        yield ""
    if section.code:
        yield from (*fenced(section.code), "")
    if section.table is not None:
        yield from table_rows(section.table)
        yield ""
    if section.folded:
        yield from ("</details>", "")


def table_rows(table: Table) -> Iterator[str]:
    """Yield a table as rows of Markdown."""
    yield _row(table.columns)
    yield "|" + "|".join("--:" if name in table.right else "---" for name in table.columns) + "|"
    yield from map(_row, table.rows)
    if table.left_out:
        yield from ("", escaped(table.left_out))


def _row(cells: object) -> str:
    assert isinstance(cells, list | tuple)
    return f"| {' | '.join(map(escaped, cells))} |"


def fenced(text: str, language: str = "") -> list[str]:
    """Return a text as a block of code, whose fence is longer than any in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return [f"{fence}{language}", text, fence]


def code(text: str) -> str:
    """Return a short text as code inside a line."""
    plain = printable(" ".join(text.split()))
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}" if plain else ""


def escaped(text: str) -> str:
    """Return a text in one line that Markdown shows as it is, in a table too; no mention and no link is made of it."""
    text = printable(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~]|(?<!\w)_|_(?!\w)|^#)", r"\\\1", text)
    return re.sub(r"(?<![\w.])@(?=\w)|(?<=\w)://|(?<!\w)#(?=\d)", lambda found: _inert(found[0]), text)


def _inert(text: str) -> str:
    """Return a text of the same look that GitHub makes no mention, link or reference of."""
    return {"@": "&#64;", "#": "&#35;"}.get(text, ":&#47;&#47;")
