"""Measurements of the end of a run: status, duration, and time of the last success."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.runtime.orchestrator import Orchestrator
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event
from odibi_core.views.metrics.pipelines import observations
from odibi_core.views.metrics.types import kind_of
from odibi_core.views.metrics.view import MetricsView

SUCCESS = an_event("pipeline_complete", pipeline_name="daily", status="success", duration_ms=1500.0)


def told(kind: str, **fields: Any) -> dict[str, tuple[float, dict[str, str]]]:
    return {metric: (value, labels) for metric, value, labels in observations(an_event(kind, **fields))}


def test_a_run_that_succeeded() -> None:
    """Counted by pipeline and status, its duration in seconds, and when it was: the event's own time."""
    assert {metric: (value, labels) for metric, value, labels in observations(SUCCESS)} == {
        "pipeline_runs": (1, {"pipeline": "daily", "status": "success"}),
        "pipeline_duration_seconds": (1.5, {"pipeline": "daily"}),
        "pipeline_last_run_timestamp_seconds": (SUCCESS.timestamp.timestamp(), {"pipeline": "daily"}),
        "pipeline_last_run_failed": (0, {"pipeline": "daily"}),
        "pipeline_last_success_timestamp_seconds": (SUCCESS.timestamp.timestamp(), {"pipeline": "daily"}),
    }


@pytest.mark.parametrize(
    ("kind", "status", "ended"),
    [
        ("pipeline_error", "failed", "failed"),
        ("pipeline_error", "cancelled", "cancelled"),
        ("pipeline_error", None, "failed"),
        ("pipeline_complete", "failed", "failed"),  # as `log_pipeline_complete` emits it with failed nodes
    ],
)
def test_a_run_that_did_not_succeed_leaves_the_last_success(kind: str, status: str, ended: str) -> None:
    """It is counted under what became of it, and took its time."""
    found = told(kind, pipeline_name="daily", status=status, duration_ms=5.0, run_id="daily-1")
    assert found.pop("pipeline_last_run_timestamp_seconds")[0] > 0
    assert found == {
        "pipeline_last_run_failed": (1, {"pipeline": "daily"}),
        "pipeline_runs": (1, {"pipeline": "daily", "status": ended}),
        "pipeline_duration_seconds": (0.005, {"pipeline": "daily"}),
    }


def test_what_is_not_known_is_not_measured() -> None:
    """A line without any field is the end of a run all the same."""
    found = told("pipeline_complete", pipeline_name=["daily"], duration_ms="long")
    assert found.pop("pipeline_last_success_timestamp_seconds")[1] == {}
    assert found.pop("pipeline_last_run_timestamp_seconds")[1] == {}
    assert found == {"pipeline_last_run_failed": (0, {}), "pipeline_runs": (1, {"status": "success"})}


def test_each_metric_is_of_the_kind_that_its_name_says() -> None:
    """A counter, a histogram up to a day, a gauge."""
    view = MetricsView()
    view(SUCCESS)
    assert [kind_of(metric) for metric, _, _ in observations(SUCCESS)] == [
        "counter", "histogram", "gauge", "gauge", "gauge",
    ]  # fmt: skip
    assert view.families["histogram", "pipeline_duration_seconds"].bounds[-1] == 86400


def test_a_real_run_measures_itself_live_and_in_replay() -> None:
    """The manager of a run and a view of its record have the same counts; a pipeline is not a node."""

    def fails() -> None:
        raise ValueError("no")

    result = Orchestrator([fails], pipeline_name="daily", raise_on_error=False).execute()
    replayed = MetricsView()
    for event in RunStore(".odibi").events():
        replayed(event)
    assert replayed.answer() == result["metrics"].answer()
    assert list(result["metrics"].get_summary()["nodes"]) == ["fails"]
    assert 'odibi_pipeline_runs_total{pipeline="daily",status="failed"} 1\n' in (
        result["metrics"].export_prometheus()
    )
