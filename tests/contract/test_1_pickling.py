"""Contract section 1: what can be pickled, copied and sent to a worker process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment

PROGRAM = Path(__file__).resolve().parents[1] / "pickling_program.py"
USED: dict[str, Any] = {
    "get_logger": "shop.import",
    "StructuredLogger": "nightly",
    "MetricsManager": 3,
    "get_metrics": True,
    "counter": 3,
    "Result": ["success", {"numbers": [{"n": 1}]}, 1],
    "PipelineError": ["pipeline 'pipeline' failed: broken: broken", "failed"],
    "CircuitBreaker": 12,
    "function": 42,
}
ONE_HERE = {"get_logger", "StructuredLogger", "get_metrics", "CircuitBreaker", "function"}
"""What comes back is the very object: a process has it once."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every method, by one program."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM)], cwd=tmp_path_factory.mktemp("pickling"), env=environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return {told["method"]: told for told in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("name", USED)
def test_it_travels_to_a_worker_and_back(done: dict[str, dict[str, Any]], method: str, name: str) -> None:
    """A logger and a breaker by what they are, metrics and results with their numbers, functions by their names."""
    answer, kinds, same = done[method]["told"][name]
    assert (answer, kinds, same) == (USED[name], [True, True, True], name in ONE_HERE)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_cannot_travel_says_so(done: dict[str, dict[str, Any]], method: str) -> None:
    """In one sentence, with what to do instead."""
    bus, logger = done[method]["refused"]
    assert bus.startswith("EventBus objects cannot be sent to another process: ")
    assert "get_logger" in bus
    assert logger.startswith("the StructuredLogger 'own' cannot be sent to another process: ")
