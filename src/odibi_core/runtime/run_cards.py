"""The cards of `Result`, `Tracker` and `Observer`, from the events of their run in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from odibi_core.engines.frame import is_frame, row_count
from odibi_core.events import sanitize_text
from odibi_core.story.card import failure_lines, run_card
from odibi_core.views.cards import Card, Section, Table
from odibi_core.views.wording import and_more, count, duration

if TYPE_CHECKING:
    from odibi_core.runtime.observer import Observer
    from odibi_core.runtime.result import Result
    from odibi_core.runtime.tracker import Tracker

_MOST_DATASETS: Final = 10
_MOST_NODES: Final = 20
_MOST_FAILED: Final = 3


def result_card(result: Result) -> Card:
    """Return the card of a run that has ended, with its datasets; a lazy one is named and not executed."""
    tracker, path = result["tracker"], result["path"]
    card = run_card(tracker.lineage()) if tracker is not None else _without_tracker(result)
    links = [("Story", str(path / "story.html"))] if path is not None and (path / "story.html").is_file() else []
    return replace(card, sections=[*card.sections, *_datasets(result["data"])], foot=[*card.foot, *links])


def _without_tracker(result: Result) -> Card:
    status = result["status"]
    nodes = list(result["nodes"].items())
    rows = [
        (sanitize_text(name), node["status"], count(node["row_count"]), duration(node["duration_ms"]))
        for name, node in nodes[:_MOST_NODES]
    ]
    more = and_more(len(nodes) - len(rows), "step")
    table = Table(("Step", "State", "Rows", "Duration"), rows, right=("Rows", "Duration"), more=more)
    return Card(
        title=f"{sanitize_text(result['pipeline_name'])}: {status}, in {duration(result['duration_ms'])}",
        tone="good" if result["success"] else "bad",
        lead=[result["error"]] if result["error"] else [],
        sections=[Section(table=table)] if rows else [],
        foot=[("Run", result["run_id"])],
    )


def failures(result: Result) -> list[str]:
    """Return the failed steps of a run as text, the first ones whole; those without a tracker by their message."""
    failed = [name for name, node in result["nodes"].items() if node["status"] == "failed"]
    nodes = {} if result["tracker"] is None else {node.node_name: node for node in result["tracker"].lineage().nodes}
    shown = []
    for name in failed[:_MOST_FAILED]:
        label = sanitize_text(name)
        lines = failure_lines(nodes[label]) if label in nodes else [str(result["nodes"][name]["error"])]
        shown.append("\n  ".join((f"{label} failed", *lines)))
    more = and_more(len(failed) - len(shown), "failed step")
    return [*shown, more] if more else shown


def _datasets(data: Mapping[str, Any]) -> list[Section]:
    if not data:
        return []
    rows = [(sanitize_text(name), _type(value), _rows(value)) for name, value in list(data.items())[:_MOST_DATASETS]]
    more = and_more(len(data) - len(rows), "dataset")
    table = Table(("Dataset", "Type", "Rows"), rows, right=("Rows",), more=more)
    return [Section(title="Data", table=table)]


def _type(value: object) -> str:
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}" if is_frame(value) else kind.__qualname__


def _rows(value: object) -> str:
    """Return the number of rows; of a frame that does not have it, that it was not counted."""
    number = row_count(value)
    return count(number) if number is not None else "not counted" if is_frame(value) else ""


def tracker_card(tracker: Tracker) -> Card:
    """Return the card of the run that a tracker follows."""
    lineage = tracker.lineage()
    if lineage.start is None:
        return Card(title="no event of a run yet")
    return run_card(lineage)


def observer_card(observer: Observer) -> Card:
    """Return the card of the run that an observer records."""
    lineage = observer.tracker.lineage()
    links = [("Folder", str(observer.path))] if observer.path is not None else []
    if lineage.start is None:
        foot = [("Run", observer.run_id), *links]
        return Card(title=f"{sanitize_text(observer.name)} has not begun: it begins with the `with` block", foot=foot)
    card = run_card(lineage)
    return replace(card, foot=[*card.foot, *links])
