"""The card of a run: its verdict, its failure, findings, changes since the last good run, and its steps, worst first.

A notebook and a terminal show it of a run in memory; a comment on a pull request has the background of the run too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from odibi_core.story import activity as beside
from odibi_core.story import unusual, verdict
from odibi_core.story.background import NOTHING, Background
from odibi_core.story.commands import commands
from odibi_core.story.purpose import purpose
from odibi_core.story.source import trace_of
from odibi_core.story.wording import LABELS, STATES
from odibi_core.views.answers import Lineage, NodeLineage
from odibi_core.views.cards import Card, Section, Table, Tone
from odibi_core.views.values import text
from odibi_core.views.wording import and_more, count, duration, plural, short_id, shorten

MOST_STEPS: Final = 20
MOST_FINDINGS: Final = 8
_MOST_FAILED: Final = 3
_ERROR_LINES: Final = 12
_MOST_FRAMES: Final = 5
_ENDED: Final = {
    "success": "succeeded", "failed": "failed", "cancelled": "was cancelled", "lost": "was lost",
    "running": "is running",
}  # fmt: skip
_TONES: Final[dict[str, Tone]] = {
    "success": "good", "failed": "bad", "lost": "bad", "cancelled": "warn", "running": "running",
}  # fmt: skip
_OF_STEPS: Final = frozenset({"Steps succeeded", "Duration"})
"""Figures that the title and the verdict have."""


def run_card(lineage: Lineage, known: Background = NOTHING, links: Mapping[str, str] | None = None) -> Card:
    """Return the card of a run.

    Args:
        lineage: The run.
        known: Its background; with it the card has findings, changes since the last good run, commit and partition.
        links: Names and values for the last lines, after the id of the run.
    """
    activity = beside.drawn(lineage.activity)
    places = {node.node_name: place for place, node in enumerate(lineage.nodes)}
    amber = verdict.reservations(lineage, activity, unusual.count(known)) if lineage.status == "success" else ""
    took = f" in {duration(lineage.duration_ms)}" if lineage.duration_ms is not None else ""
    title = f"{lineage.pipeline_name or 'pipeline'} {_ENDED.get(lineage.status, lineage.status)}"
    return Card(
        title=f"{title}{f' with {amber}' if amber else ''}{took}",
        tone="warn" if amber else _TONES.get(lineage.status, "plain"),
        facts=list(_facts(lineage, activity)),
        lead=[each for each in (_sentence(lineage, activity), text(known.run.get("blame"))) if each],
        sections=[
            *map(_failure, _failed(lineage)[:_MOST_FAILED]),
            *_findings(known, places),
            *_changes(lineage, known, places),
            *_attention(lineage, activity),
            *_steps(lineage.nodes),
            *_commands(lineage, known),
        ],
        foot=list(_foot(lineage, known, links or {})),
    )


def _facts(lineage: Lineage, activity: dict[str, Any]) -> Iterator[str]:
    """Yield the states of the steps, if not all succeeded, and the figures of the run."""
    counts = verdict.counts(lineage)
    if set(counts) - {"success"}:
        yield ", ".join(f"{number:,} {LABELS[state].lower()}" for state, number in counts.items())
    for figure in verdict.figures(lineage, activity):
        if figure["label"] not in _OF_STEPS:
            note = f" ({figure['note']})" if figure["note"] else ""
            yield f"{figure['label'].lower()} {figure['value']}{note}"


def _sentence(lineage: Lineage, activity: dict[str, Any]) -> str:
    """Return how the run ended; an empty text if the section of its failed step has it."""
    return "" if lineage.status == "failed" and _failed(lineage) else verdict.sentence(lineage, activity)


def _failed(lineage: Lineage) -> list[NodeLineage]:
    return [node for node in lineage.nodes if node.state == "failed"]


def _failure(node: NodeLineage) -> Section:
    return Section(title=f"{shorten(node.node_name, 80)} failed", code="\n".join(failure_lines(node)))


def failure_lines(node: NodeLineage) -> list[str]:
    """Return the error of a failed step, and the frames of the program, the innermost first."""
    message = ((node.error or "").strip() or "no reason was recorded").splitlines()
    kind = f"{node.error_type}: " if node.error_type and not message[0].startswith(node.error_type) else ""
    lines = [f"{kind}{message[0]}", *message[1:_ERROR_LINES]]
    if more := and_more(len(message) - _ERROR_LINES, "line"):
        lines.append(more)
    trace: dict[str, Any] = trace_of(node) or {}
    for frame in trace.get("own", [])[:_MOST_FRAMES]:
        lines.append(f"at {frame['file']}:{frame['line']} in {frame['name'] or '?'}")
        lines += [f"    {frame['code']}"] if frame["code"] else []
    return lines


def _findings(known: Background, places: Mapping[str, int]) -> Iterator[Section]:
    found = unusual.findings(known, places)
    if not found:
        return
    items = [_named(each.get("name"), each["text"], each.get("usual")) for each in found[:MOST_FINDINGS]]
    hidden = len(unusual.anomalies(known)) - len(items)
    yield Section(title="Unusual", items=[*items, *([f"and {hidden} more"] if hidden > 0 else [])])


def _changes(lineage: Lineage, known: Background, places: Mapping[str, int]) -> Iterator[Section]:
    found = unusual.changes(known, places)
    if found is None:
        if known.run:
            yield Section(items=["Changes: not compared, because there is no earlier good run to compare with."])
        return
    title = f"Changed since the last good run {short_id(found.get('with'))}".strip()
    items = [_named(each.get("name"), each["text"], _reason(each)) for each in found.get("list", [])[:MOST_FINDINGS]]
    hidden = found["count"] - len(items)
    items = items or ["Nothing that was recorded changed beyond the noise."]
    yield Section(title=title, items=[*items, *([f"and {hidden} more"] if hidden > 0 else [])])


def _reason(change: Mapping[str, Any]) -> str:
    """Return the reason for a change, and the number of changes that follow from it."""
    following = len(change.get("follows", ())) + change.get("moreFollow", 0)
    return "; ".join(filter(None, [change.get("why"), f"{plural(following, 'change')} with it" if following else ""]))


def _named(name: str | None, sentence: str, note: str | None) -> str:
    return f"{f'{name}: ' if name else ''}{shorten(sentence, 300)}{f' ({shorten(note, 200)})' if note else ''}"


def _attention(lineage: Lineage, activity: dict[str, Any]) -> Iterator[Section]:
    found, more = verdict.attention(lineage, activity)
    items = []
    for each in found:
        node = lineage.nodes[each["step"]] if "step" in each else None
        if node is None or node.state != "failed":
            items.append(_named(each.get("name") if node is None else node.node_name, each["text"], None))
    if items:
        yield Section(title="Needs attention", items=[*items, *([f"and {more} more"] if more else [])])


def _steps(nodes: list[NodeLineage]) -> Iterator[Section]:
    if not nodes:
        return
    is_cut = len(nodes) > MOST_STEPS
    worst = sorted(nodes, key=lambda node: _badness(node, is_cut))[:MOST_STEPS]
    table = Table(
        columns=("Step", "State", "Rows", "Change", "Duration"),
        rows=[_row(node) for node in worst],
        right=("Rows", "Change", "Duration"),
        more=and_more(len(nodes) - len(worst), "step"),
    )
    yield Section(title="Steps, worst first" if is_cut else "", table=table)


def _badness(node: NodeLineage, is_cut: bool) -> tuple[int, bool, float]:
    """Return the key that sorts the worst first; steps that are as good keep their order if all are shown."""
    doubtful = any(check.passed is not True for check in node.checks) or any(row.unusual for row in node.row_changes)
    state = STATES.index(node.state) if node.state in STATES else 0
    return state, not doubtful, -(node.duration_ms or 0.0) if is_cut else 0.0


def _row(node: NodeLineage) -> tuple[str, ...]:
    return (
        node.node_name,
        node.state,
        count(node.row_count),
        f"{node.row_delta:+,}" if node.row_delta else "",
        duration(node.duration_ms),
    )


def _commands(lineage: Lineage, known: Background) -> Iterator[Section]:
    found = commands(lineage, known)
    if found:
        yield Section(title="Go on from it", code="\n".join(each["text"] for each in found), folded=True)


def _foot(lineage: Lineage, known: Background, links: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    about = purpose(known, {}) or {}
    wanted = ("Partition", "Commit", "Host")
    yield "Run", lineage.run_id or "unknown"
    yield from ((name, value) for name, value in about.get("facts", []) if name in wanted)
    yield from links.items()
