"""Contract, section 6: a whole program observed, and the metrics that its calls feed, row by row."""

from __future__ import annotations

import inspect
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

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
from odibi_core.runtime.program import ProgramObserver
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
    parameters = inspect.signature(init_observability).parameters.values()
    assert [each.default for each in parameters if each.kind is not each.KEYWORD_ONLY] == [None]
    assert {each.default for each in parameters} == {None}
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
    """One `MetricsManager` for every caller, with what is called before anything else."""
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


THREE_LINES = """
from odibi_core.observability import get_logger, init_observability
init_observability()
get_logger("shop").info("orders_loaded", rows=3)
"""


def program(code: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    """A program in a folder of its own, with the defaults but for these variables."""
    folder.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "METRICS_ENABLED"}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env={**environment, **variables}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_by_default_metrics_and_health_are_served_on_loopback(tmp_path: Path) -> None:
    """`METRICS_ENABLED` and `HEALTH_CHECK_ENABLED` are true; the server's libraries load at the first scrape."""
    port = kept_port()
    code = THREE_LINES + (
        "import sys, urllib.request\n"
        "before = {'uvicorn', 'starlette', 'asyncio'} & set(sys.modules)\n"
        f"text = urllib.request.urlopen('http://127.0.0.1:{port}/metrics').read().decode()\n"
        f"health = urllib.request.urlopen('http://127.0.0.1:{port}/health').read().decode()\n"
        "print(before, 'odibi_uptime_seconds' in text, '\"status\"' in health)"
    )
    said, complaints = program(code, tmp_path / "a", PROMETHEUS_PORT=str(port)).communicate(timeout=60)
    assert said == "set() True True\n", complaints
    assert len(complaints.splitlines()) == 1


@pytest.mark.parametrize("folders", [("a", "b"), ("a", "a")], ids=["in two folders", "in one"])
def test_two_programs_at_once_share_the_port(tmp_path: Path, folders: tuple[str, str]) -> None:
    """Neither is warned; the process that has the port answers for both."""
    port = str(kept_port())
    code = THREE_LINES + "print('up', flush=True)\ninput()\n"
    programs = [program(code, tmp_path / folder, PROMETHEUS_PORT=port) for folder in folders]
    assert [each.stdout and each.stdout.readline() for each in programs] == ["up\n"] * 2
    assert "odibi_uptime_seconds" in served(int(port))
    for each in programs:
        _, complaints = each.communicate("\n", timeout=60)
        assert (each.returncode, len(complaints.splitlines())) == (0, 1), complaints


def test_a_port_that_another_program_has_is_one_warning(tmp_path: Path) -> None:
    """It names the port and what to do; the program goes on, and its health is not that of the other."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = program(THREE_LINES, tmp_path / "a", PROMETHEUS_PORT=port)
        _, said = ended.communicate(timeout=60)
    lines = said.splitlines()
    assert (ended.returncode, len(lines)) == (0, 2), said
    assert all(word in said for word in (port, "PROMETHEUS_PORT", "METRICS_ENABLED=false", "orders_loaded"))


@pytest.mark.parametrize(("interval", "repeats"), [(None, False), ("60", True)])
def test_health_checks_repeat_only_if_an_interval_is_set(
    begun: list[ProgramObserver], monkeypatch: pytest.MonkeyPatch, interval: str | None, repeats: bool
) -> None:
    """By default they are asked on demand and at `/health`."""
    if interval is not None:
        monkeypatch.setenv("HEALTH_CHECK_INTERVAL_SECONDS", interval)
    begun.append(init_observability(ObservabilityConfig()))
    assert ("odibi-health-interval" in {thread.name for thread in threading.enumerate()}) is repeats


def test_cost_tracking_is_on_and_the_rest_is_off_by_default() -> None:
    """Datadog, Sentry and tracing are asked for."""
    config = ObservabilityConfig()
    assert config.cost_tracking_enabled
    assert [config.datadog_enabled, config.sentry_enabled, config.tracing_enabled] == [False] * 3
