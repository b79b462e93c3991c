"""A comparison as lines of text, for a terminal of any width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from odibi_core.history.comparison.difference import Comparison
from odibi_core.history.comparison.outline import Item, cause_text, sections, title, verdict

_LABEL: Final = 12
_DETAIL: Final = 12
"""Lines of a diff that are shown unless all are asked for."""


def lines(comparison: Comparison, width: int = 80, *, diffs: bool = False) -> list[str]:
    """Return the comparison as text of at most `width` columns; only a diff may be wider.

    Args:
        comparison: The comparison.
        width: Columns.
        diffs: Show diffs in full.
    """
    width = max(40, width)
    found = _wrapped(title(comparison), width, "", "  ")
    found += ["", *_wrapped(verdict(comparison), width, "", "")]
    if (cause := cause_text(comparison)) is not None:
        found += _wrapped(cause, width, "", "  ")
    for section in sections(comparison):
        found += ["", section.title]
        for item in section.items:
            found += _item(item, width, diffs=diffs)
    return found


def _item(item: Item, width: int, *, diffs: bool) -> Iterator[str]:
    first = f"  {item.label:<{_LABEL}} " if item.label else "  - "
    rest = " " * len(first)
    yield from _wrapped(item.text, width, first, rest)
    for note in item.notes:
        yield from _wrapped(note, width, f"{rest}- ", f"{rest}  ")
    if item.detail:
        detail = item.detail.splitlines()
        shown = detail if diffs else detail[:_DETAIL]
        yield from (f"    | {line}" for line in shown)
        if len(shown) < len(detail):
            yield f"    | … {len(detail) - len(shown)} more lines: --diff shows them"


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    ) or [first.rstrip()]  # fmt: skip
