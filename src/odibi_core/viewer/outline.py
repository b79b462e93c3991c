"""The outline of a document: the part of its page that a reader without JavaScript sees."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Part(Struct, frozen=True):
    """A heading with lines or with a table.

    Args:
        title: The heading.
        lines: Texts, one below the other.
        head: The names of the columns of the table.
        rows: The rows of the table, as texts.
        numbers: The places of the columns that hold numbers.
        hint: A text beside the heading.
    """

    title: str
    lines: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numbers: Sequence[int] = ()
    hint: str = ""


class Outline(Struct, frozen=True):
    """The head of a page and its parts.

    Args:
        title: The title of the window.
        heading: The heading of the page.
        tone: The state that colours it, such as `failed`.
        label: The state in words.
        sentence: The answer in a sentence.
        facts: Pairs of a name and a value; one without a value is left out.
        parts: The parts below, without empty ones.
    """

    title: str
    heading: str
    tone: str = ""
    label: str = ""
    sentence: str = ""
    facts: Sequence[tuple[str, str]] = ()
    parts: Sequence[Part] = ()
