"""The cards of a frame as a step took or made it, and of the rows that it lost or gained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.views.cards.card import Card, Section, Table
from odibi_core.views.row_wording import cause_line, row_sentence
from odibi_core.views.values import number
from odibi_core.views.wording import and_more, count, plural

if TYPE_CHECKING:
    from odibi_core.views.answers import Snapshot
    from odibi_core.views.row_changes import RowChange

_MOST_COLUMNS: Final = 30
_MOST_CAUSES: Final = 5
_LONGEST: Final = 60


def snapshot_card(frame: Snapshot) -> Card:
    """Return the columns of a frame with their types, nulls, distinct values and a first value."""
    stats = {each.get("column"): each for each in frame.stats}
    first = frame.sample_data[0] if frame.sample_data else {}
    shown = frame.schema[:_MOST_COLUMNS]
    rows = [
        (each.column or "", each.type or "", *_figures(stats.get(each.column)), _value(first.get(each.column or "")))
        for each in shown
    ]
    columns = len(frame.schema) if frame.column_count is None else frame.column_count
    more = and_more(columns - len(shown), "column")
    table = Table(("Column", "Type", "Nulls", "Distinct", "First"), rows, right=("Nulls", "Distinct"), more=more)
    rows_in = "rows not counted" if frame.row_count is None else plural(frame.row_count, "row")
    return Card(
        title=f"{frame.name or 'frame'}: {rows_in}, {plural(columns, 'column')}",
        lead=[f"not described: {frame.not_described}"] if frame.not_described else [],
        sections=[Section(table=table)] if rows else [],
    )


def _figures(stats: dict[str, Any] | None) -> tuple[str, ...]:
    """Return the nulls and the distinct values; empty if they were not computed."""
    nulls, distinct = (number((stats or {}).get(name)) for name in ("nulls", "distinct"))
    return tuple("" if each is None else count(int(each)) for each in (nulls, distinct))


def _value(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def rows_card(change: RowChange) -> Card:
    """Return how the rows of a frame follow from those of its inputs, with the rules."""
    causes = [cause_line(each) for each in change.causes[:_MOST_CAUSES]]
    hidden = len(change.causes) - len(causes)
    reason = [f"not known: {change.reason}"] if change.reason else []
    items = [*causes, *([f"and {hidden} more"] if hidden > 0 else []), *reason]
    return Card(
        title=row_sentence(change),
        tone="warn" if change.unusual else "plain",
        facts=[each for each in (change.dataset, change.kind) if each and each != "unknown"],
        sections=[Section(items=items)] if items else [],
    )
