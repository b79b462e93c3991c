"""The activity of a run beside its steps as the page shows it: errors, log, operations, costs, all bounded."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from odibi_core.story.steps import LONGEST_TEXT, compact
from odibi_core.story.wording import cut, first_paragraph
from odibi_core.views.answers import Activity, CapturedError, Cost, Costs, LogLine, Operation
from odibi_core.views.wording import count, plural, shorten, usd

Drawn = dict[str, Any]
MOST_ERRORS: Final = 50
MOST_LINES: Final = 1_000
MOST_OPERATIONS: Final = 300
MOST_DEPTH: Final = 20
MOST_COSTS: Final = 50
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_NOUNS: Final = frozenset({"warning", "error"})


def drawn(activity: Activity | None) -> Drawn:
    """Return `errors`, `errorCount`, `log`, `levels`, `lines`, `operations`, `cost`, without those that are empty."""
    if activity is None:
        return {}
    levels = {level: number for level in LEVELS if (number := activity.log_levels.get(level))}
    log = [_line(line) for line in activity.log[-MOST_LINES:]]
    return compact(
        {
            "errors": [_error(error) for error in activity.errors[:MOST_ERRORS]],
            "errorCount": activity.error_count or None,
            "log": log,
            "levels": levels,
            "lines": sum(levels.values()) or len(log) or None,
            "operations": _operations(activity.operations, 0, [MOST_OPERATIONS]),
            "cost": _cost(activity.costs),
        }
    )


def captured(activity: Drawn) -> str:
    """Return a sentence about the captured errors; empty if there are none."""
    number = activity.get("errorCount")
    if not number:
        return ""
    first: dict[str, Any] = next(iter(activity.get("errors", ())), {})
    kind, message = first.get("type"), first_paragraph(first.get("message") or "")
    what = ": ".join(part for part in (kind, shorten(message, 160).rstrip(".")) if part)
    were = "was" if number == 1 else "were"
    return f"{plural(number, 'error')} {were} captured{': ' + what if what else ''}."


def figures(activity: Drawn) -> list[dict[str, str]]:
    """Return the key figures: each a label, a value, and a smaller note."""
    found = []
    if number := activity.get("errorCount"):
        kinds = len(activity.get("errors", ()))
        note = plural(kinds, "different one") if 1 < kinds < number else ""
        found.append({"label": "Errors captured", "value": count(number), "note": note})
    if lines := activity.get("lines"):
        levels = activity.get("levels", {})
        notes = [
            plural(levels[level], level) if level in _NOUNS else f"{levels[level]:,} {level}"
            for level in LEVELS[:1:-1]
            if levels.get(level)
        ]
        found.append({"label": "Log lines", "value": count(lines), "note": ", ".join(notes)})
    if cost := activity.get("cost"):
        found.append({"label": "Estimated cost", "value": cost["total"], "note": cost["note"]})
    return found


def _error(error: CapturedError) -> Drawn:
    return compact(
        {
            "type": cut(error.error_type),
            "message": cut(error.message) or "no message",
            "count": error.count or None,
            "where": cut(", ".join(error.operations) or error.component),
            "lastSeen": _time(error.last_seen),
            "uncaught": error.handled is False or None,
            "traceback": cut(error.traceback, LONGEST_TEXT),
        }
    )


def _line(line: LogLine) -> Drawn:
    return compact(
        {
            "time": _time(line.timestamp),
            "level": line.level if line.level in LEVELS else "info",
            "event": None if line.event_type == line.message else cut(line.event_type),
            "message": cut(line.message),
            "from": cut(line.component),
            "within": cut(line.node_name or line.operation),
            "fields": [[name, cut(_written(value), 200) or ""] for name, value in list(line.fields.items())[:12]],
        }
    )


def _written(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list) else str(value)


def _operations(rows: list[Operation], depth: int, left: list[int]) -> list[Drawn]:
    found: list[Drawn] = []
    for row in rows:
        if left[0] <= 0 or depth > MOST_DEPTH:
            break
        left[0] -= 1
        operation = {
            "name": cut(row.name) or "operation",
            "depth": depth,
            "calls": row.calls,
            "failures": row.failures or None,
            "totalMs": row.total_ms,
            "selfMs": row.self_ms,
        }
        found += [compact(operation), *_operations(row.children, depth + 1, left)]
    return found


def _cost(costs: Costs | None) -> Drawn | None:
    if costs is None:
        return None
    total = costs.total
    notes = [plural(total.calls, "call")] if total.calls else []
    if total.unknown_costs:
        notes.append(f"{total.unknown_costs:,} of unknown cost")
    rows = [[cut(row.operation) or "–", row.calls, _amount(row)] for row in costs.by_operation[:MOST_COSTS]]
    return {"total": _amount(total), "note": ", ".join(notes), "rows": rows}


def _amount(cost: Cost) -> str:
    """Return the known costs; `unknown` if there are calls and none has a known cost."""
    return "unknown" if 0 < cost.calls <= cost.unknown_costs else usd(cost.cost_usd)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%H:%M:%S}"
