"""Cards: one description, as HTML of a notebook, as a screen of text, and as Markdown of a comment."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from odibi_core.views.cards import Card, Carded, Section, Table, html, markdown, plain

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></details></div>",
    "a|b`c``d*e_f[g](javascript:alert(1))",
    "@team #12 ~~x~~ \x1b[31mred \u202egnp.exe",
    "# title",
    "&lt;b&gt;",
)
ALLOWED = frozenset("div span b code ul li pre details summary table thead tbody tr th td".split())  # noqa: SIM905


class _Elements(HTMLParser):
    """The elements, their attributes, and the text of a page; the elements must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open = "", list[str]()
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _card(text: str) -> Card:
    table = Table((text, "Rows"), [(text, text)], right=("Rows",), more=text)
    section = Section(title=text, items=[text], table=table, code=f"{text}\n```\n{text}")
    return Card(
        title=text, tone="bad", facts=[text], lead=[text], sections=[section, Section(text, folded=True)],
        foot=[(text, text)],
    )  # fmt: skip


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_text_becomes_an_element(text: str) -> None:
    """In HTML every element is one that the sanitizers of notebooks keep, without an event or an address.

    Rendered from Markdown, the comment has the same elements as that of an innocent text.
    """
    page = _Elements(html.render(_card(text)))
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert {name for _, attributes in page.elements for name in attributes} <= {"style", "scope"}
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text

    def elements(written: str) -> list[str]:
        made = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(written)
        return re.findall(r"<(\w+)", made)

    assert elements(markdown.render(_card(text))) == elements(markdown.render(_card("text")))


def test_a_text_is_shown_as_it_is_in_markdown() -> None:
    """Escaping changes no character that a reader sees, and makes no mention of a person or a team."""
    shown = MarkdownIt().render(markdown.escaped("# a_b *c* <d> & `e` @team #12 x|y"))
    assert _Elements(shown).text.strip() == "# a_b *c* <d> & `e` @team #12 x|y"
    assert "@team" not in markdown.escaped("@team")


def test_a_card_is_bounded() -> None:
    """A screen in a terminal, 60 kB in a notebook and in a comment; parts without room are named or counted."""
    rows = [[f"{'wide' * 50} {place}" for place in range(30)] for _ in range(400)]
    names = [f"column {place}" for place in range(30)]
    card = Card(title="t" * 1000, lead=["w " * 5000], sections=[Section("first", table=Table(names, rows))] * 3)
    text = plain.render(card)
    assert max(map(len, text.splitlines())) <= plain.WIDTH
    assert len(text.splitlines()) <= plain.HEIGHT
    assert "more lines" in text
    assert len(html.render(card)) <= html.LARGEST + 1_000
    assert "3 sections have no room here" in html.render(card)
    comment = markdown.render(card)
    assert len(comment.encode()) <= markdown.LARGEST
    assert "Without room here: first, first, first" in comment


def test_a_narrow_table_leaves_columns_out_and_counts_them() -> None:
    """Wide columns shrink first; a figure is never wrapped."""
    table = Table(("Name", "Rows", "Text"), [("a" * 30, "1,234", "b" * 90)], right=("Rows",))
    heading, row = plain.table_lines(table, 60)
    assert len(row) <= 60
    assert "  1,234  " in row
    assert heading.split() == ["Name", "Rows", "Text"]
    narrow = list(plain.table_lines(Table([f"c{n}" for n in range(8)], [["x" * 20] * 8]), 40))
    assert narrow[-1].strip() == "and 4 more columns"


class _Failing(Carded):
    def _card(self) -> Card:
        raise ZeroDivisionError


class _Printer:
    """The printer of IPython, as `_repr_pretty_` uses it."""

    def __init__(self, *stack: int) -> None:
        self.stack, self.written = [*stack], ""

    def text(self, text: str) -> None:
        self.written += text


def test_a_failing_card_is_shown_as_that() -> None:
    """No method raises, and none returns an empty answer."""
    each = _Failing()
    for shown in (repr(each), str(each), each._repr_html_()):
        assert "_Failing cannot be shown: ZeroDivisionError" in shown


def test_the_terminal_of_ipython_has_a_screen_and_a_list_has_one_line() -> None:
    """A card inside a list would break the list."""

    class Shown(Carded):
        def _card(self) -> Card:
            return Card(title="a title", sections=[Section(items=["an item"])])

    alone, inside = _Printer(1), _Printer(1, 2)
    each: Any = Shown()
    each._repr_pretty_(alone, False)
    each._repr_pretty_(inside, False)
    assert alone.written == "a title\n  an item"
    assert inside.written == "<Shown: a title>"
