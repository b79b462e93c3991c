"""The verdict on a run: one sentence, a few figures, and the places that need attention."""

from __future__ import annotations

from collections import Counter
from typing import Any

from odibi_core.story.activity import captured
from odibi_core.story.activity import figures as beside
from odibi_core.story.wording import STATES, first_paragraph
from odibi_core.views.wording import count, duration, plural, shorten

Step = dict[str, Any]
MOST_ATTENTION = 8
UNFINISHED = {"cancelled": "was cancelled while it ran", "lost": "was running when the process died"}


_OTHER_RESULTS = {"failed": "failed", "unchecked": "not checked"}
_TONES = {"warn": "warn", "error": "failed"}


def checks(steps: list[Step]) -> Counter[str]:
    """Return how many checks `passed`, `failed` or stayed `unchecked`."""
    return Counter(check["result"] for step in steps for check in step.get("checks", ()))


def counts(steps: list[Step]) -> dict[str, int]:
    """Return the number of steps in each state, worst first."""
    found = Counter(step["state"] for step in steps)
    return {state: found[state] for state in STATES if found[state]}


def reservations(steps: list[Step], activity: dict[str, Any]) -> str:
    """Return the failed steps, failed checks and captured errors of a run that succeeded; mostly an empty text."""
    found = [
        plural(number, noun)
        for number, noun in (
            (counts(steps).get("failed", 0), "failed step"),
            (checks(steps)["failed"], "failed check"),
            (activity.get("errorCount") or 0, "captured error"),
        )
        if number
    ]
    return _several(found)


def sentence(run_status: str, steps: list[Step], error: str | None, activity: dict[str, Any]) -> str:
    """Return how the run ended, with the failed steps and the captured errors."""
    parts = (_of_steps(run_status, steps, error, activity), captured(activity))
    return " ".join(part for part in parts if part)


def _of_steps(run_status: str, steps: list[Step], error: str | None, activity: dict[str, Any]) -> str:
    tally, total = counts(steps), len(steps)
    done = tally.get("success", 0) + tally.get("failed", 0)
    if run_status == "failed":
        return _failure(steps, tally, error)
    if run_status == "success":
        return _success(steps, total, activity)
    busy = [step["name"] for step in steps if step["state"] in ("running", "cancelled", "lost")]
    at = f"; {_several(busy)} {'was' if len(busy) == 1 else 'were'} running" if busy else ""
    if run_status == "cancelled":
        return f"The run was cancelled after {done} of {plural(total, 'step')}{at}."
    if run_status == "lost":
        return f"The process died after {done} of {plural(total, 'step')}{at}."
    return f"Still running when this page was written: {done} of {plural(total, 'step')} ended{at}."


def _failure(steps: list[Step], tally: dict[str, int], error: str | None) -> str:
    failed = [step for step in steps if step["state"] == "failed"]
    skipped = tally.get("skipped", 0)
    if not failed:
        return f"The run failed: {shorten(error)}" if error else "The run failed; no failed step was recorded."
    reason = shorten(first_paragraph(failed[0].get("error") or error or "no reason was recorded"), 220)
    kind = failed[0].get("errorType")
    reason = f"{kind}: {reason}" if kind and not reason.startswith(str(kind)) else reason
    tries = failed[0].get("attempts") or 1
    after = f" after {tries} attempts" if tries > 1 else ""
    other = len(failed) - 1
    parts = [f"{shorten(failed[0]['name'], 80)} failed{after}: {reason.rstrip('.')}."]
    if other:
        parts.append(f"{plural(other, 'other step')} also failed.")
    if skipped:
        parts.append(
            f"{plural(skipped, 'dependent step')} {'was' if skipped == 1 else 'were'} skipped."
        )
    return " ".join(parts)


def _success(steps: list[Step], total: int, activity: dict[str, Any]) -> str:
    tally = checks(steps)
    failed = [step["name"] for step in steps if step["state"] == "failed"]
    retried = sum((step.get("attempts") or 1) > 1 for step in steps)
    everything = "The only step" if total == 1 else f"All {total:,} steps"
    parts = [f"{everything} succeeded." if total else _without_steps(activity)]
    if failed:
        parts = [f"The run completed, but {len(failed):,} of {plural(total, 'step')} failed: {_several(failed)}."]
    if tally["failed"]:
        parts.append(f"{plural(tally['failed'], 'data check')} failed.")
    if tally["unchecked"]:
        parts.append(f"{plural(tally['unchecked'], 'data check')} could not be checked.")
    if retried:
        parts.append(f"{plural(retried, 'step')} needed more than one attempt.")
    return " ".join(parts)


def _without_steps(activity: dict[str, Any]) -> str:
    """Return the activity of a program without steps."""
    counted = [
        plural(number, noun)
        for number, noun in (
            (activity.get("lines") or 0, "log line"),
            (len(activity.get("operations", ())), "measured operation"),
        )
        if number
    ]
    ended = "completed" if activity.get("errorCount") else "succeeded"
    return f"The run {ended} without steps{', with ' if counted else ''}{' and '.join(counted)}."


def _several(names: list[str]) -> str:
    shown = [shorten(name, 60) for name in names[:3]]
    more = len(names) - len(shown)
    return " and ".join([", ".join(shown)] if not more else [", ".join(shown), f"{more} more"])


def figures(steps: list[Step], took: float | None, activity: dict[str, Any]) -> list[dict[str, str]]:
    """Return the key figures: each a label, a value, and a smaller note."""
    tally, total = counts(steps), len(steps)
    asked = checks(steps)
    retries = sum(max(len(step.get("retries", ())), (step.get("attempts") or 1) - 1) for step in steps)
    unread = sum(step["rows"] for step in steps if step.get("rows") and not step.get("up"))
    written = sum(step["rows"] for step in steps if step.get("rows") and step["layer"] == "publish")
    slowest = max(steps, key=lambda step: step.get("durationMs") or 0.0, default=None)
    notes = [f"{number:,} {state}" for state, number in tally.items() if state != "success"]
    found = [_figure("Duration", duration(took), _slowest(slowest)), *beside(activity)]
    if total or not activity:
        succeeded = f"{tally.get('success', 0):,} / {total:,}"
        found.insert(0, _figure("Steps succeeded", succeeded, ", ".join(notes)))
    if unread:
        found.append(_figure("Rows read", count(unread), f"{count(written)} published" if written else ""))
    if asked:
        others = (f"{asked[result]:,} {word}" for result, word in _OTHER_RESULTS.items() if asked[result])
        found.append(_figure("Checks passed", f"{asked['passed']:,} / {asked.total():,}", ", ".join(others)))
    cached = sum(1 for step in steps if step.get("cached"))
    if retries or cached:
        found.append(
            _figure("Retries", count(retries), f"{plural(cached, 'step')} from the cache" if cached else "")
        )
    return found


def _figure(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _slowest(step: Step | None) -> str:
    if step is None or not step.get("durationMs"):
        return ""
    return f"longest: {shorten(step['name'], 40)}, {duration(step['durationMs'])}"


def attention(steps: list[Step], activity: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """Return failures, captured errors, checks that did not pass and retried steps, and the number of further ones."""
    found: list[tuple[int, dict[str, Any]]] = [
        (1, {"anchor": "errors", "tone": "failed", "name": error.get("type", "error"), "text": _captured(error)})
        for error in activity.get("errors", ())
    ]
    for index, step in enumerate(steps):
        if step["state"] == "failed":
            reason = shorten(first_paragraph(step.get("error") or "failed, no reason was recorded"), 160)
            found.append((0, {"step": index, "tone": "failed", "text": reason}))
        elif step["state"] in UNFINISHED:
            found.append((1, {"step": index, "tone": step["state"], "text": UNFINISHED[step["state"]]}))
        for check in step.get("checks", ()):
            if check["result"] != "passed":
                tone = "unknown" if check["result"] == "unchecked" else _TONES[check["severity"]]
                found.append((2, {"step": index, "tone": tone, "text": _about(check)}))
        if step["state"] != "failed" and (step.get("attempts") or 1) > 1:
            outcome = f"succeeded at attempt {step['attempts']}" if step["state"] == "success" else "was retried"
            found.append((3, {"step": index, "tone": "retry", "text": outcome}))
    found.sort(key=lambda entry: entry[0])
    return [entry for _, entry in found[:MOST_ATTENTION]], max(0, len(found) - MOST_ATTENTION)


def _captured(error: dict[str, Any]) -> str:
    times = f", {error['count']:,} times" if error.get("count", 1) > 1 else ""
    return shorten(first_paragraph(error["message"]), 140) + times


def _about(check: dict[str, Any]) -> str:
    name = f"{check['check']} {check['column']}" if check.get("column") else check["check"]
    if check.get("message"):
        return shorten(f"{name}: {check['message']}", 160)
    rows = check.get("failedRows")
    return shorten(f"{name} failed" + (f" for {plural(rows, 'row')}" if rows else ""), 160)
