"""The outline of a comparison, which every form of output follows: its verdict, its sections and their items."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from odibi_core.events.inert import printable
from odibi_core.history.comparison.consequences import begun
from odibi_core.history.comparison.difference import Change, Comparison, Difference
from odibi_core.views import cards
from odibi_core.views.wording import duration, plural, short_id

MAX_FOLLOWING: Final = 12
"""Steps that are named where differences only follow from another."""
MAX_IN_CARD: Final = 12
"""Items of each section of a card."""
PROBABLE: Final = "Probable cause"
POSSIBLE: Final = "Possible cause"


class Item(NamedTuple):
    """A difference or a change as texts."""

    label: str
    text: str
    notes: list[str]
    detail: str | None = None


class Section(NamedTuple):
    """A heading with its items."""

    title: str
    items: list[Item]
    is_main: bool = False
    """True for the differences and the changes around them; the other sections may be folded."""


def title(comparison: Comparison) -> str:
    """Return the two runs in one line."""
    return f"{pipeline(comparison)}: {run_text(comparison.after)} against {run_text(comparison.before)}"


def pipeline(comparison: Comparison) -> str:
    """Return the name of the pipeline of both runs; in words if they are of two."""
    name: str = comparison.after["pipeline_name"]
    return name if name == comparison.before["pipeline_name"] else "two pipelines"


def run_text(run: dict[str, Any]) -> str:
    """Return a run in some words: the end of its id, status, start and duration."""
    started = str(run["started"] or "unknown")[:16].replace("T", " ")
    took = duration(run["duration_ms"], unknown="unknown")
    partition = f", {run['partition']}" if run["partition"] else ""
    return printable(f"{short_id(run['run_id'])} ({run['status']}, {started}{partition}, {took})")


def verdict(comparison: Comparison) -> str:
    """Return the answer in one sentence."""
    notable = comparison.notable
    if notable:
        first = notable[0]
        more = f"; {plural(len(notable) - 1, 'more difference')}" if len(notable) > 1 else ""
        return printable(f"{first.message}{more}")
    noise = f" of {comparison.compared_runs} earlier runs" if comparison.compared_runs else ""
    parts = f"; {plural(len(comparison.not_compared), 'part')} could not be compared" if comparison.not_compared else ""
    return f"no difference beyond the noise{noise}{parts}"


def cause_text(comparison: Comparison) -> str | None:
    """Return the cause in one line: a possible one if no difference was seen, but values were not compared."""
    cause = comparison.cause
    if cause is None:
        return None
    if not comparison.notable:
        return printable(f"{POSSIBLE}: {cause.kind}: {cause.message}, and values that it may change were not compared")
    return printable(f"{PROBABLE}: {cause.kind}: {cause.message} ({cause.reason})")


def sections(comparison: Comparison) -> list[Section]:
    """Return the differences, the changes around them, and what was not compared."""
    found = [
        Section("Differences", [_item(*each) for each in begun(comparison.notable)], is_main=True),
        Section("Changed around it", [_change(each) for each in comparison.changes if not each.is_usual], is_main=True),
        Section("Changed as usual", [_change(each) for each in comparison.changes if each.is_usual]),
        Section("Within the noise", [_item(each) for each in comparison.differences if not each.is_notable]),
        Section("Not compared", [Item("", printable(text), []) for text in comparison.not_compared]),
    ]
    return [section for section in found if section.items]


def card(comparison: Comparison) -> cards.Card:
    """Return the comparison for a notebook; the less important sections are folded."""
    cause = cause_text(comparison)
    return cards.Card(
        title=verdict(comparison),
        tone="warn" if comparison.notable or cause else "plain",
        lead=[title(comparison), *([] if cause is None else [cause])],
        sections=[_in_card(section) for section in sections(comparison)],
    )


def _in_card(section: Section) -> cards.Section:
    rows = [(item.label, "; ".join((item.text, *item.notes))) for item in section.items[:MAX_IN_CARD]]
    hidden = len(section.items) - len(rows)
    table = cards.Table(("", section.title), rows, more=f"and {hidden} more" if hidden else "")
    return cards.Section(title=f"{section.title} ({len(section.items)})", table=table, folded=not section.is_main)


def _item(each: Difference, following: list[Difference] | None = None) -> Item:
    notes = [f"matters because {each.why}"] if each.is_notable and each.why else []
    if each.alert_id is not None:
        notes.append(f"unusual among the earlier runs (alert {each.alert_id})")
    if each.follows_from is not None:
        notes.append(f"begins at {each.follows_from}")
    elif each.is_notable and each.cause is not None:
        notes.append(f"probable cause: {each.cause.kind}, {each.cause.message}")
    if following:
        names = list(dict.fromkeys(f"{other.node} ({other.family})" for other in following))
        more = f" and {len(names) - MAX_FOLLOWING} more" if len(names) > MAX_FOLLOWING else ""
        notes.append(f"follows from it: {', '.join(names[:MAX_FOLLOWING])}{more}")
    return Item(each.family, printable(each.message), [printable(note) for note in notes])


def _change(change: Change) -> Item:
    detail = None if change.detail is None else "\n".join(map(printable, change.detail.splitlines()))
    return Item(change.kind, printable(change.message), [], detail)
