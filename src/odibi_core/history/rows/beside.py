"""The rows of a run beside its steps: `files`, `metrics`, `costs` and `alerts`, one event a row."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import read_iso
from odibi_core.history.rows.cells import json_text, object_of, real, written
from odibi_core.views.costs import dollars, units
from odibi_core.views.values import count, message, text

Values = tuple[object, dict[str, Any]]
"""A key, under which a later event replaces an earlier one (None: it replaces none), and values by column."""


def cost_units(event: Event) -> int | None:
    """Return the cost of a call in units of 10⁻¹² of a dollar; None if it is unknown."""
    return units(event.fields.get("estimated_cost_usd"))


def _common(event: Event) -> dict[str, Any]:
    return {"timestamp": event.timestamp, "node_name": text(event.node_name), "operation": text(event.operation)}


def _file(event: Event) -> Values:
    fields = event.fields
    names = ("access", "uri", "dataset", "format", "etag", "version", "table_operation")
    values = {
        **_common(event),
        **{name: text(fields.get(name)) for name in names},
        "bytes": count(fields.get("bytes")),
        "modified": read_iso(fields.get("modified")),
        "row_count": count(event.row_count),
        "file_count": count(fields.get("files")),
    }
    # A second attempt opens the same files; the tables of a database share its URI.
    return (values["node_name"], values["access"], values["uri"], values["dataset"]), values


def _metric(event: Event) -> Values:
    fields = event.fields
    values = {
        **_common(event),
        "metric": text(fields.get("metric")),
        "name": text(fields.get("name")),
        "value": real(fields.get("value")),
        "labels": object_of(fields.get("labels")),
    }
    return None, values


def _task(event: Event) -> Values:
    fields = event.fields
    values = {
        **_common(event),
        "task": count(fields.get("task")),
        "item": text(fields.get("item")),
        "status": text(event.status),
        "duration_ms": real(event.duration_ms),
        "row_count": count(event.row_count),
        "attempts": count(fields.get("attempts")),
        "error_type": text(fields.get("error_type")),
        "error": text(event.error),
    }
    return (kinds.TASK, values["node_name"], values["task"]), values  # the latest attempt


def _cost(event: Event) -> Values:
    fields, cost = event.fields, cost_units(event)
    values = {
        **_common(event),
        "cost_usd": None if cost is None else dollars(cost),
        "bytes_processed": _whole(fields.get("bytes_processed")),
        "bytes_billed": _whole(fields.get("bytes_billed")),
        "tags": object_of(fields.get("tags")),
    }
    return None, values


def _whole(value: object) -> int | None:
    known = real(value)
    return int(known) if known is not None and 0 <= known < 2**63 else None


def _anomaly(event: Event) -> Values:
    fields = event.fields
    values = {
        **_common(event),
        "alert_id": text(fields.get("alert_id")) or _id_of(event),
        "kind": kinds.ANOMALY,
        "severity": _severity(event),
        "column_name": text(fields.get("column")),
        **{name: text(fields.get(name)) for name in ("family", "series", "follows_from")},
        **{name: written(fields.get(name)) for name in ("actual", "expected")},
        **{name: real(fields.get(name)) for name in ("low", "high", "likelihood")},
        "compared_runs": count(fields.get("compared_runs")),
        "message": message(event),
        "muted": fields.get("muted") is True,
    }
    return values["alert_id"], values


def _alert(event: Event) -> Values:
    fields = event.fields
    if "alert_key" in fields:
        return alert_of_rule(event)
    values = {
        **_common(event),
        "alert_id": _id_of(event),
        "kind": "alert",
        "severity": _severity(event),
        "family": text(fields.get("rule")),
        "series": text(fields.get("metric")) or text(event.operation),
        "actual": written(fields.get("value")),
        "high": real(fields.get("threshold")),
        "message": message(event),
    }
    return values["alert_id"], values


def alert_of_rule(event: Event) -> Values:
    """Return the row of an alert that a rule raised."""
    fields = event.fields
    values = {
        **_common(event),
        "alert_id": text(fields.get("alert_id")) or _id_of(event),
        "kind": "alert",
        "severity": text(fields.get("severity")) or _severity(event),
        "family": text(fields.get("rule_kind")),
        **{name: text(fields.get(name)) for name in ("rule", "subject", "owner", "runbook")},
        **{name: written(fields.get(target)) for name, target in (("actual", "value"), ("expected", "expected"))},
        "message": message(event),
        "repeated": fields.get("repeated") is True,
    }
    return values["alert_id"], values


def _severity(event: Event) -> str:
    given = text(event.fields.get("severity"))
    if given in ("warning", "error"):
        return given
    return "error" if kinds.severity(event.level) >= kinds.severity("error") else "warning"


def _id_of(event: Event) -> str:
    """Return an id of an event that is the same in every reading."""
    place = json_text([event.writer_id, event.seq, event.timestamp, message(event)]) or ""
    return sha256(place.encode()).hexdigest()[:12]


BESIDE: Final[dict[str, tuple[str, Callable[[Event], Values]]]] = {
    kinds.FILE_ACCESS: ("files", _file),
    kinds.METRIC: ("metrics", _metric),
    kinds.COST: ("costs", _cost),
    kinds.TASK: ("tasks", _task),
    kinds.ANOMALY: ("alerts", _anomaly),
    kinds.ALERT_RAISED: ("alerts", _alert),
}
"""The table of a kind, and the function that reads its events."""
