"""The answer of `trace` as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any, Final

from odibi_core.runtime.tracing.answer import Link, Trace
from odibi_core.views.values import count as whole_number
from odibi_core.views.wording import count, plural, short_id, shorten

WIDTH: Final = 80
_LONGEST_VALUE: Final = 30
_INDENT: Final = 6


def lines(found: Trace, width: int = WIDTH) -> list[str]:
    """Return the answer: the rows in question, then each dataset in the order of the steps."""
    head = f"{plural(found.rows, 'row')} of {found.dataset} of {short_id(found.run_id)} where {found.where}"
    lost = [link for link in found.links if link.is_lost]
    ends = f"; lost in {', '.join(str(link.step) for link in lost)}" if lost and found.rows else ""
    return [*wrap(head + ends, width), "", *(line for link in found.links for line in link_lines(link, width))]


def link_lines(link: Link, width: int = WIDTH) -> Iterator[str]:
    """Yield the lines of one link of a way."""
    arrow = {"start": "*", "back": "^", "forward": "v"}[link.direction]
    made = f" ({link.step})" if link.step not in (None, link.dataset) else ""
    if link.level == "unknown":
        yield from item(f"{link.dataset}{made}: unknown, {link.reason}", width, f"  {arrow} ")
        return
    if link.is_lost:
        yield from item(f"{link.dataset}{made}: none, {link.reason}   [{link.level}]", width, f"  {arrow} ")
        return
    by = f" by {', '.join(link.by[:4])}" if link.by else ""
    reason = f"; {link.reason}" if link.reason else ""
    rows = f"{number_words(link.rows)} of {plural(link.of or 0, 'row')}"
    yield from item(f"{link.dataset}{made}: {rows}{by}{reason}   [{link.level}]", width, f"  {arrow} ")
    for each in link.examples:
        yield from item(row_words(each), width, "      ")


def row_words(values: dict[str, Any]) -> str:
    """Return the values of a row in words, each shortened."""
    return ", ".join(f"{name}={shorten(str(value), _LONGEST_VALUE)}" for name, value in values.items())


def item(text: str, width: int, first: str) -> list[str]:
    """Return a text in lines, each behind the first as far to the right as the text of it."""
    indent = " " * min(len(first), _INDENT)
    return wrap(text, max(20, width), initial_indent=first, subsequent_indent=indent, break_on_hyphens=False) or [first]


def number_words(value: object) -> str:
    """Return a number as a text; `unknown` for any other value."""
    return count(whole_number(value), "unknown")
