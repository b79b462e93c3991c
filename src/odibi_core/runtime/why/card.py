"""The card of an answer of `why`: the sentence, the steps with their rows and rules, and what is not known."""

from __future__ import annotations

from typing import Final

from odibi_core.runtime.tracing.lines import row_words
from odibi_core.runtime.why.answer import StepRows, Why
from odibi_core.views.cards import Card, Section, Table
from odibi_core.views.row_wording import row_sentence
from odibi_core.views.wording import and_more, count, short_id

_MOST_STEPS: Final = 12
_MOST: Final = 8
_COLUMNS: Final = ("Step", "Rows in", "Rows out", "Lost", "Gained", "Since", "Rows and rule")


def card(why: Why) -> Card:
    """Return the card."""
    against = [f"against {short_id(why.compared_with)}"] if why.compared_with else []
    more = and_more(len(why.steps) - _MOST_STEPS, "step")
    rows = [_row(each) for each in why.steps[:_MOST_STEPS]]
    table = Table(_COLUMNS, rows, right=_COLUMNS[1:5], more=more)
    sections = [Section(table=table)] if rows else []
    missing = [*why.missing, *([f"the rows of {', '.join(why.unknown[:_MOST])}"] if why.unknown else [])]
    parts = {
        "Examples": [row_words(each) for each in why.examples],
        "Evidence": why.blame.further if why.blame is not None else [],
        "Not known": missing,
    }
    sections += [Section(title=title, items=items[:_MOST]) for title, items in parts.items() if items]
    return Card(
        title=why.sentence,
        tone="warn" if why.blame is not None else "plain",
        facts=against,
        sections=sections,
        foot=[("Run", why.run_id)],
    )


def _row(rows: StepRows) -> tuple[str, ...]:
    change = rows.change
    made = rows.step if rows.dataset == rows.step else f"{rows.step} {rows.dataset}"
    counts = (count(each) for each in (change.rows_in, change.rows_out, change.lost, change.gained))
    return (made, *counts, rows.since, row_sentence(change))
