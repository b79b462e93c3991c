"""What a run did beside its steps → what the page draws of it: errors, log, operations, costs, all bounded."""

from __future__ import annotations

from typing import Any

from odibi_core.story import reading, wording
from odibi_core.story.steps import LONGEST_TEXT, compact
from odibi_core.views.wording import count, plural, shorten

Activity = dict[str, Any]
MOST_ERRORS = 50
MOST_LINES = 200
MOST_OPERATIONS = 300
MOST_DEPTH = 20
MOST_COSTS = 50
LEVELS = ("debug", "info", "warning", "error", "critical")


def read_activity(raw: Any) -> Activity:
    """`errors`, `errorCount`, `log`, `levels`, `lines`, `operations`, `cost`: keys without a value are left out."""
    found = reading.mapping(raw)
    levels = {level: reading.whole(reading.mapping(found.get("log_levels")).get(level)) for level in LEVELS}
    errors = [_error(item) for item in reading.items(found.get("errors"))[:MOST_ERRORS]]
    log = [_line(item) for item in reading.items(found.get("log"))[-MOST_LINES:]]
    return compact(
        {
            "errors": errors,
            "errorCount": reading.whole(found.get("error_count")) or len(errors) or None,
            "log": log,
            "levels": compact(levels),
            "lines": sum(filter(None, levels.values())) or len(log) or None,
            "operations": _operations(reading.items(found.get("operations")), 0, [MOST_OPERATIONS]),
            "cost": _cost(reading.mapping(found.get("costs"))),
        }
    )


def captured(activity: Activity) -> str:
    """The errors in a sentence; empty where there are none."""
    number = activity.get("errorCount")
    if not number:
        return ""
    first: dict[str, Any] = next(iter(activity.get("errors", ())), {})
    kind, said = first.get("type"), wording.first_paragraph(first.get("message") or "")
    what = ": ".join(part for part in (kind, shorten(said, 160).rstrip(".")) if part)
    were = "was" if number == 1 else "were"
    return f"{plural(number, 'error')} {were} captured{': ' + what if what else ''}."


def figures(activity: Activity) -> list[dict[str, str]]:
    """The key figures of it: a label, a value, and a smaller note."""
    found = []
    if number := activity.get("errorCount"):
        kinds = len(activity.get("errors", ()))
        note = plural(kinds, "different one") if 1 < kinds < number else ""
        found.append({"label": "Errors captured", "value": count(number), "note": note})
    if lines := activity.get("lines"):
        levels = activity.get("levels", {})
        notes = [f"{levels[level]:,} {level}" for level in LEVELS[:1:-1] if levels.get(level)]
        found.append({"label": "Log lines", "value": count(lines), "note": ", ".join(notes)})
    if cost := activity.get("cost"):
        found.append({"label": "Estimated cost", "value": cost["total"], "note": cost["note"]})
    return found


def _error(raw: dict[str, Any]) -> dict[str, Any]:
    return compact(
        {
            "type": reading.text(raw.get("error_type")),
            "message": reading.text(raw.get("message")) or "no message",
            "count": reading.whole(raw.get("count")),
            "where": ", ".join(reading.texts(raw.get("operations"))) or reading.text(raw.get("component")),
            "lastSeen": _time(raw.get("last_seen")),
            "uncaught": True if raw.get("handled") is False else None,
            "traceback": reading.text(raw.get("traceback"), LONGEST_TEXT),
        }
    )


def _line(raw: dict[str, Any]) -> dict[str, Any]:
    fields = reading.mapping(raw.get("fields"))
    level = raw.get("level")
    event, message = reading.text(raw.get("event_type")), reading.text(raw.get("message"))
    return compact(
        {
            "time": _time(raw.get("timestamp")),
            "level": level if level in LEVELS else "info",
            "event": None if event == message else event,
            "message": message,
            "from": reading.text(raw.get("component")),
            "within": reading.text(raw.get("node_name")) or reading.text(raw.get("operation")),
            "fields": [[str(name), reading.text(value, 200) or ""] for name, value in list(fields.items())[:12]],
        }
    )


def _operations(rows: list[dict[str, Any]], depth: int, room: list[int]) -> list[dict[str, Any]]:
    found = []
    for raw in rows:
        if room[0] <= 0 or depth > MOST_DEPTH:
            break
        room[0] -= 1
        operation = {
            "name": reading.text(raw.get("name")) or "operation",
            "depth": depth,
            "calls": reading.whole(raw.get("calls")),
            "failures": reading.whole(raw.get("failures")) or None,
            "totalMs": reading.number(raw.get("total_ms")),
            "selfMs": reading.number(raw.get("self_ms")),
        }
        found += [compact(operation), *_operations(reading.items(raw.get("children")), depth + 1, room)]
    return found


def _cost(raw: dict[str, Any]) -> dict[str, Any] | None:
    total = reading.mapping(raw.get("total"))
    usd = reading.number(total.get("cost_usd"))
    if usd is None:
        return None
    calls, unknown = reading.whole(total.get("calls")), reading.whole(total.get("unknown_costs"))
    notes = [plural(calls, "call")] if calls else []
    if unknown:
        notes.append(f"{unknown:,} of unknown cost")
    rows = [
        [
            reading.text(item.get("operation")) or reading.text(item.get("name")) or "–",
            reading.whole(item.get("calls")),
            _dollars(reading.number(item.get("cost_usd"))),
        ]
        for item in reading.items(raw.get("by_operation"))[:MOST_COSTS]
    ]
    return {"total": _dollars(usd), "note": ", ".join(notes), "rows": rows}


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "unknown"
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.6f}"


def _time(value: Any) -> str | None:
    moment = reading.moment(value)
    return None if moment is None else f"{moment:%H:%M:%S}"
