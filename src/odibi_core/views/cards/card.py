"""`Card`: a title, sentences, sections with lists and tables, as data without a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from odibi_core.views.wording import and_more

Tone = Literal["good", "warn", "bad", "running", "plain"]
SIGNS: Final[dict[Tone, str]] = {"good": "✓", "warn": "!", "bad": "✗", "running": "▸", "plain": ""}
"""The sign before the title, so that no answer depends on a colour."""


class Table(Struct, frozen=True):
    """Rows of texts under their headings.

    Args:
        columns: The headings.
        rows: The rows, bounded by their maker.
        right: The headings of figures.
        more: The sentence about rows that were left out; empty for none.
        more_columns: The number of columns that were left out.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()
    more: str = ""
    more_columns: int = 0

    @property
    def left_out(self) -> str:
        """The sentence about rows and columns that were left out."""
        return "; ".join(filter(None, (self.more, and_more(self.more_columns, "column"))))


class Section(Struct, frozen=True):
    """A part of a card.

    Args:
        title: Its heading; empty for none.
        items: Sentences.
        table: A table behind them.
        code: Text that keeps its lines, such as an error.
        folded: True if a reader opens it; a text has it open.
    """

    title: str = ""
    items: Sequence[str] = ()
    table: Table | None = None
    code: str = ""
    folded: bool = False


class Card(Struct, frozen=True):
    """An answer that fits one screen.

    Args:
        title: The answer in some words.
        tone: The colour and the sign of the title.
        facts: Short texts beside the title.
        lead: Sentences below it.
        sections: The rest, the most important first.
        foot: Names and values for the last lines, such as the id of a run.
    """

    title: str
    tone: Tone = "plain"
    facts: Sequence[str] = ()
    lead: Sequence[str] = ()
    sections: Sequence[Section] = ()
    foot: Sequence[tuple[str, str]] = ()

    @property
    def heading(self) -> str:
        """The title with the sign of its tone."""
        return f"{SIGNS[self.tone]} {self.title}".strip()
