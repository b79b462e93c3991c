"""Contract, section 6: a whole program observed, and the metrics that its calls feed, row by row."""

from __future__ import annotations

import inspect
import urllib.request
from collections.abc import Iterator

import pytest
from tests.ports import kept_port

from odibi_core.metrics_manager import MetricsManager
from odibi_core.observability import (
    ObservabilityConfig,
    get_config,
    get_metrics,
    init_observability,
    track_cli_command,
    track_cost,
    track_performance,
)
from odibi_core.program_observer import ProgramObserver
from odibi_core.store.runs import RunStore


@pytest.fixture
def begun() -> Iterator[list[ProgramObserver]]:
    """What a test begins is ended with it."""
    programs: list[ProgramObserver] = []
    yield programs
    for program in programs:
        program.finish()


def served(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def test_init_observability_takes_a_config_or_none(begun: list[ProgramObserver]) -> None:
    """`init_observability(config=None)`: what is given is the process's config, and its service the run's name."""
    assert [each.default for each in inspect.signature(init_observability).parameters.values()] == [None]
    config = ObservabilityConfig(service_name="shop", metrics_enabled=False)
    begun.append(init_observability(config))
    assert get_config() is config
    begun[0].finish()
    assert [row["pipeline_name"] for row in RunStore(".odibi").rows()] == ["shop"]


def test_init_observability_without_a_config_takes_the_environments(
    begun: list[ProgramObserver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `get_config()` has it."""
    monkeypatch.setenv("SERVICE_NAME", "from-the-environment")
    begun.append(init_observability())
    assert begun[0].name == get_config().service_name == "from-the-environment"


def test_get_metrics_is_the_process_wide_manager_that_the_calls_feed() -> None:
    """One `MetricsManager`, whoever asks; what is called before anything else is in it."""
    with track_performance("load"), track_cli_command("import"):
        track_cost("report", 1024, 2.5)
    metrics = get_metrics()
    assert isinstance(metrics, MetricsManager)
    assert get_metrics() is metrics
    counted = ("operation.success", "cli.command.success", "bigquery.total_cost.usd")
    assert [metrics.counters[name] for name in counted] == [1, 1, 2.5]


def test_init_observability_serves_them_at_prometheus_port_when_metrics_enabled(
    begun: list[ProgramObserver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the two variables; with METRICS_ENABLED off nobody listens there."""
    port = kept_port()
    monkeypatch.setenv("PROMETHEUS_PORT", str(port))
    monkeypatch.setenv("METRICS_ENABLED", "false")
    begun.append(init_observability(ObservabilityConfig()))
    with pytest.raises(OSError, match="refused"):
        served(port)
    monkeypatch.setenv("METRICS_ENABLED", "true")
    begun.append(init_observability(ObservabilityConfig()))
    with track_performance("load", tags={"source": "api"}):
        pass
    assert 'operation_success_total{operation="load",source="api"} 1' in served(port).splitlines()
