"""Section 6 of the contract: health checks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.cli.conftest import Here, here  # noqa: F401  # a fixture

from odibi_core.observability import (
    HealthCheck,
    HealthChecker,
    HealthCheckResult,
    HealthStatus,
    observe,
    register_health_check,
    run_health_checks,
)


class Queue(HealthCheck):
    """As users of the in-house package write theirs."""

    def __init__(self) -> None:
        super().__init__("queue", timeout_seconds=2.0)

    def check(self) -> HealthCheckResult:
        """With everything that a result has."""
        return HealthCheckResult(
            name=self.name,
            status=HealthStatus.DEGRADED,
            message="12 wait",
            duration_seconds=0.1,
            timestamp=datetime.now(UTC),
            details={"waiting": 12},
        )


def test_health_check_has_a_name_and_a_timeout_of_ten_seconds() -> None:
    """`HealthCheck(name, timeout_seconds=10.0)`."""
    check = HealthCheck("x", function=lambda: True)
    assert (check.name, check.timeout_seconds) == ("x", 10.0)


def test_health_check_result_has_name_status_message_duration_timestamp_details() -> None:
    """By these names."""
    result = Queue().check()
    assert (result.name, result.status, result.message) == ("queue", "degraded", "12 wait")
    assert (result.duration_seconds, result.details) == (0.1, {"waiting": 12})
    assert result.timestamp.tzinfo is UTC


def test_health_status_values() -> None:
    """And `skipped` for what is not configured."""
    assert [status.value for status in HealthStatus] == [
        "healthy", "degraded", "unhealthy", "unknown", "skipped",
    ]  # fmt: skip


def test_health_checker_registers_runs_one_or_all_and_knows_the_overall_status() -> None:
    """`register_check`, `run_check`, `run_all_checks`, `get_overall_status`."""
    checker = HealthChecker()
    checker.register_check(Queue())
    checker.register_check(HealthCheck("disk", function=lambda: True))
    assert checker.run_check("queue").details == {"waiting": 12}
    assert {name: result.status for name, result in checker.run_all_checks().items()} == {
        "queue": "degraded", "disk": "healthy",
    }  # fmt: skip
    assert checker.get_overall_status() is HealthStatus.DEGRADED


def test_run_health_checks_gives_status_timestamp_checks() -> None:
    """Of the built-in ones and of those that were registered."""
    register_health_check(Queue())
    report = run_health_checks()
    assert list(report) == ["status", "timestamp", "checks"]
    assert report["status"] == "degraded"
    assert datetime.fromisoformat(report["timestamp"]).tzinfo is not None
    assert report["checks"]["queue"]["message"] == "12 wait"


def test_built_in_are_bigquery_sentry_prometheus_disk_log_writer_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is not configured is skipped, and makes nothing worse."""
    monkeypatch.setenv("METRICS_ENABLED", "false")
    report = run_health_checks()
    assert {name: check["status"] for name, check in report["checks"].items()} == {
        "disk": "healthy", "store": "healthy", "log_writer": "healthy", "prometheus": "skipped", "sentry": "skipped",
        "delivery": "skipped", "bigquery": "skipped",
    }  # fmt: skip
    assert report["status"] == "healthy"


def test_odibi_health_as_text_and_json(here: Here) -> None:  # noqa: F811  # the fixture
    """`odibi health --format text|json`."""
    assert "disk" in here("health").stdout
    assert json.loads(here("health", "--format", "json").stdout)["checks"]["disk"]["status"] == "healthy"


def test_odibi_health_exit_on_failure(here: Here) -> None:  # noqa: F811  # the fixture
    """Exit code 1 only then; without the option it is an answer like any other."""
    register_health_check(lambda: False, name="broken")
    assert here("health").exit_code == 0
    assert here("health", "--exit-on-failure").exit_code == 1
    register_health_check(lambda: "degraded", name="broken")
    assert here("health", "--exit-on-failure").exit_code == 0


def test_odibi_health_recorded_tells_what_programs_found_and_when(here: Here) -> None:  # noqa: F811  # the fixture
    """The last answer of each check, since when it is so, and the circuits, also where no check was asked."""
    with observe("shop") as program:
        program.say("circuit_state_change", circuitName="warehouse", oldState="closed", newState="open")
    assert "warehouse" in here("health", "--recorded").stdout
    with observe("shop"):
        run_health_checks()
    shown = here("health", "--recorded").stdout
    assert all(word in shown for word in ("Last asked", "Since", "disk", "warehouse", "open"))
    disk = json.loads(here("health", "--recorded", "--format", "json").stdout)["checks"]["disk"]
    assert (disk["status"], disk["asked"]) == ("healthy", 1)


def test_health_check_metrics() -> None:
    """`health_check.status` (1 healthy, 0 not) and `health_check.duration.seconds`, by check."""
    from odibi_core.observability import get_metrics

    register_health_check(Queue())
    run_health_checks()
    text = get_metrics().export_prometheus()
    assert 'health_check_status{check="queue"} 0' in text
    assert 'health_check_status{check="disk"} 1' in text
    assert 'health_check_duration_seconds_count{check="disk"} 1' in text
