"""Measurements of the toolkit's calls: operations, queries, costs, commands, checks.

Existing dashboards read these names. Tags become labels; none is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from odibi_core.events import Event, kinds
from odibi_core.views import values

Observation: TypeAlias = tuple[str, float, dict[str, str]]
"""`(metric, value, labels)`"""
_Found: TypeAlias = list[tuple[str, float | None, dict[str, str]]]
"""Observations, of which those without a value are unknown."""

COST_RULE: Final = "cost_threshold"
"""The `rule` of an alert about a cost."""


def observations(event: Event) -> list[Observation]:
    """Return the measurements of an event of a call; an empty list for any other event."""
    measure = _BY_KIND.get(event.event_type)
    found = measure(event) if measure is not None else []
    return [(metric, value, labels) for metric, value, labels in found if value is not None]


def _labels(event: Event, **own: object) -> dict[str, str]:
    """Return the labels of a call, then its tags; a tag with the name of a label becomes `tag_…`."""
    labels = {name: text for name, value in own.items() if (text := _label(value)) is not None}
    for tag, value in values.record(event.fields.get("tags")).items():
        text = _label(value)
        if text is not None:
            while tag in own or tag in labels:
                tag = f"tag_{tag}"
            labels[tag] = text
    return labels


def _field_labels(event: Event, *names: str) -> dict[str, str]:
    return _labels(event, **{name: event.fields.get(name) for name in names})


def _label(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(event: Event) -> float | None:
    duration = values.number(event.duration_ms)
    return None if duration is None else duration / 1000


def _operation(event: Event) -> _Found:
    labels = _labels(event, operation=event.operation)
    succeeded = event.event_type == kinds.OPERATION_COMPLETE
    found: _Found = [
        ("operation.duration.seconds", _seconds(event), labels),
        ("operation.success" if succeeded else "operation.failure", 1, labels),
    ]
    if not succeeded:
        error_type = event.fields.get("error_type")
        found.append(("operation.error", 1, _labels(event, operation=event.operation, error_type=error_type)))
    return found


def _cost(event: Event) -> _Found:
    labels = _labels(event, operation=event.operation)
    cost = values.number(event.fields.get("estimated_cost_usd"))
    return [
        ("bigquery.bytes_processed", values.number(event.fields.get("bytes_processed")), labels),
        ("bigquery.cost.usd", cost, labels),
        ("bigquery.total_cost.usd", cost, labels),
    ]


def _alert(event: Event) -> _Found:
    if event.fields.get("rule") != COST_RULE:
        return []
    return [("bigquery.cost_alert", 1, _labels(event, operation=event.operation))]


def _query(event: Event) -> _Found:
    labels = _field_labels(event, "query_type")
    return [
        ("bigquery.query.duration.seconds", _seconds(event), labels),
        ("bigquery.query.rows_returned", values.number(event.fields.get("rows_returned")), labels),
        ("bigquery.query.count", 1, labels),
    ]


def _bigquery_operation(event: Event) -> _Found:
    return [("bigquery.operation", 1, _field_labels(event, "operation_type", "dataset", "table"))]


def _command(event: Event) -> _Found:
    labels = _field_labels(event, "command")
    if event.status == "running":
        return [("cli.command.started", 1, labels)]
    ended = "cli.command.success" if event.status == "success" else "cli.command.failure"
    return [(ended, 1, labels), ("cli.command.duration.seconds", _seconds(event), labels)]


def _argument(event: Event) -> _Found:
    """Measure an argument by name; its value is not a label, because each value would be a separate series."""
    return [("cli.command.argument", 1, _field_labels(event, "command", "argument"))]


def _feature(event: Event) -> _Found:
    return [("cli.feature.usage", 1, _field_labels(event, "feature"))]


def _quality(event: Event) -> _Found:
    labels = _field_labels(event, "check")
    ended = values.CHECK_RESULTS[values.passed_of(event)]
    return [
        ("data_quality.check.executed", 1, labels),
        (f"data_quality.check.{ended}", 1, labels),
        ("data_quality.check.duration.seconds", _seconds(event), labels),
    ]


def _health(event: Event) -> _Found:
    """Measure a health check; a skipped one, of a component that is not configured, has no measurements."""
    if event.status == "skipped":
        return []
    labels = _field_labels(event, "check")
    return [
        ("health_check.status", 1 if event.status == "healthy" else 0, labels),
        ("health_check.duration.seconds", _seconds(event), labels),
    ]


_BY_KIND: Final[Mapping[str, Callable[[Event], _Found]]] = {
    kinds.OPERATION_COMPLETE: _operation,
    kinds.OPERATION_FAILED: _operation,
    kinds.COST: _cost,
    kinds.ALERT_RAISED: _alert,
    kinds.QUERY: _query,
    kinds.BIGQUERY_OPERATION: _bigquery_operation,
    kinds.CLI_COMMAND: _command,
    kinds.CLI_ARGUMENT: _argument,
    kinds.FEATURE_USAGE: _feature,
    kinds.DATA_QUALITY_CHECK: _quality,
    kinds.HEALTH_CHECK: _health,
}
CALL_KINDS: Final = frozenset(_BY_KIND)
