"""Measurements of the toolkit's calls: each kind of event, its labels, and missing or odd values."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.testing import an_event
from odibi_core.views.metrics.calls import CALL_KINDS, observations
from odibi_core.views.metrics.types import kind_of
from odibi_core.views.metrics.view import MetricsView


def told(kind: str, **fields: Any) -> dict[str, tuple[float, dict[str, str]]]:
    return {metric: (value, labels) for metric, value, labels in observations(an_event(kind, **fields))}


def test_an_operation_that_succeeded() -> None:
    """Its duration in seconds, and a success."""
    assert told("operation_complete", operation="load", duration_ms=250.0, tags={"team": "data"}) == {
        "operation.duration.seconds": (0.25, {"operation": "load", "team": "data"}),
        "operation.success": (1, {"operation": "load", "team": "data"}),
    }


def test_an_operation_that_failed() -> None:
    """A failure, and an error by its type: the one is counted by operation alone, the other by what broke too."""
    found = told("operation_failed", operation="load", duration_ms=250.0, error_type="ValueError", error="no")
    assert found == {
        "operation.duration.seconds": (0.25, {"operation": "load"}),
        "operation.failure": (1, {"operation": "load"}),
        "operation.error": (1, {"operation": "load", "error_type": "ValueError"}),
    }


@pytest.mark.parametrize(
    ("fields", "metrics"),
    [
        (
            {"bytes_processed": 10, "estimated_cost_usd": 0.5},
            {"bytes_processed", "cost.usd", "total_cost.usd"},
        ),
        ({"bytes_processed": 0, "estimated_cost_usd": 0}, {"bytes_processed", "cost.usd", "total_cost.usd"}),
        ({"bytes_processed": 10}, {"bytes_processed"}),
        ({"estimated_cost_usd": 0.5}, {"cost.usd", "total_cost.usd"}),
        ({"bytes_processed": "many", "estimated_cost_usd": None}, set()),
    ],
)
def test_a_cost(fields: dict[str, Any], metrics: set[str]) -> None:
    """An unknown value is not measured; zero is a value."""
    assert set(told("cost", operation="load", **fields)) == {f"bigquery.{metric}" for metric in metrics}


def test_only_an_alert_about_a_cost_is_one_of_a_cost() -> None:
    """Any other rule's alerts are no metric of BigQuery."""
    assert told("alert_raised", rule="cost_threshold", operation="load") == {
        "bigquery.cost_alert": (1, {"operation": "load"})
    }
    assert told("alert_raised", rule="failed_nodes") == {}


def test_a_query() -> None:
    """Counted, with its duration and its rows; the bytes belong to the cost, or they would count twice."""
    found = told("query", query_type="select", duration_ms=1000.0, rows_returned=7, bytes_processed=99)
    labels = {"query_type": "select"}
    assert found == {
        "bigquery.query.duration.seconds": (1.0, labels),
        "bigquery.query.rows_returned": (7, labels),
        "bigquery.query.count": (1, labels),
    }


def test_a_command_begins_and_ends() -> None:
    """The beginning has no duration; whatever is no success is a failure."""
    labels = {"command": "load"}
    assert told("cli_command", command="load", status="running") == {"cli.command.started": (1, labels)}
    assert told("cli_command", command="load", status="success", duration_ms=5.0) == {
        "cli.command.success": (1, labels),
        "cli.command.duration.seconds": (0.005, labels),
    }
    assert "cli.command.failure" in told("cli_command", command="load", status="cancelled", duration_ms=5.0)


def test_an_arguments_value_is_no_label() -> None:
    """It may be anything: a series for each, and whatever is in it in every scrape."""
    (found,) = told("cli_argument", command="load", argument="--day", value="2026-01-01").values()
    assert found == (1, {"command": "load", "argument": "--day"})


def test_a_check_of_data() -> None:
    """Executed, and passed or failed."""
    assert set(told("data_quality_check", check="nulls", passed=True, duration_ms=1.0)) == {
        f"data_quality.check.{what}" for what in ("executed", "passed", "duration.seconds")
    }
    assert "data_quality.check.failed" in told("data_quality_check", check="nulls", passed=False)


@pytest.mark.parametrize(
    ("status", "value"), [("healthy", 1), ("degraded", 0), ("unhealthy", 0), ("unknown", 0)]
)
def test_health(status: str, value: int) -> None:
    """Healthy is 1, all else 0."""
    assert told("health_check", check="disk", status=status)["health_check.status"] == (
        value,
        {"check": "disk"},
    )


def test_what_is_not_configured_measures_nothing() -> None:
    """A skipped check is neither healthy nor ill, and took no time."""
    assert told("health_check", check="sentry", status="skipped", duration_ms=1.0) == {}


def test_a_tag_that_is_called_like_a_label_keeps_its_value() -> None:
    """Under a name of its own, and whatever else is called like that: no tag is dropped."""
    tags = {"operation": "mine", "tag_operation": "too", "tag_tag_operation": "three"}
    ((_, labels), *_) = told("operation_complete", operation="load", tags=tags).values()
    assert labels["operation"] == "load"
    assert sorted(labels.values()) == ["load", "mine", "three", "too"]


def test_a_tag_is_a_text() -> None:
    """Numbers and truths as one writes them; what is None was not given."""
    tags = {"n": 1, "f": 0.5, "yes": True, "no": None}
    assert told("feature_usage", feature="x", tags=tags)["cli.feature.usage"][1] == {
        "feature": "x", "n": "1", "f": "0.5", "yes": "true",
    }  # fmt: skip


@pytest.mark.parametrize("kind", sorted(CALL_KINDS))
@pytest.mark.parametrize("strange", [None, "text", [1], {"a": {"b": 1}}, float("nan"), -1, True, 2**70])
def test_whatever_the_fields_hold_nothing_raises(kind: str, strange: Any) -> None:
    """A line of a store may have any content: readable values are measured, and labels are texts.

    All of it strange, and each thing by itself.
    """
    names = (
        "operation", "duration_ms", "status", "tags", "error_type", "bytes_processed", "estimated_cost_usd", "rule",
        "query_type", "rows_returned", "operation_type", "dataset", "table", "command", "argument", "feature", "check",
        "passed",
    )  # fmt: skip
    sound = {"operation": "load", "duration_ms": 2.5, "tags": {"team": "data"}}
    view = MetricsView()
    for fields in (dict.fromkeys(names, strange), *(sound | {name: strange} for name in names)):
        event = an_event(kind, **fields)
        for _, value, labels in observations(event):
            assert isinstance(value, int | float)
            assert all(isinstance(text, str) for pair in labels.items() for text in pair)
        view(event)
    view.answer()


def test_a_truth_is_no_operation_called_1() -> None:
    """The cached series of an operation are its own: Python takes `True`, 1 and 1.0 for one key."""
    view = MetricsView()
    for operation in (1, True, 1.0, 1):
        view(an_event("operation_complete", operation=operation, duration_ms=2.5))
    series = [each for each in view.answer()["series"] if each["metric"] == "operation.success"]
    assert {each["labels"]["operation"]: each["value"] for each in series} == {"1": 2, "true": 1, "1.0": 1}


def test_no_other_event_measures_anything() -> None:
    """Events of other kinds are not measured."""
    assert told("node_complete", operation="x", duration_ms=1.0) == {}


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("operation.success", "counter"),
        ("operation.duration.seconds", "histogram"),
        ("health_check.status", "gauge"),
    ],
)
def test_each_is_of_its_kind(metric: str, kind: str) -> None:
    """The table of kinds knows the names: an unknown one would be a gauge."""
    assert kind_of(metric) == kind
