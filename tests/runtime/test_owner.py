"""A fork inside a run: only the process that owns the run goes on with it and ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment
from tests.runtime.fork_program import HOWS, PLACES

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
PROGRAM = Path(__file__).with_name("fork_program.py")
CASES = [(place, how) for place in PLACES for how in (HOWS if place != "double" else ("raise", "on"))]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Every case, run by one program; what its children wrote to stderr under ("", "")."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM)], cwd=tmp_path_factory.mktemp("forks"), env=environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    cases = [json.loads(line) for line in ran.stdout.splitlines()]
    return {("", ""): {"stderr": ran.stderr}} | {(case["place"], case["how"]): case for case in cases}


@pytest.mark.parametrize(("place", "how"), CASES)
def test_only_the_owner_ends_a_run(done: dict[tuple[str, str], dict[str, Any]], place: str, how: str) -> None:
    """Whatever the child does: one start, one end, each node once, and the result says what the record says."""
    case = done[place, how]
    said = case["said"]
    assert (case["status"], case["row"]) == ("success", "success")
    assert (said.count("pipeline_start"), said.count("pipeline_complete")) == (1, 1)
    assert not {"pipeline_error", "node_failed", "node_skipped"} & set(said)
    nodes = 0 if place == "observe" else 2
    assert (said.count("node_start"), said.count("node_complete")) == (nodes, nodes)


@pytest.mark.parametrize(("place", "how"), CASES)
def test_a_child_ends_with_a_code_of_its_own(
    done: dict[tuple[str, str], dict[str, Any]], place: str, how: str
) -> None:
    """That of `sys.exit` and `os._exit`; 1 after an exception, which a hook keeps to itself; 0 when it came back."""
    a_hook = place not in ("step", "threads", "timeout", "retried", "observe", "double")
    expected = {"exit": 3, "_exit": 4, "raise": 0 if a_hook else 1, "on": 0}[how]
    assert done[place, how]["codes"] == [expected]


def test_a_child_that_comes_back_says_so(done: dict[tuple[str, str], dict[str, Any]]) -> None:
    """It does not run the rest of its parent's pipeline, and one line says what to do instead."""
    stderr = done["", ""]["stderr"]
    assert "came back from a step or a hook" in stderr
    assert "os._exit(0)" in stderr
    assert "ValueError: raised in the child" in stderr
