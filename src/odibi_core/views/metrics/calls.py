"""What the calls of the toolkit measure: operations, queries, costs, commands, checks.

The names are those that dashboards of the in-house package read (contract, section 2); tags are labels, none dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from odibi_core.events import Event, kinds
from odibi_core.views import values

Told: TypeAlias = tuple[str, float, dict[str, str]]
"""`(metric, value, labels)`"""

COST_RULE: Final = "cost_threshold"
"""The rule that an alert about a cost names."""


def measured_by(event: Event) -> list[Told]:
    """What an event of a call measures; nothing, for every other event."""
    measure = _BY_KIND.get(event.event_type)
    return measure(event) if measure is not None else []


def _labels(event: Event, **own: object) -> dict[str, str]:
    """The call's own labels, then its tags; a tag that is called like one of those keeps its value under `tag_…`."""
    labels = {name: said for name, value in own.items() if (said := _label(value)) is not None}
    for tag, value in values.record(event.fields.get("tags")).items():
        said = _label(value)
        if said is not None:
            while tag in own or tag in labels:
                tag = f"tag_{tag}"
            labels[tag] = said
    return labels


def _label(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _known(told: list[tuple[str, float | None, dict[str, str]]]) -> list[Told]:
    return [(metric, value, labels) for metric, value, labels in told if value is not None]


def _seconds(event: Event) -> float | None:
    duration = values.number(event.duration_ms)
    return None if duration is None else duration / 1000


def _operation(event: Event) -> list[Told]:
    labels = _labels(event, operation=event.operation)
    succeeded = event.event_type == kinds.OPERATION_COMPLETE
    told: list[tuple[str, float | None, dict[str, str]]] = [
        ("operation.duration.seconds", _seconds(event), labels),
        ("operation.success" if succeeded else "operation.failure", 1, labels),
    ]
    if not succeeded:
        error_type = event.fields.get("error_type")
        told.append(("operation.error", 1, _labels(event, operation=event.operation, error_type=error_type)))
    return _known(told)


def _cost(event: Event) -> list[Told]:
    labels = _labels(event, operation=event.operation)
    cost = values.number(event.fields.get("estimated_cost_usd"))
    return _known(
        [
            ("bigquery.bytes_processed", values.number(event.fields.get("bytes_processed")), labels),
            ("bigquery.cost.usd", cost, labels),
            ("bigquery.total_cost.usd", cost, labels),
        ]
    )


def _alert(event: Event) -> list[Told]:
    if event.fields.get("rule") != COST_RULE:
        return []
    return [("bigquery.cost_alert", 1, _labels(event, operation=event.operation))]


def _query(event: Event) -> list[Told]:
    labels = _labels(event, query_type=event.fields.get("query_type"))
    return _known(
        [
            ("bigquery.query.duration.seconds", _seconds(event), labels),
            ("bigquery.query.rows_returned", values.number(event.fields.get("rows_returned")), labels),
            ("bigquery.query.count", 1, labels),
        ]
    )


def _bigquery_operation(event: Event) -> list[Told]:
    about = {name: event.fields.get(name) for name in ("operation_type", "dataset", "table")}
    return [("bigquery.operation", 1, _labels(event, **about))]


def _command(event: Event) -> list[Told]:
    labels = _labels(event, command=event.fields.get("command"))
    if event.status == "running":
        return [("cli.command.started", 1, labels)]
    ended = "cli.command.success" if event.status == "success" else "cli.command.failure"
    return _known([(ended, 1, labels), ("cli.command.duration.seconds", _seconds(event), labels)])


def _argument(event: Event) -> list[Told]:
    """Not its value: that may be anything, and each would be a series of its own."""
    about = {name: event.fields.get(name) for name in ("command", "argument")}
    return [("cli.command.argument", 1, _labels(event, **about))]


def _feature(event: Event) -> list[Told]:
    return [("cli.feature.usage", 1, _labels(event, feature=event.fields.get("feature")))]


def _quality(event: Event) -> list[Told]:
    labels = _labels(event, check=event.fields.get("check"))
    ended = values.CHECK_RESULTS[values.passed_of(event)]
    return _known(
        [
            ("data_quality.check.executed", 1, labels),
            (f"data_quality.check.{ended}", 1, labels),
            ("data_quality.check.duration.seconds", _seconds(event), labels),
        ]
    )


def _health(event: Event) -> list[Told]:
    """A check of what is not configured is skipped, and measures nothing."""
    if event.status == "skipped":
        return []
    labels = _labels(event, check=event.fields.get("check"))
    return _known(
        [
            ("health_check.status", 1 if event.status == "healthy" else 0, labels),
            ("health_check.duration.seconds", _seconds(event), labels),
        ]
    )


_BY_KIND: Final[Mapping[str, Callable[[Event], list[Told]]]] = {
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
OF_CALLS: Final = frozenset(_BY_KIND)
