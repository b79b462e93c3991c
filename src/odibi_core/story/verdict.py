"""The verdict on a run: one sentence, a few figures, and the places that need attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from odibi_core.story import activity as beside
from odibi_core.story.activity import Drawn
from odibi_core.story.rows import unusual_sentence
from odibi_core.story.steps import is_warning
from odibi_core.story.wording import STATES, first_paragraph
from odibi_core.views.answers import Check, Lineage, NodeLineage, Totals
from odibi_core.views.row_totals import row_totals, use_of
from odibi_core.views.wording import count, error_words, plural, shorten

MOST_ATTENTION: Final = 8
UNFINISHED: Final = {"cancelled": "was cancelled while it ran", "lost": "was running when the process died"}


def counts(lineage: Lineage) -> dict[str, int]:
    """Return the number of steps in each state, worst first."""
    found = Counter(node.state for node in lineage.nodes)
    return {state: found[state] for state in STATES if found[state]}


def reservations(lineage: Lineage, activity: Drawn, unusual: int = 0) -> str:
    """Return the failures and the unusual findings of a run that succeeded; mostly an empty text."""
    summary, errors = lineage.summary, activity.get("errorCount", 0)
    return _joined(
        _plurals(
            ("failed step", summary.failed_count),
            ("failed check", summary.checks_failed),
            ("captured error", errors),
            ("unusual finding", unusual),
        )
    )


def sentence(lineage: Lineage, activity: Drawn, *, is_live: bool = False) -> str:
    """Return how the run ended, with the failed steps and the captured errors."""
    return " ".join(part for part in (_of_steps(lineage, activity, is_live), beside.captured(activity)) if part)


def _of_steps(lineage: Lineage, activity: Drawn, is_live: bool) -> str:
    if lineage.status == "failed":
        return _failure(lineage)
    if lineage.status == "success":
        return _success(lineage, activity)
    busy = [node.node_name for node in lineage.nodes if node.state in ("running", "cancelled", "lost")]
    verb = ("is", "are") if is_live and lineage.status == "running" else ("was", "were")
    at = f"; {_joined(busy)} {verb[len(busy) > 1]} running" if busy else ""
    done = lineage.summary.success_count + lineage.summary.failed_count
    of = f"{done} of {plural(len(lineage.nodes), 'step')}"
    if lineage.status == "cancelled":
        return f"The run was cancelled after {of}{at}."
    if lineage.status == "lost":
        return f"The process died after {of}{at}."
    return f"{'Running' if is_live else 'Still running when this page was written'}: {of} ended{at}."


def _failure(lineage: Lineage) -> str:
    failed, skipped = [node for node in lineage.nodes if node.state == "failed"], lineage.summary.skipped_count
    if not failed:
        return f"The run failed{f': {shorten(lineage.error)}' if lineage.error else '; no failed step was recorded.'}"
    first, *others = failed
    reason = shorten(first_paragraph(first.error or lineage.error or "no reason was recorded"), 220)
    reason = error_words(first.error_type, reason)
    after = f" after {first.attempts} attempts" if _is_retried(first) else ""
    parts = [f"{shorten(first.node_name, 80)} failed{after}: {reason.rstrip('.')}."]
    if others:
        parts.append(f"{plural(len(others), 'other step')} also failed.")
    if skipped:
        parts.append(f"{plural(skipped, 'dependent step')} {'was' if skipped == 1 else 'were'} skipped.")
    return " ".join(parts)


def _success(lineage: Lineage, activity: Drawn) -> str:
    summary, total = lineage.summary, len(lineage.nodes)
    failed = [node.node_name for node in lineage.nodes if node.state == "failed"]
    retried = sum(map(_is_retried, lineage.nodes))
    if failed:
        parts = [f"The run completed, but {len(failed):,} of {plural(total, 'step')} failed: {_joined(failed)}."]
    elif total:
        parts = [f"{'The only step' if total == 1 else f'All {total:,} steps'} succeeded."]
    else:
        parts = [_without_steps(activity)]
    if summary.checks_failed:
        parts.append(f"{plural(summary.checks_failed, 'data check')} failed.")
    if summary.checks_not_checked:
        parts.append(f"{plural(summary.checks_not_checked, 'data check')} could not be checked.")
    if retried:
        parts.append(f"{plural(retried, 'step')} needed more than one attempt.")
    return " ".join(parts)


def _without_steps(activity: Drawn) -> str:
    operations = len(activity.get("operations", ()))
    found = _plurals(("log line", activity.get("lines", 0)), ("measured operation", operations))
    ended = "completed" if activity.get("errorCount") else "succeeded"
    return f"The run {ended} without steps{', with ' if found else ''}{' and '.join(found)}."


def _is_retried(node: NodeLineage) -> bool:
    return (node.attempts or 1) > 1


def _plurals(*numbers: tuple[str, int]) -> list[str]:
    return [plural(number, noun) for noun, number in numbers if number]


def _joined(names: Sequence[str]) -> str:
    """Return the first three names and the number of further ones."""
    shown, more = ", ".join(shorten(name, 60) for name in names[:3]), len(names) - 3
    return f"{shown} and {more} more" if more > 0 else shown


def figures(lineage: Lineage, activity: Drawn) -> list[dict[str, str]]:
    """Return the key figures beside the states and the duration: each a label, a value, and a smaller note."""
    nodes = lineage.nodes
    found = beside.figures(activity)
    read, published = _rows(lineage)
    if read:
        found.append(_figure("Rows read", count(read), f"{count(published)} published" if published else ""))
    passed, others = lineage.summary.checks_passed, _other_checks(lineage.summary)
    if checks := passed + sum(others.values()):
        note = ", ".join(f"{number:,} {result}" for result, number in others.items() if number)
        found.append(_figure("Checks passed", f"{passed:,} / {checks:,}", note))
    retries = sum(max(len(node.retries), (node.attempts or 1) - 1) for node in nodes)
    cached = sum(node.cache_hit is True for node in nodes)
    if retries or cached:
        found.append(_figure("Retries", count(retries), f"{plural(cached, 'step')} from the cache" if cached else ""))
    return found


def _other_checks(summary: Totals) -> dict[str, int]:
    return {"failed": summary.checks_failed, "not checked": summary.checks_not_checked}


def _rows(lineage: Lineage) -> tuple[int | None, int | None]:
    """Return the rows read and published, as the list of runs has them."""
    targets = {edge.target for edge in lineage.edges}
    return row_totals(
        (use_of(node.layer, node.node_name not in targets), node.row_count)
        for node in lineage.nodes
        if node.state == "success"
    )


def _figure(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def attention(
    lineage: Lineage, activity: Drawn, without_rows: Collection[int] = ()
) -> tuple[list[dict[str, Any]], int]:
    """Return failures, captured errors, unusual rows, failed checks, retried steps, and the number of further ones.

    The unusual rows of the steps at the places `without_rows` are described elsewhere.
    """
    found: list[tuple[int, dict[str, Any]]] = [
        (1, {"anchor": "errors", "tone": "failed", "name": error.get("type", "error"), "text": _captured(error)})
        for error in activity.get("errors", ())
    ]
    for index, node in enumerate(lineage.nodes):
        for rank, tone, text in _troubles(node, index not in without_rows):
            found.append((rank, {"step": index, "tone": tone, "text": text}))
    found.sort(key=lambda entry: entry[0])
    return [entry for _, entry in found[:MOST_ATTENTION]], max(0, len(found) - MOST_ATTENTION)


def _troubles(node: NodeLineage, with_rows: bool) -> list[tuple[int, str, str]]:
    """Return the rank, the tone and the text of each trouble of a step, 0 the worst."""
    found = []
    if node.state == "failed":
        reason = shorten(first_paragraph(node.error or "failed, no reason was recorded"), 160)
        found.append((0, "failed", reason))
    elif node.state in UNFINISHED:
        found.append((1, node.state, UNFINISHED[node.state]))
    if with_rows and (rows := unusual_sentence(node)) is not None:
        found.append((2, "warn", shorten(rows, 160)))
    found += [(2, _tone(check), _about(check)) for check in node.checks if not check.passed]
    if node.state != "failed" and _is_retried(node):
        outcome = f"succeeded at attempt {node.attempts}" if node.state == "success" else "was retried"
        found.append((3, "retry", outcome))
    return found


def _captured(error: Drawn) -> str:
    times = f", {error['count']:,} times" if error.get("count", 1) > 1 else ""
    return shorten(first_paragraph(error["message"]), 140) + times


def _tone(check: Check) -> str:
    return "unknown" if check.passed is None else "warn" if is_warning(check) else "failed"


def _about(check: Check) -> str:
    name = f"{check.check or 'check'} {check.column or ''}".strip()
    if check.message:
        return shorten(f"{name}: {check.message}", 160)
    return shorten(f"{name} failed" + (f" for {plural(check.failed_rows, 'row')}" if check.failed_rows else ""), 160)
