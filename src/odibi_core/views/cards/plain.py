"""A card as text that fits a terminal of 80 columns and 24 lines."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from odibi_core.events.inert import printable
from odibi_core.views.cards.card import Card, Section, Table
from odibi_core.views.wording import and_more, shorten

WIDTH: Final = 80
HEIGHT: Final = 24
_NARROWEST: Final = 8
_GAP: Final = "  "
_MOST_COLUMNS: Final = 8


def render(card: Card, width: int = WIDTH, height: int = HEIGHT) -> str:
    """Return the card as lines; those that do not fit are counted in the last one.

    Args:
        card: The card.
        width: Columns.
        height: Lines.
    """
    head = _wrapped(" · ".join((card.heading, *card.facts)), width)
    head += [line for each in card.lead for line in _wrapped(each, width)]
    foot = [shorten(printable(f"{name}: {value}"), width) for name, value in card.foot]
    body = [line for section in card.sections for line in _section(section, width)]
    room = max(1, height - len(head) - len(foot))
    if len(body) > room:
        body = [*body[: room - 1], f"and {len(body) - room + 1} more lines"]
    return "\n".join([*head, *body, *foot])


def _section(section: Section, width: int) -> Iterator[str]:
    if section.title:
        yield f"{printable(section.title)}:"
    for item in section.items:
        yield from _wrapped(item, width, "  ")
    if section.table is not None:
        yield from table_lines(section.table, width)
    yield from (_cut(f"  {printable(line)}", width) for line in section.code.splitlines())


def table_lines(table: Table, width: int = WIDTH) -> Iterator[str]:
    """Yield a table as lines of at most `width` columns: wide texts are cut, and columns without room left out."""
    shown = range(min(len(table.columns), _MOST_COLUMNS))
    rows = [[printable(" ".join(row[place].split())) for place in shown] for row in (table.columns, *table.rows)]
    widths = _fitted([max(map(len, column)) for column in zip(*rows, strict=True)], width - 2) if rows[0] else []
    for row in rows:
        cells = (_cell(text, size, table.columns[place] in table.right) for place, (text, size) in _pairs(row, widths))
        yield f"  {_GAP.join(cells)}".rstrip()
    columns = and_more(table.more_columns + len(table.columns) - len(widths), "column")
    yield from (f"  {line}" for line in (table.more, columns) if line)


def _pairs(row: list[str], widths: list[int]) -> Iterator[tuple[int, tuple[str, int]]]:
    return enumerate(zip(row[: len(widths)], widths, strict=True))


def _fitted(widths: list[int], room: int) -> list[int]:
    """Return widths whose sum fits: the widest columns shrink, then the last ones are left out."""
    while widths and sum(widths) + len(_GAP) * (len(widths) - 1) > room:
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - room
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] > _NARROWEST:
            below = max((width for width in widths if width < widths[widest]), default=_NARROWEST)
            widths[widest] = max(widths[widest] - excess, below - 1, _NARROWEST)
        else:
            widths.pop()
    return widths


def _cell(text: str, size: int, to_the_right: bool) -> str:
    text = _cut(text, size)
    return text.rjust(size) if to_the_right else text.ljust(size)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    shown = printable(shorten(text, 3 * width))
    return wrap(shown, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False) or [indent]
